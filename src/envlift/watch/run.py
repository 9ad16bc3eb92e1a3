"""Two runs of ``envlift verify``, each in a process of its own, and what came of them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envlift.reference.failure import ReferenceUnavailable
from envlift.verify.run.result import EXIT_CODES, Verdict
from envlift.verify.suite.find import find_suite
from envlift.watch.pins import NotInstalledError, Pins, lock, moved, pins_of

_CHECK = re.compile(
    r"(PASS|FAIL|INCONCLUSIVE|SKIPPED)\s+(agreement|corpus|L\d|resets|transforms)\b"
)


@dataclass(frozen=True)
class Difference:
    """The first difference of one failed check.

    Attributes:
        check: level and name.
        text: where it is and how large, or what the check says.
        fixture: the minimised case for ``envlift repro``, None where there is none.
    """

    check: str
    text: str
    fixture: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What one comparison gave.

    Attributes:
        what: what was compared.
        verdict: PASS, FAIL or INCONCLUSIVE.
        why: one sentence where there is no whole verdict, else empty.
        differences: of the checks that failed.
        unreached: features that the suite wants and that were not reached.
        passed: how many checks passed.
        seconds: of all checks.
        repeat: what repeats it.
    """

    what: str
    verdict: str
    why: str = ""
    differences: list[Difference] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    passed: int = 0
    seconds: float = 0.0
    repeat: str = ""


@dataclass(frozen=True)
class Watched:
    """What became of one environment.

    Attributes:
        name: of the environment or suite file.
        before, after: package -> version.
        references: the new reference beside the old one; None where nothing was compared.
        fast: the fast environment beside the new reference; None likewise.
        why: why nothing was compared, else empty.
        comparable: False where other versions are known and cannot be installed or asked.
    """

    name: str
    before: dict[str, str]
    after: dict[str, str]
    references: Outcome | None = None
    fast: Outcome | None = None
    why: str = ""
    comparable: bool = True

    @property
    def status(self) -> str:
        """``nothing newer``, ``unchanged``, ``changed`` or ``not comparable``."""
        if not self.comparable:
            return "not comparable"
        if self.references is None or self.fast is None:
            return "nothing newer"
        verdicts = {self.references.verdict, self.fast.verdict}
        if Verdict.FAIL in verdicts:
            return "changed"
        return "unchanged" if verdicts == {Verdict.PASS} else "not comparable"

    @property
    def exit_code(self) -> int:
        """Return 0 unchanged or nothing newer, 1 changed, 2 not comparable."""
        codes = {"changed": Verdict.FAIL, "not comparable": Verdict.INCONCLUSIVE}
        return EXIT_CODES[codes.get(self.status, Verdict.PASS)]


def watch(
    name: str,
    to: dict[str, str],
    folder: Path,
    tell: Callable[[str], None],
    more: Sequence[str] = (),
) -> Watched:
    """Compare one environment with another version of its reference.

    Args:
        name: a registered environment or a suite file.
        to: package -> version; empty for the newest of each.
        folder: where suites, results, logs and cases are written.
        tell: is given every line of progress.
        more: words for ``envlift verify``, such as ``--quick``.

    Raises:
        VersionsUnknownError: its reference has no versions to look up.
        ValueError: for a package or version that there is not.
    """
    suite = find_suite(name)[0]
    pins = pins_of(name, suite, to)
    before = dict(pins.versions)
    try:
        other = moved(pins, to)
    except NotInstalledError as error:
        return Watched(name, before, before, why=f"versions: {error}", comparable=False)
    after = dict(other.versions)
    if after == before:
        return Watched(name, before, after, why="these are the newest releases")
    changed = ", ".join(f"{p} {before[p]} -> {after[p]}" for p in after if after[p] != before[p])
    tell(f"{name}: {changed}")
    try:
        place = lock(other, folder)
    except (NotInstalledError, ReferenceUnavailable) as error:
        return Watched(name, before, after, why=f"not installed: {error}", comparable=False)
    where = _where(other, place)
    runs = {}
    for kind, what in (
        ("two_references", "the new reference beside the old one"),
        ("other_reference", "the fast environment beside the new reference"),
    ):
        tell(f"{name}: {what}")
        runs[kind] = _compare(kind, what, (name, where), folder, tell, more)
    return Watched(name, before, after, runs["two_references"], runs["other_reference"])


