"""The two protocols that nearly every model is reached by: ``chat`` and ``messages``.

A dialect turns a conversation into a request and an answer into what was said, what is to be done
and what it took. A conversation is kept in the dialect's own messages, so that nothing an endpoint
said is lost on the way back to it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from envlift.translate.agents.endpoint import EndpointError
from envlift.translate.agents.protocol import Usage
from envlift.translate.agents.streams import ChatPieces, MessagesPieces, Pieces

Message = dict[str, Any]


@dataclass(frozen=True)
class Tool:
    """What a model may do.

    Attributes:
        parameters: name to a JSON schema of its type; all are required but those in ``optional``.
    """

    name: str
    description: str
    parameters: dict[str, dict[str, Any]]
    optional: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of its arguments."""
        required = [name for name in self.parameters if name not in self.optional]
        return {"type": "object", "properties": self.parameters, "required": required}


@dataclass(frozen=True)
class Call:
    """What a model wants done; ``arguments`` is None where they are no JSON object."""

    id: str
    name: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True)
class Answer:
    """What a model answered.

    Attributes:
        message: to be put behind the conversation, as it came.
        end: ``stop`` of its own, ``length`` where the answer was cut off, ``refused``.
        usage: None where the endpoint does not tell.
        cache_written: of the input tokens, those written to a cache.
    """

    message: Message
    text: str
    calls: list[Call] = field(default_factory=list)
    end: Literal["stop", "length", "refused"] = "stop"
    usage: Usage | None = None
    cache_written: int = 0
    model: str = ""


class Dialect(Protocol):
    """How a model is spoken to."""

    path: str
    base_url: str
    provider: str
    nothing: dict[str, Any]
    """Usage of no tokens."""

    def headers(self, key: str) -> dict[str, str]:
        """Return the headers that carry the key."""

    def body(
        self,
        model: str,
        instructions: str,
        conversation: Sequence[Message],
        tools: Sequence[Tool],
        max_tokens: int,
    ) -> dict[str, Any]:
        """Return a request."""

    def said(self, text: str) -> Message:
        """Return what the user says."""

    def done(self, results: Sequence[tuple[Call, str, bool]]) -> list[Message]:
        """Return what came of calls: each with its text and whether it failed."""

    def streamed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a request whose answer comes in pieces, and tells its tokens all the same."""

    def pieces(self) -> Pieces:
        """Return what puts such an answer together."""

    def answer(self, data: dict[str, Any]) -> Answer:
        """Read an answer.

        Raises:
            EndpointError: it is none.
        """


class Chat:
    """``/chat/completions``, as OpenAI began it and many serve it."""

    path = "/chat/completions"
    base_url = "https://api.openai.com/v1"
    provider = "openai"
    nothing: dict[str, Any] = {"prompt_tokens": 0, "completion_tokens": 0}

    def __init__(self, base_url: str = "") -> None:
        # OpenAI's newer models refuse the old name, other servers do not know the new one.
        openai = (base_url or self.base_url).startswith(self.base_url)
        self._limit = "max_completion_tokens" if openai else "max_tokens"

    def headers(self, key: str) -> dict[str, str]:
        """Return the headers that carry the key."""
        return {"Authorization": f"Bearer {key}"} if key else {}

    def body(
        self,
        model: str,
        instructions: str,
        conversation: Sequence[Message],
        tools: Sequence[Tool],
        max_tokens: int,
    ) -> dict[str, Any]:
        """Return a request."""
        functions = [
            {"name": tool.name, "description": tool.description, "parameters": tool.schema}
            for tool in tools
        ]
        return {
            "model": model,
            "messages": [{"role": "system", "content": instructions}, *conversation],
            "tools": [{"type": "function", "function": function} for function in functions],
            self._limit: max_tokens,
        }

    def said(self, text: str) -> Message:
        """Return what the user says."""
        return {"role": "user", "content": text}

    def done(self, results: Sequence[tuple[Call, str, bool]]) -> list[Message]:
        """Return what came of calls."""
        return [
            {"role": "tool", "tool_call_id": call.id, "content": text} for call, text, _ in results
        ]

    def streamed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a request whose answer comes in pieces."""
        return {**body, "stream": True, "stream_options": {"include_usage": True}}

    def pieces(self) -> Pieces:
        """Return what puts such an answer together."""
        return ChatPieces()

    def answer(self, data: dict[str, Any]) -> Answer:
        """Read an answer."""
        try:
            choice = data["choices"][0]
            message = choice["message"]
            calls = [
                Call(call["id"], call["function"]["name"], _object(call["function"]["arguments"]))
                for call in message.get("tool_calls") or []
            ]
            usage = data.get("usage")
            reason = choice.get("finish_reason")
            return Answer(
                message={name: value for name, value in message.items() if value is not None},
                text=message.get("content") or "",
                calls=calls,
                end={"length": "length", "content_filter": "refused"}.get(reason, "stop"),  # type: ignore[arg-type]
                usage=_chat_usage(usage) if usage else None,
                model=str(data.get("model") or ""),
            )
        except (LookupError, TypeError, AttributeError) as error:
            raise _no_answer(data, error) from None


