"""Pong against PufferLib's own C, both targets; and what happens where the C is not at hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envlift.cli import main
from envlift.envs.pong.verification.suite import CONFIGS, SUITE
from envlift.verify.failure.case import read_cases
from envlift.verify.run.result import Verdict


def verdicts(report):
    return [(c.level, c.name, c.verdict, c.detail) for c in report.checks if c.verdict != "PASS"]


@pytest.mark.parametrize(
    ("config", "backend"),
    # All of them are in the evidence; eight frames of a step take JAX minutes to compile.
    [
        pytest.param("discrete", "jax", marks=pytest.mark.optimised),
        *(("discrete", "warp"), ("continuous", "jax"), ("frameskip8", "warp"), ("short", "warp")),
    ],
)
def test_pong_is_pufferlibs_pong(verify_pong, backend, config):
    assert config in [one.name for one in CONFIGS]
    few = [policy for policy in SUITE.policies if policy.name in ("random", "wandering")]
    report = verify_pong(suite=replace(SUITE, policies=tuple(few)), config=config, backend=backend)
    # Few steps reach few features; the whole run (`make demo`) wants every one.
    unreached = {c.name for c in report.checks if c.name.startswith("features reached")}
    bad = [row for row in verdicts(report) if row[0] != "L4" and row[1] not in unreached]
    assert bad == []
    assert report.total("episodes") >= 8
    assert report.pins["pufferlib"] == "3.0.0"


def test_every_state_field_of_the_reference_is_compared(verify_pong):
    report = verify_pong(levels=("L2",))
    assert not [line for line in report.not_compared if line.startswith("state field")]
    assert [c.counts["fields"] for c in report.checks if c.name.startswith("transitions")] == [
        len(SUITE.state) + 4
    ] * 2


@pytest.mark.parametrize("backend", ["jax", "warp"])
def test_without_the_reference_the_corpus_still_runs(verify_pong, backend, monkeypatch, tmp_path):
    monkeypatch.setenv("ENVLIFT_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    report = verify_pong(backend=backend)
    assert report.verdict is Verdict.INCONCLUSIVE
    checks = {check.level: check for check in report.checks}
    assert checks["L3"].verdict is Verdict.INCONCLUSIVE
    assert "pufferlib" in checks["L3"].detail
    assert checks["corpus"].verdict is Verdict.PASS
    assert checks["corpus"].counts["cases"] >= 10


def test_a_wrong_answer_in_the_corpus_is_seen(verify_pong, tmp_path):
    """Both by the candidate and by the reference, which no longer answers as recorded."""
    case = read_cases(SUITE.corpus / "discrete.jsonl")[0]
    state = {**case.recorded["state"], "score_l": [7] * case.steps}
    wrong = replace(case, recorded={**case.recorded, "state": state})
    (tmp_path / "wrong.jsonl").write_text(wrong.line() + "\n")
    report = verify_pong(suite=replace(SUITE, corpus=tmp_path), levels=("L1",))
    assert "the reference no longer answers as recorded" in report.checks[0].detail
    assert report.verdict is Verdict.FAIL


def test_a_failure_is_minimised_and_reproduced(verify_pong, capsys):
    from envlift.envs.pong.env import Pong

    class SlowPaddle(Pong):
        def transition(self, state, action, draws, params=None):
            played = super().transition(state, action, draws, params)
            slower = np.float32(0.5) * (played.state.paddle_yr - state.paddle_yr)
            moved = replace(played.state, paddle_yr=state.paddle_yr + slower)
            return played._replace(state=moved)

    report = verify_pong(lambda **o: SlowPaddle(backend="jax", **o), levels=("L3",))
    check = next(check for check in report.checks if check.level == "L3")
    assert check.divergence.field == "paddle_yr"
    assert check.divergence.candidate != check.divergence.reference
    (case,) = read_cases(Path(check.fixture))
    assert case.steps == 1
    assert case.actions[0] in (1, 2)
    assert case.state["score_l"] == 0
    assert case.recorded["state"]["paddle_yr"] == [293.0 if case.actions[0] == 1 else 277.0]
    # The candidate has no name; the registered Pong, which is right, is played instead.
    assert main(["repro", check.fixture]) == 4
    assert "was a Python function" in capsys.readouterr().err
    Path(check.fixture).write_text(replace(case, candidate=None).line() + "\n")
    assert main(["repro", check.fixture]) == 0
    assert "no difference" in capsys.readouterr().out


def test_a_failure_of_one_transition_is_minimised_too(verify_pong):
    """Its start was no reset, so no chance of a reset is known."""
    from envlift.envs.pong.env import Pong

    class SlowClock(Pong):
        def transition(self, state, action, draws, params=None):
            played = super().transition(state, action, draws, params)
            return played._replace(state=replace(played.state, tick=state.tick))

    report = verify_pong(lambda **o: SlowClock(backend="jax", **o), levels=("L2",))
    assert report.verdict is Verdict.FAIL
    check = next(c for c in report.checks if c.name.startswith("transitions from states of play"))
    assert check.divergence.field == "tick"
    assert check.detail.endswith("minimised to 1 step")
    (case,) = read_cases(Path(check.fixture))
    assert case.state is not None
    assert case.recorded["state"]["tick"] == [case.state["tick"] + 1]


def test_seeds_are_fresh_on_every_run_and_repeat_when_asked(verify_pong):
    first, second = (verify_pong(levels=("resets",)) for _ in range(2))
    assert first.seed != second.seed
    p_values = [
        check.detail
        for report in (first, second)
        for check in report.checks
        if check.name.startswith("chance of a step")
    ]
    assert p_values[0] != p_values[1]
