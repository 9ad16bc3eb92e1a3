"""Compare public pairs of environments and write the table: ``python -m examples.pairs``.

    python -m examples.pairs                  every pair whose packages are here; writes the table
    python -m examples.pairs ID ...           only these
    python -m examples.pairs --make NAME ...  make the environments that pairs need, with pip
    python -m examples.pairs --cheap          pairs that need nothing but the locked packages
    python -m examples.pairs --small          compare as little as the tests do
    python -m examples.pairs --check          compare nothing: does the page show the results?

Results are kept in ``results.json``, from which ``docs/pairs.md`` is made. Exit code 1: a verdict
is not the expected one, or the page is not of these results.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from examples.pairs.page import HERE, PAGE, page, pairs, results

from tests.zoo.judged import small

BUILD = Path("build/pairs")


def make(name: str) -> None:
    """Make the virtual environment that ``requirements/<name>.txt`` lists."""
    folder = BUILD / name
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
    subprocess.run([*pip, "-r", str(HERE / "requirements" / f"{name}.txt")], check=True)


def command(pair: dict[str, Any]) -> list[str]:
    """Return the arguments of ``envlift`` that compare a pair."""
    suite = ["--suite", pair["suite"]] if "suite" in pair else []
    levels = [word for level in pair.get("levels", ()) for word in ("--level", level)]
    return ["verify", pair["reference"], pair["candidate"], *suite, *levels, "--quick"]


def cpu_seconds() -> float:
    """Return what this process and its ended children have computed so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def compare(pair: dict[str, Any], seed: int | None = None) -> dict[str, Any]:
    """Run ``envlift verify`` for a pair; return what the table shows of it."""
    from envlift.cli import main

    seeded = [] if seed is None else ["--seed", str(seed)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        where = ["--json", str(file), "--fixtures", folder]
        began, out = cpu_seconds(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main([*command(pair), *seeded, *where])
        seconds = cpu_seconds() - began
        if not file.exists():
            return {"verdict": f"exit {code}", "said": out.getvalue()[-2000:]}
        report = json.loads(file.read_text())
    failed = [check for check in report["checks"] if check["verdict"] == "FAIL"]
    return {
        "verdict": report["verdict"],
        "seconds": round(seconds, 1),
        "first": failed[0]["detail"].partition("; minimised")[0] if failed else "",
        "not_compared": report["not_compared"],
        "not_verified": report["not_verified"],
        "pins": report["pins"],
        "seed": report["seed"],
    }


def run(arguments: list[str]) -> int:
    """Do what the module's text says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m examples.pairs")
    parser.add_argument("ids", nargs="*", metavar="ID")
    parser.add_argument("--make", nargs="+", metavar="NAME", default=[])
    parser.add_argument("--cheap", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    if options.check:
        return 0 if PAGE.is_file() and PAGE.read_text() == page(pairs(), results()) else 1
    for name in options.make:
        make(name)
    chosen = [pair for pair in pairs() if pair["id"] in options.ids or not options.ids]
    if unknown := set(options.ids) - {pair["id"] for pair in chosen}:
        parser.error(f"no pair is named {', '.join(sorted(unknown))}")
    if options.cheap:
        chosen = [pair for pair in chosen if not pair.get("needs")]
    wrong = 0
    for pair in [] if options.make and not options.ids else chosen:
        missing = [name for name in pair.get("needs", ()) if not (BUILD / name).is_dir()]
        if missing:
            print(f"{pair['id']:<28} left out: python -m examples.pairs --make {missing[0]}")
            continue
        with small(whole=False) if options.small else contextlib.nullcontext():
            found = compare(pair)
        right = found["verdict"] == pair["expected"]
        wrong += not right
        note = "" if right else f"   {pair['expected']} was expected"
        print(f"{pair['id']:<28} {found['verdict']}  {found.get('first', '')}{note}", flush=True)
        kept = {**results(), pair["id"]: found}
        (HERE / "results.json").write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
        PAGE.write_text(page(pairs(), kept))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
