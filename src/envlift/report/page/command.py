"""``envlift report``: from the words of a command line to two files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

SHRINK = (1.0, 0.25, 0.0)
"""Shares of the room for diffs that are tried until the page is small enough."""


def add_report(commands: Any) -> None:
    """Add ``report`` to the commands of a parser."""
    report = commands.add_parser(
        "report",
        help="one HTML page of evidence, and the same as JSON",
        description=(
            "Write one self-contained HTML page, and its data as JSON. A SOURCE is a file that "
            "`envlift verify --json` wrote, a registered environment's name (its committed "
            "evidence, benchmarks and mutation score) or the folder of a translation."
        ),
    )
    report.add_argument("sources", nargs="+", metavar="SOURCE")
    report.add_argument(
        "--out", type=Path, default=Path("report.html"), metavar="FILE", help="default: report.html"
    )
    report.add_argument(
        "--json", type=Path, metavar="FILE", help="default: as --out, ending in .json"
    )
    report.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write both files and name them.

    Raises:
        ValueError: for a source that cannot be read, or a file that would be overwritten.
    """
    from envlift.report.page.gather import gather, write, write_text
    from envlift.report.page.render import render
    from envlift.report.page.timeline import DIFF_BYTES

    json_file = options.json or options.out.with_suffix(".json")
    _refuse(options.out, json_file, options.sources)
    for share in SHRINK:
        page = gather(options.sources, diff_bytes=int(DIFF_BYTES * share))
        try:
            text = render(page)
            break
        except ValueError:
            if share == SHRINK[-1]:
                raise
    try:
        write_text(options.out, text)
        write(page, json_file)
    except OSError as error:
        raise ValueError(f"{error.filename} cannot be written: {error.strerror}") from None
    for subject in page.subjects:
        print(f"{subject.title}: {subject.verdict}")
    print(f"written: {options.out} ({len(text.encode()):,} bytes) and {json_file}")
    return 0


def _refuse(out: Path, json_file: Path, sources: list[str]) -> None:
    """Keep evidence from being overwritten by the report on it.

    Raises:
        ValueError: naming the file.
    """
    places = [out.resolve(), json_file.resolve()]
    if places[0] == places[1]:
        raise ValueError(f"--out and --json both name {out}; give one of them another name")
    for source in sources:
        if Path(source).resolve() in places:
            raise ValueError(f"{source} is a source and would be overwritten; choose another --out")
