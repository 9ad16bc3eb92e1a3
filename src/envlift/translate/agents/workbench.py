"""What the model of the ``api`` agent can do: run a command, and read, write and edit files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envlift.translate.agents.dialects import Call, Tool
from envlift.translate.agents.processes import run_child
from envlift.translate.agents.registry import Tools

LONGEST = 16_000
"""Characters of a tool's answer; the middle of a longer one is left out."""

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 1}

TOOLS = (
    Tool(
        "shell",
        "Run a command with bash in the worktree and return its exit status and output. Every call "
        "starts a new shell, and what it leaves running is ended.",
        {"command": _TEXT},
    ),
    Tool(
        "read_file",
        "Return a text file, or the lines first..last of it (from 1, both included).",
        {"path": _TEXT, "first": _NUMBER, "last": _NUMBER},
        optional=("first", "last"),
    ),
    Tool(
        "write_file",
        "Write a text file, whole. Folders are made as needed.",
        {"path": _TEXT, "content": _TEXT},
    ),
    Tool(
        "edit_file",
        "Replace a piece of a text file. The old text must occur in it exactly once.",
        {"path": _TEXT, "old": _TEXT, "new": _TEXT},
    ),
)


class ToolError(Exception):
    """What the model asked for cannot be done; the message is for the model."""


@dataclass
class Workbench:
    """The tools of one turn.

    Attributes:
        worktree: nothing outside it is read or written by the file tools.
        log: folder for what the commands wrote.
        environment: what the commands see.
        tools: lend sandbox and redactor.
        shell_seconds: that one command may take.
        network: whether the commands have one.
        deadline: of the turn, by ``time.monotonic``.
    """

    worktree: Path
    log: Path
    environment: Mapping[str, str]
    tools: Tools
    shell_seconds: float
    network: bool
    deadline: float | None = None
    _commands: int = field(default=0, init=False)

    def do(self, call: Call) -> tuple[str, bool]:
        """Do what was asked; return a text for the model and whether it failed."""
        tool = next((tool for tool in TOOLS if tool.name == call.name), None)
        try:
            if tool is None:
                known = ", ".join(tool.name for tool in TOOLS)
                raise ToolError(f"there is no tool {call.name!r}; there are: {known}")
            text = getattr(self, tool.name)(**_arguments(tool, call.arguments))
            return shorten(self.tools.redactor.redact(text)), False
        except (ToolError, OSError, UnicodeError) as error:
            return f"error: {error}", True

    def shell(self, command: str) -> str:
        """Run a command."""
        self._commands += 1
        seconds = self.shell_seconds
        if self.deadline is not None:
            seconds = max(min(seconds, self.deadline - time.monotonic()), 0.1)
        own = self.log / "own"
        own.mkdir(exist_ok=True)
        bash = shutil.which("bash", path=self.environment.get("PATH")) or "/bin/sh"
        ended = run_child(
            self.tools.sandbox.command(
                [bash, "-c", command], self.worktree, own, network=self.network
            ),
            cwd=self.worktree,
            environment=self.environment,
            log=self.log,
            name=f"shell-{self._commands:03d}-",
            redactor=self.tools.redactor,
            seconds=seconds,
            merge=True,
        )
        path = self.log / f"shell-{self._commands:03d}-stdout.log"
        output = shorten(path.read_text(encoding="utf-8", errors="replace"))
        end = f"exit status {ended.code}"
        if ended.stopped:
            end = f"took longer than {seconds:g} s and was ended"
        return f"{end}\n{output}"

    def read_file(self, path: str, first: int = 1, last: int | None = None) -> str:
        """Return lines of a file."""
        lines = self._text(path).splitlines(keepends=True)
        return "".join(lines[first - 1 : last])

    def write_file(self, path: str, content: str) -> str:
        """Write a file."""
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content, encoding="utf-8")
        return f"wrote {len(content)} characters to {path}"

    def edit_file(self, path: str, old: str, new: str) -> str:
        """Replace a piece of a file."""
        text = self._text(path)
        count = text.count(old) if old else 0
        if count != 1:
            raise ToolError(
                f"the old text occurs {count} times in {path}, not once; read the file and give "
                "more of what stands around it"
            )
        self._place(path).write_text(text.replace(old, new), encoding="utf-8")
        return f"edited {path}"

    def _text(self, path: str) -> str:
        place = self._place(path)
        if not place.is_file():
            raise ToolError(f"{path} is no file")
        # Line ends stay what they are.
        return place.read_bytes().decode("utf-8")

    def _place(self, path: str) -> Path:
        """Return where a path leads, symbolic links followed."""
        root = self.worktree.resolve()
        place = (root / path).resolve()
        if not place.is_relative_to(root) or place == root:
            raise ToolError(
                f"{path} leads to {place}, out of the worktree; only files below {root} may be "
                "read or written"
            )
        if place.relative_to(root).parts[0] == ".git":
            raise ToolError(f"{path} belongs to git, which is not yours to change")
        if place.exists() and not place.is_file() and not place.is_dir():
            raise ToolError(f"{path} is no regular file")
        return place


def _arguments(tool: Tool, given: dict[str, Any] | None) -> dict[str, Any]:
    """Check the arguments of a call.

    Raises:
        ToolError: saying which is wrong.
    """
    if given is None:
        raise ToolError(f"the arguments of {tool.name} are no JSON object")
    for name, value in given.items():
        if name not in tool.parameters:
            raise ToolError(f"{tool.name} has no argument {name!r}; {', '.join(tool.parameters)}")
        if tool.parameters[name] is _TEXT:
            if not isinstance(value, str):
                raise ToolError(f"{name} = {value!r} is no text")
        elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ToolError(f"{name} = {value!r} is no line number; the first line is 1")
    missing = [name for name in tool.schema["required"] if name not in given]
    if missing:
        raise ToolError(f"{tool.name} needs the argument {missing[0]!r}")
    return given


def shorten(text: str, longest: int = LONGEST) -> str:
    """Leave out the middle of a long text, saying how much."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"
