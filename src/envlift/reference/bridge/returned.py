"""What an environment returned, looked at before it is converted; runs in the child.

A note says of what kind it is, how often that came, and how it was the first time. What a note of
the candidate means is decided where both sides' notes are known.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

OUTSIDE = "an observation is outside of its space"
DTYPE = "an observation has another dtype than its space"
TYPE = "an observation has another type than its space gives"
CHANGED = "an observation is changed by a later step"
ACTION = "the action is changed in place"
REWARD_ARRAY = "a reward is an array"
REWARD_INT = "a reward is a whole number or a bool"
NO_INFO = "an info is no dictionary"
FLAG = "an end flag is no bool"
GLOBAL = "the global random generator is used"
INFO = "a value of info is no number or text of fixed shape"

HARD = (OUTSIDE, DTYPE, TYPE, CHANGED, ACTION, REWARD_ARRAY, NO_INFO)
"""Notes that are a difference where the candidate alone has them."""

LATER = 64
"""After so many steps the global generators are looked at in one step of 32 only: it takes long."""


class Notes:
    """Notes of one lane: kind -> how often, and the first one in words."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, str]] = {}

    def add(self, kind: str, first: str) -> None:
        """Count a note; ``first`` is kept the first time."""
        count, text = self.found.get(kind, (0, first))
        self.found[kind] = (count + 1, text)


class _Box:
    """The bounds of a Box, so that most of its values are seen to be good at once."""

    def __init__(self, space: Any) -> None:
        self._shape, self._dtype = tuple(space.shape), np.dtype(space.dtype)
        self._low, self._high = np.asarray(space.low), np.asarray(space.high)

    @classmethod
    def of(cls, space: Any) -> Any:
        """Return the bounds of a space of exactly this class, None for others."""
        return cls(space) if type(space).__name__ == "Box" else None

    def holds(self, value: Any) -> bool:
        """Whether a value is an array of the space."""
        if type(value) is not np.ndarray or value.dtype != self._dtype:
            return False
        if value.shape != self._shape:
            return False
        return bool(((value >= self._low) & (value <= self._high)).all())


class Watch:
    """Looks at what one environment returns.

    Args:
        space: its observation space, of Gymnasium.
    """

    def __init__(self, space: Any) -> None:
        self.notes = Notes()
        self._space = space
        self._steps = 0
        self._last: Any = None
        self._copy: list[bytes] = []
        self._box = _Box.of(space)

    def before(self, action: Any) -> list[Any]:
        """Keep what a step must not change; give it to ``after``."""
        looks = self._steps < LATER or self._steps % 32 == 0
        kept = [part.tobytes() for part in _arrays(action)]
        return [kept, generators() if looks else None]

    def after(self, action: Any, kept: list[Any]) -> None:
        """Look whether a step changed its action, the last observation or the global generators."""
        self._steps += 1
        for part, old in zip(_arrays(action), kept[0]):  # noqa: B905 - of equal length
            if part.tobytes() != old:
                was = np.frombuffer(old, part.dtype).tolist()
                now = part.reshape(-1).tolist()
                self.notes.add(ACTION, f"step {self._steps}: {was[:8]} became {now[:8]}")
        if kept[1] is not None and kept[1] != generators():
            self.notes.add(GLOBAL, f"step {self._steps}")
        self.unchanged(f"step {self._steps}")

    def unchanged(self, when: str) -> None:
        """Look whether the observation that was returned last is still what it was."""
        for part, old in zip(_arrays(self._last), self._copy):  # noqa: B905 - of equal length
            if part.tobytes() != old:
                self.notes.add(CHANGED, f"{when} changed the observation that was returned before")
                return

    def observation(self, value: Any) -> None:
        """Look at an observation as it was returned."""
        self._last, self._copy = value, [part.tobytes() for part in _arrays(value)]
        if self._box is not None and self._box.holds(value):
            return
        _judge(self._space, value, "", self.notes)
        try:
            inside = bool(self._space.contains(value))
        except Exception:  # a space may refuse in any way
            inside = False
        if not inside and not {DTYPE, TYPE} & set(self.notes.found):
            self.notes.add(OUTSIDE, _outside(self._space, value))

    def info(self, value: Any) -> None:
        """Look at an info."""
        if not isinstance(value, Mapping):
            self.notes.add(NO_INFO, f"{value!r}, a {type(value).__name__}")

    def reward(self, value: Any) -> None:
        """Look at a reward.

        Raises:
            TypeError: if it is no number.
        """
        if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "biuf":
            self.notes.add(REWARD_ARRAY, f"{value!r} of shape {value.shape}")
        elif isinstance(value, (bool, int, np.bool_, np.integer)):
            self.notes.add(REWARD_INT, f"{value!r}, a {type(value).__name__}")
        elif not isinstance(value, (float, np.floating)) and not _scalar(value):
            raise TypeError(f"the reward is {value!r}, a {type(value).__name__}, not a number")

    def flag(self, name: str, value: Any) -> bool:
        """Return an end flag.

        Raises:
            TypeError: if it is neither true nor false.
        """
        if isinstance(value, (bool, np.bool_)):
            return bool(value)
        number = isinstance(value, (int, float, np.number)) or _scalar(value)
        if number and value in (0, 1):
            self.notes.add(FLAG, f"{name} is {value!r}, a {type(value).__name__}")
            return bool(value)
        raise TypeError(f"{name} is {value!r}, a {type(value).__name__}, not True or False")


