"""Which files a verdict rests on, as one hash per kind.

Evidence is a statement about files. Their hashes are written into it, so that changed rules cannot
keep the evidence of the old ones, nor a changed verifier its old verdicts. Of Python files only the
code counts: comments, docstrings and blank lines decide nothing.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import io
import tokenize
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

# A star stands for slashes too. The first kind that fits takes a file; the last takes all that is
# left, so that a new file counts until somebody says that it decides nothing.
OF_ENVIRONMENT = {
    "reference": ("reference/*",),
    # ``intermediates.py`` shows level 1 what rules compute on their way; ``__init__.py`` registers.
    "suite": ("verification/*", "intermediates.py", "train.toml", "__init__.py"),
    "rules": ("*",),
}
"""Kind -> patterns of files in the environment's folder."""

OF_PACKAGE = {
    "contract": (
        "__init__.py",
        "env.py",
        "opponents.py",
        "registry.py",
        "envs/__init__.py",
        "targets/*",
    ),
    "trainer": ("train/*",),
    "verifier": ("*",),
}
"""Kind -> patterns of files in the package, outside the environments' folders."""

KINDS = (*OF_ENVIRONMENT, *OF_PACKAGE)

NOT_OF_ENVIRONMENT = (
    *("*.md", "bench.py", "render.py", "baselines/*"),
    *("verification/evidence-*.json", "verification/mutation-*.json"),
    # Explains what mutation found; no comparison reads it.
    "verification/mutants.toml",
)
NOT_OF_PACKAGE = (
    *(
        "*.md",
        "py.typed",
        "cli.py",
        "extras.py",
        "sources.py",
        "bench/*",
        "report/*",
        "translate/*",
        "watch/*",
    ),
    *("adapters/gymnasium.py", "adapters/lanes.py", "adapters/pictures.py", "adapters/ids.py"),
    *("adapters/sb3.py", "adapters/torchrl.py", "adapters/pettingzoo.py"),
    # Shown to people, or used after a verdict.
    *("verify/mutation/*", "verify/run/show*.py", "verify/run/progress.py"),
    *("verify/failure/record.py", "verify/failure/repro.py"),
    *("train/command.py", "train/curve.py", "train/showing/display.py", "train/showing/film.py"),
    *("train/saving/export.py", "train/saving/onnx_graph.py"),
    *("train/extra.py", "train/games/arena.py", "train/games/command.py"),
    *("train/games/examine.py", "train/games/ratings.py"),
    *("train/metrics.py", "train/play.py", "train/settings.py", "train/presets/*"),
)
"""Patterns of files on which no verdict rests."""

GENERATED_FOLDERS = {"__pycache__", "node_modules"}
GENERATED_SUFFIXES = {".pyc", ".pyo", ".o", ".a", ".so", ".dylib", ".dll", ".gcda", ".gcno"}

LAYOUT = {"NEWLINE", "INDENT", "DEDENT"}
"""Tokens that count without their text."""
NO_CODE = {"COMMENT", "NL", "ENCODING", "ENDMARKER"}


def folder_of(name: str) -> Path | None:
    """Return the folder under ``envs/`` of a registered environment, None if it has none there."""
    folder = Path(__file__).parent / "envs" / name
    return folder if folder.is_dir() else None


def hashes(folder: Path) -> dict[str, str]:
    """Return a SHA-256 for every kind of source that the verdict on an environment rests on.

    Args:
        folder: of the environment, ``envs/<name>`` in the package whose verifier judges it.

    Returns:
        Kind, one of ``KINDS`` -> hexadecimal digits.
    """
    package = folder.parents[1]
    own = _by_kind(folder, OF_ENVIRONMENT, NOT_OF_ENVIRONMENT)
    shared = _by_kind(package, OF_PACKAGE, (*NOT_OF_PACKAGE, "envs/*/*"))
    found = {kind: _hash(folder, files) for kind, files in own.items()} | {
        kind: _hash(package, files) for kind, files in shared.items()
    }
    if (folder / "native.py").is_file():
        found["rules"] = _with_crates(found["rules"], package.parents[1] / "crates")
    return found


