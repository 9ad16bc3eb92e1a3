"""Any command-line agent: a preset, or words of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envlift.translate.agents import readers, record
from envlift.translate.agents.presets import PRESETS, Place, Preset, preset
from envlift.translate.agents.pricing import Meter, declared_price
from envlift.translate.agents.processes import Ended, Enough, run_child
from envlift.translate.agents.protocol import (
    Agent,
    AgentError,
    Cost,
    Options,
    TurnRequest,
    TurnResult,
)
from envlift.translate.agents.registry import Tools, read_options

_LONGEST_ARGUMENT = 128 * 1024 - 1
_LONGEST_DETAIL = 600


@dataclass(frozen=True)
class CommandOptions:
    """``[agent.options]`` of a command.

    Attributes:
        preset: ``claude``, ``codex``, ``gemini``, ``aider`` or ``mini-swe-agent``: gives the words
            and reads the output.
        words: the command, instead of the preset's. ``{prompt_file}``, ``{prompt}``,
            ``{worktree}``, ``{own}`` (a folder for the agent's own files), ``{session}`` and
            ``{model}`` are replaced. The prompt also stands on its stdin unless one of the first
            two is used.
        resume: the same, for a turn that goes on with a conversation.
        model: which one, in the program's own terms.
        provider: of the model, for its price; see ``pricing.price``.
        price: see ``pricing.declared_price``.
        writable: more files and folders that it may write in the sandbox.
        network: False to take the network away, which few agents can do without.
    """

    preset: str = ""
    words: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    model: str = ""
    provider: str = ""
    price: Mapping[str, Any] | None = None
    writable: tuple[str, ...] = ()
    network: bool = True


class Silent:
    """A reader for a program whose output is not known: only its last words are kept."""

    def __init__(self) -> None:
        self.report = readers.Report(ended=True)

    def line(self, text: str) -> None:
        """Take one line."""
        self.report.text = text.strip() or self.report.text

    def finish(self) -> None:
        """Nothing is left in files."""


class CommandAgent:
    """Runs a program in the worktree, once a turn. Made by ``make``."""

    def __init__(self, options: CommandOptions, tools: Tools) -> None:
        self._options = options
        self._tools = tools
        self._preset: Preset | None = preset(options.preset) if options.preset else None
        self._meter = Meter(self._provider(), declared_price(options.price))
        first = options.words[0] if options.words else ""
        self.name = f"command:{options.preset or Path(first).name}"

    def run(self, request: TurnRequest) -> TurnResult:
        """Do one turn.

        Raises:
            AgentError: the program does not exist, or the prompt does not fit into an argument.
        """
        tools, options = self._tools, self._options
        own = request.log / "own"
        own.mkdir(exist_ok=True)
        prompt_file = request.log / "prompt.md"
        prompt = tools.redactor.redact(request.prompt)
        prompt_file.write_text(prompt, encoding="utf-8")
        place = Place(
            request.worktree, prompt_file, own, options.model, request.session, request.dollars_left
        )
        words, given = self._words(place, prompt)
        home = request.environment.get("HOME", "~")
        writable = [
            Path(text.replace("~", home, 1) if text.startswith("~") else text)
            for text in (*options.writable, *(self._preset.writable if self._preset else ()))
        ]
        reader = self._reader(own)

        def line(text: str) -> None:
            before = reader.report.usage
            reader.line(text)
            if reader.report.usage != before:
                known = self._result(reader.report, request.log, request.session)
                record.write_record(request.log, known)
                if _exceeds(known.cost, request.dollars_left):
                    raise Enough

        try:
            ended = run_child(
                tools.sandbox.command(
                    words, request.worktree, own, writable, network=options.network
                ),
                cwd=request.worktree,
                environment=request.environment,
                log=request.log,
                redactor=tools.redactor,
                given=given,
                seconds=request.seconds_left,
                line=line,
            )
        finally:
            tools.redactor.clean(own)
        reader.finish()
        result = self._judge(reader.report, ended, request)
        record.write_record(request.log, result)
        return result

    def recover(self, log: Path) -> TurnResult:
        """Say what is known of a turn that a kill cut off, from its output so far."""
        reader = self._reader(log / "own")
        self._tools.redactor.clean(log / "own")
        try:
            with (log / "stdout.log").open(encoding="utf-8", errors="replace") as stream:
                for line in stream:
                    reader.line(line.rstrip("\n"))
        except OSError:
            return record.cut_off(log)
        reader.finish()
        known = self._result(reader.report, log, None)
        if known.usage is None and known.cost is None:
            return record.cut_off(log)
        return TurnResult(
            "failed", record.CUT_OFF, known.usage, known.cost, known.model, known.session
        )

    def _provider(self) -> str | None:
        options = self._options
        if options.provider:
            return options.provider
        return (self._preset.provider or None) if self._preset else None

    def _reader(self, own: Path) -> readers.Reader:
        return self._preset.reader(own) if self._preset else Silent()

    def _words(self, place: Place, prompt: str) -> tuple[list[str], bytes]:
        """Return the command and what it reads from stdin."""
        options = self._options
        template = (options.resume if place.session else ()) or options.words
        if not template:
            assert self._preset is not None
            stdin = prompt.encode() if self._preset.stdin else b""
            return self._preset.words(place), stdin
        values = {
            "{prompt_file}": str(place.prompt_file),
            "{worktree}": str(place.worktree),
            "{own}": str(place.own),
            "{session}": place.session or "",
            "{model}": place.model,
            # The last, so that nothing inside the prompt is replaced.
            "{prompt}": prompt,
        }
        words = []
        for word in template:
            for name, value in values.items():
                word = word.replace(name, value)
            words.append(word)
        longest = max(len(word.encode()) for word in words)
        if longest > _LONGEST_ARGUMENT:
            raise AgentError(
                f"one argument of the command would have {longest} bytes, and the system takes "
                f"{_LONGEST_ARGUMENT}; give the prompt by {{prompt_file}} or on stdin instead of "
                "{prompt}"
            )
        asked = any("{prompt}" in word or "{prompt_file}" in word for word in template)
        return words, b"" if asked else prompt.encode()

    def _result(self, report: readers.Report, log: Path, session: str | None) -> TurnResult:
        """Say what is known while it runs."""
        model, usage = report.model or self._options.model, report.usage
        if report.whole_session and usage is not None and report.session:
            record.write_session(log, report.session, usage)
            usage = record.difference(usage, record.used_before(log, report.session))
        if report.dollars is not None:
            cost: Cost | None = Cost(report.dollars, "reported")
        elif usage is None:
            cost = None
        elif self._meter.provider or self._meter.declared:
            cost = self._meter.cost(usage, model)
        else:
            provider, _, bare = model.partition("/")
            cost = Meter(provider or None).cost(usage, bare)
        return TurnResult("failed", record.CUT_OFF, usage, cost, model, report.session or session)

    def _judge(self, report: readers.Report, ended: Ended, request: TurnRequest) -> TurnResult:
        """Say how it ended. An exit status of 0 alone says nothing good."""
        known = self._result(report, request.log, request.session)
        status, detail = "failed", ""
        if ended.stopped == "timeout":
            status = "timeout"
            detail = f"took longer than {request.seconds_left:g} s and was ended"
            detail += f"; its last error: {report.error}" if report.error else ""
        elif report.over_budget or ended.stopped == "asked":
            status = "over budget"
            detail = report.error or f"cost more than the {request.dollars_left} dollars left"
        elif report.error:
            detail = report.error
        elif ended.code != 0:
            detail = f"{self.name} ended with {ended.how}"
        elif not report.ended:
            detail = (
                f"{self.name} ended with exit status {ended.code}, without a word that the preset "
                "understands; see stdout.log"
            )
        else:
            status, detail = "done", report.text
        return TurnResult(
            status,  # type: ignore[arg-type]
            self._tools.redactor.redact(detail)[:_LONGEST_DETAIL],
            known.usage,
            known.cost,
            known.model,
            known.session,
        )


def _exceeds(cost: Cost | None, dollars: float | None) -> bool:
    return cost is not None and dollars is not None and cost.dollars > dollars


def make(options: Options, tools: Tools) -> Agent:
    """Make an agent of ``CommandOptions``.

    Raises:
        AgentError: for options that make no sense.
    """
    read = read_options(CommandOptions, options, "command")
    if not read.preset and not read.words:
        raise AgentError(
            f"the agent 'command' needs preset = one of {', '.join(PRESETS)}, or words = "
            '["program", "--option"]'
        )
    tools.sandbox.check(network=read.network)
    return CommandAgent(read, tools)
