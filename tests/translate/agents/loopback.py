"""A server on this machine that speaks the protocols of model providers, from a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What the server answers; ``cut`` closes the connection in the middle of it."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    kind: str = "application/json"


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


Step = Reply | dict[str, Any] | Callable[[Asked], Reply | dict[str, Any]]


class Loopback:
    """Answers the requests with the steps of a script, in order. A request more is a failure."""

    def __init__(self, script: Sequence[Step]) -> None:
        self.script = list(script)
        self.asked: list[Asked] = []
        self.got: list[str] = []
        self.unexpected: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))
                outer.answer(self, Asked(self.path, dict(self.headers), body))

            def do_GET(self) -> None:
                outer.got.append(self.path)
                outer.send(self, Reply(b'{"models": [], "data": [], "object": "list"}'))

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        self.asked.append(asked)
        if not self.script:
            self.unexpected.append(asked.path)
            self.send(handler, Reply(b'{"error": {"message": "no step is left"}}', 400))
            return
        step = self.script.pop(0)
        made = step(asked) if callable(step) else step
        self.send(handler, Reply(json.dumps(made).encode()) if isinstance(made, dict) else made)

    @staticmethod
    def send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        handler.send_response(reply.status)
        handler.send_header("Content-Type", reply.kind)
        handler.send_header("Content-Length", str(len(reply.body) + (100 if reply.cut else 0)))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(reply.body)
        handler.close_connection = True

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if error is None:
            assert not self.unexpected, f"the script ended, but there came {self.unexpected}"
            assert not self.script, f"{len(self.script)} steps of the script were not asked for"


USAGE = (1000, 400, 50)
"""Tokens of an answer: input (cached ones among them), cached, output."""


@dataclass(frozen=True)
class Speaker:
    """Writes answers in one protocol."""

    protocol: str

    def text(
        self, text: str, usage: tuple[int, int, int] | None = USAGE, end: str = ""
    ) -> dict[str, Any]:
        if self.protocol == "chat":
            return self._chat({"role": "assistant", "content": text}, end or "stop", usage)
        return self._messages([{"type": "text", "text": text}], end or "end_turn", usage)

    def call(
        self, name: str, usage: tuple[int, int, int] | None = USAGE, **given: Any
    ) -> dict[str, Any]:
        if self.protocol == "chat":
            return self.raw_call(name, json.dumps(given), usage)
        part = {"type": "tool_use", "id": "call-1", "name": name, "input": given}
        return self._messages([{"type": "text", "text": "Now."}, part], "tool_use", usage)

    def raw_call(
        self, name: str, arguments: str, usage: tuple[int, int, int] | None = USAGE
    ) -> dict[str, Any]:
        function = {"name": name, "arguments": arguments}
        call = {"id": "call-1", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        return self._chat(message, "tool_calls", usage)

    def results(self, asked: Asked) -> list[str]:
        """Return the tool results that stand at the end of a request."""
        if self.protocol == "chat":
            return [m["content"] for m in asked.body["messages"] if m["role"] == "tool"][-1:]
        parts = asked.body["messages"][-1]["content"]
        return [part["content"] for part in parts if part["type"] == "tool_result"]

    @staticmethod
    def _chat(
        message: dict[str, Any], end: str, usage: tuple[int, int, int] | None
    ) -> dict[str, Any]:
        data: dict[str, Any] = {"model": "gpt-4o-2024-08-06", "object": "chat.completion"}
        data["choices"] = [{"index": 0, "message": message, "finish_reason": end}]
        if usage:
            data["usage"] = {
                "prompt_tokens": usage[0],
                "completion_tokens": usage[2],
                "total_tokens": usage[0] + usage[2],
                "prompt_tokens_details": {"cached_tokens": usage[1]},
            }
        return data

    @staticmethod
    def _messages(
        content: list[dict[str, Any]], end: str, usage: tuple[int, int, int] | None
    ) -> dict[str, Any]:
        data: dict[str, Any] = {
            "model": "claude-sonnet-4-5",
            "type": "message",
            "role": "assistant",
        }
        data |= {"content": content, "stop_reason": end}
        if usage:
            data["usage"] = {
                "input_tokens": usage[0] - usage[1],
                "cache_read_input_tokens": usage[1],
                "cache_creation_input_tokens": 0,
                "output_tokens": usage[2],
            }
        return data


def events(*entries: dict[str, Any]) -> Reply:
    """Return a stream of server-sent events, as the Responses protocol has them."""
    lines = [f"event: {entry['type']}\ndata: {json.dumps(entry)}\n\n" for entry in entries]
    return Reply("".join(lines).encode(), kind="text/event-stream")


def response(item: dict[str, Any], usage: tuple[int, int, int] = USAGE) -> Reply:
    """Return one answer of the Responses protocol."""
    counts = {
        "input_tokens": usage[0],
        "input_tokens_details": {"cached_tokens": usage[1]},
        "output_tokens": usage[2],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage[0] + usage[2],
    }
    return events(
        {"type": "response.created", "response": {"id": "resp-1"}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "resp-1", "usage": counts}},
    )


def spoken(text: str) -> dict[str, Any]:
    """Return a message item of the Responses protocol."""
    content = [{"type": "output_text", "text": text}]
    return {"type": "message", "id": "msg-1", "role": "assistant", "content": content}


def called(name: str, **given: Any) -> dict[str, Any]:
    """Return a function call item of the Responses protocol."""
    return {
        "type": "function_call",
        "call_id": "call-1",
        "name": name,
        "arguments": json.dumps(given),
    }


def in_pieces(whole: dict[str, Any], size: int = 7) -> Reply:
    """Return a whole answer of either protocol as the events in which it would be streamed."""
    rows = _chunks(whole, size) if "choices" in whole else _parts(whole, size)
    text = "".join(
        f"event: {row.get('type', 'chunk')}\ndata: {json.dumps(row)}\n\n" for row in rows
    )
    end = "data: [DONE]\n\n" if "choices" in whole else ""
    return Reply((": hello\n\n" + text + end).encode(), kind="text/event-stream")


def _split(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def _chunks(whole: dict[str, Any], size: int) -> list[dict[str, Any]]:
    (choice,) = whole["choices"]
    message, rows = choice["message"], [{"role": "assistant", "content": ""}]
    rows += [{"content": piece} for piece in _split(message.get("content") or "", size)]
    for place, call in enumerate(message.get("tool_calls") or []):
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        first = {**call, "index": place, "function": {"name": name, "arguments": ""}}
        rows.append({"tool_calls": [first]})
        for piece in _split(arguments, size):
            rows.append({"tool_calls": [{"index": place, "function": {"arguments": piece}}]})
    made: list[dict[str, Any]] = [
        {"model": whole["model"], "choices": [{"index": 0, "delta": row}]} for row in rows
    ]
    last = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    made.append({"model": whole["model"], "choices": [last], "usage": None})
    if "usage" in whole:
        made.append({"model": whole["model"], "choices": [], "usage": whole["usage"]})
    return made


def _parts(whole: dict[str, Any], size: int) -> list[dict[str, Any]]:
    usage = whole.get("usage", {})
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    rows: list[dict[str, Any]] = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for place, part in enumerate(whole["content"]):
        at = {"index": place}
        text = part["text"] if part["type"] == "text" else json.dumps(part["input"])
        empty = {"text": ""} if part["type"] == "text" else {"input": {}}
        rows.append({"type": "content_block_start", **at, "content_block": {**part, **empty}})
        kind, name = (
            ("text_delta", "text") if "text" in part else ("input_json_delta", "partial_json")
        )
        for piece in _split(text, size):
            rows.append({"type": "content_block_delta", **at, "delta": {"type": kind, name: piece}})
        rows.append({"type": "content_block_stop", **at})
    told = {"output_tokens": usage["output_tokens"]} if usage else {}
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    return [*rows, {"type": "message_delta", "delta": end, "usage": told}, {"type": "message_stop"}]