def _where(pins: Pins, place: Path) -> str:
    word = "packages" if pins.source == "npm" else "requirements"
    return f"{word}={str(place.resolve())!r}"


def _compare(
    kind: str,
    what: str,
    suite: tuple[str, str],
    folder: Path,
    tell: Callable[[str], None],
    more: Sequence[str],
) -> Outcome:
    name, where = suite
    named = str(Path(name).resolve()) if name.endswith(".py") else name
    file, result = folder / f"{kind}.py", folder / f"{kind}.json"
    file.write_text(
        f'"""{what.capitalize()}; made by envlift watch."""\n\n'
        f"from envlift.watch.suites import {kind}\n\nSUITE = {kind}({named!r}, {where})\n",
        encoding="utf-8",
    )
    result.unlink(missing_ok=True)
    words = [
        *(sys.executable, "-m", "envlift.cli", "verify", str(file), "--json", str(result)),
        *("--fixtures", str(folder / f"cases_{kind}"), "--trusted"),
        *more,
    ]
    last = ""
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "bufsize": 1}
    with (
        (folder / f"{kind}.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(words, **pipe) as process,  # type: ignore[call-overload]
    ):
        try:
            for line in process.stdout:
                log.write(line)
                last = line.strip() or last
                if _CHECK.match(line):
                    tell(f"  {line.rstrip()}")
        except KeyboardInterrupt:
            # It writes down what it has found so far.
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
    return outcome(what, _read(result), last, " ".join(["envlift", *words[3:]]))


def _read(result: Path) -> dict[str, Any] | None:
    if not result.is_file():
        return None
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return found


def outcome(what: str, found: dict[str, Any] | None, last: str, repeat: str) -> Outcome:
    """Return what a report of ``envlift verify`` says.

    Args:
        what: was compared.
        found: the JSON of the report, None if the run ended without one.
        last: the last line that it printed.
        repeat: what repeats it.
    """
    if found is None:
        return Outcome(what, Verdict.INCONCLUSIVE, f"it ended without a result: {last}")
    checks = found["checks"]
    failed = [c for c in checks if c["verdict"] == Verdict.FAIL]
    undecided = [c for c in checks if c["verdict"] == Verdict.INCONCLUSIVE]
    open_questions = [f"{c['level']} {c['name']}: {_first(c['detail'])}" for c in undecided]
    why = "; ".join([*found["unanswered"], *open_questions])
    return Outcome(
        what,
        found["verdict"],
        why if found["verdict"] == Verdict.INCONCLUSIVE else "",
        [_difference(check) for check in failed],
        sorted({name for names in found["missing"].values() for name in names}),
        sum(c["verdict"] == Verdict.PASS for c in checks),
        sum(c["seconds"] for c in checks),
        repeat if "--seed" in repeat else f"{repeat} --seed {found['seed']}",
    )


def _first(text: str) -> str:
    return text.partition("\n")[0]


def _difference(check: dict[str, Any]) -> Difference:
    name, found = f"{check['level']} {check['name']}", check["divergence"]
    if found is None:
        return Difference(name, _first(check["detail"]), check["fixture"])
    text = (
        f"`{found['field']}` in step {found['step']}, lane {found['lane']}: "
        f"{found['reference']} became {found['candidate']}"
    )
    if isinstance(found["difference"], float):
        text += f" (by {found['difference']:.3g}; allowed: {found['allowed']})"
    if found["also"]:
        text += f"; and {len(found['also'])} more entries"
    return Difference(name, text, check["fixture"])
