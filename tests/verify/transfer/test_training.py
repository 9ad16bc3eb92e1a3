"""Training for level 4: what is learnt in, with which settings, and what is kept of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import gymnasium
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.candidate.env_side import EnvSide
from envlift.envs.pong.env import Pong
from envlift.envs.pong.verification.suite import SUITE
from envlift.reference.failure import CandidateFailure
from envlift.verify.levels.transfer import training
from envlift.verify.levels.transfer.training import CURVE_POINTS, Ppo, TrainingError
from envlift.verify.run.result import EXIT_CODES, Verdict
from envlift.verify.sides.guard import AuditedSide
from envlift.verify.suite import Transfer

SMALL = {
    "total_steps": 6144,
    "num_envs": 16,
    "horizon": 64,
    "hidden": 8,
    "epochs": 1,
    "minibatches": 1,
}
PLAN = Transfer(1.0, "a test", "frameskip8", SMALL, seeds=3, reference_seeds=3, max_steps=5_000)
SMALL_SUITE = replace(SUITE, transfer=PLAN, corpus=None)


SUITE_FILE = """
from dataclasses import replace
from envlift.envs.pong.verification.suite import SUITE as PONG
from envlift.verify.suite import Transfer

PLAN = Transfer(1.0, "a test", "frameskip8", {training}, seeds=3, reference_seeds=3)
SUITE = replace(PONG, transfer=PLAN, corpus=None)
"""


@pytest.mark.slow
def test_policies_are_trained_in_both_and_evaluated_in_both(tmp_path):
    """The whole of level 4 by the command line, small: from networks of eight units to a verdict.

    In a process of its own, where programs that are compiled once for three seeds can be kept.
    """
    suite, report = tmp_path / "suite.py", tmp_path / "report.json"
    suite.write_text(SUITE_FILE.format(training=SMALL))
    arguments = ["verify", str(suite), "--level", "L4", "--backend", "jax", "--json", str(report)]
    kept = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "xla"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    }
    played = subprocess.run(
        [sys.executable, "-m", "envlift.cli", *arguments],
        env=os.environ | kept,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    # Level 4 alone concludes nothing: no step was compared.
    assert played.returncode == EXIT_CODES[Verdict.INCONCLUSIVE], played.stderr
    assert "policy transfer: margin 1 (a test)" in played.stdout
    found = json.loads(report.read_text())
    checks = [check for check in found["checks"] if check["level"] == "L4"]
    assert [check["verdict"] for check in checks] == ["PASS"] * 2, checks
    for check in checks:
        assert check["counts"] == {
            "policies": 3,
            "episode pairs": 300,
            "equal episode pairs": check["counts"]["equal episode pairs"],
            "training steps": 3 * SMALL["total_steps"],
        }
    assert found["transfer"]["training"] == SMALL
    assert found["transfer"]["pooled"]["n"] == 6
    assert found["versions"]["flax"]
    assert len({curve["seed"] for curve in found["curves"]}) == 6
    for curve in found["curves"]:
        assert curve["steps"][-1] == SMALL["total_steps"]
        assert all(-22 < score <= -15 for score in curve["score"])
        # The score counts points alone, the return a tenth for every bounce too.
        assert all(r > s for r, s in zip(curve["return"], curve["score"], strict=True))
    # A curve stands on three lines.
    assert f'"steps": [ {found["curves"][0]["steps"][0]}' in report.read_text()


class Context:
    """What ``Ppo`` needs of a context."""

    def __init__(self, candidate, suite=SMALL_SUITE, open_reference=None):
        self.suite = suite
        self.candidate = AuditedSide(EnvSide(candidate, 2))
        self.open_reference = open_reference


class Diverging(Pong):
    def transition(self, state, action, draws, params=None):
        played = super().transition(state, action, draws, params)
        return played._replace(reward=played.reward * jnp.nan)


class Unreadable(Pong):
    def observation_space(self, params=None):
        return gymnasium.spaces.Dict({"court": super().observation_space()})


class Raising(Pong):
    def transition(self, state, action, draws, params=None):
        raise KeyError("lost")


def pong(kind=Pong, autoreset="disabled"):
    return kind(backend="jax", autoreset=autoreset, frameskip=8)


def test_numbers_that_diverge_and_rules_that_raise_are_told_apart():
    with pytest.raises(TrainingError, match="a reward of the environment was nan"):
        Ppo(Context(pong(Diverging))).in_candidate(1, lambda done: None)
    with pytest.raises(TrainingError, match="PPO cannot read observations of Dict"):
        Ppo(Context(pong(Unreadable))).in_candidate(1, lambda done: None)
    school = Ppo(Context(pong()))
    school._env = pong(Raising, autoreset="same_step")
    with pytest.raises(CandidateFailure, match="failed in `training`: it raised KeyError: 'lost'"):
        school.in_candidate(1, lambda done: None)


def test_both_sides_are_trained_in_alike(monkeypatch):
    """Equal settings, but for the collector; seeds and progress are passed on."""
    calls = []

    class Trained:
        def __init__(self, rows):
            self.policy, self.interrupted = "a policy", False
            self.history = rows

    def train(config, *, env=None, vector_env=None, score=None, display=None):
        calls.append((config, env, vector_env, score))
        rows = [
            {"steps": n, "return": None if n == 1 else n / 3, "score": -float(n)}
            for n in range(1, 260)
        ]
        display.update(rows[-1])
        return Trained(rows)

    class Side:
        spec, num_lanes, closed = EnvSide(pong(), 16).spec, 16, False

        def close(self):
            self.closed = True

    side = Side()
    lanes = []
    monkeypatch.setattr("envlift.train.trainer.train", train)
    school = Ppo(Context(pong(), open_reference=lambda count: lanes.append(count) or side))
    assert school.steps == 6144
    done = []
    fast, slow = school.in_candidate(5, done.append), school.in_reference(6, done.append)
    (fused, env, _, _), (host, _, vector_env, score) = calls
    assert (fused.collector, fused.seed, host.collector, host.seed) == ("fused", 5, "host", 6)
    assert fused.replace(collector="host", seed=6) == host
    assert fused.env_options == {"frameskip": 8, "continuous": False}
    assert (host.num_envs, host.horizon, host.hidden) == (16, 64, 8)
    assert (env.autoreset, env.info, type(env)) == ("same_step", pong().info, Pong)
    assert vector_env.side is side
    assert lanes == [16]
    assert side.closed
    np.testing.assert_array_equal(score(np.float32([1, -1, 0.1, 0])), [1, -1, 0, 0])
    assert done == [259, 259]
    for found, seed in ((fast, 5), (slow, 6)):
        assert (found.seed, found.steps, found.policy) == (seed, 259, "a policy")
        assert len(found.curve["steps"]) <= CURVE_POINTS
        assert found.curve["steps"][-1] == 259
        assert found.curve["score"][-1] == -259.0
        assert found.curve["return"][-1] == 86.3333
        assert 1 not in found.curve["steps"], "nothing had ended yet"


def test_the_candidates_own_environment_keeps_its_autoreset():
    env = pong()
    assert training._resetting(env).autoreset == "same_step"
    assert env.autoreset == "disabled"
