"""The rules of Pong in pure JAX: one function per stage of ``c_step`` in ``pong.h``.

Every function works on ONE game and has no branches, only selections, so that XLA fuses a batch of
games into straight-line vector code.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp

from envlift.envs.pong.rules import constants as c
from envlift.envs.pong.state import State


def paddle_direction(action: jax.Array) -> jax.Array:
    """Turn a discrete action into a direction: 0 stays, 1 is +1, 2 is -1 (float32)."""
    return jnp.where(action == 1, 1.0, jnp.where(action == 2, -1.0, 0.0)).astype(jnp.float32)


def clip_direction(action: jax.Array) -> jax.Array:
    """Clip a continuous action to a direction in [-1, 1], as the reference's ``pong.py`` does."""
    return jnp.clip(action.astype(jnp.float32), -1.0, 1.0)


def move_paddles(state: State, direction: jax.Array) -> State:
    """Move the agent's paddle, let the opponent follow the ball, keep both on the court."""
    paddle_yr = state.paddle_yr + c.PADDLE_SPEED * direction
    # The opponent aims its middle at the ball's lower edge, not at the ball's middle.
    delta = state.ball_y - (state.paddle_yl + c.HALF_PADDLE)
    paddle_yl = state.paddle_yl + jnp.clip(delta, -c.PADDLE_SPEED, c.PADDLE_SPEED)
    return replace(
        state,
        paddle_yr=jnp.clip(paddle_yr, c.MIN_PADDLE_Y, c.MAX_PADDLE_Y),
        paddle_yl=jnp.clip(paddle_yl, c.MIN_PADDLE_Y, c.MAX_PADDLE_Y),
    )


def move_ball(state: State) -> State:
    """Move the ball by its velocity."""
    return replace(state, ball_x=state.ball_x + state.ball_vx, ball_y=state.ball_y + state.ball_vy)


def bounce_walls(state: State) -> State:
    """Turn the ball at the floor and the ceiling; it stays where it is, even outside."""
    outside = (state.ball_y < 0) | (state.ball_y + c.BALL_HEIGHT > c.HEIGHT)
    return replace(state, ball_vy=jnp.where(outside, -state.ball_vy, state.ball_vy))


def select(condition: jax.Array, yes: State, no: State) -> State:
    """Take one of two states as a whole."""
    chosen: State = jax.tree.map(lambda new, old: jnp.where(condition, new, old), yes, no)
    return chosen


def overlaps(ball_y: jax.Array, paddle_y: jax.Array) -> jax.Array:
    """Tell whether the ball meets a paddle on the y axis; touching edges do not count."""
    return (ball_y + c.BALL_HEIGHT > paddle_y) & (ball_y < paddle_y + c.PADDLE_HEIGHT)


def left_side(state: State) -> tuple[State, jax.Array]:
    """Play the ball at the opponent's side.

    Returns:
        The state and whether the agent scored. The point is counted; the round is not reset.
    """
    reached = state.ball_x < 0
    met = overlaps(state.ball_y, state.paddle_yl)
    bounced = reached & met
    scored = reached & ~met
    state = replace(
        state,
        ball_vx=jnp.where(bounced, -state.ball_vx, state.ball_vx),
        n_bounces=state.n_bounces + bounced.astype(jnp.int32),
        score_r=state.score_r + scored.astype(jnp.int32),
        win=jnp.where(scored, 1, state.win),
    )
    return state, scored


def right_side(state: State, direction: jax.Array) -> tuple[State, jax.Array, jax.Array]:
    """Play the ball at the agent's side. ``direction`` is the agent's: a moving paddle adds spin.

    Returns:
        The state, whether the agent bounced the ball, and whether the opponent scored. The point
        is counted; the round is not reset.
    """
    reached = state.ball_x + c.BALL_WIDTH > c.WIDTH
    met = overlaps(state.ball_y, state.paddle_yr)
    bounced = reached & met
    conceded = reached & ~met
    # The same rounding as 3 * direction, without a product that a compiler could fuse with the
    # sum that follows: the reference rounds twice.
    spin = direction + direction + direction
    ball_vy = jnp.clip(state.ball_vy + spin, -c.BALL_MAX_SPEED_Y, c.BALL_MAX_SPEED_Y)
    horizontal = jnp.abs(ball_vy) <= c.HORIZONTAL_SPEED_Y
    ball_vy = jnp.where(horizontal, c.BALL_SPEED_Y_INCREMENT, ball_vy)
    state = replace(
        state,
        ball_vx=jnp.where(bounced, -state.ball_vx, state.ball_vx),
        ball_vy=jnp.where(bounced, ball_vy, state.ball_vy),
        # Only a ball that the agent bounced is put back on the court.
        ball_x=jnp.where(bounced, jnp.clip(state.ball_x, 0, c.WIDTH - c.BALL_WIDTH), state.ball_x),
        ball_y=jnp.where(
            bounced, jnp.clip(state.ball_y, 0, c.HEIGHT - c.BALL_HEIGHT), state.ball_y
        ),
        n_bounces=state.n_bounces + bounced.astype(jnp.int32),
        score_l=state.score_l + conceded.astype(jnp.int32),
        win=jnp.where(conceded, 0, state.win),
    )
    return state, bounced, conceded


def serve_speed(serve: jax.Array) -> jax.Array:
    """Return the y speed of a serve: ``rand() % 2 - 1``, so -1 or 0 and never +1 (float32)."""
    # ``rand`` is never negative: its last bit is its remainder.
    return ((serve & 1) - 1).astype(jnp.float32) * c.BALL_INITIAL_SPEED_Y


