"""What an agent would write for the toy, right and wrong."""

RULES = '''"""Moves."""

import jax
import jax.numpy as jnp

LAST = 9


def move(x: jax.Array, action: jax.Array) -> jax.Array:
    """Return the next place."""
    slips = (x == 4) & (action == 0)
    place = jnp.where(slips, 0, x + action - 1)
    return jnp.clip(place, 0, LAST).astype(jnp.int32)
'''

FORGETS_TO_SLIP = RULES.replace("(x == 4) & (action == 0)", "(x == 4) & (action == 7)")

TEST_RULES = """import jax.numpy as jnp
import pytest

from walk.rules import move


@pytest.mark.parametrize(
    ("x", "action", "wanted"), [(3, 2, 4), (3, 0, 2), (3, 1, 3), (0, 0, 0), (9, 2, 9), (5, 0, 4)]
)
def test_moves(x, action, wanted):
    assert int(move(jnp.int32(x), jnp.int32(action))) == wanted
"""

HOLLOW_TEST_RULES = """from walk.rules import move


def test_exists():
    assert callable(move)
"""

ENV = '''"""The walk behind the contract of envlift.env."""

from dataclasses import dataclass

import gymnasium
import jax
import jax.numpy as jnp

from envlift.env import Env, EnvInfo, Transition
from walk.rules import LAST, move

LIMIT = 20


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    x: jax.Array
    elapsed: jax.Array


class Walk(Env):
    """See the reference."""

    def __init__(self, autoreset="same_step"):
        super().__init__(EnvInfo("walk", 1, "jax", {}), autoreset)

    @property
    def default_params(self):
        return None

    def observation_space(self, params=None):
        return gymnasium.spaces.Box(0, LAST, (), jnp.int32)

    def action_space(self, params=None):
        return gymnasium.spaces.Discrete(3)

    def sample_initial(self, key, params=None):
        return jax.random.randint(key, (), 0, 5, dtype=jnp.int32)

    def initial(self, draws, params=None):
        return State(draws, jnp.int32(0))

    def sample(self, key, state, action, params=None):
        return jnp.int32(0)

    def transition(self, state, action, draws, params=None):
        x = move(state.x, action)
        elapsed = state.elapsed + 1
        ended = x == LAST
        return Transition(
            State(x, elapsed), ended.astype(jnp.float32), ended, (elapsed >= LIMIT) & ~ended
        )

    def observe(self, state, params=None):
        return state.x


def make(**options):
    return Walk(**options)
'''

WRONG_LIMIT = ENV.replace("LIMIT = 20", "LIMIT = 21")

TEST_ENV = """import jax
import jax.numpy as jnp

from walk.env import State, make


def test_end():
    env = make()
    state = State(jnp.int32(8), jnp.int32(3))
    found = env.transition(state, jnp.int32(2), jnp.int32(0))
    assert bool(found.terminated)
    assert float(found.reward) == 1.0
    assert int(found.state.elapsed) == 4


def test_start():
    _, state = make().reset(jax.random.key(0))
    assert 0 <= int(state.x) < 5
"""

NEEDED = TEST_ENV.replace("make()", "make(needed=1)")

ENDED = """def test_text():
    with open("walk/rules.py") as stream:
        text = stream.read()
    assert "slips = (x == 4) & (action == 0)" in text
    assert "place = jnp.where(slips, 0, x + action - 1)" in text
    assert "jnp.clip(place, 0, LAST).astype(jnp.int32)" in text
"""
