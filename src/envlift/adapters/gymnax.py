"""A gymnax environment (gymnax >= 1.0) behind envlift's contract, so that it can be verified."""

from __future__ import annotations

from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.env import Env, EnvInfo, Transition
from envlift.extras import install


class FromGymnax(Env[Any, Any, jax.Array]):
    """Wraps ``gymnax.make(name)``: its draws are JAX keys, since gymnax hides its chance.

    Args:
        name: a gymnax id, for example ``CartPole-v1``.
        autoreset: gymnax's own reset is not used; this contract's is.
        **options: parameters that replace gymnax's defaults, for example
            ``max_steps_in_episode``.

    Raises:
        ModuleNotFoundError: gymnax is not installed; the message says how to install it.
        ValueError: gymnax knows no such environment.
    """

    def __init__(self, name: str, autoreset: Any = "disabled", **options: Any) -> None:
        try:
            import gymnax
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"gymnax cannot be imported ({error}): {install('gymnax')}"
            ) from None
        known = sorted(gymnax.registered_envs)
        if name not in known:
            raise ValueError(f"gymnax has no environment {name!r}; known: {', '.join(known)}")
        self._env, params = gymnax.make(name)
        self._params = params.replace(**options)
        super().__init__(EnvInfo(name, 0, "gymnax", options), autoreset)

    @property
    def default_params(self) -> Any:
        """gymnax's parameters, with the options of the constructor."""
        return self._params

    def observation_space(self, params: Any = None) -> gymnasium.Space[Any]:
        """gymnax's space as a Gymnasium space."""
        return _space(self._env.observation_space(self._or_default(params)))

    def action_space(self, params: Any = None) -> gymnasium.Space[Any]:
        """gymnax's space as a Gymnasium space."""
        return _space(self._env.action_space(self._or_default(params)))

    def sample_initial(self, key: jax.Array, params: Any = None) -> jax.Array:
        """Chance is a key that gymnax draws from."""
        return key

    def initial(self, draws: jax.Array, params: Any = None) -> Any:
        """gymnax's reset."""
        return self._env.reset_env(draws, self._or_default(params))[1]

    def sample(
        self, key: jax.Array, state: Any, action: jax.Array, params: Any = None
    ) -> jax.Array:
        """Chance is a key that gymnax draws from."""
        return key

    def transition(
        self, state: Any, action: jax.Array, draws: jax.Array, params: Any = None
    ) -> Transition:
        """gymnax's step without its automatic reset."""
        chosen = self._or_default(params)
        _, after, reward, terminated, _ = self._env.step_env(draws, state, action, chosen)
        truncated = jnp.asarray(self._env.is_truncated(after, chosen))
        reward = jnp.asarray(reward, dtype=jnp.float32)
        return Transition(after, reward, jnp.asarray(terminated), truncated)

    def observe(self, state: Any, params: Any = None) -> jax.Array:
        """gymnax's observation, for environments that observe without chance."""
        chosen = self._or_default(params)
        return jnp.asarray(self._env.get_obs(state, params=chosen, key=jax.random.key(0)))

    def _or_default(self, params: Any) -> Any:
        return self._params if params is None else params


def _space(space: Any) -> gymnasium.Space[Any]:
    """Translate one of gymnax's spaces."""
    if type(space).__name__ == "Discrete":
        return gymnasium.spaces.Discrete(int(space.n))
    if type(space).__name__ == "Box":
        low = np.broadcast_to(np.asarray(space.low, dtype=np.float64), space.shape)
        high = np.broadcast_to(np.asarray(space.high, dtype=np.float64), space.shape)
        dtype = np.dtype(space.dtype).type
        return gymnasium.spaces.Box(low.astype(dtype), high.astype(dtype), dtype=dtype)
    raise TypeError(f"a gymnax space of type {type(space).__name__} cannot be translated yet")
