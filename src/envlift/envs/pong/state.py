"""The state of one game of Pong, named after the reference's struct (``pong.h``, PufferLib 3.0)."""

from dataclasses import dataclass

import jax


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """One game. Court units are the reference's pixels; y grows from the floor.

    Attributes:
        paddle_yl: float32, lower edge of the opponent's (left) paddle, in [-35, 605].
        paddle_yr: float32, lower edge of the agent's (right) paddle, in [-35, 605].
        ball_x: float32, left edge of the ball.
        ball_y: float32, lower edge of the ball.
        ball_vx: float32, pixels per frame, -10 or 10.
        ball_vy: float32, pixels per frame, in [-13, 13].
        score_l: int32, the opponent's points, 0 to 21.
        score_r: int32, the agent's points, 0 to 21.
        tick: int32, steps in this round.
        n_bounces: int32, paddle hits in this round.
        win: int32, 1 if the agent made the last point; never reset by the reference.
        observations: float32 [8], the reference's buffer: stale for one step after a point.
    """

    paddle_yl: jax.Array
    paddle_yr: jax.Array
    ball_x: jax.Array
    ball_y: jax.Array
    ball_vx: jax.Array
    ball_vy: jax.Array
    score_l: jax.Array
    score_r: jax.Array
    tick: jax.Array
    n_bounces: jax.Array
    win: jax.Array
    observations: jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Draws:
    """The chance of a reset or a step.

    Attributes:
        serve: int32, what ``rand()`` returns if this step serves; only its parity matters.
    """

    serve: jax.Array
