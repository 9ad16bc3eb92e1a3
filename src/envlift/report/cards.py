"""Write the cards, the README's table and docs/matrix.md: ``python -m envlift.report.cards``.

With ``--check`` nothing is written. A stale file, or evidence that is incomplete or older than the
rules it speaks of, is named and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import envlift
from envlift.registry import list_envs, list_vector_envs
from envlift.report.checks import complaints
from envlift.report.facts import Facts, gather
from envlift.report.spec import spec_of
from envlift.report.text import card, matrix_page, summary

BEGIN = "<!-- matrix:begin -->"
END = "<!-- matrix:end -->"
COMMAND = "python -m envlift.report.cards"
ROOT = Path(envlift.__file__).resolve().parents[2]


def between_markers(text: str, generated: str) -> str:
    """Return a README with what stands between the markers replaced.

    Raises:
        ValueError: if the markers are not there once, in this order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ValueError(f"README.md needs the lines {BEGIN} and {END}, once each, in this order")
    return f"{before}{BEGIN}\n{generated}\n{END}{after}"


def read(root: Path) -> list[Facts]:
    """Return the facts of every environment of a checkout.

    Raises:
        ValueError: for a source of facts that cannot be read.
    """
    environments = root / "src" / "envlift" / "envs"
    results = root / "benchmarks" / "results"
    names = [
        name
        for name in sorted([*list_envs(), *list_vector_envs()])
        if (environments / name).is_dir()
    ]
    return [gather(name, environments / name, results) for name in names]


def generate(root: Path, facts: Sequence[Facts]) -> dict[Path, str]:
    """Return every generated file of a checkout and what it should hold.

    Raises:
        ValueError: if the README is missing or has no place for the table.
    """
    readme = root / "README.md"
    if not readme.is_file():
        raise ValueError(f"{root} is no checkout of envlift: there is no README.md")
    files = {one.folder / "CARD.md": card(one, spec_of(one.name)) for one in facts}
    docs = root / "docs"
    # The documentation's own copies: a page there cannot link to a file outside of it.
    files |= {docs / "cards" / f"{path.parent.name}.md": text for path, text in list(files.items())}
    text = readme.read_text(encoding="utf-8")
    files[readme] = between_markers(text, summary(facts))
    files[docs / "matrix.md"] = matrix_page(facts)
    return files


def stale(files: dict[Path, str]) -> list[Path]:
    """Return the files that do not hold what they should."""
    return [
        path
        for path, text in files.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Cards, the README's table and docs/matrix.md."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail on what is old")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout (default: this one)")
    options = parser.parse_args(arguments)
    try:
        facts = read(options.root)
        files = generate(options.root, facts)
        checked = facts if options.check else []
        wrong = [line for one in checked for line in complaints(one, options.root)]
    except ValueError as error:
        print(f"{COMMAND}: {error}", file=sys.stderr)
        return 1
    old = stale(files)
    for path in old:
        if options.check:
            print(f"{path.relative_to(options.root)} is stale; run: {COMMAND}", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
            print(f"written: {path.relative_to(options.root)}")
    if not options.check:
        return 0
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return 1 if old or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
