"""Runs that go on: fresh seeds, counts over all rounds, what ends them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envlift.verify import verify
from envlift.verify.run import soak as soaking
from envlift.verify.run.progress import Silent
from envlift.verify.run.result import Check, Report, Verdict
from envlift.verify.run.session import Request
from envlift.verify.run.soak import Soak
from envlift.verify.suite.effort import QUICK

CARTPOLE = "gymnasium:CartPole-v1"
GATE = "features reached"


def report(seed: int, verdict: Verdict = Verdict.PASS, missing: tuple[str, ...] = ()) -> Report:
    made = Report("toy", "reference", "candidate", seed)
    counts = {"steps": 100, "episodes": 4, "lanes": 2}
    made.checks = [Check("L3", "lockstep: random play", verdict, counts=counts)]
    made.features = {name: 0 if name in missing else 5 for name in ("a", "b", "c")}
    gate = Verdict.INCONCLUSIVE if missing else Verdict.PASS
    made.checks.append(Check("L3", GATE, gate, "never reached" if missing else "every one"))
    if missing:
        made.missing[GATE] = list(missing)
    return made


Played = Callable[..., tuple[Report, list[Request], list[Soak]]]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Played:
    """Soak over given rounds; returns the report, what was asked of each round, what was told."""

    def run(rounds: list[Report], **how_long: Any) -> tuple[Report, list[Request], list[Soak]]:
        asked: list[Request] = []
        told: list[Soak] = []

        def verify_one(request: Request, progress: object) -> Report:
            asked.append(request)
            return rounds[len(asked) - 1]

        monkeypatch.setattr(soaking, "verify", verify_one)
        request = Request(None, "toy", QUICK, tmp_path, seed=7)
        found = soaking.soak(
            request, Silent(), lambda far: told.append(dataclasses.replace(far)), **how_long
        )
        return found, asked, told

    return run


def test_it_goes_on_with_fresh_seeds_until_the_steps_are_played(played: Played) -> None:
    found, asked, told = played([report(seed) for seed in range(4)], steps=350)
    assert [far.steps for far in told] == [100, 200, 300, 400]
    assert found.verdict is Verdict.PASS
    assert found.checks[-1].counts == {
        "rounds": 4,
        "steps in all": 400,
        "episodes in all": 16,
    }
    assert asked[0].seed == 7
    assert asked[0].levels == ()
    assert len({request.seed for request in asked}) == 4
    assert {request.levels for request in asked[1:]} == {("L3",)}
    # The last round has 50 steps to play on two lanes.
    assert asked[3].asked["min_steps"] == 25
    assert "400 lockstep steps, 16 episodes" in told[-1].line()


def test_a_difference_ends_it_and_its_seed_is_told(played: Played) -> None:
    rounds = [report(1), report(2), report(3, Verdict.FAIL), report(4)]
    found, asked, _ = played(rounds, steps=10_000)
    assert found.verdict is Verdict.FAIL
    assert found.seed == 3
    assert len(asked) == 3


def test_ctrl_c_in_a_round_keeps_what_was_found(played: Played) -> None:
    rounds = [report(1), report(2)]
    rounds[1].interrupted = True
    found, asked, told = played(rounds, hours=5.0)
    assert found.interrupted
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.checks[-1].counts["steps in all"] == 200
    assert len(asked) == len(told) == 2


def test_features_count_over_all_rounds(played: Played) -> None:
    rounds = [report(1, missing=("a", "b")), report(2, missing=("b", "c")), report(3)]
    found, _, _ = played(rounds, steps=300)
    assert found.verdict is Verdict.PASS
    assert found.features == {"a": 10, "b": 5, "c": 10}
    rounds = [report(1, missing=("a", "b")), report(2, missing=("b",))]
    found, _, _ = played(rounds, steps=200)
    assert found.verdict is Verdict.INCONCLUSIVE
    (gate,) = [check for check in found.checks if check.name == GATE]
    assert gate.detail == "never reached: b"


def test_what_a_round_leaves_open_stays_open(played: Played) -> None:
    found, _, _ = played([report(1), report(2, Verdict.INCONCLUSIVE)], steps=200)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "(seed 2)" in found.checks[-1].detail


def test_rounds_without_a_step_are_not_played_for_ever(played: Played) -> None:
    nothing = report(2)
    nothing.checks[0].counts = {}
    found, asked, _ = played([report(1), nothing], steps=10_000)
    assert len(asked) == 2
    assert found.verdict is Verdict.INCONCLUSIVE


def test_a_pair_is_soaked(tmp_path: Path) -> None:
    told: list[int] = []
    found = verify(
        CARTPOLE,
        CARTPOLE,
        levels=["L3"],
        quick=True,
        lanes=4,
        steps=2_600,
        fixtures=tmp_path,
        tell=lambda far: told.append(far.seed),
    )
    assert found.verdict is Verdict.PASS
    assert found.checks[-1].name == "soak"
    assert found.checks[-1].counts["steps in all"] >= 2_600
    assert len(told) == len(set(told)) >= 2


@pytest.mark.parametrize("how_long", [{"steps": 0}, {"hours": 0.0}, {"hours": float("nan")}])
def test_how_long_is_more_than_nothing(how_long: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be more than 0"):
        verify(CARTPOLE, CARTPOLE, **how_long)
