"""An environment with other params than its default ones, so that these too can be judged."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Mapping
from typing import Any

import gymnasium
import jax

from envlift.candidate.states import AnyEnv
from envlift.env import Env, EnvInfo, Transition
from envlift.registry import make

OPTION = "params"
"""The candidate option of a configuration that names params and their values."""


def make_with(name: str, options: Mapping[str, Any], **more: Any) -> AnyEnv:
    """Make a registered environment with the candidate options of a configuration.

    Args:
        name: of the environment.
        options: its own, and ``params`` where a configuration has other ones.
        more: options of ``envlift.make``.
    """
    own = dict(options)
    params = own.pop(OPTION, {})
    env = make(name, **own, **more)
    return WithParams(env, params) if params else env


class WithParams(Env[Any, Any, Any]):
    """Gives ``params`` to every function of an environment that is called without them.

    Args:
        env: whose rules they are.
        changes: params that differ from the default ones, by name.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """

    def __init__(self, env: AnyEnv, changes: Mapping[str, Any]) -> None:
        default = env.default_params
        fields = dataclasses.fields(default) if dataclasses.is_dataclass(default) else ()
        known = [one.name for one in fields]
        for name in changes:
            if name not in known:
                raise ValueError(
                    f"{env.info.name} has no param {name!r}; it has {', '.join(known) or 'none'}"
                )
        options = {**env.info.options, OPTION: dict(changes)}
        info = EnvInfo(env.info.name, env.info.version, env.info.backend, options)
        super().__init__(info, env.autoreset)
        self.truncates = env.truncates
        self.num_players = env.num_players
        self._env = env
        self._params = dataclasses.replace(default, **changes)

    def __getattr__(self, name: str) -> Any:
        """Everything that only this environment has, with its params where it takes any."""
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._env, name)
        if callable(found) and "params" in inspect.signature(found).parameters:
            return functools.partial(found, params=self._params)
        return found

    @property
    def default_params(self) -> Any:
        """Those that were given."""
        return self._params

    def observation_space(self, params: Any = None) -> gymnasium.Space[Any]:
        """The environment's own."""
        return self._env.observation_space(self._or(params))

    def action_space(self, params: Any = None) -> gymnasium.Space[Any]:
        """The environment's own."""
        return self._env.action_space(self._or(params))

    def sample_initial(self, key: jax.Array, params: Any = None) -> Any:
        """The environment's own."""
        return self._env.sample_initial(key, self._or(params))

    def initial(self, draws: Any, params: Any = None) -> Any:
        """The environment's own."""
        return self._env.initial(draws, self._or(params))

    def sample(self, key: jax.Array, state: Any, action: Any, params: Any = None) -> Any:
        """The environment's own."""
        return self._env.sample(key, state, action, self._or(params))

    def transition(self, state: Any, action: Any, draws: Any, params: Any = None) -> Transition:
        """The environment's own."""
        return self._env.transition(state, action, draws, self._or(params))

    def observe(self, state: Any, params: Any = None) -> Any:
        """The environment's own."""
        return self._env.observe(state, self._or(params))

    def legal_actions(self, state: Any, params: Any = None) -> jax.Array:
        """The environment's own."""
        return self._env.legal_actions(state, self._or(params))

    def score(self, reward: jax.Array, params: Any = None) -> jax.Array:
        """The environment's own."""
        return self._env.score(reward, self._or(params))

    def split_key(self, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The environment's own."""
        return self._env.split_key(key)

    def reset(self, key: jax.Array, params: Any = None) -> Any:
        """The environment's own."""
        return self._env.reset(key, self._or(params))

    def step(self, key: jax.Array, state: Any, action: Any, params: Any = None) -> Any:
        """The environment's own, with this one's autoreset."""
        env = copy.copy(self._env)
        env.autoreset = self.autoreset
        return env.step(key, state, action, self._or(params))

    def _or(self, params: Any) -> Any:
        return self._params if params is None else params
