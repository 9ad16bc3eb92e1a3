"""What command-line agents say of a turn, read line by line while it goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from envlift.translate.agents.protocol import Usage

AIDER_LOG = "analytics.jsonl"
MINI_TRAJECTORY = "trajectory.json"

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Report:
    """What an agent has said so far.

    Attributes:
        usage: None where it has told nothing.
        dollars: that it reports, None where it does not.
        model, session, text: empty or None where unknown; ``text`` are its last words.
        error: why it failed, empty if it did not.
        over_budget: whether it stopped because of the cap that it was given.
        ended: whether it said that it came to an end.
        whole_session: whether the usage is that of all turns of its session so far.
    """

    usage: Usage | None = None
    dollars: float | None = None
    model: str = ""
    session: str | None = None
    text: str = ""
    error: str = ""
    over_budget: bool = False
    ended: bool = False
    whole_session: bool = False


class Reader(Protocol):
    """Reads one run of one program."""

    report: Report

    def line(self, text: str) -> None:
        """Take one line of stdout. Lines that make no sense are passed over."""

    def finish(self) -> None:
        """Look at what the program left in files, after its end."""


class _Events:
    """A reader of a program that writes one JSON object a line."""

    def __init__(self) -> None:
        self.report = Report()

    def line(self, text: str) -> None:
        try:
            event = json.loads(_ESCAPES.sub("", text))
        except ValueError:
            return
        if isinstance(event, dict):
            self.event(str(event.get("type", "")), event)

    def event(self, kind: str, event: dict[str, Any]) -> None:
        raise NotImplementedError

    def finish(self) -> None:
        """Nothing is left in files."""


class Claude(_Events):
    """``claude -p --output-format stream-json --verbose``.

    ``system``/``init`` names session and model; every ``assistant`` event carries the usage of its
    message, once for each part of it; ``result`` comes last. Its input tokens do not hold the
    cached ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self._messages: dict[str, Usage] = {}

    def event(self, kind: str, event: dict[str, Any]) -> None:
        """Take one event."""
        report = self.report
        if isinstance(event.get("session_id"), str):
            report.session = event["session_id"]
        if kind == "system" and event.get("subtype") == "init":
            report.model = _text(event.get("model"))
        elif kind == "system" and event.get("subtype") == "api_retry":
            report.error = f"{event.get('error')} (HTTP {event.get('error_status')})"
        elif kind == "assistant":
            report.error = ""
            message = _table(event.get("message"))
            if message.get("usage"):
                self._messages[_text(message.get("id"))] = _anthropic(_table(message["usage"]))
                report.usage = sum(self._messages.values(), Usage())
        elif kind == "result":
            self._result(event)

    def _result(self, event: dict[str, Any]) -> None:
        report = self.report
        report.ended, report.error = True, ""
        report.dollars = _number(event.get("total_cost_usd"))
        models = _table(event.get("modelUsage"))
        if models:
            # Holds what helpers on other models used too, which 'usage' leaves out.
            report.usage = sum((_claude_model(_table(entry)) for entry in models.values()), Usage())
        elif event.get("usage"):
            report.usage = _anthropic(_table(event["usage"]))
        report.text = _text(event.get("result"))
        subtype = _text(event.get("subtype"))
        report.over_budget = subtype == "error_max_budget_usd"
        if event.get("is_error") or subtype not in ("success", ""):
            errors = event.get("errors")
            listed = "; ".join(map(str, errors)) if isinstance(errors, list) else ""
            report.error = report.text or listed or subtype or "it reports an error"


class Codex(_Events):
    """``codex exec --json``.

    ``thread.started`` names the session; ``turn.completed`` carries the usage, in which input holds
    cached and output holds reasoning, and which counts a resumed session from its beginning (seen
    with 0.169.0); ``turn.failed`` ends a failed turn. A bare ``error`` may be followed by a retry
    that works. It names no model and no dollars.
    """

    def __init__(self) -> None:
        super().__init__()
        self.report.whole_session = True

    def event(self, kind: str, event: dict[str, Any]) -> None:
        """Take one event."""
        report = self.report
        if kind == "thread.started":
            report.session = _text(event.get("thread_id")) or None
        elif kind == "turn.completed":
            report.ended, report.error = True, ""
            usage = _table(event.get("usage"))
            report.usage = Usage(
                _count(usage.get("input_tokens")),
                _count(usage.get("cached_input_tokens")),
                _count(usage.get("output_tokens")),
            )
        elif kind == "turn.failed":
            report.ended = True
            report.error = _text(_table(event.get("error")).get("message")) or "the turn failed"
        elif kind == "error":
            report.error = _text(event.get("message")) or "it reports an error"
        elif kind == "item.completed":
            item = _table(event.get("item"))
            if item.get("type") == "agent_message":
                report.text = _text(item.get("text"))


class Gemini(_Events):
    """``gemini --output-format stream-json``.

    ``init`` names session and model, ``message`` events of the assistant are pieces of its answer,
    ``result`` carries the usage. Its output tokens leave out the thoughts, which only the total
    holds.
    """

    def event(self, kind: str, event: dict[str, Any]) -> None:
        """Take one event."""
        report = self.report
        if kind == "init":
            report.session = _text(event.get("session_id")) or None
            report.model = _text(event.get("model"))
        elif kind == "message" and event.get("role") == "assistant":
            piece = _text(event.get("content"))
            report.text = report.text + piece if event.get("delta") else piece
        elif kind == "tool_use":
            report.text = ""
        elif kind == "error" and event.get("severity") == "error":
            report.error = _text(event.get("message")) or "it reports an error"
        elif kind == "result":
            report.ended = True
            stats = _table(event.get("stats"))
            if stats:
                sent = _count(stats.get("input_tokens"))
                thoughts_too = _count(stats.get("total_tokens")) - sent
                written = max(_count(stats.get("output_tokens")), thoughts_too)
                report.usage = Usage(sent, _count(stats.get("cached")), written)
                if len(_table(stats.get("models"))) == 1:
                    (report.model,) = stats["models"]
            if event.get("status") != "success":
                said = _text(_table(event.get("error")).get("message"))
                report.error = said or report.error or "it reports an error"
            else:
                report.error = ""


