"""Secret values, and how they are kept out of logs, prompts and commits.

What is known can be found: the values themselves, as base64 at any offset, as hexadecimal digits,
URL-encoded, or escaped as in JSON. An agent that means harm can always write a secret in some other
form; what stops that is not to give it one.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SHORTEST = 8
"""Shorter values are ignored: they stand in innocent text too often."""

_WORD = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?(?:_|$)")
_NO_SECRET = re.compile(r"_(?:FILE|PATH|DIR|URL|NAME)$")
_CHUNK = 1 << 20


def is_secret(name: str) -> bool:
    """Return whether a variable of this name looks as if it held a secret."""
    return bool(_WORD.search(name.upper())) and not _NO_SECRET.search(name.upper())


@dataclass(frozen=True)
class Finding:
    """A secret that stands where none may.

    Attributes:
        name: of the secret, never its value.
        where: file relative to the scanned folder, or ``text``, and a line number.
        form: ``plain``, ``base64``, ``hexadecimal``, ``URL-encoded`` or ``JSON``.
    """

    name: str
    where: str
    form: str

    def __str__(self) -> str:
        return f"{self.where} holds the secret {self.name} ({self.form})"


class Redactor:
    """Knows secret values by name, takes them out of text, and finds them.

    Values shorter than eight characters are ignored.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._forms: dict[bytes, tuple[str, str]] = {}
        self._pattern: re.Pattern[bytes] | None = None
        for name, value in (values or {}).items():
            self.add(name, value)

    @classmethod
    def of(cls, environment: Mapping[str, str], names: Iterable[str] = ()) -> Redactor:
        """Return one that knows the values of all variables that look secret.

        Args:
            environment: of this process, so that a value that leaks from it is found too.
            names: variables whose values are secret whatever they are called.
        """
        wanted = set(names)
        return cls({n: v for n, v in environment.items() if n in wanted or is_secret(n)})

    def add(self, name: str, value: str) -> None:
        """Learn one more secret."""
        value = value.strip()
        if len(value) < SHORTEST:
            return
        for form, text in _forms(value):
            self._forms.setdefault(text, (name, form))
        # The longest first, so that a secret that begins with another one is taken out whole.
        forms = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, forms)))

    def redact(self, text: str) -> str:
        """Return a text with every secret replaced by ``[secret NAME]``."""
        return self.redact_bytes(text.encode("utf-8", "surrogatepass")).decode(
            "utf-8", "surrogatepass"
        )

    def redact_bytes(self, data: bytes) -> bytes:
        """Return bytes with every secret replaced by ``[secret NAME]``."""
        return data if self._pattern is None else self._pattern.sub(self._replacement, data)

    def _replacement(self, match: re.Match[bytes]) -> bytes:
        return f"[secret {self._forms[match[0]][0]}]".encode()

    def stream(self) -> RedactedStream:
        """Return a filter for data that comes in pieces."""
        return RedactedStream(self)

    def scan(self, target: str | Path) -> list[Finding]:
        """Find secrets in a text, or (given a ``Path``) in a file or all files of a folder.

        Symbolic links are not followed, their targets are read as text. A folder's ``.git`` is
        left out.
        """
        if isinstance(target, str):
            return list(self._find(target.encode("utf-8", "surrogatepass"), "text"))
        if target.is_symlink() or not target.is_dir():
            return list(self._scan_file(target, target.name))
        found: list[Finding] = []
        for path in sorted(target.rglob("*")):
            relative = path.relative_to(target)
            if relative.parts[0] == ".git":
                continue
            found += self._find(str(relative).encode("utf-8", "surrogateescape"), str(relative))
            if path.is_symlink() or path.is_file():
                found += self._scan_file(path, str(relative))
        return found

    def clean(self, folder: Path) -> None:
        """Take secrets out of the files that a program wrote by itself below a folder."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                redacted = self.redact_bytes(data)
                if redacted != data:
                    path.write_bytes(redacted)

    def _scan_file(self, path: Path, where: str) -> Iterator[Finding]:
        if path.is_symlink():
            data = str(path.readlink()).encode("utf-8", "surrogateescape")
        else:
            data = path.read_bytes()
        yield from self._find(data, where)

    def _find(self, data: bytes, where: str) -> Iterator[Finding]:
        if self._pattern is None:
            return
        for match in self._pattern.finditer(data):
            name, form = self._forms[match[0]]
            line = data.count(b"\n", 0, match.start()) + 1
            yield Finding(name, f"{where}:{line}", form)


class RedactedStream:
    """Takes secrets out of data that comes in pieces, also where a secret is cut in two.

    Only the end of the data that may be the beginning of a secret is held back.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return what can be passed on."""
        pattern, forms = self._redactor._pattern, self._redactor._forms
        if pattern is None:
            return data
        data = self._held + data
        cut = _unfinished(data, forms)
        passed, start = [], 0
        for match in pattern.finditer(data):
            if match.start() >= cut:
                break
            passed += [data[start : match.start()], self._redactor._replacement(match)]
            start = match.end()
        cut = max(cut, start)
        passed.append(data[start:cut])
        self._held = data[cut:]
        return b"".join(passed)

    def end(self) -> bytes:
        """Return what was held back, at the end of the data."""
        rest, self._held = self._held, b""
        return self._redactor.redact_bytes(rest)


def _unfinished(data: bytes, forms: Iterable[bytes]) -> int:
    """Return where the longest end of ``data`` that may be the beginning of a form starts."""
    cut = len(data)
    for form in forms:
        first = max(0, len(data) - len(form) + 1)
        start = data.find(form[:1], first)
        while 0 <= start < cut:
            if form.startswith(data[start:]):
                cut = start
            start = data.find(form[:1], start + 1)
    return cut


def _forms(value: str) -> Iterator[tuple[str, bytes]]:
    """Yield the forms in which a secret is looked for."""
    raw = value.encode()
    yield "plain", raw
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield "base64", _core(encode(b"\0" * offset + raw), offset, len(raw))
    yield "hexadecimal", raw.hex().encode()
    yield "hexadecimal", raw.hex().upper().encode()
    for quoted in (urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value)):
        yield "URL-encoded", quoted.encode()
    for ascii_only in (True, False):
        yield "JSON", json.dumps(value, ensure_ascii=ascii_only)[1:-1].encode()


def _core(encoded: bytes, offset: int, length: int) -> bytes:
    """Return the digits of a base64 text that depend on the secret alone, not on its neighbours."""
    first = -(-offset * 8 // 6)
    last = (offset + length) * 8 // 6
    return encoded[first:last]
