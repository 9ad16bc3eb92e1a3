"""Any Gymnasium id as a reference; runs inside the Python host, one environment for each lane."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit

from envlift.reference.bridge.classes import made
from envlift.reference.bridge.components import find, numbers
from envlift.reference.bridge.exploring import Actions, DoesNotReturn, given_up, look, step
from envlift.reference.bridge.infos import Infos
from envlift.reference.bridge.returned import GLOBAL, INFO, Watch, generators
from envlift.reference.failure import PairError, UnknownSideError
from envlift.reference.lanes import checked
from envlift.reference.layout import Layout, LayoutError
from envlift.reference.spaces import describe
from envlift.reference.types import Array, ArraySpec, SideSpec
from envlift.reference.wire import DTYPES

ELAPSED = "elapsed_steps"
NO_STATE = "`state` is not taken for the state"


@dataclass(frozen=True)
class _Found:
    """What one object of an environment showed.

    Attributes:
        fields: of the state: spec, and the function that restores the type.
        observation: how observations travel.
        infos: of what travels of an info.
        masked: it declares legal actions.
        notes: kind and first one.
    """

    fields: dict[str, tuple[ArraySpec, Any]]
    observation: ArraySpec
    infos: Infos
    masked: bool
    notes: tuple[tuple[str, str], ...]


_FOUND: dict[Any, _Found] = {}
"""What was found of an environment in this process, by its id and options."""

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
        id: a registered id; ``module:ID`` imports a module first; ``module:Class`` and
            ``path/to/file.py:Class`` need not be registered.
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
            self._env: gymnasium.Env[Any, Any] = made(id, options)
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
        try:
            self._acting = Layout(describe(self._env.action_space), action=True)
        except LayoutError as error:
            raise PairError(f"{id}: {error}") from None
        self._watch = Watch(self._env.observation_space)
        self._info: dict[str, Any] = {}
        self._mask: Any = None
        self._begun = False
        named = None if state_attributes is None else tuple(state_attributes)
        key = id, named, repr(sorted(options.items()))
        if key not in _FOUND:
            _FOUND[key] = self._explore(state_attributes, options)
        found = _FOUND[key]
        self._fields, self._infos, self._masked = found.fields, found.infos, found.masked
        self._observing.spec = found.observation
        for kind, first in found.notes:
            self._watch.notes.add(kind, first)

    def _explore(
        self, state_attributes: Sequence[str] | None, options: Mapping[str, Any]
    ) -> _Found:
        """Play a little, to see what this environment shows.

        One object of a process is asked for all: the others are as new when they are judged.
        """
        self._begun = True
        notes = []
        # Most environments have no state before their first reset, and many look different after
        # their first step.
        drawn = generators()
        first = self._env.reset(seed=0)
        named = state_attributes is not None
        if state_attributes is None:
            state_attributes = ["state"] if "state" in dir(self._env.unwrapped) else []
        if not named and (why := self._no_state(first)):
            notes.append((NO_STATE, why))
            state_attributes = []
        fields = {name: self._field(name) for name in state_attributes}
        actions = Actions(self._env.action_space)
        mask = self._mask_of(first[1], first[0])
        masked = mask is not None
        second = step(self._env, actions, mask)
        if generators() != drawn:
            notes.append((GLOBAL, "the first reset or step"))
        if fields:
            # Some begin in float32 and go on in float64 (Acrobot), or the other way round
            # (MountainCarContinuous): the wider one holds both.
            fields = {name: self._wider(name, field) for name, field in fields.items()}
        if not named and fields and (why := self._changes(fields["state"][0])):
            notes.append((NO_STATE, why))
            fields = {}
        shown = [first] if second is None else [first, (second[0], second[4])]
        self._widen([observation for observation, _ in shown])
        try:
            with given_up():
                infos, unrepeated = look(self._env, actions, first, second, self._mask_of)
        except DoesNotReturn:
            # Where it is played, it will be given its time, and told by name if that is not enough.
            infos, unrepeated = Infos([info for _, info in shown]), []
            self._env = made(self._id, dict(options))
            self._limit, self._begun = _find_limit(self._env), False
        notes += [(f"{INFO}: {name!r} is not repeated by equal seeds", "") for name in unrepeated]
        return _Found(fields, self._observing.spec, infos, masked, tuple(notes))

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
            info=self._infos.spec(),
            legal_actions=self._masked,
            masked_by_info=self._masked,
            unseeded=True,
            time_limit=None if self._limit is None else int(self._limit._max_episode_steps),
        )

    def reset(self, seed: int, chance: Any = None) -> Array:
        """Start an episode: ``env.reset(seed=seed)``; a negative seed stands for none."""
        self._begun = True
        observation, info = self._env.reset(seed=seed) if seed >= 0 else self._env.reset()
        self._watch.unchanged("a reset")
        self._keep_info(info, observation)
        return self._seen(observation)

    def step(self, action: Any, chance: Any = None) -> tuple[Array, Any, bool, bool]:
        """Play one step; a discrete action counts from 0 whatever the space's start."""
        self._begin()
        native = self._native(action)
        kept = self._watch.before(native)
        observation, reward, terminated, truncated, info = self._env.step(native)
        self._watch.after(native, kept)
        self._watch.reward(reward)
        ends = self._watch.flag("terminated", terminated), self._watch.flag("truncated", truncated)
        self._keep_info(info, observation)
        number = float(np.asarray(reward).reshape(()))
        return self._seen(observation), number, *ends

    def info(self) -> dict[str, Any]:
        """Return the numbers of the last step's or reset's info, see ``SideSpec.info``."""
        return self._info

    def legal_actions(self) -> Any:
        """Return ``action_mask`` of the last step, all true where it had none."""
        count = _choices(self._env.action_space)
        return np.ones(count, np.bool_) if self._mask is None else self._mask

    def notes(self) -> dict[str, tuple[int, str]]:
        """Return what was noticed about what the environment returned, see ``returned``."""
        return self._watch.notes.found

    def get_state(self) -> dict[str, Any]:
        """Read the attributes."""
        self._begin()
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
        self._begin()
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
            ValueError: as ``components.find``.
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

    def _no_state(self, first: Any) -> str:
        """Say why the attribute ``state`` is not the state, nothing where it may be."""
        env: Any = self._env.unwrapped
        if "state" not in dir(env):
            return ""
        try:
            value = env.state
        except Exception as error:  # a property may do anything
            return f"its attribute `state` raises {type(error).__name__}"
        why = _no_numbers(value)
        if not why:
            try:
                env.state = value
            except AttributeError:
                why = "cannot be set"
        return f"its attribute `state` {why}" if why else ""

    def _changes(self, spec: ArraySpec) -> str:
        """Say how the attribute ``state`` changed in a step, where that makes it no state."""
        try:
            value = getattr(self._env.unwrapped, "state", None)
        except Exception as error:
            return f"its attribute `state` raises {type(error).__name__}"
        why = _no_numbers(value)
        array = np.asarray(None if why else value)
        kinds = array.dtype.kind, np.dtype(spec.dtype).kind
        if not why and (array.shape != spec.shape or kinds[0] != kinds[1]):
            before, after = f"{spec.dtype} {spec.shape}", f"{array.dtype.name} {array.shape}"
            why = f"is {before} at a reset and {after} later"
        return f"its attribute `state` {why}" if why else ""

    def _widen(self, observations: list[Any]) -> None:
        """Carry floats that are wider than their space says as they are."""
        layout = self._observing
        if not layout.plain or np.dtype(layout.spec.dtype).kind != "f":
            return
        for value in observations:
            dtype = getattr(value, "dtype", None)
            if dtype is not None and np.dtype(dtype).kind == "f":
                wide = np.promote_types(dtype, layout.spec.dtype)
                layout.spec = ArraySpec(layout.spec.shape, wide.name)

    def _mask_of(self, info: Any, observation: Any) -> Any:
        """Return the mask over the choices of an action in a row, None where there is none.

        It stands in the info, or in an observation that is a dictionary (PettingZoo's way). Of an
        action of several parts it is one array, or as ``MultiDiscrete.sample`` takes it, nested.
        """
        count = _choices(self._env.action_space)
        for shown in (info, observation) if count else ():
            mask = shown.get("action_mask") if isinstance(shown, Mapping) else None
            mask = None if mask is None else _in_a_row(mask)
            if mask is not None and mask.shape == (count,):
                return mask.astype(np.bool_)
        return None

    def _keep_info(self, info: Any, observation: Any) -> None:
        """Keep the mask, and what travels of an info."""
        self._watch.info(info)
        self._mask = self._mask_of(info, observation) if self._masked else None
        if not info and not self._infos.fields:
            return
        self._info, left = self._infos.read(info)
        for name, why in left.items():
            self._watch.notes.add(f"{INFO}: {name!r} {why}", "")

    def _begin(self) -> None:
        """Start an episode where none was: some cannot be asked for anything before."""
        if not self._begun:
            self._begun = True
            self._env.reset(seed=0)

    def _seen(self, observation: Any) -> Array:
        self._watch.observation(observation)
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


def _no_numbers(value: Any) -> str:
    """Say why a value is no state; nothing where it is a number or an array of numbers."""
    if callable(value):
        return "is a method"
    if isinstance(value, (str, bytes, Mapping, set, frozenset)) or value is None:
        return f"is {value!r}, a {type(value).__name__}"
    try:
        array = np.asarray(value)
    except ValueError:
        return "holds parts of different shapes"
    return "" if array.dtype.name in DTYPES else f"is {value!r}, which is no number"


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


def _choices(space: Any) -> int:
    """Return how many choices the parts of an action have together; 0 where it has none."""
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    return int(space.nvec.sum()) if isinstance(space, spaces.MultiDiscrete) else 0


def _in_a_row(mask: Any) -> Any:
    if isinstance(mask, list | tuple) and any(np.ndim(part) for part in mask):
        return np.concatenate([_in_a_row(part) for part in mask])
    return np.asarray(mask).reshape(-1)
