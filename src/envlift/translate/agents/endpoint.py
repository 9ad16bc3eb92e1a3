"""A small HTTP client: JSON there and back, with patience that ends."""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_CHUNK = 1 << 16
LARGEST = 1 << 26
"""Bytes of an answer."""

_LONGEST_WAIT = 120.0
_ONE_ANSWER = 900.0
_SHOWN = 500


class EndpointError(Exception):
    """The endpoint gave no answer that can be used; the message says why.

    Attributes:
        status: of HTTP, 0 where there was none.
        retry: whether asking again may help.
        wait: seconds that the endpoint asks to wait, None where it does not say.
    """

    def __init__(
        self, message: str, *, status: int = 0, retry: bool = False, wait: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry = retry
        self.wait = wait


class TooLate(Exception):  # noqa: N818 - not an error of the endpoint
    """The turn's time is over."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Following one would hand the key to whoever it names."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


@dataclass
class Endpoint:
    """Where a model answers.

    Attributes:
        base_url: what the paths of the protocol are put behind.
        headers: of every request, the key among them.
        attempts: how often one request is sent at most.
        backoff: seconds before the second attempt; doubles with each one.
        sleep: for tests.
    """

    base_url: str
    headers: Mapping[str, str]
    attempts: int = 6
    backoff: float = 1.0
    sleep: Callable[[float], None] = time.sleep

    def ask(
        self,
        path: str,
        body: Mapping[str, Any],
        deadline: float | None,
        note: Callable[[str], None] = lambda text: None,
        stream: Callable[[Any, float], dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        """Send one request, again where that may help, and return the answer.

        Args:
            path: behind ``base_url``.
            body: of the request.
            deadline: by ``time.monotonic``, None without one.
            note: is told of every attempt that failed.
            stream: reads an answer that comes as server-sent events, until a time, see
                ``streams.events``; None where none was asked for.

        Raises:
            EndpointError: there is no answer; also after the last attempt.
            TooLate: the deadline has come, or would before the next attempt.
        """
        for attempt in range(1, self.attempts + 1):
            try:
                return self._send(path, body, deadline, stream)
            except EndpointError as error:
                note(str(error))
                if not error.retry or attempt == self.attempts:
                    raise
                wait = self.backoff * 2 ** (attempt - 1) if error.wait is None else error.wait
                wait = min(wait, _LONGEST_WAIT)
                if deadline is not None and time.monotonic() + wait >= deadline:
                    raise TooLate from error
                self.sleep(wait)
        raise AssertionError("an endpoint is asked at least once")

    def _send(
        self,
        path: str,
        body: Mapping[str, Any],
        deadline: float | None,
        stream: Callable[[Any, float], dict[str, Any]] | None,
    ) -> dict[str, Any]:
        request = urllib.request.Request(
            self.base_url.rstrip("/") + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **self.headers},
        )
        until = time.monotonic() + _ONE_ANSWER
        until = until if deadline is None else min(until, deadline)
        if until <= time.monotonic():
            raise TooLate
        opener = urllib.request.build_opener(_NoRedirects)
        try:
            with opener.open(request, timeout=max(until - time.monotonic(), 0.01)) as response:
                kind = response.headers.get_content_type()
                if stream is not None and kind == "text/event-stream":
                    return stream(response, until)
                text = _read(response, until)
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error, until) from None
        except (OSError, http.client.HTTPException) as error:
            if deadline is not None and time.monotonic() >= deadline:
                raise TooLate from None
            reason = getattr(error, "reason", None) or error
            raise EndpointError(
                f"no connection to {self.base_url}: {reason or type(error).__name__}", retry=True
            ) from None
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            shown = text[:_SHOWN].decode("utf-8", "replace")
            raise EndpointError(f"{self.base_url} answered no JSON: {shown!r}", retry=True)
        return answer


def _read(response: Any, until: float) -> bytes:
    """Read an answer; a trickle of bytes does not hold it open for ever."""
    parts: list[bytes] = []
    size = 0
    while part := response.read1(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise EndpointError(f"the answer is longer than {LARGEST} bytes")
        if time.monotonic() >= until:
            raise TimeoutError("the answer took too long")
    missing = response.length
    if missing:
        # read1 takes an answer that was cut off for a whole one.
        raise http.client.IncompleteRead(b"".join(parts), missing)
    return b"".join(parts)


def _refused(error: urllib.error.HTTPError, until: float) -> EndpointError:
    text = b""
    with contextlib.suppress(OSError, http.client.HTTPException):
        text = error.read(_CHUNK)
    said = text.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
        inner = json.loads(said)["error"]
        said = inner if isinstance(inner, str) else inner["message"]
    return EndpointError(
        f"HTTP {error.code} {error.reason}: {said[:_SHOWN]}".rstrip(": "),
        status=error.code,
        retry=error.code in (408, 409, 429) or error.code >= 500,
        wait=_wait(error.headers.get("Retry-After")),
    )


def _wait(text: str | None) -> float | None:
    """Read ``Retry-After``: seconds, or a date."""
    if text is None:
        return None
    with contextlib.suppress(ValueError):
        return max(float(text), 0.0)
    with contextlib.suppress(ValueError, TypeError):
        return max(email.utils.parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    return None
