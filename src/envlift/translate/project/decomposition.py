"""The modules that an agent proposes, and how they come into the project file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from envlift.translate.project.file import FILE, Module, ProjectError, parse


def proposed(folder: Path, text: str) -> tuple[Module, ...]:
    """Read ``modules.toml``: ``[[module]]`` tables as the project file has them.

    Raises:
        ProjectError: for what the project file would not take.
    """
    try:
        tables = tomllib.loads(text).get("module", [])
        data = tomllib.loads((folder / FILE).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"it is not TOML: {error}") from None
    if not tables:
        raise ProjectError("it names no [[module]]")
    modules = parse({**data, "module": tables}, folder).modules
    for module in modules:
        if not module.contract.strip():
            raise ProjectError(f"module {module.name!r} has no contract: what may others rely on?")
    return modules


def accept(folder: Path, modules: Sequence[Module]) -> str:
    """Return the project file with modules added."""
    text = (folder / FILE).read_text(encoding="utf-8").rstrip()
    return "\n".join([text, "", *map(_table, modules)])


def _table(module: Module) -> str:
    lines = ["[[module]]"]
    for entry in fields(module):
        value = getattr(module, entry.name)
        if isinstance(value, tuple) and value:
            lines.append(f"{entry.name} = [{', '.join(map(_text, value))}]")
        elif isinstance(value, str) and value:
            lines.append(f"{entry.name} = {_text(value)}")
    return "\n".join([*lines, ""])


def _text(value: str) -> str:
    """Return a TOML string; JSON's escapes are TOML's, a long text keeps its lines."""
    escaped = json.dumps(value, ensure_ascii=False)[1:-1].replace("\x7f", "\\u007f")
    if "\\n" not in escaped:
        return f'"{escaped}"'
    return '"""\n' + escaped.replace("\\n", "\n") + '"""'
