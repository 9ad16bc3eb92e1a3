from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envlift
from envlift.env import Transition
from envlift.envs.pong.state import Draws, State

Play = Callable[..., Transition]


@pytest.fixture(params=["jax", "warp"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def play(backend: str) -> Play:
    """Play one step from a state given by its fields; the others are mid-court and harmless."""

    def play(action: Any = 0, serve: int = 1, **fields: Any) -> Transition:
        options = {name: fields.pop(name) for name in ("frameskip", "continuous") if name in fields}
        env = envlift.make("pong", backend=backend, **options)
        return env.transition(make_state(**fields), jnp.asarray(action), Draws(jnp.int32(serve)))

    return play


def make_state(**fields: Any) -> State:
    floats = {
        "paddle_yl": 285,
        "paddle_yr": 285,
        "ball_x": 250,
        "ball_y": 300,
        "ball_vx": 10,
        "ball_vy": 0,
    }
    counts = {"score_l": 0, "score_r": 0, "tick": 5, "n_bounces": 2, "win": 0}
    state = State(
        **{name: jnp.float32(value) for name, value in floats.items()},
        **{name: jnp.int32(value) for name, value in counts.items()},
        observations=jnp.full(8, 0.125, jnp.float32),
    )
    given = {name: jnp.asarray(v, getattr(state, name).dtype) for name, v in fields.items()}
    return replace(state, **given)


def ulps(a: Any, b: Any) -> int:
    """Return the largest distance of two float32 arrays in units in the last place."""
    a, b = (np.asarray(x, np.float32).view(np.int32).astype(np.int64) for x in (a, b))
    return int(np.abs(a - b).max())


def assert_same(a: Any, b: Any, observation_ulps: int = 0) -> None:
    """Compare two pytrees exactly, but arrays of eight observations within some ulps."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for (path, x), y in zip(jax.tree.leaves_with_path(a), jax.tree.leaves(b), strict=True):
        name = jax.tree_util.keystr(path)
        assert (x.dtype, x.shape) == (y.dtype, y.shape), name
        if observation_ulps and x.ndim and x.shape[-1] == 8 and x.dtype == jnp.float32:
            assert ulps(x, y) <= observation_ulps, name
        else:
            np.testing.assert_array_equal(x, y, err_msg=name)
