"""Training for level 4: what is learnt in, with which settings, and what is kept of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from unittest.mock import Mock

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.candidate.env_side import EnvSide
from envlift.candidate.probes import answer, named
from envlift.candidate.vector_side import VectorSide
from envlift.envs.pong.env import Pong
from envlift.envs.pong.verification.suite import SUITE
from envlift.reference.failure import CandidateFailure
from envlift.train.config import Config
from envlift.train.policies.networks import init
from envlift.verify.levels.transfer.taught import policy_of, taught
from envlift.verify.levels.transfer.training import (
    CURVE,
    CURVE_POINTS,
    Ppo,
    TrainingError,
    settings,
)
from envlift.verify.run.result import EXIT_CODES, Verdict
from envlift.verify.sides.guard import AuditedSide
from envlift.verify.suite import Transfer
from tests.contract.duel import Duel
from tests.verify.envs import vector_cartpole

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
from functools import partial
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
        self.reference = Mock(not_finite={})
        self.open_reference = open_reference


class Diverging(Pong):
    def transition(self, state, action, draws, params=None):
        played = super().transition(state, action, draws, params)
        return played._replace(reward=played.reward * jnp.nan)


class Unreadable(Pong):
    def observation_space(self, params=None):
        return gymnasium.spaces.Dict({"court": super().observation_space()})


class Lost(Pong):
    """Breaks in what only training asks for."""

    def score(self, reward, params=None):
        raise KeyError("lost")


def pong(kind=Pong, autoreset="disabled"):
    return kind(backend="jax", autoreset=autoreset, frameskip=8)


def test_what_the_rules_did_and_what_ppo_cannot_are_told_apart():
    with pytest.raises(CandidateFailure, match="a reward of the environment was nan"):
        Ppo(Context(pong(Diverging))).in_candidate(1, lambda done: None)
    with pytest.raises(TrainingError, match="PPO cannot read observations of Dict"):
        Ppo(Context(pong(Unreadable))).in_candidate(1, lambda done: None)
    with pytest.raises(
        CandidateFailure, match=r"failed in `train\.ppo`: it raised KeyError: 'lost'"
    ):
        Ppo(Context(pong(Lost))).in_candidate(1, lambda done: None)


def test_a_number_that_the_reference_gives_too_is_no_fault():
    context = Context(pong(Diverging))
    context.reference.not_finite = {"reward": 3}
    with pytest.raises(TrainingError, match="a reward of the environment was nan"):
        Ppo(context).in_candidate(1, lambda done: None)


def rows(last):
    return [
        {"steps": 1024 * n, "return": None if n == 1 else n / 3, "score": -float(n)}
        for n in range(1, last + 1)
    ]


def test_both_sides_are_trained_in_alike(monkeypatch):
    """Equal settings, but for the collector; seeds and progress are passed on."""
    calls, updates = [], SMALL["total_steps"] // 1024

    class Trained:
        def __init__(self, config, history):
            self.policy = policy_of(EnvSide(pong(), 1).spec, config)
            self.policy.params = init(self.policy.network, jax.random.key(config.seed))
            self.interrupted, self.history = False, history

    def train(config, *, vector_env=None, score=None, display=None):
        calls.append((config, vector_env, score))
        for row in rows(updates):
            display.update(row)
        return Trained(config, rows(updates))

    def train_by_updates(collector):
        config, env = collector.config, collector.env
        calls.append((config, env))
        trained = Trained(config, [])
        for row in rows(updates):
            yield trained
            trained.history.append(row)
        yield trained

    class Side:
        spec, num_lanes, closed = EnvSide(pong(), 16).spec, 16, False

        def close(self):
            self.closed = True

    side = Side()
    lanes = []
    monkeypatch.setattr("envlift.train.trainer.train", train)
    monkeypatch.setattr("envlift.train.trainer.train_by_updates", train_by_updates)
    monkeypatch.setattr("envlift.candidate.probes.training.STRETCH", 0.0)
    school = Ppo(Context(pong(), open_reference=lambda count: lanes.append(count) or side))
    assert school.steps == 6144
    done = []
    fast, slow = school.in_candidate(5, done.append), school.in_reference(6, done.append)
    (fused, env), (host, vector_env, score) = calls
    assert (fused.collector, fused.seed, host.collector, host.seed) == ("fused", 5, "host", 6)
    assert fused.replace(collector="host", seed=6) == host
    assert (host.num_envs, host.horizon, host.hidden) == (16, 64, 8)
    assert (env.autoreset, env.info, type(env)) == ("same_step", pong().info, Pong)
    assert vector_env.side is side
    assert lanes == [16]
    assert side.closed
    np.testing.assert_array_equal(score(np.float32([1, -1, 0.1, 0])), [1, -1, 0, 0])
    each = [1024 * n for n in range(1, updates + 1)]
    assert done == each * 2
    for found, seed in ((fast, 5), (slow, 6)):
        assert (found.seed, found.steps) == (seed, 6144)
        assert found.curve["steps"] == each[1:], "nothing had ended after the first"
        assert found.curve["score"] == [-float(n) for n in range(2, updates + 1)]
        assert found.curve["return"][-1] == 2.0
    ours = init(fast.policy.network, jax.random.key(5))
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), fast.policy.params, ours))


def test_a_candidate_that_cannot_train_is_stepped_from_here(monkeypatch):
    """As the reference is: the same collector and settings, and no probe."""
    calls = []

    def train(config, *, vector_env, score, display):
        calls.append((config, vector_env.side.num_lanes, score(3.5)))
        return Mock(history=rows(2), interrupted=False)

    def opened(lanes):
        side = VectorSide(vector_cartpole.make(lanes), ())
        side.close = Mock()
        return side

    monkeypatch.setattr("envlift.train.trainer.train", train)
    context = Context(pong(), open_reference=opened)
    context.candidate, context.open_candidate = opened(2), opened
    school = Ppo(context)
    fast, slow = school.in_candidate(5, print), school.in_reference(6, print)
    assert (fast.seed, slow.seed) == (5, 6)
    assert calls[0][0].replace(seed=6) == calls[1][0]
    assert calls[0][0].collector == "host"
    assert calls[0][1:] == calls[1][1:] == (16, 3.5)


def test_a_curve_is_thinned_from_its_end():
    school = Ppo(Context(pong()))
    curve = {name: [float(n) for n in range(259)] for name in ("steps", "return", "score")}
    shown = school._shown(curve)
    assert len(shown["steps"]) <= CURVE_POINTS
    assert shown["steps"][-1] == shown["return"][-1] == 258.0


def test_stretches_of_training_give_the_policy_of_one_training():
    """The probe, asked until it has ended, answers what ``train`` gives.

    Also where it has trained with another seed before, and compiles nothing again.
    """
    from envlift.train.trainer import train

    config = settings(SMALL_SUITE).replace(seed=3, total_steps=3072)
    env = pong()

    def told(seed):
        config_of_seed = config.replace(seed=seed)
        asked = {"settings": np.frombuffer(json.dumps(config_of_seed.to_dict()).encode(), np.uint8)}
        while not (last := answer(env, "train.ppo", asked))["ended"]:
            pass
        return last

    other, found = told(4), told(3)
    straight = named(train(config, env=pong(autoreset="same_step")).policy.params, "params")
    assert found["steps"] == 3072
    for name, leaf in straight.items():
        np.testing.assert_array_equal(found[name], leaf)
    assert any((other[name] != leaf).any() for name, leaf in straight.items())


def test_the_policy_of_a_game_is_that_of_one_player():
    """What is rebuilt from a game's spec is the network that self-play trains."""
    from envlift.train.games.selfplay import SelfPlay

    config = settings(SMALL_SUITE).replace(self_play=True, pool_share=0.0)
    env = Duel(autoreset="same_step")
    rebuilt, trained = policy_of(EnvSide(env, 1).spec, config), SelfPlay(config, env)
    assert rebuilt.head == trained.head
    assert rebuilt.reading == trained.reading
    ours, theirs = (
        jax.tree_util.tree_flatten_with_path(jax.eval_shape(partial(init, net), jax.random.key(0)))
        for net in (rebuilt.network, trained.network)
    )
    assert ours == theirs


