"""Faults that once passed: each is planted, and the check that now sees it must say so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.envs.pong.env import Pong
from envlift.envs.pong.state import Draws
from envlift.envs.pong.verification.suite import SUITE
from envlift.verify.levels.itself import batches
from envlift.verify.levels.steps import freely
from envlift.verify.run import session
from envlift.verify.run.result import Verdict

# Without the scenarios, each of which would say the same again, and without their compilations.
BARE = replace(SUITE, policies=SUITE.policies[:1], scenarios=(), corpus=None)


def make(fault):
    return lambda **options: fault(backend="jax", **options)


@pytest.fixture
def only(monkeypatch):
    """Run one part of a level alone."""
    return lambda level, stage: monkeypatch.setattr(session, "STAGES", {level: stage})


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


class DropsTheLastSlice(Pong):
    """From 16,384 lanes on, the last half of the batch stays where it is."""

    def step(self, key, state, action, params=None):
        return _dropping(super().step(key, state, action, params), state)


@jax.custom_batching.custom_vmap
def _dropping(played, state):
    return played


@_dropping.def_vmap
def _dropping_batched(size, batched, played, state):
    def whole(leaf, has_lanes):
        return leaf if has_lanes else jnp.broadcast_to(leaf, (size, *jnp.shape(leaf)))

    (obs, after, *rest), state = jax.tree.map(whole, (played, state), tuple(batched))
    if size >= 16_384:
        late = jnp.arange(size) >= size // 2

        def keep(old, new):
            return jnp.where(late.reshape(-1, *(1,) * (new.ndim - 1)), old, new)

        after = jax.tree.map(keep, state, after)
    answer = (obs, after, *rest)
    return answer, jax.tree.map(lambda _: True, answer)


class RollsOtherwise(Pong):
    """The rollout whose speed is quoted skips every reset."""

    def random_rollout(self, key, state, num_steps, params=None, *, keep_observations=False):
        after, seen = super().random_rollout(
            key, state, num_steps, params, keep_observations=keep_observations
        )
        return replace(after, ball_vy=jnp.abs(after.ball_vy)), seen


class NeverGoesDown(Pong):
    """Random play of the rollout never takes its last choice; its steps agree."""

    def random_action(self, key):
        return jnp.minimum(super().random_action(key), 1)


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (DropsTheLastSlice, "large batches = small batches [discrete]: with 16,411 lanes and 2"),
        (RollsOtherwise, "random_rollout = its steps [discrete]: state.ball_vy"),
        (NeverGoesDown, "actions of random_rollout [discrete]: smallest p = 0"),
    ],
)
def test_a_fault_of_large_batches_and_rollouts_is_seen(verify_pong, only, fault, seen):
    only("transforms", batches.run)
    report = verify_pong(make(fault), levels=("transforms",), suite=BARE)
    assert report.verdict is Verdict.FAIL
    assert any(seen in line for line in failed(report)), failed(report)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Counted:
    """A game, and how many steps were played since somebody last looked."""

    game: Any
    count: Any


class CountsInSecret(Pong):
    """Plays rightly for a hundred steps in a row, and forgets them when its state is copied."""

    def initial(self, draws, params=None):
        return Counted(super().initial(draws, params), jnp.int32(0))

    def transition(self, state, action, draws, params=None):
        played = super().transition(state.game, action, draws, params)
        late = state.count >= 100
        bent = replace(played.state, tick=played.state.tick + late)
        return played._replace(state=Counted(bent, state.count + 1))

    def observe(self, state, params=None):
        return super().observe(state.game, params)


def with_a_count(state):
    count = np.zeros(len(state["tick"]), np.int32)
    return {**{f"game.{name}": values for name, values in state.items()}, "count": count}


def without_it(state):
    return {name.removeprefix("game."): values for name, values in state.items() if name != "count"}


def test_what_is_kept_between_steps_is_seen(verify_pong, only):
    only("L2", freely.run)
    suite = replace(BARE, to_candidate=with_a_count, to_reference=without_it)
    report = verify_pong(make(CountsInSecret), levels=("L2",), suite=suite)
    (line,) = failed(report)
    assert "steps in a row = single steps [discrete]: tick after 101 steps in a row" in line
    assert "the reference makes " in line
    assert line.endswith("the candidate keeps more between steps than its state shows")


class TicksTwice(Pong):
    """Every single step is wrong already."""

    def transition(self, state, action, draws, params=None):
        played = super().transition(state, action, draws, params)
        return played._replace(state=replace(played.state, tick=played.state.tick + 1))


def test_where_single_steps_differ_no_minutes_are_spent_on_steps_in_a_row(verify_pong):
    report = verify_pong(make(TicksTwice), levels=("L2",), suite=BARE)
    found = {check.name.partition(" [")[0]: check for check in report.checks}
    assert found["transitions from states of play"].verdict is Verdict.FAIL
    steps = found["steps in a row = single steps"]
    assert steps.verdict is Verdict.SKIPPED
    assert "single transitions differ already" in steps.detail
    assert any(line.startswith("steps in a row") for line in report.not_compared)


def test_and_an_honest_game_is_not_accused(verify_pong, only):
    only("L2", freely.run)
    report = verify_pong("pong", levels=("L2",), suite=BARE, backend="jax")
    (check,) = [c for c in report.checks if c.name.startswith("steps in a row")]
    assert check.verdict is Verdict.PASS
    assert check.counts["steps"] == 300 * check.counts["lanes"]