class Aider:
    """``aider --message-file``: text for people, rounded.

    ``Tokens: 4.2k sent, 1.1k cache hit, 500 received. Cost: $0.01 message, $0.03 session.`` after
    each message; exact numbers in the analytics log that it is asked to write. No cost is shown for
    a model whose price it does not know, where the log says 0.
    """

    _tokens = re.compile(r"Tokens: ([\d.]+[kM]?) sent(?:.*?([\d.]+[kM]?) cache hit)?.*?"
                         r"([\d.]+[kM]?) received")  # fmt: skip
    _cost = re.compile(r"Cost: \$[\d.]+ message, \$([\d.]+) session")
    _error = re.compile(
        r"^(litellm\.\w+(?:Error|Exception).*|.*\b(?:API key|api_key)\b.*invalid.*)"
    )

    def __init__(self, own: Path) -> None:
        self.report = Report()
        self._log = own / AIDER_LOG

    def line(self, text: str) -> None:
        """Take one line."""
        report, text = self.report, _ESCAPES.sub("", text).rstrip()
        tokens, cost = self._tokens.search(text), self._cost.search(text)
        if tokens:
            sent, hit, received = (_rounded(part) for part in tokens.groups())
            said = Usage(max(sent, hit), hit, received)
            report.usage = said if report.usage is None else report.usage + said
            report.ended, report.error = True, ""
        if cost:
            report.dollars = float(cost[1])
        error = self._error.match(text)
        if error:
            report.error = error[1]
        elif text and not tokens and not cost:
            report.text = text

    def finish(self) -> None:
        """Take the exact numbers from its log."""
        sent = received = 0
        for event in _json_lines(self._log):
            properties = _table(event.get("properties"))
            if event.get("event") == "message_send":
                sent += _count(properties.get("prompt_tokens"))
                received += _count(properties.get("completion_tokens"))
                self.report.model = _text(properties.get("main_model"))
                # It says 0 where it does not know the price.
                self.report.dollars = _number(properties.get("total_cost")) or None
        if sent or received:
            cached = self.report.usage.cached_tokens if self.report.usage else 0
            self.report.usage = Usage(sent, min(cached, sent), received)


class Mini:
    """``mini -o trajectory.json``: all is in the trajectory, which it writes after every step.

    ``info`` holds the exit status (``Submitted``, ``LimitsExceeded``, the name of an exception),
    the submission, and ``model_stats.instance_cost``; each message's ``extra.response.usage`` is
    the provider's.
    """

    def __init__(self, own: Path) -> None:
        self.report = Report()
        self._file = own / MINI_TRAJECTORY

    def line(self, text: str) -> None:
        """Keep it as its last words; nothing else is told there."""
        self.report.text = _ESCAPES.sub("", text).strip() or self.report.text

    def finish(self) -> None:
        """Read the trajectory."""
        try:
            data = _table(json.loads(self._file.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return
        report, info = self.report, _table(data.get("info"))
        model = _table(_table(info.get("config")).get("model"))
        report.model = _text(model.get("model_name"))
        # It counts 0 for a model whose price it does not know.
        report.dollars = _number(_table(info.get("model_stats")).get("instance_cost")) or None
        messages = data.get("messages")
        for message in messages if isinstance(messages, list) else []:
            usage = _table(
                _table(_table(_table(message).get("extra")).get("response")).get("usage")
            )
            if usage:
                report.usage = (report.usage or Usage()) + _openai(usage)
        status = _text(info.get("exit_status"))
        report.ended = bool(status)
        report.text = _text(info.get("submission")) or report.text
        report.over_budget = status == "LimitsExceeded"
        if status not in ("Submitted", ""):
            report.error = f"it ended with {status}"


def _anthropic(usage: dict[str, Any]) -> Usage:
    cached = _count(usage.get("cache_read_input_tokens"))
    written = _count(usage.get("cache_creation_input_tokens"))
    sent = _count(usage.get("input_tokens")) + cached + written
    return Usage(sent, cached, _count(usage.get("output_tokens")))


def _claude_model(usage: dict[str, Any]) -> Usage:
    cached = _count(usage.get("cacheReadInputTokens"))
    written = _count(usage.get("cacheCreationInputTokens"))
    sent = _count(usage.get("inputTokens")) + cached + written
    return Usage(sent, cached, _count(usage.get("outputTokens")))


def _openai(usage: dict[str, Any]) -> Usage:
    details = _table(usage.get("prompt_tokens_details"))
    return Usage(
        _count(usage.get("prompt_tokens")),
        _count(details.get("cached_tokens")),
        _count(usage.get("completion_tokens")),
    )


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield _table(json.loads(line))
        except ValueError:
            continue


def _rounded(text: str | None) -> int:
    """Read ``4.2k``."""
    if not text:
        return 0
    unit = {"k": 1_000, "M": 1_000_000}.get(text[-1], 1)
    return round(float(text.rstrip("kM")) * unit)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _number(value: Any) -> float | None:
    wrong = isinstance(value, bool) or not isinstance(value, int | float)
    return None if wrong or not 0 <= value < float("inf") else float(value)
