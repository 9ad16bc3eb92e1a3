"""Names to agents: the entry-point group ``envlift.agents``."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from envlift.translate.agents.protocol import Agent, AgentError, Options
from envlift.translate.agents.sandbox import Sandbox, Tier
from envlift.translate.agents.secrets import Redactor

GROUP = "envlift.agents"


@dataclass(frozen=True)
class Tools:
    """What the loop lends an agent.

    Attributes:
        sandbox: starts the processes of a turn.
        redactor: keeps secrets out of logs; an agent tells it of its own (``redactor.add``).
        environment: all variables of envlift itself, for an agent to read its key from. What a
            process of a turn may see comes with each request.
        dollars_per_turn: declared cost of a turn whose cost nobody can tell, None if not declared.
    """

    sandbox: Sandbox = field(default_factory=Sandbox)
    redactor: Redactor = field(default_factory=Redactor)
    environment: Mapping[str, str] = field(default_factory=dict)
    dollars_per_turn: float | None = None


Factory = Callable[[Options, Tools], Agent]
"""What an entry point of the group names."""


def known_agents() -> list[str]:
    """Return the names of all installed agents."""
    return sorted(point.name for point in entry_points(group=GROUP))


def make_agent(
    name: str,
    options: Options | None = None,
    *,
    sandbox: Tier = "none",
    project: Path | None = None,
    redactor: Redactor | None = None,
    environment: Mapping[str, str] | None = None,
    dollars_per_turn: float | None = None,
) -> Agent:
    """Make an agent by name.

    Args:
        name: of an entry point; ``command:claude`` is short for ``command`` with
            ``preset = "claude"``.
        options: the project file's ``[agent.options]``.
        sandbox: tier in which the processes of a turn run.
        project: the project folder.
        redactor: learns the agent's secrets; by default a new one that knows every variable of
            ``environment`` that looks secret.
        environment: all variables of envlift itself, by default ``os.environ``.
        dollars_per_turn: declared cost of a turn whose cost nobody can tell.

    Raises:
        AgentError: for an unknown name, options that make no sense, a sandbox that cannot be had.
    """
    kind, _, preset = name.partition(":")
    options = dict(options or {})
    if preset:
        if options.get("preset", preset) != preset:
            raise AgentError(
                f"the agent is {name!r}, but its options say preset = {options['preset']!r}; "
                "leave one of them out"
            )
        options["preset"] = preset
    points = {point.name: point for point in entry_points(group=GROUP)}
    if kind not in points:
        raise AgentError(
            f"there is no agent {kind!r}; known: {', '.join(known_agents())}. Others are offered "
            f"as an entry point in the group {GROUP!r}"
        )
    try:
        factory: Factory = points[kind].load()
    except (ImportError, AttributeError) as error:
        raise AgentError(
            f"the agent {kind!r} ({points[kind].value}) cannot be loaded: {error}"
        ) from None
    everything = os.environ if environment is None else environment
    box = Sandbox(sandbox, project)
    box.check()
    tools = Tools(
        sandbox=box,
        redactor=Redactor.of(everything) if redactor is None else redactor,
        environment=everything,
        dollars_per_turn=dollars_per_turn,
    )
    return factory(options, tools)


Settings = TypeVar("Settings")


def read_options(kind: type[Settings], options: Options, agent: str) -> Settings:
    """Make a dataclass of an agent's options.

    Its fields may be ``str``, ``int``, ``float``, ``bool``, ``tuple[str, ...]`` and ``Mapping``,
    or one of these or None. Numbers must not be negative.

    Raises:
        AgentError: for an unknown name, listing the known ones; for a wrong type, saying which.
    """
    fields = {entry.name: str(entry.type) for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in options.items():
        if name not in fields:
            raise AgentError(
                f"the agent {agent!r} has no option {name!r}; known: {', '.join(fields)}"
            )
        wanted = fields[name].removesuffix(" | None")
        if not _fits(value, wanted):
            raise AgentError(
                f"the option {name} = {value!r} of the agent {agent!r} is no {_WORDS[wanted[:3]]}"
            )
        if wanted == "float":
            value = float(value)
        values[name] = tuple(value) if wanted.startswith("tuple") else value
    try:
        return kind(**values)
    except TypeError as error:
        raise AgentError(f"the agent {agent!r}: {str(error).partition(') ')[2] or error}") from None


_WORDS = {
    "str": "text",
    "int": "whole number from 0",
    "flo": "number from 0",
    "boo": "true or false",
    "tup": "list of texts",
    "Map": "table",
}


def _fits(value: Any, wanted: str) -> bool:
    if wanted.startswith("tuple"):
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if wanted.startswith("Mapping"):
        return isinstance(value, Mapping)
    if isinstance(value, bool) or wanted == "bool":
        return isinstance(value, bool) and wanted == "bool"
    if wanted in ("int", "float"):
        kinds = (int,) if wanted == "int" else (int, float)
        return isinstance(value, kinds) and value >= 0
    return isinstance(value, str)
