"""What the loop reads of a Rust crate: could it reach outside, and where a fault can be planted.

The text is cut into tokens, which is enough for both. It is no proof: whoever wants to hide
something in Rust can. That the candidate moves before the reference is asked, and that seeds are
fresh for every judgement, does not depend on it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOKEN = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ )
  | (?P<text> [bc]?r(?P<hashes>\#*)".*?"(?P=hashes) | [bc]?"(?:\\.|[^"\\])*"
            | b?'(?:\\.[^']*|[^'\\])' )
  | (?P<number> \d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?\w* )
  | (?P<name> (?:r\#)?[A-Za-z_]\w* )
  | (?P<sign> ::|->|=>|==|!=|<=|>=|&&|\|\||<<|>>|\.\.=|\.\.|[-+*/%&|^]=|\S )
    """,
    re.VERBOSE | re.DOTALL,
)

TABLES = ("package", "lib", "profile", "features", "lints", "dependencies", "dev-dependencies")
"""What ``Cargo.toml`` may hold; the last two must be empty."""

NAMES = {
    "fs": "by which it could read files",
    "net": "by which it could open connections",
    "macro_rules": "which could hide what is called",
    "include": "which reads a file while it is built",
    "include_str": "which reads a file while it is built",
    "include_bytes": "which reads a file while it is built",
    "cfg_attr": "which could hide an attribute",
    "asm": "which nobody can check",
    "global_asm": "which nobody can check",
    "naked_asm": "which nobody can check",
}
"""Refused wherever they stand."""

PATHS = {
    "process": "by which it could start processes",
    "env": "by which it could read what it is run for",
    "os": "by which it could reach the system",
    "io": "by which it could reach files and terminals",
}
"""Refused as a part of a path (``std::env``) and in a ``use``; good names otherwise."""


@dataclass(frozen=True)
class Token:
    """One word of Rust.

    Attributes:
        kind: ``text``, ``number``, ``name`` or ``sign``.
        text: as written, ``r#`` taken off names.
        line: from 1.
        start, end: where it stands in the source.
    """

    kind: str
    text: str
    line: int
    start: int
    end: int


def tokens(source: str) -> list[Token]:
    """Cut a source into tokens, without comments."""
    found = []
    for match in TOKEN.finditer(source):
        kind = str(match.lastgroup)
        if match["comment"] is None:
            kind = "text" if match["text"] is not None else kind
            line = source.count("\n", 0, match.start()) + 1
            word = match[0].removeprefix("r#") if kind == "name" else match[0]
            found.append(Token(kind, word, line, match.start(), match.end()))
    return found


# -- does it reach outside? -----------------------------------------------------------------------


def reaches_out(worktree: Path) -> str:
    """Say where a crate could reach outside of itself, empty if nowhere.

    A crate of another author, a program run by the build, code of another language and the parts of
    the standard library that reach the system are refused.
    """
    for name in ("build.rs", ".cargo"):
        if (worktree / name).exists():
            return f"{name} changes how it is built, which a fast environment has no need of"
    wrong = _manifest(worktree / "Cargo.toml")
    if wrong:
        return f"Cargo.toml {wrong}"
    for path in sorted(worktree.rglob("*.rs")):
        where = path.relative_to(worktree)
        if where.parts[0] in ("target", "reference", ".envlift"):
            continue
        for line, what in _outside(tokens(path.read_text(encoding="utf-8", errors="replace"))):
            return f"{where.as_posix()}:{line} {what}"
    return ""


def _manifest(path: Path) -> str:
    if not path.is_file():
        return ""  # The build will say so.
    try:
        manifest: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return ""
    for name, table in manifest.items():
        if name not in TABLES:
            return f"has a table {name!r}; it may have {', '.join(TABLES)}"
        if name.endswith("dependencies") and table:
            return f"depends on {next(iter(table))!r}; a crate that is judged stands alone"
    for name in ("build", "links", "workspace"):
        if manifest.get("package", {}).get(name):
            return f"says package.{name}, which changes how it is built"
    for name in ("path", "proc-macro", "proc_macro"):
        if manifest.get("lib", {}).get(name, "src/lib.rs") not in ("src/lib.rs", False):
            return f"says lib.{name}; the crate is src/lib.rs"
    return ""


def _outside(words: list[Token]) -> Iterator[tuple[int, str]]:
    """Yield line and reason of everything refused in a source."""
    using = False
    # So that a neighbour can always be looked at.
    nothing = Token("sign", "", 0, 0, 0)
    around = [nothing, *words, nothing, nothing]
    for i, word in enumerate(words, start=1):
        before, after, later = around[i - 1], around[i + 1], around[i + 2]
        if word.kind == "name":
            using = using or word.text == "use"
            in_path = using or "::" in (before.text, after.text)
            if word.text in NAMES:
                yield word.line, f"names {word.text}, {NAMES[word.text]}"
            elif word.text in PATHS and in_path:
                yield word.line, f"names {word.text}, {PATHS[word.text]}"
            elif word.text == "extern" and {"crate", "{"} & {after.text, later.text}:
                yield word.line, "declares functions of another library"
            elif before.text == "[" and word.text in ("path", "link"):
                yield word.line, f"has an attribute #[{word.text}], which takes code from elsewhere"
        elif word.text == ";":
            using = False


# -- where could a fault be? ----------------------------------------------------------------------

TURNED = {
    "<": ">=", ">": "<=", "<=": ">", ">=": "<", "==": "!=", "!=": "==",
    "+": "-", "-": "+", "*": "+", "/": "*", "+=": "-=", "-=": "+=", "&&": "||", "||": "&&",
}  # fmt: skip


def faults(source: str) -> list[str]:
    """Return the source with one fault each: a number changed, an operator turned round.

    Only operators with space around them are taken, which leaves types, references and lifetimes
    alone. What does not build any more is for the caller to notice.
    """
    found = []
    for word in tokens(source):
        around = source[word.start - 1 : word.start] + source[word.end : word.end + 1]
        if word.kind == "number":
            changed = _another(word.text)
        elif word.kind == "sign" and around == "  ":
            changed = TURNED.get(word.text, "")
        else:
            changed = ""
        if changed:
            found.append(source[: word.start] + changed + source[word.end :])
    return found


def _another(number: str) -> str:
    """Return another number of the same type, empty for what is not plain."""
    match = re.fullmatch(r"([\d_]+)(\.[\d_]+)?((?:[a-z]\w*)?)", number)
    if match is None:
        return ""
    whole, fraction, kind = match.groups()
    value = int(whole.replace("_", ""))
    if fraction is None:
        return f"{value + 1}{kind}"
    # 0.5 becomes 1.5: larger than any rounding.
    return f"{value + 1}{fraction}{kind}"
