"""Which actions are played: drawn from the space itself, within the legal ones, and counted.

Every kind of space is drawn so that each choice, both ends of a range, its middle and all between
come up; where a side clips a continuous action to its bounds, values outside of them do too.

Shape letters: ``B`` lanes, ``A`` choices of a discrete action, ``n`` drawn actions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from envlift.reference.layout import LONGEST_SEQUENCE, Layout, LayoutError, Leaf
from envlift.reference.spaces import Description, limits
from envlift.reference.types import Array, Record, Side, SideSpec, StateDict
from envlift.verify.suite import PairError, Policy

EDGES = 0.12
"""Share of the numbers of a range that are an end or the middle of it."""

EXTREME_ROWS = 0.04
"""Share of actions of several numbers that are all at their low or all at their high end."""

BEYOND_ROWS = 0.05
"""Share of actions with values outside of the bounds, where a side clips them."""

UNBOUNDED = 1e30
"""A bound that is farther away than this is none."""

FAR = 2**53
"""Whole numbers up to here are drawn evenly, from wider ranges mostly small ones."""


def layout_of(spec: SideSpec) -> Layout:
    """Return how an action of a side is laid out; a side that tells no space has a range.

    Raises:
        PairError: if the side tells neither a space nor bounds.
    """
    if spec.action_space is not None:
        try:
            return Layout(spec.action_space, action=True)
        except LayoutError as error:
            raise PairError(f"{spec.name}: {error}") from None
    if spec.num_actions is not None:
        return Layout(
            {"kind": "Discrete", "n": spec.num_actions, "start": 0, "dtype": spec.action.dtype},
            action=True,
        )
    if spec.action_low is None or spec.action_high is None:
        raise PairError(
            f"{spec.name} tells no bounds of its actions, so random play cannot be drawn; give "
            "the suite a policy, or let the reference's spec name action_low and action_high"
        )
    whole = np.dtype(spec.action.dtype).kind in "iub"
    low, high = (
        [int(one) if whole else one for one in b] for b in (spec.action_low, spec.action_high)
    )
    return Layout(
        {
            "kind": "Box",
            "shape": list(spec.action.shape),
            "dtype": spec.action.dtype,
            "low": low,
            "high": high,
        },
        action=True,
    )


def random_actions(
    spec: SideSpec,
    rng: np.random.Generator,
    lead: tuple[int, ...],
    legal: Array | None = None,
) -> Array:
    """Draw actions [*lead, *shape] from the action space.

    Args:
        spec: of the side that takes them.
        rng: all chance comes from it.
        lead: the axes of the result.
        legal: bool [*lead, A], which choices may be played, those of all parts of an action in a
            row; None for all. Where none of a part may be, any is drawn.

    Raises:
        PairError: if the side tells neither a space nor bounds.
    """
    layout = layout_of(spec)
    n = int(np.prod(lead, dtype=np.int64))
    if spec.num_actions is not None:
        drawn = _choices(
            spec.num_actions, rng, n, None if legal is None else legal.reshape(n, spec.num_actions)
        )
    elif legal is not None and spec.choices is not None:
        drawn = _each(layout.space, spec.choices, rng, legal.reshape(n, -1))
    elif layout.plain:
        drawn = _numbers(layout.space, rng, n, spec.clips_actions)
    else:
        columns = [_column(layout, leaf, rng, n, spec.clips_actions) for leaf in layout.leaves]
        drawn = np.concatenate(columns, axis=1) if columns else np.zeros((n, 0))
    return drawn.astype(spec.action.dtype).reshape(*lead, *spec.action.shape)


def _choices(count: int, rng: np.random.Generator, n: int, legal: Array | None) -> Array:
    if legal is None or legal.all():
        return rng.integers(0, count, size=n)
    allowed = legal | ~legal.any(axis=1, keepdims=True)
    return np.asarray(np.where(allowed, rng.random((n, count)), -1.0).argmax(axis=1))


def _each(
    space: Description, counts: tuple[int, ...], rng: np.random.Generator, legal: Array
) -> Array:
    """Draw actions [n, parts] of a MultiDiscrete space, each part within its own mask."""
    masks = np.split(legal, np.cumsum(counts)[:-1], axis=1)
    parts = [
        _choices(count, rng, len(legal), mask) for count, mask in zip(counts, masks, strict=True)
    ]
    return np.stack(parts, axis=1) + limits(space)[0].reshape(-1)


def _column(layout: Layout, leaf: Leaf, rng: np.random.Generator, n: int, beyond: bool) -> Array:
    if leaf.numbers:
        return layout.place(leaf, _numbers(leaf.space, rng, n, beyond))
    return np.stack([layout.pack_leaf(leaf, _loose(leaf.space, rng)) for _ in range(n)])


def _loose(space: Description, rng: np.random.Generator) -> Any:
    """Draw one text or sequence."""
    if space["kind"] == "Text":
        shortest, longest = int(space["min_length"]), int(space["max_length"])
        length = int(rng.choice(np.array([shortest, longest, rng.integers(shortest, longest + 1)])))
        letters = str(space.get("characters") or "abcdefghijklmnopqrstuvwxyz")
        return "".join(letters[i] for i in rng.integers(0, len(letters), size=length))
    length = int(min(rng.geometric(0.25) - 1, LONGEST_SEQUENCE))
    inner = Layout(space["space"], action=True)
    if inner.plain:
        return tuple(_numbers(space["space"], rng, length, False))
    columns = [_column(inner, leaf, rng, length, False) for leaf in inner.leaves]
    return tuple(inner.unpack(row) for row in np.concatenate(columns, axis=1))


def _numbers(space: Description, rng: np.random.Generator, n: int, beyond: bool) -> Array:
    """Draw n values [n, *shape] of a space of numbers, in its own dtype."""
    low, high = limits(space)
    if low.dtype.kind == "f":
        drawn = _floats(low, high, rng, n, beyond)
    else:
        drawn = _integers(space, low, high, rng, n)
    if low.size > 1:
        for end in (low, high):
            if _finite(end).all():
                all_there = rng.random(n) < EXTREME_ROWS / 2
                drawn[all_there] = end
    return drawn


def _finite(bound: Array) -> Array:
    if bound.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.asarray(np.abs(bound.astype(np.float64)) < UNBOUNDED)
    # Gymnasium has no infinite whole numbers: the ends of the dtype stand for none.
    ends = np.iinfo(bound.dtype) if bound.dtype.kind in "iu" else None
    if ends is None or bound.dtype.itemsize < 4:
        return np.ones(bound.shape, np.bool_)
    near_top = bound >= ends.max - 2
    near_bottom = (bound <= ends.min + 2) if ends.min < 0 else np.zeros(bound.shape, np.bool_)
    return np.asarray(~(near_top | near_bottom))


def _floats(low: Array, high: Array, rng: np.random.Generator, n: int, beyond: bool) -> Array:
    dtype, shape = low.dtype, (n, *low.shape)
    bounded = _finite(low), _finite(high)
    lows = np.where(bounded[0], low, 0.0).astype(np.float64)
    highs = np.where(bounded[1], high, 0.0).astype(np.float64)
    size = np.where(rng.random(shape) < 0.1, 10.0, 1.0)
    both = bounded[0] & bounded[1]
    drawn = np.where(both, rng.uniform(lows, np.where(both, highs, lows), shape), 0.0)
    away = np.abs(rng.normal(size=shape)) * size
    drawn = np.where(bounded[0] & ~bounded[1], lows + away, drawn)
    drawn = np.where(~bounded[0] & bounded[1], highs - away, drawn)
    sign = np.where(rng.random(shape) < 0.5, -1.0, 1.0)
    drawn = np.where(~bounded[0] & ~bounded[1], sign * away, drawn)
    which = rng.random(shape)
    middle = np.where(both, (lows + highs) / 2, np.clip(0.0, *_shown_range(bounded, lows, highs)))
    drawn = np.where((which < EDGES / 3) & bounded[0], lows, drawn)
    drawn = np.where((which >= EDGES / 3) & (which < EDGES * 2 / 3) & bounded[1], highs, drawn)
    drawn = np.where((which >= EDGES * 2 / 3) & (which < EDGES), middle, drawn)
    if beyond:
        width = np.where(both, highs - lows, 1.0)
        rows = rng.random(n).reshape(n, *[1] * low.ndim) < BEYOND_ROWS
        side = rng.random(shape)
        far = rng.random(shape) * width
        drawn = np.where(rows & (side < 0.5) & bounded[0], lows - far, drawn)
        drawn = np.where(rows & (side >= 0.5) & bounded[1], highs + far, drawn)
    return np.asarray(drawn.astype(dtype))


def _shown_range(bounded: tuple[Array, Array], lows: Array, highs: Array) -> tuple[Array, Array]:
    return np.where(bounded[0], lows, -np.inf), np.where(bounded[1], highs, np.inf)


def _integers(
    space: Description, low: Array, high: Array, rng: np.random.Generator, n: int
) -> Array:
    shape = (n, *low.shape)
    if low.dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(np.bool_)
    lows, highs = low.astype(object), high.astype(object)
    finite = _finite(low) & _finite(high)
    if space["kind"] != "Box":
        finite = np.ones(low.shape, np.bool_)
    width = np.asarray(highs - lows, dtype=object)
    even = finite & (np.asarray(width < FAR, dtype=np.bool_) | (space["kind"] != "Box"))
    drawn = np.zeros(shape, dtype=low.dtype)
    bottom, top = np.broadcast_to(low, shape), np.broadcast_to(high, shape)
    where = np.broadcast_to(even, shape)
    if where.any():
        drawn[where] = rng.integers(bottom[where], top[where], dtype=low.dtype, endpoint=True)
    if not where.all():
        small = np.rint(rng.normal(size=shape) * 10.0 ** rng.integers(0, 4, shape))
        inside = np.minimum(np.maximum(small.astype(np.int64).astype(object), lows), highs)
        drawn = np.where(where, drawn, inside.astype(low.dtype))
    if space["kind"] == "Box":
        which = rng.random(shape)
        ends = np.broadcast_to(finite, shape)
        drawn = np.where((which < EDGES / 3) & ends, bottom, drawn)
        drawn = np.where((which > 1 - EDGES / 3) & ends, top, drawn)
    return np.asarray(drawn, dtype=low.dtype)


def legal_of(spec: SideSpec, record: Record, step: int | None = None) -> Array | None:
    """Return which actions may be played after a record, bool [B, A]; None for all.

    Args:
        spec: of the side that gave the record.
        record: of a reset, or of steps.
        step: of the record, None for a reset.
    """
    if record.legal_actions is None or spec.advisory_mask:
        return None
    return record.legal_actions if step is None else record.legal_actions[step]


def legal_now(side: Side) -> Array | None:
    """Return which actions may be played in the state a side is in, bool [B, A].

    None where the side declares no masks, plays the others as well, or cannot be asked between two
    steps.
    """
    ask = getattr(side, "legal_actions", None)
    if not side.spec.legal_actions or side.spec.advisory_mask or ask is None:
        return None
    legal: Array | None = ask()
    return legal


# -- purposeful play --------------------------------------------------------------------------


def chosen_actions(
    policy: Policy,
    spec: SideSpec,
    rng: np.random.Generator,
    observation: Array,
    state: StateDict,
    legal: Array | None,
) -> Array:
    """Ask a policy for one action of each lane, [B, *shape].

    A policy whose ``act`` takes a parameter ``legal_actions`` is shown the mask, bool [B, A] or
    None.

    Raises:
        PairError: for actions of another shape, for numbers that are not whole where the action is,
            and for choices that a discrete action does not have.
    """
    assert policy.act is not None
    act: Callable[..., Any] = policy.act
    chosen = np.asarray(
        act(rng, observation, state, **({"legal_actions": legal} if _sees(act) else {}))
    )
    shape = (len(observation), *spec.action.shape)
    if chosen.size != int(np.prod(shape)):
        raise PairError(
            f"the policy {policy.name!r} gives actions of the shape {chosen.shape}; "
            f"{shape}, [lanes, ...], is wanted{_defined(act)}"
        )
    if np.dtype(spec.action.dtype).kind in "iub" and chosen.dtype.kind == "f":
        _all_right(chosen, chosen == np.rint(chosen), policy, "whole numbers are wanted")
    if spec.num_actions is not None:
        inside = (chosen >= 0) & (chosen < spec.num_actions)
        wanted = f"a choice from 0 to {spec.num_actions - 1} is wanted, whatever the space's start"
        _all_right(chosen, inside, policy, wanted)
    if np.dtype(spec.action.dtype).kind in "iub":
        fits = chosen == chosen.astype(spec.action.dtype)
        _all_right(chosen, fits, policy, f"a number that {spec.action.dtype} holds is wanted")
    return chosen.astype(spec.action.dtype).reshape(shape)


def _all_right(chosen: Array, right: Array, policy: Policy, wanted: str) -> None:
    if not right.all():
        raise PairError(
            f"the policy {policy.name!r} plays {chosen[~right].ravel()[0]}; {wanted}"
            f"{_defined(policy.act)}"
        )


def _defined(function: Any) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return "" if code is None else f" ({code.co_filename}, line {code.co_firstlineno})"


def _sees(act: Callable[..., Any]) -> bool:
    try:
        return "legal_actions" in inspect.signature(act).parameters
    except (TypeError, ValueError):  # a function of C may not tell
        return False


# -- what was played --------------------------------------------------------------------------

BY_CHANCE = 14.0
"""How often a choice has to be expected before it counts that nobody played it: draws among all
that is legal leave it out in less than one of a million runs then."""

CHOICES = 64
"""Up to so many different values of a component are counted one by one."""

Bins = dict[str, int]


class Played:
    """How often each choice, or each part of a range, of each component of the action was played.

    Args:
        spec: of the side that takes the actions.
    """

    def __init__(self, spec: SideSpec) -> None:
        self._spec = spec
        self._layout = layout_of(spec)
        self.counts: dict[str, Bins] = {}
        for leaf in self._layout.leaves:
            for name, bins in self._components(leaf):
                self.counts[name] = dict.fromkeys(bins, 0)
        self._places = [(name, key) for name, bins in self.counts.items() for key in bins]
        masked = spec.legal_actions and not spec.advisory_mask
        fits = masked and spec.mask_length == len(self._places)
        self._expected = np.zeros(len(self._places)) if fits else None

    def add(self, actions: Array) -> None:
        """Count actions [..., *shape]."""
        rows = np.asarray(actions).reshape(-1, int(np.prod(self._spec.action.shape, dtype=int)))
        for leaf in self._layout.leaves:
            if leaf.numbers:
                values = self._layout.values(leaf, rows)
                low, high = self._limits(leaf)
                for i, name in enumerate(_names(leaf)):
                    _count(self.counts[name], values[:, i], low[i], high[i])
            else:
                lengths = rows[:, leaf.offset].astype(np.int64)
                bins = self.counts[_names(leaf)[0]]
                shortest = int(leaf.space.get("min_length", 0))
                bins["shortest"] += int((lengths == shortest).sum())
                bins["longer"] += int((lengths > shortest).sum())

    def allowed(self, masks: Array | None) -> None:
        """Take note of what was legal in states from which somebody played on."""
        if self._expected is None or masks is None:
            return
        rows, start = masks.reshape(-1, len(self._expected)), 0
        for bins in self.counts.values():
            part = rows[:, start : start + len(bins)]
            shares = part / np.maximum(part.sum(axis=1, keepdims=True), 1)
            self._expected[start : start + len(bins)] += shares.sum(axis=0)
            start += len(bins)

    def never(self) -> list[str]:
        """Name what was never played, one sentence for each component."""
        return sentences(never_counted(self.counts))

    def never_though_legal(self) -> list[str]:
        """Name what was never played although it was legal too often for chance, likewise."""
        expected = self.expected()
        # A candidate that shows no masks has allowed nothing by them.
        if not expected:
            return self.never()
        return sentences(
            {
                name: [key for key in keys if expected[name][key] >= BY_CHANCE]
                for name, keys in never_counted(self.counts).items()
            }
        )

    def expected(self) -> dict[str, dict[str, float]]:
        """Return how often each choice is expected if all that is legal is drawn alike.

        Empty where nothing is known of what is legal.
        """
        if self._expected is None or not self._expected.any():
            return {}
        found: dict[str, dict[str, float]] = {}
        for (name, key), times in zip(self._places, self._expected.tolist(), strict=True):
            found.setdefault(name, {})[key] = times
        return found

    def _limits(self, leaf: Leaf) -> tuple[Array, Array]:
        low, high = limits(leaf.space)
        if leaf.space["kind"] == "Discrete" and self._layout.plain:
            low, high = low - low, high - low
        return low.reshape(-1), high.reshape(-1)

    def _components(self, leaf: Leaf) -> list[tuple[str, list[str]]]:
        if not leaf.numbers:
            return [(name, ["shortest", "longer"]) for name in _names(leaf)]
        low, high = self._limits(leaf)
        return [(name, _bins(low[i], high[i])) for i, name in enumerate(_names(leaf))]


def never_counted(counts: Mapping[str, Bins]) -> dict[str, list[str]]:
    """Return what of each component was never counted; what need not be is left out."""
    return {
        name: [key for key, count in bins.items() if not count and key not in _OPTIONAL]
        for name, bins in counts.items()
    }


def sentences(missing: Mapping[str, list[str]]) -> list[str]:
    """Return one sentence for each component that misses something."""
    return [
        f"{name}: {', '.join(keys[:8])}{' and more' if len(keys) > 8 else ''}"
        for name, keys in missing.items()
        if keys
    ]


_ENDS = ("lowest", "lower half", "upper half", "highest")
_SIGNS = ("below 0", "0", "above 0")
_OPTIONAL = ("below the bounds", "above the bounds", "0")


def _names(leaf: Leaf) -> list[str]:
    stem = f"action.{leaf.path}" if leaf.path else "action"
    if not leaf.numbers or not leaf.shape:
        return [stem]
    return [f"{stem}[{', '.join(map(str, index))}]" for index in np.ndindex(leaf.shape)]


def _listed(low: Any, high: Any) -> bool:
    return low.dtype.kind in "iub" and int(high) - int(low) < CHOICES


def _bins(low: Any, high: Any) -> list[str]:
    if _listed(low, high):
        return [str(value) for value in range(int(low), int(high) + 1)]
    finite = _finite(np.asarray(low)), _finite(np.asarray(high))
    if finite[0] and finite[1]:
        outside = ("below the bounds", "above the bounds") if low.dtype.kind == "f" else ()
        return [*_ENDS, *outside]
    ends = [*(["lowest"] if finite[0] else []), *(["highest"] if finite[1] else [])]
    signs = [
        sign
        for sign, possible in zip(_SIGNS, (low < 0, low <= 0 <= high, high > 0), strict=True)
        if possible
    ]
    return [*ends, *signs]


def _count(bins: Bins, values: Array, low: Any, high: Any) -> None:
    def add(key: str, rows: Array) -> None:
        if key in bins or rows.any():
            bins[key] = bins.get(key, 0) + int(rows.sum())

    if _listed(low, high):
        found, counts = np.unique(values.astype(np.int64), return_counts=True)
        for value, count in zip(found.tolist(), counts.tolist(), strict=True):
            bins[str(value)] = bins.get(str(value), 0) + count
        return
    if "lower half" in bins:
        middle = float(low) + (float(high) - float(low)) / 2
        add("lowest", values == low)
        add("lower half", (values > low) & (values <= middle))
        add("upper half", (values > middle) & (values < high))
        add("highest", values == high)
        add("below the bounds", values < low)
        add("above the bounds", values > high)
        return
    if "lowest" in bins:
        add("lowest", values == low)
    if "highest" in bins:
        add("highest", values == high)
    add("below 0", values < 0)
    add("0", values == 0)
    add("above 0", values > 0)


class Counted:
    """A candidate whose played actions are counted; everything else is the candidate's own.

    An action counts as legal where a step followed: what is legal after the single step from a
    state that was written says nothing of what play could have chosen.
    """

    def __init__(self, side: Side, played: Played) -> None:
        self.side = side
        self.played = played
        self._standing: Array | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.side, name)

    def step(
        self, actions: Array, chance: Array | None = None, reset_seeds: Array | None = None
    ) -> Any:
        """Count, then play."""
        self.played.allowed(self._standing)
        self.played.add(actions)
        record = self.side.step(actions, chance, reset_seeds)
        masks = record.legal_actions
        if masks is not None:
            self.played.allowed(masks[:-1])
        self._standing = None if masks is None else masks[-1:]
        return record

    def reset(self, seeds: Array, chance: Array | None = None) -> Any:
        """Reset, and see what is legal."""
        record = self.side.reset(seeds, chance)
        self._standing = record.legal_actions
        return record

    def set_state(self, state: StateDict) -> None:
        """Write a state; what is legal in it is not known."""
        self._standing = None
        self.side.set_state(state)


Number = TypeVar("Number", int, float)


def merge(total: dict[str, dict[str, Number]], more: Mapping[str, Mapping[str, Number]]) -> None:
    """Add counts to counts."""
    for name, bins in more.items():
        own = total.setdefault(name, {})
        for key, count in bins.items():
            own[key] = own.get(key, 0) + count
