"""Candidates that cheat, each caught by name. The honest one passes: the cheat is what is seen."""

from __future__ import annotations

import copy
from dataclasses import replace

import gymnasium
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.envs.pong.env import Pong
from envlift.envs.pong.reference import source
from envlift.envs.pong.state import Draws
from envlift.envs.pong.verification.suite import SUITE
from envlift.reference.launch import open_reference
from envlift.verify.levels.itself import transforms
from envlift.verify.run import session
from envlift.verify.run.result import Verdict

# One cheat starts a reference of its own: as a user's machine starts it.
pytestmark = pytest.mark.started


def honest(**options):
    return Pong(backend="jax", autoreset="disabled", **options)


class ReadsTheReference(Pong):
    """Opens the reference's source, as if to compute its answers."""

    def transition(self, state, action, draws, params=None):
        (source.headers() / "pong.h").read_bytes()
        return super().transition(state, action, draws, params)


class StartsTheReference(Pong):
    """Starts a reference of its own and asks it."""

    def transition(self, state, action, draws, params=None):
        name = "python:envlift.envs.pong.reference.pong:PongReference"
        open_reference(name, num_lanes=1, config={"frameskip": 1}).close()
        return super().transition(state, action, draws, params)


class IgnoresItsSeed(Pong):
    """Serves alike in every episode that it draws itself; given chance it obeys."""

    def sample_initial(self, key, params=None):
        return Draws(serve=jnp.int32(0))


class DrawsTheSameServe(Pong):
    """Draws its chance without looking at the key."""

    def sample(self, key, state, action, params=None):
        return Draws(serve=jnp.int32(1))


class ReturnsStoredOutputs(Pong):
    """Answers with a recording of one game, whatever is played."""

    def transition(self, state, action, draws, params=None):
        return super().transition(state, jnp.zeros_like(action), draws, params)


class AnswersNaN(Pong):
    """Observes nothing that could be compared, hoping that NaN passes as equal."""

    def observe(self, state, params=None):
        return jnp.full(8, jnp.nan, dtype=jnp.float32)


class RewardsNaN(Pong):
    def transition(self, state, action, draws, params=None):
        return (
            super().transition(state, action, draws, params)._replace(reward=jnp.float32(jnp.nan))
        )


class TakesOtherActions(Pong):
    def action_space(self, params=None):
        return gymnasium.spaces.Discrete(3) if not self.continuous else WRONG_BOX


class CopiesOneLane(Pong):
    """``step`` differs from the rules that lockstep drives."""

    def step(self, key, state, action, params=None):
        return super().step(key, state, jnp.zeros_like(action), params)


class ServesDownAfterAWin(Pong):
    """``step`` starts the next game wrongly, but only after one that the agent won."""

    def step(self, key, state, action, params=None):
        obs, state, reward, terminated, *rest = super().step(key, state, action, params)
        won = terminated & (reward > 0)
        state = replace(state, ball_vy=jnp.where(won, state.ball_vy + 1, state.ball_vy))
        return obs, state, reward, terminated, *rest


class ResetsUnasked(Pong):
    """``step`` starts the next game even where the caller wants to do that."""

    def step(self, key, state, action, params=None):
        resetting = copy.copy(self)
        resetting.autoreset = "same_step"
        return Pong.step(resetting, key, state, action, params)


WRONG_BOX = gymnasium.spaces.Box(0.0, 1.0, (1,), np.float32)


SMALL = replace(SUITE, policies=SUITE.policies[:1], scenarios=(), corpus=None)


def make(cheat):
    return lambda **options: cheat(backend="jax", autoreset="disabled", **options)


def failed(report):
    return [f"{c.level} {c.name}: {c.detail}" for c in report.checks if c.verdict is Verdict.FAIL]


@pytest.fixture
def without_batches(monkeypatch):
    """Leave out large batches and rollouts, which have cheats of their own (test_blind_spots)."""
    monkeypatch.setitem(session.STAGES, "transforms", transforms.run)


def test_the_honest_candidate_passes(verify_pong, without_batches):
    levels = ("L1", "L2", "L3", "resets", "transforms")
    report = verify_pong(honest, levels=levels, suite=SMALL)
    assert failed(report) == []
    assert {check.level for check in report.checks} >= set(levels)


@pytest.mark.parametrize(
    ("cheat", "levels", "seen"),
    [
        (ReadsTheReference, ("L3",), "it may not see the reference"),
        (StartsTheReference, ("L3",), "it may not reach outside"),
        (IgnoresItsSeed, ("resets",), "ignores its seed"),
        (DrawsTheSameServe, ("resets",), "chance of a step"),
        (ReturnsStoredOutputs, ("L3",), "paddle_yr differs"),
        (AnswersNaN, ("L3",), "observation.paddle_yl differs"),
        (RewardsNaN, ("L3",), "reward differs"),
        (CopiesOneLane, ("transforms",), "step = transition after sample"),
        # Random play does not win a game; the states that the suite offers do.
        (ServesDownAfterAWin, ("transforms",), "sample, states of play [discrete]: [1].ball_vy"),
        (ResetsUnasked, ("transforms",), "step without a reset = transition after sample"),
    ],
)
def test_a_cheat_is_caught(verify_pong, without_batches, cheat, levels, seen):
    report = verify_pong(make(cheat), levels=levels, suite=SMALL)
    assert report.verdict is Verdict.FAIL
    assert any(seen in line for line in failed(report)), failed(report)


def test_other_bounds_of_an_action_are_seen(verify_pong):
    report = verify_pong(make(TakesOtherActions), config="continuous", levels=("L1",))
    (line,) = failed(report)
    assert line.endswith("lowest action: the reference has (-1.0,), the candidate (0.0,)")


def test_a_declared_observation_space_that_is_not_observed_is_seen(verify_pong):
    class DeclaresNine(Pong):
        def observation_space(self, params=None):
            return gymnasium.spaces.Box(-1.0, 1.0, (9,), np.float32)

    (line,) = failed(verify_pong(make(DeclaresNine), levels=("L1",)))
    assert "declared shape of an observation: the reference has (8,), the candidate (9,)" in line


def test_a_candidate_that_raises_has_failed(verify_pong):
    class Broken(Pong):
        def transition(self, state, action, draws, params=None):
            raise KeyError("lost")

    report = verify_pong(make(Broken), levels=("L3",))
    said = "candidate [discrete]: the candidate failed in `step`: it raised KeyError: 'lost'"
    # The corpus always runs first.
    assert failed(report) == [f"corpus {said}", f"L3 {said}"]


def test_only_a_reference_that_was_compared_can_pass(verify_pong, without_batches):
    report = verify_pong(honest, levels=("transforms",), suite=SMALL)
    assert report.verdict is Verdict.INCONCLUSIVE
    changed = replace(report, checks=[])
    assert changed.verdict is Verdict.INCONCLUSIVE
    assert np.isfinite(report.seed)
