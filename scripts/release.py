"""Set the version everywhere and date its section of the CHANGELOG: ``make release VERSION=0.2.0``.

Nothing is committed or tagged: read the diff first. What to do then is printed.
"""

from __future__ import annotations

import datetime
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")

PLACES = {
    "pyproject.toml": (r'^version = "(.+)"$',),
    "src/envlift/__init__.py": (r'^__version__ = "(.+)"$',),
    "crates/Cargo.toml": (r'^version = "(.+)"$',),
    "crates/Cargo.lock": (
        r'^name = "gameboy"\nversion = "(.+)"$',
        r'^name = "gameboy-python"\nversion = "(.+)"$',
    ),
    "crates/gameboy-python/pyproject.toml": (r'^version = "(.+)"$',),
    "CITATION.cff": (r"^version: (.+)$",),
}
"""File -> where the version stands in it, each once."""

_PRE = re.compile(r"(a|b|rc)(\d+)$")
_CARGO_PRE = re.compile(r"-(alpha|beta|rc)\.(\d+)$")
_NAMES = {"a": "alpha", "b": "beta", "rc": "rc"}

UNRELEASED = "## [Unreleased]\n"


class ReleaseError(ValueError):
    """A version, or a file, that does not fit; the message says what to do."""


def versions(root: Path) -> dict[str, str]:
    """Return the version in every place.

    Raises:
        ReleaseError: a file does not have it once.
    """
    found = {}
    for name, patterns in PLACES.items():
        text = (root / name).read_text(encoding="utf-8")
        for number, pattern in enumerate(patterns):
            held = re.findall(pattern, text, re.MULTILINE)
            if len(held) != 1:
                raise ReleaseError(f"{name} has {len(held)} lines like {pattern}, not one")
            found[f"{name} {number}" if number else name] = of_python(held[0])
    return found


def of_cargo(version: str) -> str:
    """Return a version as Cargo writes it: ``0.2.0-rc.1`` for ``0.2.0rc1``."""
    return _PRE.sub(lambda m: f"-{_NAMES[m[1]]}.{m[2]}", version)


def of_python(version: str) -> str:
    """Return a version of Cargo as Python writes it."""
    short = {long: short for short, long in _NAMES.items()}
    return _CARGO_PRE.sub(lambda m: f"{short[m[1]]}{m[2]}", version)


def release(root: Path, version: str, today: str) -> None:
    """Write a version into every place.

    Args:
        root: of the checkout.
        version: such as ``0.2.0`` or ``0.2.0rc1``.
        today: ISO date.

    Raises:
        ReleaseError: for no version, one that is not newer, places that disagree, or a CHANGELOG
            without anything that is unreleased. Nothing is written then.
    """
    if not VERSION.fullmatch(version):
        raise ReleaseError(f"{version!r} is no version; give one such as 0.2.0 or 0.2.0rc1")
    held = versions(root)
    if len(set(held.values())) > 1:
        told = ", ".join(f"{name} {value}" for name, value in held.items())
        raise ReleaseError(f"the versions disagree: {told}; make them equal first")
    old = next(iter(held.values()))
    if _order(version) <= _order(old):
        raise ReleaseError(f"{version} is not newer than {old}")
    log = root / "CHANGELOG.md"
    text = log.read_text(encoding="utf-8")
    _, there, rest = text.partition(UNRELEASED)
    if not there or not rest.partition("\n## [")[0].strip():
        raise ReleaseError("CHANGELOG.md has nothing under '## [Unreleased]'")
    for name, patterns in PLACES.items():
        path = root / name
        content = path.read_text(encoding="utf-8")
        written = of_cargo(version) if path.name.startswith("Cargo.") else version
        for pattern in patterns:
            match = re.search(pattern, content, re.MULTILINE)
            assert match is not None, "versions() has found it"
            content = content[: match.start(1)] + written + content[match.end(1) :]
        path.write_text(content, encoding="utf-8")
    dated = f"{UNRELEASED}\n## [{version}] - {today}\n"
    log.write_text(text.replace(UNRELEASED, dated, 1), encoding="utf-8")


def _order(version: str) -> tuple[int, ...]:
    """Return what versions are sorted by: a pre-release comes before its release."""
    final, kind, number = re.match(r"([\d.]+)(a|b|rc)?(\d*)", version).groups()  # type: ignore[union-attr]
    before = ("a", "b", "rc").index(kind) if kind else 3
    return (*map(int, final.split(".")), before, int(number or 0))


def main(words: list[str]) -> int:
    """Run it; return the exit code."""
    if len(words) != 1:
        print("usage: make release VERSION=0.2.0", file=sys.stderr)
        return 4
    try:
        release(ROOT, words[0], datetime.datetime.now(datetime.UTC).date().isoformat())
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 4
    print(
        f"The version is {words[0]} everywhere. Next: read `git diff`, run `make dist`, commit, "
        f"and `git tag v{words[0]}`; pushing the tag starts the workflow that publishes, once it "
        "is switched on (CONTRIBUTING.md)."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
