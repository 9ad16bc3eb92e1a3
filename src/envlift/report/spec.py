"""The interface of an environment, read from its code and docstrings."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import dataclass
from typing import Any

from envlift.registry import VectorRegistration, make, registration, vector_registration


@dataclass(frozen=True)
class Spec:
    """The interface of an environment, read from its code.

    Attributes:
        observation, action: spaces, in words.
        state: ``(name, what it is)`` of every field.
        params, options: of ``params`` and of the constructor.
    """

    observation: str
    action: str
    state: list[tuple[str, str]]
    params: list[tuple[str, str]]
    options: list[tuple[str, str]]


def spec_of(name: str) -> Spec:
    """Make the environment and read its docstrings."""
    compiled = vector_registration(name)
    if compiled is not None:
        return _spec_of_compiled(compiled)
    env = make(name)
    package = registration(name).factory.__module__
    state = importlib.import_module(f"{package}.state").State
    return Spec(
        observation=_space(env.observation_space()),
        action=_space(env.action_space()),
        state=entries(state.__doc__, "Attributes"),
        params=entries(type(env.default_params).__doc__, "Attributes"),
        options=entries(type(env).__init__.__doc__, "Args"),
    )


def _spec_of_compiled(entry: VectorRegistration) -> Spec:
    """Describe one environment of a vector; its state is that of the machine, without a table."""
    env = entry.factory(num_envs=1)
    return Spec(
        observation=_space(env.single_observation_space),
        action=_space(env.single_action_space),
        state=[],
        params=[],
        options=entries(type(env).__doc__, "Args"),
    )


def _space(space: Any) -> str:
    return re.sub(r"\s+", " ", str(space))


def entries(docstring: str | None, section: str) -> list[tuple[str, str]]:
    """Return the ``name: text`` entries of one section of a docstring."""
    text = inspect.cleandoc(docstring or "")
    found = re.search(rf"^{section}:\n((?:    .*\n?|\n)*)", text, re.MULTILINE)
    if found is None:
        return []
    rows: list[tuple[str, str]] = []
    for line in found.group(1).splitlines():
        entry = re.match(r"    (\w[\w, ]*): (.*)", line)
        if entry:
            rows.append((entry.group(1), entry.group(2).strip()))
        elif line.strip() and rows:
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {line.strip()}")
    return rows
