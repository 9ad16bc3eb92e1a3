"""Which rules were applied: functions name their rules, and count how often they were called.

A function that carries out rules begins its docstring with their ids, up to a colon: ``K-3: ...``
or ``R-1 to R-3, N-6: ...``. The count is the reference's coverage: a rule that was never applied in
a run was not compared by it.
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

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        for each in ids:
            APPLIED[each] += 1
        return function(*args, **kwargs)

    return cast("Function", counted)
