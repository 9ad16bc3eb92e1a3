"""A tape of random words in the place of a random generator.

A Python environment that rolls dice inside a step can be compared step by step once both sides are
given the same dice. So the words of one call (a reset or a step) are drawn outside, ``uint32 [K]``,
and every draw of the environment takes the next ones:

``random()``
    one word ``w``: ``(w >> 8) * 2**-24``, at least 0 and below 1; exactly a float32
``integers(low, high)``
    one word: ``low + (((w >> 16) * (high - low)) >> 16)``; no more than 65536 values
``uniform(low, high)``
    ``low + (high - low) * random()``
``choice(a)``
    ``a[integers(0, len(a))]``; with ``p``: the first whose cumulated ``p``, divided by its last, is
    above ``random()``; without replacement: the first of a ``permutation(a)``
``permutation``, ``shuffle``
    from the last place ``i`` down to 1: exchanged with ``integers(0, i + 1)``
``normal(mean, deviation)``
    two words, ``u`` and ``v``: ``mean + deviation * sqrt(-2 log(1 - u)) * cos(2 pi v)``
``exponential(scale)``
    one word: ``-scale * log(1 - u)``

An array takes as many draws as it has elements, the last axis first to change. Words that are left
over count for nothing. The distribution is that of NumPy's generator, its numbers are not.
"""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

VALUES = 1 << 16
"""Most values that one word is spread over."""


class TapeError(ValueError):
    """The tape cannot give what an environment asks for; the message says what to do."""


