"""Games in lockstep: rewards, masks and observations of every player are compared."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from envlift.candidate.env_side import EnvSide
from envlift.verify.engine.lockstep import Lockstep, Outcome
from envlift.verify.suite import Config, Field, Policy, Suite
from tests.contract.duel import Duel

LANES = 8
SUITE = Suite(
    name="duel",
    reference="unused",
    candidate="unused",
    state=tuple(Field(name) for name in ("rope", "strength", "time")),
    start="seed",
)


class SwappedRewards(Duel):
    def transition(self, *args: Any, **named: Any) -> Any:
        nxt = super().transition(*args, **named)
        return nxt._replace(reward=nxt.reward[::-1])


class OneMayPullTooHard(Duel):
    def legal_actions(self, state: Any, params: None = None) -> Any:
        masks = super().legal_actions(state, params)
        tired = state.strength[1] == 1
        return masks.at[1, 2].set(masks[1, 2] | tired)


class OneSeesTheOther(Duel):
    def observe(self, state: Any, params: None = None) -> Any:
        seen = super().observe(state, params)
        return seen.at[1, 1].set(jnp.where(state.time == 5, state.strength[0], seen[1, 1]))


def play(candidate: Duel) -> Outcome:
    sides = EnvSide(Duel(autoreset="disabled"), LANES), EnvSide(candidate, LANES)
    run = Lockstep(SUITE, Config("default"), *sides, np.random.default_rng(0))
    return run.play(Policy("random"), max_steps=200, min_steps=60, min_ends=2)


def test_a_side_says_how_games_travel() -> None:
    spec = EnvSide(Duel(autoreset="disabled"), LANES).spec
    assert (spec.action.shape, spec.action.dtype) == ((2,), "int32")
    assert (spec.choices, spec.mask_length) == ((3, 3), 6)
    assert spec.legal_actions
    assert spec.reward.shape == (2,)
    assert spec.observation.shape == (2, 3)


def test_equal_games_pass() -> None:
    outcome = play(Duel(autoreset="disabled"))
    assert outcome.divergence is None
    assert outcome.steps >= 60 * LANES
    assert outcome.ends_per_lane.min() >= 2


FAULTS = {
    SwappedRewards: "reward",
    OneMayPullTooHard: "legal_actions",
    OneSeesTheOther: "observation",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_of_one_player_is_found(fault: type[Duel]) -> None:
    outcome = play(fault(autoreset="disabled"))
    assert outcome.divergence is not None
    assert outcome.divergence.field.startswith(FAULTS[fault])
