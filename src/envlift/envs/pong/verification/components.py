"""Pong's component functions beside the reference's.

The C has four functions without a window: ``init``, ``reset_round``, ``c_reset`` and
``compute_observations``. ``c_step`` as a whole stands in the single transitions (L2).

The candidate's modules are imported where its functions run, never in the process that compares.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

from envlift.reference.types import Array
from envlift.verify.suite import Component, Field

Named = dict[str, Array]
Function = Callable[[Named], Named]

POSITIONS = ("paddle_yl", "paddle_yr", "ball_x", "ball_y", "ball_vx", "ball_vy")
COUNTS = ("score_l", "score_r")
ROUND = (*POSITIONS, "tick", "n_bounces")
LAST_PLACE = "XLA may turn the division by a constant into a multiplication by its inverse"
OBSERVATIONS = Field("observations", ulp=1, reason=LAST_PLACE)


def number(low: int, high: int) -> Any:
    """Whole pixels, as in discrete play, and fractions, as in continuous play.

    Numbers of the size of 1e-38 are left out: sums of pixels cannot come so near to zero, and XLA
    flushes what becomes subnormal.
    """
    whole = st.integers(low, high).map(float)
    fraction = st.floats(low, high, width=32, allow_subnormal=False)
    return st.one_of(whole, fraction.map(lambda value: 0.0 if abs(value) < 1e-6 else value))


def compute_observations(env: Any) -> Function:
    """The observation of a state, through the target's own rule."""
    observe = jax.jit(jax.vmap(env.compute_observations))
    from envlift.envs.pong.state import Draws

    first = env.initial(Draws(serve=jnp.int32(0)))

    def evaluate(arguments: Named) -> Named:
        n = len(arguments["ball_x"])
        state = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (n, *leaf.shape)), first)
        given = {name: jnp.asarray(value) for name, value in arguments.items()}
        state = type(first)(**{**vars(state), **given})
        return {"observations": np.asarray(observe(state))}

    return evaluate


def reset_round(env: Any) -> Function:
    """The serve; a new game begins with one."""
    from envlift.envs.pong.state import Draws

    reset = jax.jit(jax.vmap(lambda serve: env.initial(Draws(serve=serve))))

    def evaluate(arguments: Named) -> Named:
        state = reset(jnp.asarray(arguments["serve"]))
        return {name: np.asarray(getattr(state, name)) for name in ROUND}

    return evaluate


def c_reset(env: Any) -> Function:
    """A new game."""
    from envlift.envs.pong.state import Draws

    reset = jax.jit(jax.vmap(lambda serve: env.initial(Draws(serve=serve))))

    def evaluate(arguments: Named) -> Named:
        state = reset(jnp.asarray(arguments["serve"]))
        return {name: np.asarray(getattr(state, name)) for name in (*COUNTS, "observations")}

    return evaluate


def constants_table(env: Any) -> Function:
    """The numbers of the court."""
    from envlift.envs.pong.rules import constants

    table = {
        "width": constants.WIDTH,
        "height": constants.HEIGHT,
        "paddle_height": constants.PADDLE_HEIGHT,
        "ball_width": constants.BALL_WIDTH,
        "ball_height": constants.BALL_HEIGHT,
        "paddle_speed": constants.PADDLE_SPEED,
        "ball_initial_speed_x": constants.BALL_INITIAL_SPEED_X,
        "ball_initial_speed_y": constants.BALL_INITIAL_SPEED_Y,
        "ball_max_speed_y": constants.BALL_MAX_SPEED_Y,
        "ball_speed_y_increment": constants.BALL_SPEED_Y_INCREMENT,
        "min_paddle_y": constants.MIN_PADDLE_Y,
        "max_paddle_y": constants.MAX_PADDLE_Y,
    }
    named = {name: np.array([value], dtype=np.float32) for name, value in table.items()}
    return lambda _: {**named, "max_score": np.array([constants.MAX_SCORE], dtype=np.int32)}


TABLE_FIELDS = (
    "width",
    "height",
    "paddle_height",
    "ball_width",
    "ball_height",
    "paddle_speed",
    "ball_initial_speed_x",
    "ball_initial_speed_y",
    "ball_max_speed_y",
    "ball_speed_y_increment",
    "min_paddle_y",
    "max_paddle_y",
    "max_score",
)
SERVE = st.fixed_dictionaries({"serve": st.integers(0, 2**31 - 1)})
STATE = st.fixed_dictionaries(
    {
        "paddle_yl": number(-35, 605),
        "paddle_yr": number(-35, 605),
        "ball_x": number(-10, 500),
        "ball_y": number(-26, 640),
        "ball_vx": st.sampled_from([-10.0, 10.0]),
        "ball_vy": number(-13, 13),
        "score_l": st.integers(0, 21),
        "score_r": st.integers(0, 21),
    }
)

TO_21 = ("discrete", "continuous", "frameskip8")
"""Configurations of games to 21 points, of which the table and the drawn scores are."""

COMPONENTS = (
    Component(
        "constants", tuple(Field(name) for name in TABLE_FIELDS), constants_table, configs=TO_21
    ),
    Component(
        "compute_observations",
        (OBSERVATIONS,),
        compute_observations,
        STATE,
        {**dict.fromkeys(POSITIONS, "float32"), **dict.fromkeys(COUNTS, "int32")},
        TO_21,
    ),
    Component("reset_round", tuple(map(Field, ROUND)), reset_round, SERVE, {"serve": "int32"}),
    Component(
        "c_reset",
        (*map(Field, COUNTS), OBSERVATIONS),
        c_reset,
        SERVE,
        {"serve": "int32"},
    ),
)
