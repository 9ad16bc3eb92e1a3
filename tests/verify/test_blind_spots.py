"""Faults that once passed: each is planted, and the check that now sees it must say so."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from envlift.envs.pong.env import Pong
from envlift.envs.pong.state import Draws
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


class StartsAlikeAfterAnEnd(Pong):
    """The key of a reset is a constant: the first start of a run is right, no other one is."""

    def split_key(self, key):
        return super().split_key(key)[0], jax.random.key(5)


class StartsByTheLastAction(Pong):
    """Whoever went up is served to from then on in one way."""

    def step(self, key, state, action, params=None):
        obs, after, reward, terminated, *rest = super().step(key, state, action, params)
        bent = jnp.where(terminated & (action == 1), 0.0, after.ball_vy)
        return obs, replace(after, ball_vy=bent), reward, terminated, *rest


class ServesByAction(Pong):
    """Chance depends on the action."""

    def sample(self, key, state, action, params=None):
        drawn = super().sample(key, state, action, params).serve
        return Draws(serve=jnp.where(action == 2, drawn | 1, drawn))


class ServesByScore(Pong):
    """Chance depends on the score: at 20 points the serve is always alike."""

    def sample(self, key, state, action, params=None):
        drawn = super().sample(key, state, action, params).serve
        return Draws(serve=jnp.where(state.score_l == 20, drawn | 1, drawn))


@pytest.mark.parametrize(
    ("fault", "levels", "seen"),
    [
        (EndsInGarbage, ("L3",), "final paddle_yl differs"),
        (LastSightIsGarbage, ("L2",), "final observations.paddle_yl differs"),
        (
            StartsAlikeAfterAnEnd,
            ("resets",),
            "starts after an end [discrete]: after an end",
        ),
        (StartsByTheLastAction, ("resets",), "starts after an end [discrete]: smallest p ="),
        (ServesByAction, ("resets",), "(the outcome[0] with the action)"),
        (ServesByScore, ("resets",), "(the outcome[0] with the state's score_l)"),
    ],
)
def test_a_fault_is_seen(verify_pong, fault, levels, seen):
    report = verify_pong(make(fault), levels=levels, suite=BARE)
    assert report.verdict is Verdict.FAIL
    assert any(seen in line for line in failed(report)), failed(report)
