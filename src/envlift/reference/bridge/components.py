"""Single functions of a Gymnasium environment, so that they can be compared one by one.

A component is named by what the environment's own code calls it: a method of ``env.unwrapped``
(``decode``, ``_dsdt``), a function of the module that defines its class (``wrap``, or in full
``acrobot.wrap``), or a number or array that either of them holds (``LINK_LENGTH_1``), which is a
table without arguments.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from envlift.reference.wire import DTYPES


def find(env: Any, name: str) -> Callable[..., Any]:
    """Return the function that ``name`` means for an unwrapped environment.

    Raises:
        ValueError: if there is none; the message lists what is near.
    """
    module = sys.modules[type(env).__module__]
    place, _, plain = name.rpartition(".")
    owners = (env, module) if not place else (module,) if _names(module, place) else ()
    for owner in owners:
        value = None if plain.startswith("__") else getattr(owner, plain, None)
        if callable(value) and not isinstance(value, type):
            return _explained(name, value)
        if value is not None and np.asarray(value).dtype.name in DTYPES:
            return _explained(name, lambda value=value: value)
    known = sorted({*_functions(env), *_functions(module)})
    near = difflib.get_close_matches(plain, known, n=5, cutoff=0.5) or known
    raise ValueError(
        f"no component is named {name!r}: neither {type(env).__name__} nor the module "
        f"{module.__name__} has it; near ones: {', '.join(near)}"
    )


def numbers(name: str, result: Any) -> dict[str, Any]:
    """Name the results of a component: a mapping as it is, anything else is ``result``.

    Raises:
        TypeError: for what is neither a number nor an array, nor several of one shape.
    """
    if isinstance(result, Mapping):
        return {str(key): _array(f"{name}[{key!r}]", value) for key, value in result.items()}
    return {"result": _array(name, result)}


def _array(name: str, value: Any) -> Any:
    if isinstance(value, Iterator):
        value = list(value)
    wanted = "a component gives a number, an array, several of one shape, or a dict of these"
    try:
        array = np.asarray(value)
    except ValueError:
        raise TypeError(f"{name} returned parts of different shapes, {value!r}; {wanted}") from None
    if array.dtype.name not in DTYPES:
        raise TypeError(f"{name} returned {value!r}, which is no number; {wanted}")
    return array


def _explained(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Say what a function takes where it is given something else."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # A function of C may not tell.
        return function

    def call(**arguments: Any) -> Any:
        try:
            signature.bind(**arguments)
        except TypeError as error:
            given = ", ".join(arguments) or "nothing"
            text = f"component {name!r} takes {signature}, it was given {given}: {error}"
            raise ValueError(text) from None
        return function(**arguments)

    return call


def _names(module: Any, place: str) -> bool:
    return place in (module.__name__, module.__name__.rpartition(".")[2])


def _functions(owner: Any) -> list[str]:
    return [
        name
        for name in dir(owner)
        if not name.startswith("__") and inspect.isroutine(getattr(owner, name, None))
    ]