class Messages:
    """``/v1/messages``, Anthropic's."""

    path = "/v1/messages"
    base_url = "https://api.anthropic.com"
    provider = "anthropic"
    nothing: dict[str, Any] = {"input_tokens": 0, "output_tokens": 0}

    def headers(self, key: str) -> dict[str, str]:
        """Return the headers that carry the key."""
        version = {"anthropic-version": "2023-06-01"}
        return {**version, "x-api-key": key} if key else version

    def body(
        self,
        model: str,
        instructions: str,
        conversation: Sequence[Message],
        tools: Sequence[Tool],
        max_tokens: int,
    ) -> dict[str, Any]:
        """Return a request; all but its last message may be read from the cache the next time."""
        conversation = list(conversation)
        last = conversation[-1]
        *parts, end = last["content"]
        marked = {**end, "cache_control": {"type": "ephemeral"}}
        return {
            "model": model,
            "system": instructions,
            "messages": [*conversation[:-1], {**last, "content": [*parts, marked]}],
            "tools": [
                {"name": tool.name, "description": tool.description, "input_schema": tool.schema}
                for tool in tools
            ],
            "max_tokens": max_tokens,
        }

    def said(self, text: str) -> Message:
        """Return what the user says."""
        return {"role": "user", "content": [{"type": "text", "text": text}]}

    def done(self, results: Sequence[tuple[Call, str, bool]]) -> list[Message]:
        """Return what came of calls."""
        content = [
            {"type": "tool_result", "tool_use_id": call.id, "content": text, "is_error": failed}
            for call, text, failed in results
        ]
        return [{"role": "user", "content": content}]

    def streamed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a request whose answer comes in pieces."""
        return {**body, "stream": True}

    def pieces(self) -> Pieces:
        """Return what puts such an answer together."""
        return MessagesPieces()

    def answer(self, data: dict[str, Any]) -> Answer:
        """Read an answer."""
        try:
            content = data["content"]
            calls = [
                Call(part["id"], part["name"], _object(part["input"]))
                for part in content
                if part["type"] == "tool_use"
            ]
            usage = data.get("usage")
            reason = data.get("stop_reason")
            return Answer(
                message={"role": "assistant", "content": content},
                text="\n".join(part["text"] for part in content if part["type"] == "text"),
                calls=calls,
                end={"max_tokens": "length", "refusal": "refused"}.get(reason, "stop"),  # type: ignore[arg-type]
                usage=_messages_usage(usage) if usage else None,
                cache_written=_count(usage, "cache_creation_input_tokens") if usage else 0,
                model=str(data.get("model") or ""),
            )
        except (LookupError, TypeError, AttributeError) as error:
            raise _no_answer(data, error) from None


def _chat_usage(usage: dict[str, Any]) -> Usage:
    cached = _count(usage.get("prompt_tokens_details") or {}, "cached_tokens")
    # DeepSeek's name for the same.
    cached = cached or _count(usage, "prompt_cache_hit_tokens")
    return Usage(_count(usage, "prompt_tokens"), cached, _count(usage, "completion_tokens"))


def _messages_usage(usage: dict[str, Any]) -> Usage:
    """Read Anthropic's usage, whose input tokens leave out those of the cache."""
    cached = _count(usage, "cache_read_input_tokens")
    written = _count(usage, "cache_creation_input_tokens")
    sent = _count(usage, "input_tokens") + cached + written
    return Usage(sent, cached, _count(usage, "output_tokens"))


def _count(usage: dict[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _object(arguments: Any) -> dict[str, Any] | None:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except ValueError:
            return None
    return arguments if isinstance(arguments, dict) else None


def _no_answer(data: dict[str, Any], error: Exception) -> EndpointError:
    return EndpointError(
        f"the endpoint's answer is none of this protocol ({type(error).__name__}: {error}): "
        f"{json.dumps(data)[:300]}"
    )
