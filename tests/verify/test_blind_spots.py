"""Faults that once passed: each is planted, and the check that now sees it must say so."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from envlift.envs.pong.env import Pong
from envlift.envs.pong.verification.suite import SUITE
from envlift.verify.run.result import Verdict

# Without the scenarios, each of which would say the same again, and without their compilations.
BARE = replace(SUITE, policies=SUITE.policies[:1], scenarios=(), corpus=None)


def make(fault):
    return lambda **options: fault(backend="jax", **options)


def failed(report):
    return [f"{c.level} {c.name}: {c.detail}" for c in report.checks if c.verdict is Verdict.FAIL]


class EndsInGarbage(Pong):
    """The state of an ended game, which nobody plays on from, is nonsense."""

    def transition(self, state, action, draws, params=None):
        played = super().transition(state, action, draws, params)
        lost = jax.tree.map(
            lambda leaf: jnp.where(played.terminated, jnp.full_like(leaf, 7), leaf), played.state
        )
        return played._replace(state=lost)


class LastSightIsGarbage(EndsInGarbage):
    """What is seen at the end alone is nonsense."""

    def transition(self, state, action, draws, params=None):
        played = Pong.transition(self, state, action, draws, params)
        seen = jnp.where(played.terminated, 0.25, played.state.observations)
        return played._replace(state=replace(played.state, observations=seen))


@pytest.mark.parametrize(
    ("fault", "levels", "seen"),
    [
        (EndsInGarbage, ("L3",), "final paddle_yl differs"),
        (LastSightIsGarbage, ("L2",), "final observations.paddle_yl differs"),
    ],
)
def test_a_fault_is_seen(verify_pong, fault, levels, seen):
    report = verify_pong(make(fault), levels=levels, suite=BARE)
    assert report.verdict is Verdict.FAIL
    assert any(seen in line for line in failed(report)), failed(report)
