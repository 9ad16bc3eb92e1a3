"""``envlift watch``: from the words of a command line to a report."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

EXIT_INTERRUPTED = 130


def add_watch(commands: Any) -> None:
    """Add ``watch`` to the commands of a parser."""
    watch = commands.add_parser(
        "watch",
        help="is it still the same as the newest version of its reference?",
        description=(
            "Installs other versions of a pinned reference beside the old ones, compares the two "
            "references, exactly, and the fast environment with the new one. Exit code 0: "
            "unchanged, or nothing newer; 1: changed; 2: not comparable."
        ),
    )
    watch.add_argument(
        "names",
        nargs="*",
        metavar="NAME|SUITE.py",
        help="registered environments or suite files; by default all whose reference has versions",
    )
    watch.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="PACKAGE=VERSION",
        help="this version, older ones too; by default the newest of every pinned package",
    )
    watch.add_argument("--quick", action="store_true", help="compare less")
    watch.add_argument("--config", action="append", default=[], help="only this configuration")
    watch.add_argument("--seed", type=int, help="of all chance; without it every run is fresh")
    watch.add_argument(
        "--out",
        type=Path,
        default=Path("envlift-watch"),
        metavar="DIR",
        help="where suites, logs, cases and reports are written (default: ./envlift-watch)",
    )
    watch.set_defaults(run=_watch)


def _watch(options: argparse.Namespace) -> int:
    from rich.console import Console

    from envlift.registry import list_envs, list_vector_envs
    from envlift.watch import report
    from envlift.watch.pins import VersionsUnknownError
    from envlift.watch.run import Watched, watch

    console = Console(highlight=False, soft_wrap=True)
    to = _versions(options.to)
    if to and len(options.names) != 1:
        raise ValueError("--to is for one environment; name it")
    if options.config and len(options.names) != 1:
        raise ValueError("--config is for one environment; name it")
    more = ["--quick"] if options.quick else []
    if options.seed is not None:
        more += ["--seed", str(options.seed)]

    def tell(line: str) -> None:
        console.print(line, markup=False)

    options.out.mkdir(parents=True, exist_ok=True)
    written = {
        options.out / "report.md": report.markdown,
        options.out / "report.json": report.to_json,
    }
    for path in written:
        # It spoke of another run.
        path.unlink(missing_ok=True)
    found: list[Watched] = []
    for name in options.names or [*list_envs(), *list_vector_envs()]:
        try:
            folder = options.out / _folder(name)
            found.append(watch(name, to, folder, tell, more, options.config))
        except VersionsUnknownError as error:
            if options.names:
                raise
            tell(f"{name}: left out: {error}")
            continue
        # After each, so that nothing is lost.
        for path, render in written.items():
            path.write_text(render(found), encoding="utf-8")
        if found[-1].interrupted:
            break
    for one in found:
        tell(f"{one.name}: {one.status}{f' ({one.why})' if one.why else ''}")
    if found:
        tell(f"written: {options.out / 'report.md'}")
    if any(one.interrupted for one in found):
        return EXIT_INTERRUPTED
    codes = {one.exit_code for one in found}
    return 1 if 1 in codes else max(codes, default=0)


def _folder(name: str) -> str:
    """Return a name for a folder; of suite files no two have the same."""
    if not name.endswith(".py"):
        return name
    path = Path(name).resolve()
    return f"{path.stem}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def _versions(given: list[str]) -> dict[str, str]:
    found = {}
    for text in given:
        package, equals, version = text.partition("=")
        version = version.lstrip("=")
        if not equals or not package or not version:
            raise ValueError(f"--to {text} is not PACKAGE=VERSION, such as mujoco=3.3.7")
        found[package] = version
    return found