def _scalar(value: Any) -> bool:
    """Whether it is an array of one number and no axes, of any library."""
    if not hasattr(value, "__array__"):
        return False
    array = np.asarray(value)
    return array.shape == () and array.dtype.kind in "biuf"


def _arrays(value: Any) -> list[Any]:
    """Return the NumPy arrays in a value."""
    if isinstance(value, np.ndarray):
        return [value] if value.dtype.kind in "biuf" else []
    if isinstance(value, Mapping):
        return [part for inner in value.values() for part in _arrays(inner)]
    if isinstance(value, (tuple, list)):
        return [part for inner in value for part in _arrays(inner)]
    return []


def generators() -> tuple[Any, ...]:
    """Return what tells whether the global generators were used, cheaply."""
    state: Any = np.random.get_state(legacy=True)  # noqa: NPY002 - it is the one looked for
    words = random.getstate()
    return (state[2], state[3], state[1][0], words[1][-1], words[1][0], words[2])


def _judge(space: Any, value: Any, path: str, notes: Notes) -> None:
    """Note parts of another type or dtype than their space gives."""
    names = [kind.__name__ for kind in type(space).__mro__]
    where = f"observation{path}"
    if "Dict" in names or "Tuple" in names:
        inner = space.spaces
        kind = dict if "Dict" in names else tuple
        good = isinstance(value, (Mapping if kind is dict else tuple))
        if not good:
            notes.add(
                TYPE, f"{where} is a {type(value).__name__}, its space gives a {kind.__name__}"
            )
        items = inner.items() if hasattr(inner, "items") else enumerate(inner)
        for key, part in items:
            try:
                _judge(part, value[key], f"{path}[{key!r}]", notes)
            except (KeyError, IndexError, TypeError):
                return  # the keys are compared where it is converted
        return
    if "Discrete" in names:
        if not isinstance(value, (int, np.integer)) and not _whole(value):
            notes.add(TYPE, f"{where} is {value!r}, a {type(value).__name__}")
        return
    if getattr(space, "dtype", None) is None or getattr(space, "shape", None) is None:
        return
    if not hasattr(value, "dtype"):
        notes.add(TYPE, f"{where} is a {type(value).__name__}, its space gives arrays")
    elif np.dtype(value.dtype) != np.dtype(space.dtype):
        notes.add(DTYPE, f"{where} is {np.dtype(value.dtype).name}, its space {space.dtype}")


def _whole(value: Any) -> bool:
    return _scalar(value) and np.asarray(value).dtype.kind in "iu"


def _outside(space: Any, value: Any) -> str:
    """Say which number of an observation is outside of its space, as far as that can be said."""
    names = [kind.__name__ for kind in type(space).__mro__]
    if "Dict" in names or "Tuple" in names:
        inner = space.spaces
        for key, part in inner.items() if hasattr(inner, "items") else enumerate(inner):
            try:
                if not part.contains(value[key]):
                    return f"[{key!r}]{_outside(part, value[key])}"
            except Exception:  # a space may refuse in any way
                return f"[{key!r}]"
        return ""
    if "Box" in names and np.shape(value) == space.shape:
        array = np.asarray(value)
        wrong = ~((array >= space.low) & (array <= space.high))
        if wrong.any():
            index = tuple(np.argwhere(wrong)[0].tolist())
            at = f"[{', '.join(map(str, index))}]" if index else ""
            low, high = space.low[index], space.high[index]
            return f"{at} is {array[index]!s}, the bounds are {low!s} and {high!s}"
    text = repr(value)
    return f" {text if len(text) <= 60 else text[:57] + '...'} is not in {space}"