class Tape:
    """Gives what NumPy's ``Generator`` gives, by the words of a tape.

    Attributes:
        used: words taken since ``rewind``.
    """

    def __init__(self) -> None:
        self.rewind(np.zeros(0, np.uint32))

    def rewind(self, words: Any) -> None:
        """Take other words, uint32 [K]."""
        self._words = np.asarray(words, np.uint32)
        self.used = 0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise TapeError(
            f"the environment draws by {name}(), which a tape does not give; it gives random, "
            "integers, uniform, choice, permutation, shuffle, normal and exponential. Write an "
            "adapter that takes its chance as an argument (docs/reference-protocol.md)"
        )

    def _word(self) -> int:
        if self.used >= len(self._words):
            raise TapeError(
                f"one reset or step drew more than the {len(self._words)} words of its tape; "
                "write a larger `tape` into the reference's config, and into the suite"
            )
        self.used += 1
        return int(self._words[self.used - 1])

    def _one(self) -> float:
        return (self._word() >> 8) * 2.0**-24

    def _many(self, draw: Any, size: Any) -> Any:
        if size is None:
            return draw()
        shape = (size,) if np.ndim(size) == 0 else tuple(size)
        return np.array([draw() for _ in range(math.prod(shape))]).reshape(shape)

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Return numbers of [0, 1)."""
        if out is not None:
            out[...] = self._many(self._one, out.shape)
            return out
        found = self._many(self._one, size)
        return found if size is None else found.astype(dtype)

    def integers(
        self, low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64,
        endpoint: bool = False,
    ) -> Any:  # fmt: skip
        """Return integers of [low, high)."""
        first, end = (0, low) if high is None else (low, high)
        if np.ndim(first) or np.ndim(end):
            raise TapeError("integers() with arrays of bounds is not given by a tape")
        start, values = int(first), int(end) - int(first) + bool(endpoint)
        if not 1 <= values <= VALUES:
            raise TapeError(f"a tape gives integers of 1 to {VALUES} values, not of {values}")
        found = self._many(lambda: start + (((self._word() >> 16) * values) >> 16), size)
        return np.dtype(dtype).type(found) if size is None else found.astype(dtype)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        """Return numbers of [low, high)."""
        shape = np.broadcast_shapes(np.shape(low), np.shape(high)) if size is None else size
        found = self._many(self._one, shape if shape != () else None)
        return low + (np.asarray(high) - low) * found if shape != () else low + (high - low) * found

    def choice(
        self, a: Any, size: Any = None, replace: bool = True, p: Any = None, axis: int = 0,
        shuffle: bool = True,
    ) -> Any:  # fmt: skip
        """Return elements of ``a``, or of ``range(a)``."""
        known = np.arange(a) if np.ndim(a) == 0 else np.asarray(a)
        if not replace and size is not None:
            if p is not None or axis:
                raise TapeError("choice() without replacement takes no p and no axis from a tape")
            return self.permutation(known)[: math.prod(np.atleast_1d(size))].reshape(size)
        if p is None:
            return known[self.integers(0, len(known), size)]
        edges = np.cumsum(np.asarray(p, np.float64))
        edges /= edges[-1]
        return known[self._many(lambda: int(np.searchsorted(edges, self._one(), "right")), size)]

    def permutation(self, x: Any, axis: int = 0) -> Any:
        """Return a shuffled copy of ``x``, or of ``range(x)``."""
        found = np.arange(x) if np.ndim(x) == 0 else np.array(x)
        self.shuffle(found, axis)
        return found

    def shuffle(self, x: Any, axis: int = 0) -> None:
        """Shuffle the first axis in place."""
        if axis:
            raise TapeError("shuffle() of another axis than the first is not given by a tape")
        for place in range(len(x) - 1, 0, -1):
            other = int(self.integers(0, place + 1))
            if isinstance(x, np.ndarray):
                x[[place, other]] = x[[other, place]]
            else:
                x[place], x[other] = x[other], x[place]

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Return normal numbers, by Box and Muller."""

        def draw() -> float:
            radius = math.sqrt(-2.0 * math.log(1.0 - self._one()))
            return radius * math.cos(2.0 * math.pi * self._one())

        return loc + scale * self._many(draw, size)

    def standard_normal(self, size: Any = None) -> Any:
        """Return normal numbers of mean 0 and deviation 1."""
        return self.normal(size=size)

    def exponential(self, scale: Any = 1.0, size: Any = None) -> Any:
        """Return exponential numbers."""
        return scale * self._many(lambda: -math.log(1.0 - self._one()), size)

    # -- the older names ---------------------------------------------------------------------------

    def rand(self, *shape: int) -> Any:
        """As ``numpy.random.rand``."""
        return self.random(shape or None)

    def randn(self, *shape: int) -> Any:
        """As ``numpy.random.randn``."""
        return self.normal(size=shape or None)

    def randint(self, low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64) -> Any:
        """As ``numpy.random.randint``."""
        return self.integers(low, high, size, dtype)


_NUMPY = (
    *("random", "uniform", "choice", "permutation", "shuffle", "normal", "standard_normal"),
    *("exponential", "rand", "randn", "randint"),
)


@contextlib.contextmanager
def played(tape: Tape, env: Any) -> Iterator[None]:
    """Have an environment draw from a tape: ``np_random``, ``random`` and ``numpy.random``.

    Args:
        tape: rewound.
        env: an unwrapped ``gymnasium.Env``.
    """

    def whole(low: int, high: int) -> int:
        return int(tape.integers(low, high, endpoint=True))

    def picked(items: Any) -> Any:
        return items[int(tape.integers(0, len(items)))]

    plain = {
        "random": tape.random,
        "randint": whole,
        "randrange": lambda start, stop=None: int(tape.integers(start, stop)),
        "choice": picked,
        "shuffle": tape.shuffle,
        "uniform": tape.uniform,
        "gauss": tape.normal,
    }
    changes: list[tuple[Any, str, Any]] = [(env, "_np_random", tape)]
    changes += [(random, name, function) for name, function in plain.items()]
    changes += [(np.random, name, getattr(tape, name)) for name in _NUMPY]
    before = [(owner, name, getattr(owner, name, None)) for owner, name, _ in changes]
    try:
        for owner, name, value in changes:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)
