"""Pictures of Pong show the state, and the frames inside a step are those of the rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest

import envlift
from envlift.envs.pong import render
from envlift.envs.pong.rules import constants as c
from envlift.envs.pong.state import Draws, State
from envlift.registry import registration


@pytest.fixture(scope="module")
def start() -> State:
    env = envlift.make("pong", backend="jax")
    return jax.device_get(env.initial(Draws(serve=np.int32(0))))


def extent(picture: Any, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Return first and one past the last row, and column, of a colour below the scores."""
    rows, columns = np.nonzero((picture == colour).all(axis=-1))
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


def test_everything_is_where_the_state_says(start: State) -> None:
    # Below the scores, which have the paddles' colours.
    state = replace(
        start,
        ball_x=100.0,
        ball_y=50.0,
        paddle_yl=10.0,
        paddle_yr=300.0,
    )
    picture = render.frame(state, scale=1.0)
    assert (picture.shape, picture.dtype) == ((640, 540, 3), np.uint8)
    below = picture[150:]
    # Rows count from the top: y = 50 to 82 is 590 down to 558.
    assert extent(picture, render.BALL) == (558, 590, 120, 152)
    assert extent(below, render.OPPONENT) == (640 - 80 - 150, 640 - 10 - 150, 0, 20)
    assert extent(below, render.AGENT) == (640 - 370 - 150, 640 - 300 - 150, 520, 540)
    assert extent(picture, render.COURT) == (0, 640, 20, 520)


def test_paddles_may_leave_the_court(start: State) -> None:
    picture = render.frame(replace(start, paddle_yl=c.MIN_PADDLE_Y, paddle_yr=c.MAX_PADDLE_Y), 1.0)
    assert extent(picture[150:], render.OPPONENT)[:2] == (640 - 35 - 150, 640 - 150)
    assert extent(picture[:, 520:], render.AGENT)[:2] == (0, 35)


def test_both_scores_are_written_on_their_sides(start: State) -> None:
    """Each changes its own half and nothing else."""
    plain = render.frame(start)
    for name, colour in (("score_l", render.OPPONENT), ("score_r", render.AGENT)):
        picture = render.frame(replace(start, **{name: np.int32(17)}))
        changed = (picture != plain).any(axis=-1)
        columns = np.nonzero(changed.any(axis=0))[0]
        left = name == "score_l"
        assert changed.any()
        assert (columns < 135).all() if left else (columns > 135).all()
        assert np.nonzero(changed.any(axis=1))[0].max() < 60
        assert (picture[:60] == colour).all(axis=-1).any()


@pytest.mark.parametrize("scale", [0.1, 0.25, 0.5, 2.0])
def test_the_scale(start: State, scale: float) -> None:
    assert render.frame(start, scale).shape == (640 * scale, 540 * scale, 3)


def test_it_is_registered() -> None:
    assert registration("pong").render == f"{render.__name__}:{render.frame.__name__}"


@pytest.mark.parametrize("continuous", [False, True])
def test_frames_inside_a_step_lead_to_its_end(continuous: bool) -> None:
    """One frame after the last of them is the state that the step itself gives."""
    options = {"backend": "jax", "continuous": continuous, "autoreset": "disabled"}
    env = envlift.make("pong", frameskip=8, **options)
    single = jax.jit(envlift.make("pong", frameskip=1, **options).transition)
    step = jax.jit(env.transition)
    state = env.initial(Draws(serve=np.int32(1)))
    points = 0
    for number in range(60):
        action = np.float32(0.3) if continuous else np.int32(number % 3)
        draws = Draws(serve=np.int32(number))
        inside = render.between(env, state, action)
        after = step(state, action, draws).state
        last = single(inside[-1] if inside else state, action, draws).state
        for name in ("paddle_yl", "paddle_yr", "ball_x", "ball_y", "score_l", "score_r"):
            assert getattr(last, name) == getattr(after, name), name
        scored = (after.score_l, after.score_r) != (state.score_l, state.score_r)
        points += scored
        assert len(inside) == 7 or scored
        state = after
    assert points > 1


def test_a_step_of_one_frame_has_nothing_inside(start: State) -> None:
    assert render.between(envlift.make("pong", backend="jax"), start, np.int32(0)) == []
