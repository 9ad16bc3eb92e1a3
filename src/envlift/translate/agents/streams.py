"""Answers that come piece by piece (server-sent events), put together and cut off in time.

Whoever pays for every token must be able to stop an answer that is longer than was asked for: an
endpoint may ignore ``max_tokens``. While the pieces come, their tokens are counted, rather too many
than too few.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any, Protocol

from envlift.translate.agents.endpoint import LARGEST, EndpointError

BYTES_A_TOKEN = 3
"""Of text and code, rather too few."""

_LINE = 1 << 20
_SHOWN = 300


_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)
"""What a piece of another shape leads to."""


class Pieces(Protocol):
    """An answer that is being put together."""

    def add(self, event: dict[str, Any]) -> None:
        """Take the next piece.

        Raises:
            EndpointError: the endpoint says that it failed.
        """

    @property
    def tokens(self) -> int:
        """About how many tokens have come."""

    @property
    def begun(self) -> bool:
        """Whether anything has come."""

    def whole(self) -> dict[str, Any]:
        """Return the answer as it would have come in one piece."""

    def cut(self) -> dict[str, Any]:
        """Return what has come of an answer that was cut off, without half a call in it."""


class _Counted:
    """Counts what has come."""

    def __init__(self) -> None:
        self._pieces = self._bytes = 0

    @property
    def tokens(self) -> int:
        """About how many tokens have come: a piece holds one at least."""
        return max(self._pieces, -(-self._bytes // BYTES_A_TOKEN))

    @property
    def begun(self) -> bool:
        """Whether anything has come."""
        return self._pieces > 0

    def _count(self, text: object) -> None:
        if isinstance(text, str) and text:
            self._pieces += 1
            self._bytes += len(text.encode())


class ChatPieces(_Counted):
    """Chunks of ``/chat/completions``."""

    def __init__(self) -> None:
        super().__init__()
        self._data: dict[str, Any] = {"object": "chat.completion"}
        self._message: dict[str, Any] = {"role": "assistant", "content": None}
        self._calls: dict[int, dict[str, Any]] = {}
        self._reason: str | None = None

    def add(self, event: dict[str, Any]) -> None:
        """Take the next chunk."""
        _refuse(event)
        self._data |= {name: event[name] for name in ("id", "model", "usage") if event.get(name)}
        for choice in event.get("choices") or []:
            self._reason = choice.get("finish_reason") or self._reason
            for name, value in (choice.get("delta") or {}).items():
                if name == "tool_calls":
                    for part in value or []:
                        self._call(part)
                elif name != "role" and isinstance(value, str):
                    # Some endpoints tell their thoughts under a name of their own.
                    self._message[name] = (self._message.get(name) or "") + value
                    self._count(value)

    def _call(self, part: dict[str, Any]) -> None:
        place = int(part.get("index") or 0)
        empty = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        call = self._calls.setdefault(place, empty)
        call["id"] = part.get("id") or call["id"]
        for name, value in (part.get("function") or {}).items():
            # Some endpoints add names of their own.
            if isinstance(value, str):
                call["function"][name] = call["function"].get(name, "") + value
                self._count(value)

    def whole(self) -> dict[str, Any]:
        """Return the answer as it would have come in one piece."""
        message = dict(self._message)
        if self._calls:
            message["tool_calls"] = [call for _, call in sorted(self._calls.items())]
        return self._answer(message, self._reason)

    def cut(self) -> dict[str, Any]:
        """Return the text that has come."""
        return self._answer({**self._message, "content": self._message["content"] or ""}, "length")

    def _answer(self, message: dict[str, Any], reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return {**self._data, "choices": [choice]}


class MessagesPieces(_Counted):
    """Events of ``/v1/messages``."""

    def __init__(self) -> None:
        super().__init__()
        self._data: dict[str, Any] = {"role": "assistant", "type": "message"}
        self._parts: dict[int, dict[str, Any]] = {}
        self._json: dict[int, str] = {}
        self._done: set[int] = set()

    def add(self, event: dict[str, Any]) -> None:
        """Take the next event."""
        _refuse(event)
        kind = event.get("type")
        if kind == "message_start":
            self._data |= {k: v for k, v in event["message"].items() if k != "content"}
        elif kind == "content_block_start":
            self._parts[event["index"]] = dict(event["content_block"])
        elif kind == "content_block_delta":
            self._piece(event["index"], event["delta"])
        elif kind == "content_block_stop":
            self._done.add(event["index"])
        elif kind == "message_delta":
            self._data |= {k: v for k, v in event["delta"].items() if v is not None}
            self._data["usage"] = {**self._data.get("usage", {}), **event.get("usage", {})}

    def _piece(self, place: int, delta: dict[str, Any]) -> None:
        part = self._parts[place]
        for name, value in delta.items():
            if name == "partial_json":
                self._json[place] = self._json.get(place, "") + value
            elif name != "type" and isinstance(value, str):
                part[name] = part.get(name, "") + value
            if name != "type":
                self._count(value)

    def whole(self) -> dict[str, Any]:
        """Return the answer as it would have come in one piece."""
        parts = []
        for place, part in sorted(self._parts.items()):
            # What is no JSON stays text, and is answered as such.
            told = self._json.get(place)
            parts.append({**part, "input": _read(told)} if told is not None else part)
        return {**self._data, "content": parts}

    def cut(self) -> dict[str, Any]:
        """Return the parts that are whole, and the text that has come."""
        kept = [
            part
            for place, part in sorted(self._parts.items())
            if part["type"] == "text" and part.get("text")
        ]
        kept = kept or [{"type": "text", "text": "(cut off)"}]
        usage = {"input_tokens": 0, **self._data.get("usage", {})}
        return {**self._data, "content": kept, "stop_reason": "max_tokens", "usage": usage}


def take(pieces: Pieces, event: dict[str, Any]) -> None:
    """Add a piece that an endpoint sent.

    Raises:
        EndpointError: the endpoint says that it failed, or sends what no protocol has.
    """
    try:
        pieces.add(event)
    except _UNREADABLE:
        raise EndpointError(
            f"the endpoint streams what cannot be read: {json.dumps(event)[:_SHOWN]}"
        ) from None


def events(response: Any, until: float) -> Iterator[dict[str, Any]]:
    """Read server-sent events from an open answer, as far as they are JSON objects.

    Args:
        response: of ``urllib``.
        until: by ``time.monotonic``; then ``TimeoutError`` is raised.

    Raises:
        http.client.IncompleteRead: the stream ended in the middle of an event.
        EndpointError: it is longer than any answer.
    """
    lines: list[bytes] = []
    size = 0
    while line := response.readline(_LINE):
        size += len(line)
        if size > LARGEST:
            raise EndpointError(f"the answer is longer than {LARGEST} bytes")
        if time.monotonic() >= until:
            raise TimeoutError("the answer took too long")
        line = line.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            lines.append(line[5:].strip())
        elif not line and lines:
            text, lines = b"\n".join(lines), []
            if text == b"[DONE]":
                return
            told = _read(text)
            if isinstance(told, dict):
                yield told
    if lines:
        raise http.client.IncompleteRead(b"\n".join(lines))


def _read(text: str | bytes) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def _refuse(event: dict[str, Any]) -> None:
    error = event.get("error")
    if error:
        words = error.get("message") if isinstance(error, dict) else None
        raise EndpointError(f"the endpoint ended its answer: {words or error}", retry=True)
