"""Which rules were applied: functions name their rules, and count how often they were called.

A function that carries out rules begins its docstring with their ids, up to a colon: ``K-3: ...``
or ``R-1 to R-3, N-6: ...``. The count is the reference's coverage: a rule that was never applied in
a run was not compared by it. Of many rules a call says nothing, they are only looked at: those of
``NOTED`` are counted where they decide something, by ``note``.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])

_ID = re.compile(r"\b([A-Z])-(\d+)(?:\.\d+)?(?: to \1-(\d+)(?:\.\d+)?)?")

APPLIED: Counter[str] = Counter()
"""Rule id -> how often a function that carries it out was called, in this process."""
CARRIED_OUT: dict[str, list[str]] = {}
"""Rule id -> functions that carry it out, as ``module.function``."""
NOTED = frozenset(
    {
        *("S-1", "S-3", "S-5"),
        *("Z-4", "Z-5"),
        *("T-7", "T-8", "T-11"),
        *("P-5", "P-6", "P-8"),
        *("R-2", "R-3", "R-6"),
        *("A-1", "A-2", "A-3", "A-4", "A-5"),
        *("K-2", "K-5", "K-6", "K-7"),
        *("M-2", "M-3", "M-4", "M-5", "M-6", "M-7", "M-8", "M-9"),
        *("G-1", "G-2", "G-3", "G-4", "G-5", "G-6", "G-7", "G-8"),
        *("W-1", "W-2", "W-3"),
        *("U-1", "U-2", "U-3", "U-4", "U-5", "U-7"),
        *("C-1", "C-2", "C-3", "C-4", "C-5"),
        *("L-2", "L-3", "L-4", "L-5"),
        *("H-1", "H-2", "H-3"),
        *("I-3", "I-4", "I-5"),
        *("X-1", "X-2", "X-3", "X-4", "X-5", "X-6", "X-7", "X-12", "X-14", "X-16", "X-17", "X-18"),
        *("X-21", "X-23", "X-24", "X-25", "X-26", "X-27", "X-28", "X-29"),
    }
)
"""Rules that are counted where they decide something, not where their function is called."""


def note(*ids: str) -> None:
    """Count rules that decide something here.

    Raises:
        KeyError: for a rule that is not among ``NOTED``.
    """
    for each in ids:
        if each not in NOTED:
            raise KeyError(f"rule {each} is counted by calls; add it to NOTED to count it here")
        APPLIED[each] += 1


def ids_in(text: str) -> list[str]:
    """Return the ids of rules in a text; ``R-1 to R-3`` names three, ``K-4.3`` names K-4."""
    found: list[str] = []
    for letter, first, last in _ID.findall(text):
        found += [f"{letter}-{n}" for n in range(int(first), int(last or first) + 1)]
    return list(dict.fromkeys(found))


def rule(function: Function) -> Function:
    """Count the calls of a function for the rules that its docstring names.

    Raises:
        ValueError: if it names none.
    """
    head = (function.__doc__ or "").partition(": ")[0]
    ids = ids_in(head)
    if not ids:
        raise ValueError(f"the docstring of {function.__qualname__} begins with no rule id")
    place = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
    for each in ids:
        CARRIED_OUT.setdefault(each, []).append(place)
        APPLIED.setdefault(each, 0)

    by_calls = [each for each in ids if each not in NOTED]
    if not by_calls:
        return function

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        for each in by_calls:
            APPLIED[each] += 1
        return function(*args, **kwargs)

    return cast("Function", counted)
