"""What Pong's rules can do, read from the reference's trace alone.

Coordinates as in ``state.py``: the agent is on the right, y grows from the floor.
"""

from __future__ import annotations

import numpy as np

from envlift.reference.types import Array
from envlift.verify.suite import Feature, Trace

PER_FRAME = ("discrete", "continuous")
"""Configurations with one frame per step, in which a step can be read as one frame."""

BOUNCE_REWARD = np.float32(0.1)


def agent_scores(t: Trace) -> Array:
    """The left goal was hit."""
    return t.reward == 1.0


def opponent_scores(t: Trace) -> Array:
    """The right goal was hit."""
    return t.reward == -1.0


def point(t: Trace) -> Array:
    """Somebody scored."""
    return np.abs(t.reward) == 1.0


def serve(t: Trace, vy: int) -> Array:
    """A round began with this vertical speed."""
    return point(t) & (t.after["ball_vy"] == vy)


def left_paddle(t: Trace) -> Array:
    """The opponent returned the ball."""
    return ~point(t) & (t.before["ball_vx"] < 0) & (t.after["ball_vx"] > 0)


def right_paddle(t: Trace) -> Array:
    """The agent returned the ball."""
    return np.asarray(t.reward, dtype=np.float32) == BOUNCE_REWARD


def floor(t: Trace) -> Array:
    """The floor turned the ball."""
    return ~point(t) & ~right_paddle(t) & (t.before["ball_vy"] < 0) & (t.after["ball_vy"] > 0)


def ceiling(t: Trace) -> Array:
    """The ceiling turned the ball."""
    return ~point(t) & ~right_paddle(t) & (t.before["ball_vy"] > 0) & (t.after["ball_vy"] < 0)


def direction(t: Trace) -> Array:
    """Return the agent's direction, -1, 0 or 1 (any number between when continuous)."""
    if t.config.get("continuous"):
        return np.clip(t.action.reshape(t.reward.shape), -1.0, 1.0)
    return np.choose(t.action, [0, 1, -1])


def speed_after_hit(t: Trace) -> Array:
    """Return what the vertical speed would be after a right hit, before it is limited.

    A wall may have turned the ball in the same frame.
    """
    y = t.before["ball_y"] + t.before["ball_vy"]
    wall = (y < 0) | (y + 32 > 640)
    vy = np.where(wall, -t.before["ball_vy"], t.before["ball_vy"])
    return vy + 3 * direction(t)


def speed_limited(t: Trace) -> Array:
    """A hit wanted more vertical speed than is allowed."""
    return right_paddle(t) & (np.abs(speed_after_hit(t)) > 13)


def horizontal_avoided(t: Trace) -> Array:
    """A hit would have left the ball without vertical speed."""
    # As in the C, the comparison is one of doubles.
    slow = np.abs(speed_after_hit(t)).astype(np.float64) < 0.01
    return right_paddle(t) & slow & (t.after["ball_vy"] == 3)


def stale(t: Trace) -> Array:
    """After a point that does not end the game the serve's position (100 of 500) is not shown."""
    return point(t) & ~t.terminated & (np.abs(t.observation[..., 2] - 0.2) > 1e-3)


def fresh(t: Trace) -> Array:
    """The last point of a game shows the next game's serve."""
    return t.terminated & (np.abs(t.observation[..., 2] - 0.2) < 1e-3)


def agent_at(t: Trace, y: float) -> Array:
    """The agent's paddle stands at a height."""
    return t.after["paddle_yr"] == y


def fraction(t: Trace) -> Array:
    """The agent's paddle stands between two pixels."""
    return t.after["paddle_yr"] % 1.0 != 0.0


FEATURES = (
    Feature("agent scores", agent_scores),
    Feature("opponent scores", opponent_scores),
    Feature("game won by the agent", lambda t: t.terminated & agent_scores(t)),
    Feature("game won by the opponent", lambda t: t.terminated & opponent_scores(t)),
    Feature("serve with vertical speed 0", lambda t: serve(t, 0)),
    Feature("serve with vertical speed -1", lambda t: serve(t, -1)),
    Feature("left paddle returns", left_paddle),
    Feature("right paddle returns", right_paddle),
    Feature("floor turns the ball", floor),
    Feature("ceiling turns the ball", ceiling),
    Feature("vertical speed limited to 13", speed_limited, PER_FRAME),
    Feature("horizontal ball avoided", horizontal_avoided, PER_FRAME),
    Feature("stale observation after a point", stale),
    Feature("fresh observation after a game", fresh),
    Feature("agent's paddle at the floor", lambda t: agent_at(t, -35.0)),
    Feature("agent's paddle at the ceiling", lambda t: agent_at(t, 605.0)),
    Feature("a rally of 100 returns", lambda t: t.before["n_bounces"] >= 100),
    Feature("fraction of a pixel", fraction, ("continuous",)),
)
