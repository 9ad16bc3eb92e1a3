"""Chance that a candidate draws for itself, where only starts have any."""

from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest

from envlift.verify.levels.draws import chance
from envlift.verify.run.result import Check, Verdict

COUNT = 4_096


def fair(seeds):
    return {"chance": np.random.default_rng(int(seeds[0])).integers(0, 2**32, (len(seeds), 4))}


def even(seeds):
    return {"chance": fair(seeds)["chance"] // 2 * 2}


def neighbours_alike(seeds):
    return {"chance": np.repeat(fair(seeds)["chance"][::2], 2, axis=0)}


def nothing(seeds):
    return {}


@pytest.mark.parametrize(
    ("draws", "verdict", "said"),
    [
        (fair, Verdict.PASS, "a step draws nothing; of starts the smallest p = "),
        (even, Verdict.FAIL, "against the suite's"),
        (neighbours_alike, Verdict.FAIL, "of starts the smallest p = 0"),
        (nothing, Verdict.FAIL, "the candidate draws none, in starts or in steps"),
    ],
)
def test_where_a_step_draws_nothing_starts_are_compared(monkeypatch, draws, verdict, said) -> None:
    rng = np.random.default_rng(3)
    context = Mock(rng=rng)
    context.suite.chance_outcome = lambda drawn: drawn[..., 2] % 16
    context.candidate.spec.action.dtype = "int32"
    monkeypatch.setattr(chance, "pool_of_states", lambda context, count: {})
    monkeypatch.setattr(chance, "random_actions", lambda *given: np.zeros((COUNT, 2)))

    def probe(candidate, name, **arguments):
        return {} if name == "chance.step" else draws(arguments["seeds"])

    monkeypatch.setattr(chance, "probe", probe)
    check = Check("resets", "chance of a step", Verdict.INCONCLUSIVE, "")
    chance._compare(context, check, fair(np.arange(COUNT))["chance"])
    assert check.verdict is verdict, check.detail
    assert said in check.detail
