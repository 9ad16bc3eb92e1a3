"""Pictures of Pong, drawn from the rules' own constants.

Shape letters: ``H``, ``W`` height and width of a picture.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envlift.envs.pong.env import Pong
from envlift.envs.pong.rules import constants as c
from envlift.envs.pong.state import Draws, State

PADDLE_WIDTH = 20.0
"""Pixels; only drawn. The ball turns at the court's edges, so paddles stand just outside."""

BACKGROUND = (14, 18, 33)
COURT = (24, 31, 54)
LINE = (58, 68, 102)
OPPONENT = (240, 128, 96)
AGENT = (96, 200, 255)
BALL = (250, 250, 250)


def frame(state: State, scale: float = 0.5) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw one game: the opponent on the left, the agent on the right, the scores above.

    Args:
        state: of one game.
        scale: pixels of the picture per pixel of the reference's court, above 0.

    Returns:
        uint8 [H, W, 3], red, green and blue; at scale 0.5, H = 320 and W = 270.
    """
    from PIL import Image, ImageDraw, ImageFont

    width = round((c.WIDTH + 2 * PADDLE_WIDTH) * scale)
    height = round(c.HEIGHT * scale)
    image = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(image)

    def box(x: float, y: float, w: float, h: float, colour: tuple[int, int, int]) -> None:
        # The court's y grows from the floor, a picture's from the top.
        left, top = (x + PADDLE_WIDTH) * scale, (c.HEIGHT - y - h) * scale
        right, bottom = left + max(1, w * scale) - 1, top + max(1, h * scale) - 1
        draw.rectangle([round(corner) for corner in (left, top, right, bottom)], fill=colour)

    box(0, 0, c.WIDTH, c.HEIGHT, COURT)
    for number in range(16):
        box(c.WIDTH / 2 - 2, (number + 0.25) * c.HEIGHT / 16, 4, c.HEIGHT / 32, LINE)
    font = ImageFont.load_default(size=72 * scale)
    for x, score, colour in (
        (0.25, state.score_l, OPPONENT),
        (0.75, state.score_r, AGENT),
    ):
        place = ((x * c.WIDTH + PADDLE_WIDTH) * scale, 24 * scale)
        draw.text(place, str(int(score)), fill=colour, font=font, anchor="mt")
    box(-PADDLE_WIDTH, float(state.paddle_yl), PADDLE_WIDTH, c.PADDLE_HEIGHT, OPPONENT)
    box(c.WIDTH, float(state.paddle_yr), PADDLE_WIDTH, c.PADDLE_HEIGHT, AGENT)
    box(float(state.ball_x), float(state.ball_y), c.BALL_WIDTH, c.BALL_HEIGHT, BALL)
    return np.asarray(image)


def between(env: Pong, state: State, action: Any) -> list[State]:
    """Return the frames inside one step, without its last: at frameskip 8, seven or fewer.

    A point drops the rest of a step, so nothing is shown after one.

    Args:
        env: whose step it is.
        state: before the step.
        action: of the step, as ``env.transition`` takes it.
    """
    if env.frameskip == 1:
        return []
    states = jax.device_get(_frames(env.continuous, env.frameskip - 1)(state, action))
    played = int(state.score_l) + int(state.score_r)
    inside = (states.score_l + states.score_r) == played
    count = len(inside) if inside.all() else int(np.argmin(inside))
    return [jax.tree.map(lambda leaf, i=i: leaf[i], states) for i in range(count)]


@functools.cache
def _frames(continuous: bool, count: int) -> Any:
    """Return ``(state, action) -> states``: after each of ``count`` single frames, [count, ...]."""
    single = Pong(backend="jax", continuous=continuous, autoreset="disabled")

    def play(state: State, action: jax.Array) -> State:
        def one(state: State, _: None) -> tuple[State, State]:
            after = single.transition(state, action, Draws(serve=jnp.int32(0))).state
            return after, after

        states: State = jax.lax.scan(one, state, length=count)[1]
        return states

    return jax.jit(play)