def reset_round(state: State, serve: jax.Array) -> State:
    """Start a round: always a serve toward the agent. Scores, ``win`` and observations stay."""
    return replace(
        state,
        paddle_yl=jnp.full_like(state.paddle_yl, c.START_PADDLE_Y),
        paddle_yr=jnp.full_like(state.paddle_yr, c.START_PADDLE_Y),
        ball_x=jnp.full_like(state.ball_x, c.START_BALL_X),
        ball_y=jnp.full_like(state.ball_y, c.START_BALL_Y),
        ball_vx=jnp.full_like(state.ball_vx, c.BALL_INITIAL_SPEED_X),
        ball_vy=serve_speed(serve),
        tick=jnp.zeros_like(state.tick),
        n_bounces=jnp.zeros_like(state.n_bounces),
    )


def score_observation(score: jax.Array, max_score: jax.Array | int) -> jax.Array:
    """Return ``score / max_score`` in whole numbers: 0 until won (float32)."""
    # A comparison divides a score that never reaches twice the maximum, without a division.
    return (score >= max_score).astype(jnp.float32)


def in_a_row(numbers: list[jax.Array]) -> jax.Array:
    """Return scalars as one array, as ``jnp.stack`` does, but by selection.

    XLA's CPU code for a concatenation branches per element: five times the work of these rules.
    """
    place = jnp.arange(len(numbers))
    row = jnp.zeros(len(numbers), dtype=jnp.float32)
    for index, number in enumerate(numbers):
        row = jnp.where(place == index, number, row)
    return row


def compute_observations(state: State, max_score: jax.Array | int) -> jax.Array:
    """Return what the agent sees, float32 [8]; the scores are integer divisions, so 0 until won."""
    court_y = c.MAX_PADDLE_Y - c.MIN_PADDLE_Y
    return in_a_row(
        [
            (state.paddle_yl - c.MIN_PADDLE_Y) / court_y,
            (state.paddle_yr - c.MIN_PADDLE_Y) / court_y,
            state.ball_x / c.WIDTH,
            state.ball_y / c.HEIGHT,
            (state.ball_vx + c.BALL_INITIAL_SPEED_X) / (2 * c.BALL_INITIAL_SPEED_X),
            (state.ball_vy + c.BALL_MAX_SPEED_Y) / (2 * c.BALL_MAX_SPEED_Y),
            score_observation(state.score_l, max_score),
            score_observation(state.score_r, max_score),
        ]
    )


def frame(
    state: State, direction: jax.Array, reward: jax.Array
) -> tuple[State, jax.Array, jax.Array]:
    """Play one frame up to a point.

    Args:
        state: the state before the frame.
        direction: float32, the agent's direction in [-1, 1].
        reward: float32, the reward of the step so far; a bounce or a point overwrites it.

    Returns:
        The state (a point is counted, the round not reset), the reward, and whether a point ended
        the round.
    """
    state = move_paddles(state, direction)
    state = move_ball(state)
    state = bounce_walls(state)
    state, scored = left_side(state)
    state, bounced, conceded = right_side(state, direction)
    reward = jnp.where(bounced, c.REWARD_BOUNCE, reward)
    reward = jnp.where(scored, c.REWARD_WIN, reward)
    reward = jnp.where(conceded, c.REWARD_LOSE, reward)
    return state, reward, scored | conceded


def step(
    state: State,
    direction: jax.Array,
    serve: jax.Array,
    max_score: jax.Array | int,
    frameskip: int,
) -> tuple[State, jax.Array, jax.Array]:
    """Play one step of ``frameskip`` frames, as ``c_step`` does, without its reset at the end.

    Args:
        state: the state before the step.
        direction: float32, the agent's direction in [-1, 1].
        serve: int32, non-negative, what ``rand()`` returns if this step serves.
        max_score: int32, the points that win a game.
        frameskip: frames per step, static.

    Returns:
        The state, the reward (float32) and whether the game ended (bool).
    """
    observations = state.observations
    state = replace(state, tick=state.tick + 1)
    reward = jnp.zeros_like(state.ball_x)
    state, reward, point = frame(state, direction, reward)
    stale = point
    # The reference computes observations at the end of every frame without a point; only those of
    # the last such frame can be seen, so its state is kept and they are computed once.
    seen = state
    for _ in range(frameskip - 1):
        after, reward_after, point_after = frame(state, direction, reward)
        # A point drops the rest of the window.
        reward = jnp.where(point, reward, reward_after)
        state = select(point, state, after)
        point = point | point_after
        seen = select(point, seen, state)
    observations = jnp.where(stale, observations, compute_observations(seen, max_score))
    ended = point & ((state.score_l == max_score) | (state.score_r == max_score))
    state = select(point & ~ended, reset_round(state, serve), state)
    return replace(state, observations=observations), reward, ended


def initial(serve: jax.Array, max_score: jax.Array | int) -> State:
    """Return the first state of a game, as ``c_reset`` does on a freshly made environment."""
    pixel = jnp.zeros_like(serve, dtype=jnp.float32)
    count = jnp.zeros_like(serve)
    state = State(
        paddle_yl=pixel,
        paddle_yr=pixel,
        ball_x=pixel,
        ball_y=pixel,
        ball_vx=pixel,
        ball_vy=pixel,
        score_l=count,
        score_r=count,
        tick=count,
        n_bounces=count,
        win=count,
        observations=jnp.zeros(c.OBSERVATION_SIZE, dtype=jnp.float32),
    )
    state = reset_round(state, serve)
    return replace(state, observations=compute_observations(state, max_score))
