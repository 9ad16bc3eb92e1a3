"""A person, or an assistant in an editor, does the turn."""

from __future__ import annotations

import select
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, get_args

from envlift.translate.agents import record
from envlift.translate.agents.protocol import (
    Agent,
    Cost,
    Options,
    Status,
    TurnRequest,
    TurnResult,
    Usage,
)
from envlift.translate.agents.registry import Tools, read_options

DONE = "done"
"""Name of the file in the turn's log folder whose appearance ends a turn."""

_POLL = 1.0
_KEYS = ("status", "detail", "model", "input_tokens", "cached_tokens", "output_tokens", "dollars")


@dataclass(frozen=True)
class ManualOptions:
    """``[agent.options]`` of ``manual``.

    Attributes:
        model: whom the ledger names, ``person`` by default.
        dollars_per_hour: what an hour of waiting costs; a person costs nothing by default.
    """

    model: str = "person"
    dollars_per_hour: float = 0.0


class DoneFileError(ValueError):
    """The file that ends a turn says something that makes no sense."""


class ManualAgent:
    """Writes the prompt to a file and waits. Made by ``make``.

    Args:
        options: see there.
        tools: lend the redactor.
        terminal: where a line ends a turn; by default stdin, where that is a terminal.
        say: prints a line for the person.
        poll: seconds between two looks.
    """

    name = "manual"
    resumes = True

    def __init__(
        self,
        options: ManualOptions,
        tools: Tools,
        *,
        terminal: TextIO | None = None,
        say: Callable[[str], None] = print,
        poll: float = _POLL,
    ) -> None:
        self._options = options
        self._tools = tools
        self._terminal = terminal
        self._say = say
        self._poll = poll

    def run(self, request: TurnRequest) -> TurnResult:
        """Do one turn. Ctrl-C leaves prompt, worktree and log as they are."""
        prompt = request.log / "prompt.md"
        prompt.write_text(self._tools.redactor.redact(request.prompt), encoding="utf-8")
        terminal = self._terminal
        if terminal is None and sys.stdin is not None and sys.stdin.isatty():
            terminal = sys.stdin
        self._explain(request, prompt, terminal is not None)
        started = time.monotonic()
        said = self._wait(request, terminal)
        hours = (time.monotonic() - started) / 3600
        result = self._result(said, hours)
        record.write_record(request.log, result)
        return result

    def recover(self, log: Path) -> TurnResult:
        """Say what is known of a turn that a kill cut off: it may have been finished meanwhile."""
        try:
            said = read_done(log / DONE)
        except (OSError, DoneFileError):
            return TurnResult(
                "failed", record.CUT_OFF, cost=Cost(0.0, "declared"), model=self._options.model
            )
        return self._result(said, 0.0)

    def _explain(self, request: TurnRequest, prompt: Path, terminal: bool) -> None:
        about = request.module or "the whole"
        self._say(f"Turn {request.turn}: {request.kind}, {about}, {request.level}")
        self._say(f"  prompt    {prompt}")
        self._say(f"  worktree  {request.worktree}")
        self._say("Do what the prompt asks, in the worktree; there is no need to commit.")
        if terminal:
            self._say("Then press Enter. 'fail WHY' and Enter gives up; Ctrl-C stops envlift.")
        else:
            self._say(f"Then make the file {request.log / DONE} (empty, or status = ...).")

    def _wait(self, request: TurnRequest, terminal: TextIO | None) -> dict[str, Any]:
        """Wait for the line, the file, or the end of the time."""
        done, seconds = request.log / DONE, request.seconds_left
        deadline = None if seconds is None else time.monotonic() + seconds
        while deadline is None or time.monotonic() < deadline:
            if done.exists():
                said = self._read(done)
                if said is not None:
                    return said
            if terminal is None:
                time.sleep(self._poll)
            elif select.select([terminal], [], [], self._poll)[0]:
                line = terminal.readline()
                if not line:
                    # The terminal is gone, and with it the person: as good as Ctrl-C.
                    raise KeyboardInterrupt
                word, _, rest = line.strip().partition(" ")
                if word in ("", "done"):
                    return {"detail": rest}
                if word == "fail":
                    return {"status": "failed", "detail": rest or "given up"}
                self._say("Press Enter when it is done, or write 'fail WHY' to give up.")
        return {"status": "timeout", "detail": f"nobody was done within {seconds:g} s"}

    def _read(self, done: Path) -> dict[str, Any] | None:
        """Read the file once nobody is writing it any more; put it aside if it makes no sense."""
        before = done.read_bytes()
        time.sleep(min(self._poll, 0.2))
        if done.read_bytes() != before:
            return None
        try:
            return read_done(done)
        except DoneFileError as error:
            aside = done.with_name("done.rejected")
            done.replace(aside)
            self._say(f"{error}; it was moved to {aside}, make a new one")
            return None

    def _result(self, said: dict[str, Any], hours: float) -> TurnResult:
        counts = [said.get(key) for key in ("input_tokens", "cached_tokens", "output_tokens")]
        usage = None
        if any(count is not None for count in counts):
            usage = Usage(*(count or 0 for count in counts))
        dollars = said.get("dollars", self._options.dollars_per_hour * hours)
        return TurnResult(
            said.get("status", "done"),
            self._tools.redactor.redact(said.get("detail", "")),
            usage,
            Cost(float(dollars), "declared"),
            said.get("model", self._options.model),
        )


def read_done(path: Path) -> dict[str, Any]:
    """Read the file that ends a turn: nothing, TOML, or lines of ``key = value``.

    Raises:
        DoneFileError: saying which value makes no sense.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        said: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        said = {}
        for line in text.splitlines():
            key, _, value = line.partition("=")
            if line.strip():
                said[key.strip()] = _value(value.strip().strip("\"'"))
    for key, value in said.items():
        if key not in _KEYS:
            raise DoneFileError(f"{path} says {key!r}, which is not one of: {', '.join(_KEYS)}")
        if key in ("detail", "model"):
            said[key] = str(value)
        elif key == "status":
            if value not in get_args(Status):
                known = ", ".join(get_args(Status))
                raise DoneFileError(f"{path} says status = {value!r}; use one of: {known}")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
            raise DoneFileError(f"{path} says {key} = {value!r}, which is no number from 0")
        elif key != "dollars" and not isinstance(value, int):
            raise DoneFileError(f"{path} says {key} = {value!r}, which is no whole number")
    return said


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def make(options: Options, tools: Tools) -> Agent:
    """Make an agent of ``ManualOptions``.

    Raises:
        AgentError: for options that make no sense.
    """
    return ManualAgent(read_options(ManualOptions, options, "manual"), tools)
