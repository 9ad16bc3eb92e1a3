"""Python classes as the lanes of a reference: one object for each lane, or one for all of them.

Shapes: ``T`` steps, ``B`` lanes, ``N`` rows of a component call.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from envlift.reference import wire
from envlift.reference.types import Array, ArraySpec, SideSpec

_MARK = "__envlift_component__"


def component(function: Any = None, *, batched: bool = False) -> Any:
    """Mark a method that ``call`` may reach, for example ``@component def physics(self, x): ...``.

    The arguments come by keyword. In a class for one lane the method is called once for each row
    (arguments without their leading axis), unless ``batched`` is true; in a batched class it gets
    whole arrays [N, ...]. It returns a dictionary of results, or one value, which is then named
    ``result``.
    """

    def mark(method: Any) -> Any:
        setattr(method, _MARK, "batched" if batched else "row")
        return method

    return mark if function is None else mark(function)


class LaneError(Exception):
    """An exception in one lane; its cause is what happened there."""

    def __init__(self, lane: int, step: int | None = None) -> None:
        super().__init__(f"lane {lane}")
        self.lane = lane
        self.step = step


# NumPy makes the name anew at every look, which is a good part of a cheap step.
_dtype_name = functools.cache(lambda dtype: str(dtype.name))


def checked(value: Any, spec: ArraySpec, name: str) -> Array:
    """Return ``value`` as an array of exactly this shape and dtype.

    Plain Python numbers and lists are converted where nothing is lost; a NumPy value must have the
    dtype already, because a silent conversion would hide what the reference really computes.

    Raises:
        TypeError: for a wrong shape or dtype.
    """
    array = np.asarray(value)
    if array.shape != spec.shape:
        raise TypeError(f"{name} has the shape {array.shape}, the spec says {spec.shape}")
    if _dtype_name(array.dtype) == spec.dtype:
        return array
    target = np.dtype(spec.dtype)
    plain = not isinstance(value, (np.ndarray, np.generic))
    if plain and array.dtype.kind in "biuf" and (target.kind == "f" or array.dtype.kind != "f"):
        with np.errstate(over="ignore", invalid="ignore"):
            converted = array.astype(target)
        if target.kind == "f" or (converted == array).all():
            return converted
    raise TypeError(f"{name} is {value!r} ({array.dtype.name}), the spec says {spec.dtype}")


def read_side_spec(spec: Any) -> SideSpec:
    """Take what a class calls its spec: a ``SideSpec``, or a mapping as in the protocol."""
    if isinstance(spec, SideSpec):
        return wire.read_spec(wire.write_spec(spec))
    return wire.read_spec(spec)


class Lanes:
    """One object for each lane.

    The class has ``__init__(**config)``, ``spec()``, ``reset(seed, chance=None) -> observation``,
    ``step(action, chance=None) -> (observation, reward, terminated, truncated)``, and where there
    is a state ``get_state() -> dict`` and ``set_state(dict)``; optionally ``legal_actions()``,
    ``coverage()``, ``close()`` and components: marked methods, or ``find_component(name)``, which
    returns the function that is called once for each row.
    """

    def __init__(
        self,
        factory: Callable[..., Any],
        num_lanes: int,
        config: Mapping[str, Any],
        working: Callable[[], None] = lambda: None,
        patience: float | None = None,
    ) -> None:
        """Make the lanes; after ``patience`` seconds no further ones.

        ``working`` is called after each piece of work.
        """
        self._working = working
        self._games: list[Any] = []
        started = time.monotonic()
        while len(self._games) < num_lanes:
            self._games.append(factory(**config))
            working()
            if patience is not None and time.monotonic() - started > patience:
                break
        self.num_lanes = len(self._games)
        self.spec = read_side_spec(self._games[0].spec())

    def reset(self, seeds: Array, chance: Array | None, returns: Sequence[str]) -> dict[str, Any]:
        """Start an episode in every lane."""
        record = _Buffers(self.spec, (len(self._games),), returns, ended=False)
        for lane, game in enumerate(self._games):
            try:
                observation = self._start(game, int(seeds[lane]), chance, (lane,))
                self._look(record, (lane,), game, observation)
                if "info" in record.fields:
                    record.put_state("info", (lane,), game.info())
            except Exception as error:
                raise LaneError(lane) from error
            self._working()
        return record.fields

    def step(
        self,
        actions: Array,
        chance: Array | None,
        reset_seeds: Array | None,
        returns: Sequence[str],
    ) -> dict[str, Any]:
        """Play T steps in every lane."""
        record = _Buffers(self.spec, actions.shape[:2], returns, ended=True)
        for step in range(len(actions)):
            for lane, game in enumerate(self._games):
                try:
                    at = (step, lane)
                    self._play(record, at, game, actions[at], chance, reset_seeds)
                except Exception as error:
                    raise LaneError(lane, step) from error
                self._working()
        return record.fields

    def _play(
        self,
        record: _Buffers,
        at: tuple[int, ...],
        game: Any,
        action: Any,
        chance: Array | None,
        reset_seeds: Array | None,
    ) -> None:
        if not self.spec.action.shape:
            action = action.item()
        played = game.step(action) if chance is None else game.step(action, _one(chance, at))
        if not isinstance(played, tuple) or len(played) != 4:
            raise TypeError(
                "step() must return (observation, reward, terminated, truncated), it returned "
                f"{played!r}"
            )
        observation, reward, terminated, truncated = played
        record.put("reward", at, reward)
        record.put("terminated", at, terminated)
        record.put("truncated", at, truncated)
        if "info" in record.fields:
            record.put_state("info", at, game.info())
        if not self.spec.self_reset:
            record.put("final_observation", at, observation)
            if "final_state" in record.fields:
                record.put_state("final_state", at, game.get_state())
            if terminated or truncated:
                if reset_seeds is None:
                    raise ValueError("an episode ended and the message has no 'reset_seeds'")
                observation = self._start(game, int(reset_seeds[at]), chance, at)
        self._look(record, at, game, observation)

    @staticmethod
    def _start(game: Any, seed: int, chance: Array | None, at: tuple[int, ...]) -> Any:
        return game.reset(seed) if chance is None else game.reset(seed, _one(chance, at))

    @staticmethod
    def _look(record: _Buffers, at: tuple[int, ...], game: Any, observation: Any) -> None:
        record.put("observation", at, observation)
        if "state" in record.fields:
            record.put_state("state", at, game.get_state())
        if "legal_actions" in record.fields:
            record.put("legal_actions", at, game.legal_actions())

    def get_state(self) -> dict[str, Array]:
        """Return every field [B, ...]."""
        record = _Buffers(self.spec, (len(self._games),), ("state",), ended=False)
        for lane, game in enumerate(self._games):
            try:
                record.put_state("state", (lane,), game.get_state())
            except Exception as error:
                raise LaneError(lane) from error
        fields: dict[str, Array] = record.fields["state"]
        return fields

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Set every field [B, ...]."""
        for lane, game in enumerate(self._games):
            try:
                game.set_state({name: _one(value, (lane,)) for name, value in state.items()})
            except Exception as error:
                raise LaneError(lane) from error

    def legal_actions(self) -> Array | None:
        """Return which actions are legal now, bool [B, A]; None where there is no mask."""
        if not self.spec.legal_actions:
            return None
        record = _Buffers(self.spec, (len(self._games),), ("legal_actions",), ended=False)
        for lane, game in enumerate(self._games):
            try:
                record.put("legal_actions", (lane,), game.legal_actions())
            except Exception as error:
                raise LaneError(lane) from error
        return np.asarray(record.fields["legal_actions"])

    def call(self, name: str, arguments: Mapping[str, Array]) -> dict[str, Any]:
        """Call a component of the first lane's object."""
        method, kind = find_component(self._games[0], name)
        if kind == "batched" or not arguments:
            results = _named(method(**arguments))
            return results if arguments else {key: [value] for key, value in results.items()}
        lengths = {key: len(np.atleast_1d(value)) for key, value in arguments.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the arguments have different numbers of rows: {lengths}")
        rows = []
        for row in range(next(iter(lengths.values()))):
            given = {key: _one(value, (row,)) for key, value in arguments.items()}
            rows.append(_named(method(**given)))
            self._working()
        return (
            {key: np.stack([np.asarray(row[key]) for row in rows]) for key in rows[0]}
            if rows
            else {}
        )

    def notes(self) -> dict[str, list[Any]] | None:
        """Return what was noticed about the lanes: kind -> how often, and the first in words.

        None where the objects look at nothing.
        """
        if not any(hasattr(game, "notes") for game in self._games):
            return None
        total: dict[str, list[Any]] = {}
        for lane, game in enumerate(self._games):
            for kind, (count, first) in getattr(game, "notes", dict)().items():
                before = total.setdefault(kind, [0, f"lane {lane}: {first}" if first else ""])
                before[0] += count
        return total

    def coverage(self) -> dict[str, int]:
        """Return the sum over all lanes."""
        total: dict[str, int] = {}
        for game in self._games:
            for place, count in getattr(game, "coverage", dict)().items():
                total[place] = total.get(place, 0) + int(count)
        return total

    def close(self) -> None:
        """Close every object that can be closed."""
        for game in self._games:
            getattr(game, "close", lambda: None)()


class Batch:
    """One object for all lanes, for references that are fast themselves.

    The class has ``batched = True``, ``__init__(num_lanes, **config)``, ``spec()``,
    ``reset(seeds, chance, returns)`` and ``step(actions, chance, reset_seeds, returns)``, which
    return a mapping named like the fields of ``Record``, ``get_state()`` and ``set_state(state)``
    with fields [B, ...]; optionally ``coverage()``, ``close()`` and components.
    """

    def __init__(
        self,
        factory: Callable[..., Any],
        num_lanes: int,
        config: Mapping[str, Any],
        working: Callable[[], None] = lambda: None,
        patience: float | None = None,
    ) -> None:
        self._game = factory(num_lanes, **config)
        self.num_lanes = num_lanes
        self.spec = read_side_spec(self._game.spec())

    def reset(self, seeds: Array, chance: Array | None, returns: Sequence[str]) -> dict[str, Any]:
        """Start an episode in every lane."""
        return dict(self._game.reset(seeds, chance, returns))

    def step(
        self,
        actions: Array,
        chance: Array | None,
        reset_seeds: Array | None,
        returns: Sequence[str],
    ) -> dict[str, Any]:
        """Play T steps in every lane."""
        return dict(self._game.step(actions, chance, reset_seeds, returns))

    def get_state(self) -> dict[str, Array]:
        """Return every field [B, ...]."""
        return dict(self._game.get_state())

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Set every field [B, ...]."""
        self._game.set_state(state)

    def legal_actions(self) -> Array | None:
        """Return which actions are legal now, bool [B, A]; None where the object does not say."""
        ask = getattr(self._game, "legal_actions", None)
        return None if ask is None or not self.spec.legal_actions else np.asarray(ask(), np.bool_)

    def call(self, name: str, arguments: Mapping[str, Array]) -> dict[str, Any]:
        """Call a component."""
        method, _ = find_component(self._game, name)
        return _named(method(**arguments))

    def notes(self) -> dict[str, list[Any]] | None:
        """Return what the object noticed about itself, None if it looks at nothing."""
        if not hasattr(self._game, "notes"):
            return None
        found: Mapping[str, tuple[int, str]] = getattr(self._game, "notes", dict)()
        return {kind: [count, first] for kind, (count, first) in found.items()}

    def coverage(self) -> dict[str, int]:
        """Return what the object counts."""
        return dict(getattr(self._game, "coverage", dict)())

    def close(self) -> None:
        """Close the object if it can be closed."""
        getattr(self._game, "close", lambda: None)()


class _Buffers:
    """The arrays of one answer, filled place by place."""

    def __init__(
        self, spec: SideSpec, axes: tuple[int, ...], returns: Sequence[str], *, ended: bool
    ) -> None:
        self._specs = {"observation": spec.observation}
        self._groups = {"state": spec.state, "final_state": spec.state, "info": spec.info}
        if ended:
            flag = ArraySpec((), "bool")
            self._specs |= {"reward": spec.reward, "terminated": flag, "truncated": flag}
            if "final_observation" in returns and not spec.self_reset:
                self._specs["final_observation"] = spec.observation
        if "legal_actions" in returns and spec.legal_actions:
            self._specs["legal_actions"] = ArraySpec((spec.mask_length or 0,), "bool")
        self.fields: dict[str, Any] = {
            name: np.zeros((*axes, *one.shape), one.dtype) for name, one in self._specs.items()
        }
        last = ["final_state"] if ended and not spec.self_reset else []
        for name in ("state", *last, "info"):
            if name in returns and self._groups[name]:
                self.fields[name] = {
                    field: np.zeros((*axes, *one.shape), one.dtype)
                    for field, one in self._groups[name].items()
                }

    def put(self, name: str, at: tuple[int, ...], value: Any) -> None:
        if name in self.fields:
            self.fields[name][at] = checked(value, self._specs[name], name)

    def put_state(self, name: str, at: tuple[int, ...], state: Mapping[str, Any]) -> None:
        specs = self._groups[name]
        function, what = ("info()", "info") if name == "info" else ("get_state()", "state field")
        if set(state) != set(specs):
            raise TypeError(
                f"{function} has the fields {sorted(state)}, the spec says {sorted(specs)}"
            )
        for field, spec in specs.items():
            self.fields[name][field][at] = checked(state[field], spec, f"{what} {field!r}")


def _one(array: Array, at: tuple[int, ...]) -> Any:
    """Return one element: a plain number for a scalar, else an array that may be kept."""
    value = array[at]
    return value.copy() if isinstance(value, np.ndarray) else value.item()


def _named(results: Any) -> dict[str, Any]:
    return dict(results) if isinstance(results, Mapping) else {"result": results}


def find_component(game: Any, name: str) -> tuple[Any, str]:
    """Return the marked method called ``name`` and how it wants its arguments.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """
    if hasattr(game, "find_component"):
        return game.find_component(name), "row"
    marked = {
        key: kind
        for key in dir(type(game))
        if (kind := getattr(getattr(type(game), key, None), _MARK, None))
    }
    if name not in marked:
        known = ", ".join(sorted(marked)) or "none"
        raise ValueError(f"no component is named {name!r}; known: {known}")
    return getattr(game, name), marked[name]
