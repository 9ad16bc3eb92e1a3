"""The state of one cheetah, named after MuJoCo's and Gymnasium's."""

from dataclasses import dataclass

import jax


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """One cheetah. Floats are float32, or float64 where the environment was made so.

    The joints are rootx, rootz, rooty, bthigh, bshin, bfoot, fthigh, fshin, ffoot.

    Contacts multiply the last place of a float32 by 10,000 within a step. So each number has a
    companion that holds the digits which it cannot: the position is ``qpos + qpos_rest``. In
    float64 the companions are 0.

    Attributes:
        qpos, qpos_rest: float [9], m and rad; rootz is the torso's height above 0.7 m.
        qvel, qvel_rest: float [9], m/s and rad/s.
        elapsed_steps: int32, steps since the episode began (Gymnasium's ``TimeLimit``).
    """

    qpos: jax.Array
    qpos_rest: jax.Array
    qvel: jax.Array
    qvel_rest: jax.Array
    elapsed_steps: jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Draws:
    """The chance of a new episode; a step has none.

    Attributes:
        uniform: float [9] in [-1, 1), of ``qpos``.
        normal: float [9], standard normal, of ``qvel``.
    """

    uniform: jax.Array
    normal: jax.Array