# -- a candidate that answers what it likes ---------------------------------------------------


class Answering:
    """Says of its training what it is told to say."""

    def __init__(self, change):
        self.spec, self.change = EnvSide(pong(), 1).spec, change

    def call(self, component, arguments):
        config = Config.of(json.loads(arguments["settings"].tobytes()))
        params = init(policy_of(self.spec, config).network, jax.random.key(1))
        curve = {f"curve.{name}": np.array([1024.0, 6144.0]) for name in CURVE}
        honest = {"steps": np.asarray(6144), "ended": np.asarray(True)}
        return self.change(honest | curve | named(params, "params"))


BIAS = "params['policy']['bias']"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda told: told | {"steps": np.asarray(7)}, "7 steps after 0, of 6144"),
        (lambda told: told | {"steps": np.asarray(1024 * 99)}, "101376 steps after 0"),
        (lambda told: told | {"steps": np.asarray(0), "ended": np.asarray(False)}, "0 steps after"),
        (lambda told: told | {"steps": np.ones(2, int)}, "no whole number 'steps'"),
        (lambda told: told | {BIAS: told[BIAS] * np.nan}, "numbers that are not finite"),
        (lambda told: told | {BIAS: told[BIAS][:1]}, r"as float32\[1\], the network's is"),
        (lambda told: told | {BIAS: told[BIAS].astype(np.float64)}, "as float64"),
        (lambda told: told | {"params['more']": np.ones(1)}, "other parameters than those"),
        (lambda told: {n: v for n, v in told.items() if n != BIAS}, "other parameters than those"),
        (lambda told: told | {"curve.return": np.ones(3)}, "a learning curve that is none"),
        (lambda told: told | {"curve.steps": np.float64([6, 5])}, "whose steps do not rise"),
        (lambda told: told | {"curve.steps": np.float64([6, 9999])}, "rise up to 6144"),
    ],
)
def test_made_up_answers_are_refused(change, says):
    context = Mock(candidate=Answering(change))
    config = settings(SMALL_SUITE)
    assert taught(Mock(candidate=Answering(dict)), config, print).steps == 6144
    with pytest.raises(CandidateFailure, match=says):
        taught(context, config, lambda done: None)