def _with_crates(rules: str, crates: Path) -> str:
    """Return the hash of rules that are compiled from ``crates/``, where that lies beside."""
    files = sorted(
        path
        for pattern in ("Cargo.*", "*/Cargo.toml", "*/src/**/*.rs")
        for path in crates.glob(pattern)
    )
    digest = hashlib.sha256(rules.encode())
    for path in files:
        digest.update(path.relative_to(crates).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def kind_of(package: Path, file: Path) -> str | None:
    """Return the kind that a file of the package belongs to, None if no verdict rests on it."""
    parts = file.relative_to(package).parts
    if parts[0] == "envs" and len(parts) > 2:
        name = Path(*parts[2:]).as_posix()
        return _kind(name, OF_ENVIRONMENT, NOT_OF_ENVIRONMENT)
    return _kind(file.relative_to(package).as_posix(), OF_PACKAGE, NOT_OF_PACKAGE)


@functools.lru_cache(maxsize=2048)
def code_of(content: bytes) -> bytes:
    """Return what a Python file tells Python: its tokens without comments and docstrings.

    It is the same under every version of Python. What cannot be parsed is returned as it is.
    """
    try:
        text = content.decode().replace("\r\n", "\n")
        lines = _without_docstrings(text)
        tokens = list(tokenize.generate_tokens(io.StringIO("".join(lines)).readline))
    except (SyntaxError, ValueError, tokenize.TokenError):
        return content
    return "\0".join(_code(lines, tokens)).encode()


def _without_docstrings(text: str) -> list[str]:
    """Return the lines; empty where a text stands alone as a statement, which does nothing."""
    lines = [line + "\n" for line in text.split("\n")]
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            continue
        last = node.end_lineno or node.lineno
        before = lines[node.lineno - 1].encode()[: node.col_offset]
        after = lines[last - 1].encode()[node.end_col_offset :].strip()
        alone = not before.strip() and (not after or after.startswith(b"#"))
        if isinstance(node.value.value, str) and alone:
            lines[node.lineno - 1 : last] = ["\n"] * (last - node.lineno + 1)
    return lines


def _code(lines: list[str], tokens: list[tokenize.TokenInfo]) -> Iterator[str]:
    # Since Python 3.12 a formatted text is many tokens. It counts as it is written, as before.
    opened: list[tokenize.TokenInfo] = []
    for token in tokens:
        name = tokenize.tok_name[token.type]
        if name.endswith("STRING_START"):
            opened.append(token)
        elif name.endswith("STRING_END"):
            first = opened.pop()
            if not opened:
                yield _between(lines, first.start, token.end)
        elif not opened and name not in NO_CODE:
            yield name if name in LAYOUT else token.string


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    (first, left), (last, right) = start, end
    if first == last:
        return lines[first - 1][left:right]
    return "".join([lines[first - 1][left:], *lines[first : last - 1], lines[last - 1][:right]])


def _by_kind(
    root: Path, kinds: dict[str, tuple[str, ...]], outside: tuple[str, ...]
) -> dict[str, list[str]]:
    """Return the files of every kind, relative to the root and with slashes, in order."""
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    for path in root.rglob("*"):
        relative = path.relative_to(root)
        # A list of what is generated, not of what is a source: an unknown file then fails a check
        # where somebody sees it, instead of never being looked at.
        generated = path.suffix in GENERATED_SUFFIXES or any(
            part in GENERATED_FOLDERS or part.startswith(".") for part in relative.parts
        )
        kind = _kind(relative.as_posix(), kinds, outside)
        if kind is not None and not generated and path.is_file():
            found[kind].append(relative.as_posix())
    return {kind: sorted(names) for kind, names in found.items()}


def _kind(name: str, kinds: dict[str, tuple[str, ...]], outside: tuple[str, ...]) -> str | None:
    if any(fnmatchcase(name, pattern) for pattern in outside):
        return None
    fits = (k for k, patterns in kinds.items() if any(fnmatchcase(name, p) for p in patterns))
    return next(fits)


def _hash(root: Path, names: list[str]) -> str:
    whole = hashlib.sha256()
    for name in names:
        content = (root / name).read_bytes()
        if name.endswith(".py"):
            content = code_of(content)
        # With the length between them, no file's end can pass for the next one's name.
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()
