"""Any Gymnasium id as a reference; runs inside the Python host, one environment for each lane."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit

from envlift.reference.failure import UnknownSideError
from envlift.reference.gymnasium_components import find, numbers
from envlift.reference.lanes import checked
from envlift.reference.layout import Layout
from envlift.reference.spaces import describe
from envlift.reference.types import Array, ArraySpec, SideSpec
from envlift.reference.wire import DTYPES

ELAPSED = "elapsed_steps"
_UNKNOWN = (
    gymnasium.error.UnregisteredEnv,
    gymnasium.error.VersionNotFound,
    gymnasium.error.DeprecatedEnv,
)


class GymnasiumReference:
    """One environment of ``gymnasium.make(id, **make_options)``.

    Its state is what the named attributes of ``env.unwrapped`` hold, and, where a ``TimeLimit``
    wraps it, ``elapsed_steps``. The generator of an environment that draws inside ``step`` is not
    part of that state.

    Args:
        id: a registered id; ``module:ID`` imports a module first.
        state_attributes: names under ``env.unwrapped``, dotted names allowed (``data.qpos``).
            None: ``state`` if there is one, else no state.
        make_options: passed to ``gymnasium.make``, for example ``max_episode_steps``.

    Raises:
        UnknownSideError: for an unknown id; the message lists what is near.
        ValueError: for a missing attribute or an attribute that is no number; likewise.
    """

    def __init__(
        self,
        id: str,
        state_attributes: Sequence[str] | None = None,
        **make_options: Any,
    ) -> None:
        # The checker warns about harmless things and is not part of the environment.
        options = {"disable_env_checker": True, **make_options}
        try:
            self._env: gymnasium.Env[Any, Any] = gymnasium.make(id, **options)
        except _UNKNOWN as error:
            known = list(gymnasium.registry)
            name = id.rpartition(":")[2]
            near = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
            hint = f"near ones: {', '.join(near)}" if near else f"{len(known)} ids are registered"
            raise UnknownSideError(
                f"Gymnasium knows no environment {id!r} ({error}); {hint}"
            ) from None
        self._id = id
        self._limit = _find_limit(self._env)
        self._observing = Layout(describe(self._env.observation_space))
        self._acting = Layout(describe(self._env.action_space), action=True)
        # Most environments have no state before their first reset.
        self._env.reset(seed=0)
        if state_attributes is None:
            state_attributes = ["state"] if hasattr(self._env.unwrapped, "state") else []
        fields = {name: self._field(name) for name in state_attributes}
        if fields:
            # Some begin in float32 and go on in float64 (Acrobot), or the other way round
            # (MountainCarContinuous): the wider one holds both.
            self._env.step(self._env.action_space.sample())
            fields = {name: self._wider(name, field) for name, field in fields.items()}
        self._fields = fields

    # -- what the host asks for -------------------------------------------------------------------

    def spec(self) -> SideSpec:
        """Describe the environment."""
        space = self._env.action_space
        state = {name: spec for name, (spec, _) in self._fields.items()}
        if state and self._limit is not None:
            state[ELAPSED] = ArraySpec((), "int64")
        low, high = _action_bounds(space)
        return SideSpec(
            name=f"gymnasium:{self._id}",
            observation=self._observing.spec,
            action=self._acting.spec,
            num_actions=int(space.n) if isinstance(space, spaces.Discrete) else None,
            action_low=low,
            action_high=high,
            state=state,
            pins={"gymnasium": gymnasium.__version__, "numpy": np.__version__},
            action_space=self._acting.space,
            observation_space=self._observing.space,
        )

    def reset(self, seed: int, chance: Any = None) -> Array:
        """Start an episode: ``env.reset(seed=seed)``."""
        observation, _ = self._env.reset(seed=seed)
        return self._seen(observation)

    def step(self, action: Any, chance: Any = None) -> tuple[Array, float, bool, bool]:
        """Play one step; a discrete action counts from 0 whatever the space's start."""
        observation, reward, terminated, truncated, _ = self._env.step(self._native(action))
        return self._seen(observation), float(reward), bool(terminated), bool(truncated)

    def get_state(self) -> dict[str, Any]:
        """Read the attributes."""
        state: dict[str, Any] = {}
        for name, (spec, _) in self._fields.items():
            value = np.asarray(_read(self._env.unwrapped, name))
            if value.dtype.kind == "f" and np.can_cast(value.dtype, spec.dtype):
                value = value.astype(spec.dtype)
            state[name] = checked(value, spec, f"attribute {name!r}").copy()
        if self._fields and self._limit is not None:
            state[ELAPSED] = self._limit._elapsed_steps
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Write the attributes, as the type that they had."""
        for name, (_, convert) in self._fields.items():
            owner, _, attribute = name.rpartition(".")
            target = _read(self._env.unwrapped, owner) if owner else self._env.unwrapped
            setattr(target, attribute, convert(state[name]))
        if self._fields and self._limit is not None:
            self._limit._elapsed_steps = int(state[ELAPSED])

    def find_component(self, name: str) -> Callable[..., dict[str, Any]]:
        """Return a function of the environment that ``call`` may evaluate.

        The declared state, the elapsed steps and the random generator are what they were before,
        whatever the function did to them.

        Raises:
            ValueError: as ``gymnasium_components.find``.
        """
        function = find(self._env.unwrapped, name)

        def evaluate(**arguments: Any) -> dict[str, Any]:
            state = self.get_state()
            generator = getattr(self._env.unwrapped, "_np_random", None)
            drawn = copy.deepcopy(generator.bit_generator.state) if generator else None
            try:
                return numbers(name, function(**arguments))
            finally:
                self.set_state(state)
                if generator:
                    generator.bit_generator.state = drawn

        return evaluate

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    # -- helpers ----------------------------------------------------------------------------------

    def _native(self, action: Any) -> Any:
        """Return an action as the environment takes it."""
        space = self._env.action_space
        if isinstance(space, spaces.Discrete):
            return int(getattr(space, "start", 0)) + int(action)
        return self._acting.unpack(np.asarray(action))

    def _seen(self, observation: Any) -> Array:
        return self._observing.pack(observation, "the observation").copy()

    def _field(self, name: str) -> tuple[ArraySpec, Any]:
        """Return the spec of an attribute and the function that restores its type."""
        value = _read(self._env.unwrapped, name)
        array = np.asarray(value)
        if array.dtype.name not in DTYPES:
            raise ValueError(
                f"attribute {name!r} of {self._id} is {value!r}, not a number or an array of "
                "numbers; leave it out of 'state_attributes' or name its numeric parts"
            )
        kind = type(value)
        if array.ndim and hasattr(value, "__array__"):
            # Arrays of other libraries (JAX's, say) work with NumPy's just as well.
            convert: Any = np.array
        elif kind in (tuple, list):
            convert = lambda new: kind(np.asarray(new).tolist())  # noqa: E731
        else:
            convert = kind
        return ArraySpec(array.shape, array.dtype.name), convert

    def _wider(self, name: str, field: tuple[ArraySpec, Any]) -> tuple[ArraySpec, Any]:
        """Return a float field in the wider of its dtypes before and now.

        What fits into the narrower one is written back in it: sums round by the dtype of their
        terms, so the same numbers in another dtype would lead to another step.
        """
        spec, convert = field
        before, now = np.dtype(spec.dtype), np.asarray(_read(self._env.unwrapped, name)).dtype
        if now.kind != "f" or before.kind != "f" or now == before:
            return spec, convert
        narrow, wide = sorted((before, now), key=lambda dtype: dtype.itemsize)

        def written(new: Any) -> Any:
            small = np.array(new, dtype=narrow)
            return convert(small if np.array_equal(small, new) else np.array(new, dtype=wide))

        return ArraySpec(spec.shape, wide.name), written


def _find_limit(env: Any) -> Any:
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, TimeLimit):
            return env
        env = env.env
    return None


def _read(owner: Any, dotted: str) -> Any:
    value = owner
    for part in dotted.split("."):
        if not hasattr(value, part):
            names = [name for name in dir(value) if not name.startswith("_")]
            near = difflib.get_close_matches(part, names, n=5, cutoff=0.4) or names[:20]
            raise ValueError(
                f"{type(value).__name__} has no attribute {part!r} (from the state attribute "
                f"{dotted!r}); near ones: {', '.join(near)}"
            )
        value = getattr(value, part)
    return value


def _action_bounds(
    space: spaces.Space[Any],
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    if isinstance(space, spaces.Box):
        if not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
            return None, None  # JSON has no infinity; the description of the space says it.
        return tuple(space.low.reshape(-1).tolist()), tuple(space.high.reshape(-1).tolist())
    if isinstance(space, spaces.MultiDiscrete):
        low = np.asarray(space.start).reshape(-1)
        high = low + np.asarray(space.nvec).reshape(-1) - 1
        return tuple(low.astype(float).tolist()), tuple(high.astype(float).tolist())
    if isinstance(space, spaces.MultiBinary):
        size = int(np.prod(space.shape))
        return (0.0,) * size, (1.0,) * size
    return None, None
