"""Questions to an ``envlift.Env`` that need the environment itself, by name.

A probe is a function ``(env, arguments) -> answers`` of arrays by name. It plays and tells; it
compares nothing and decides nothing. The verifier asks it through ``Side.call`` with the name
``probe:NAME`` (see ``verify/sides/probing.py``), so that it works alike where the candidate runs in
a process of its own. Probes that belong together share a module of this package.

Names of answers: the leaves of a tree are named as ``jax.tree_util.keystr`` writes them, so what
``env.step`` returns is ``[0]`` (observation), ``[1].FIELD`` (state), ``[2]`` (reward), ``[3]``
(terminated), ``[4]`` (truncated) and ``[5]['final_observation']``. A state goes in as
``state.FIELD``, with the names of ``SideSpec.state``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from envlift.candidate.states import AnyEnv, state_from_dict, state_shape
from envlift.reference.types import Array

Arguments = dict[str, Array]
Answers = dict[str, Array]
Probe = Callable[[AnyEnv, Arguments], Answers]

PREFIX = "probe:"

_PROBES: dict[str, Probe] = {}


def probe(name: str) -> Callable[[Probe], Probe]:
    """Register a probe under a name."""

    def register(function: Probe) -> Probe:
        if name in _PROBES:
            raise ValueError(f"a probe named {name!r} is there already")
        _PROBES[name] = function
        return function

    return register


def names() -> tuple[str, ...]:
    """Return the names of all probes."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return tuple(sorted(_PROBES))


def answer(env: AnyEnv, name: str, arguments: Arguments) -> Answers:
    """Ask one probe.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """
    known = names()
    if name not in known:
        raise ValueError(f"no probe is named {name!r}; known: {', '.join(known)}")
    return _PROBES[name](env, arguments)


def named(tree: Any, prefix: str = "") -> Answers:
    """Return the leaves of a tree as arrays by name."""
    paths = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {prefix + jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in paths}


def state_argument(env: AnyEnv, arguments: Arguments, prefix: str = "state.") -> Any:
    """Return the state that was sent field by field, batched."""
    fields = {
        name.removeprefix(prefix): value
        for name, value in arguments.items()
        if name.startswith(prefix)
    }
    return state_from_dict(state_shape(env), fields)
