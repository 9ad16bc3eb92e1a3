"""Two runs of ``envlift verify``, each in a process of its own, and what came of them."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from envlift.reference.failure import ReferenceUnavailable
from envlift.verify.run.result import EXIT_CODES, Verdict
from envlift.verify.suite.find import find_suite
from envlift.watch.pins import NotInstalledError, Pins, all_versions, lock, moved, pins_of

KINDS = {
    "references": ("two_references", "the new reference beside the old one"),
    "fast": ("other_reference", "the fast environment beside the new reference"),
}
"""Part of what is found -> the function of ``suites`` that is run, and what it compares."""

SIDES = {
    "two_references": ("the old reference has", "the new one"),
    "other_reference": ("the new reference has", "the fast environment"),
}
"""What the two sides of each are called."""

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
        not_compared: what the verdict does not speak of, sentences of the verifier.
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
    not_compared: list[str] = field(default_factory=list)
    passed: int = 0
    seconds: float = 0.0
    repeat: str = ""


@dataclass(frozen=True)
class Watched:
    """What became of one environment.

    Attributes:
        name: of the environment or suite file.
        before, after: package -> version, of the packages that are pinned.
        others: what else had to change with them: package -> old and new version, "" for none.
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
    others: dict[str, tuple[str, str]] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def status(self) -> str:
        """``nothing newer``, ``unchanged``, ``changed`` or ``not comparable``."""
        if not self.comparable or self.interrupted:
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
    configs: Sequence[str] = (),
) -> Watched:
    """Compare one environment with another version of its reference.

    Args:
        name: a registered environment or a suite file.
        to: package -> version; empty for the newest of each.
        folder: where suites, results, logs and cases are written.
        tell: is given every line of progress.
        more: words for ``envlift verify``, such as ``--quick``.
        configs: names of the suite's configurations; empty for all.

    Returns:
        What was found, also if Ctrl-C ended it early.

    Raises:
        VersionsUnknownError: its reference has no versions to look up.
        ValueError: for a package, version or configuration that there is not.
    """
    suite = find_suite(name)[0]
    known = [config.name for config in suite.configs if not config.transfer_only]
    for config in configs:
        if config not in known:
            raise ValueError(f"--config {config}: {name} has {', '.join(known)}")
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
    found = Watched(name, before, after, others=_others(pins, other, folder))
    for package, (old, new) in found.others.items():
        tell(f"{name}: with it {package} {old or 'none'} -> {new or 'none'}")
    words = [*more, *(word for config in configs for word in ("--config", config))]
    try:
        for part, (kind, what) in KINDS.items():
            tell(f"{name}: {what}")
            asked = before if kind == "two_references" else after
            where = _where(other, place)
            run = _compare(kind, what, (name, where), asked, folder, tell, words)
            found = replace(found, **{part: run})  # type: ignore[arg-type]
    except KeyboardInterrupt:
        found = replace(found, interrupted=True, why="interrupted")
    return found


def _others(pins: Pins, other: Pins, folder: Path) -> dict[str, tuple[str, str]]:
    """Return what changed beside the pinned packages: package -> old and new version."""
    if pins.locked is None:
        return {}
    old = all_versions(pins, pins.locked)
    new = all_versions(other, folder / pins.locked.name)
    own = {canonicalize_name(package) for package in pins.versions}
    return {
        package: (old.get(package, ""), new.get(package, ""))
        for package in sorted(old | new)
        if old.get(package) != new.get(package) and canonicalize_name(package) not in own
    }


def _where(pins: Pins, place: Path) -> str:
    word = "packages" if pins.source == "npm" else "requirements"
    return f"{word}={str(place.resolve())!r}"


def _compare(
    kind: str,
    what: str,
    suite: tuple[str, str],
    versions: Mapping[str, str],
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
    words = ["verify", str(file), "--json", str(result)]
    words += ["--fixtures", str(folder / f"cases_{kind}")]
    # A reference is trusted, whichever side it is on; a candidate is not.
    words += [*(["--trusted"] if kind == "two_references" else []), *more]
    last = ""
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "bufsize": 1}
    with (
        (folder / f"{kind}.log").open("w", encoding="utf-8") as log,
        # In a session of its own, Ctrl-C reaches it once: from here.
        subprocess.Popen(  # type: ignore[call-overload]
            [sys.executable, "-m", "envlift.cli", *words], start_new_session=True, **pipe
        ) as process,
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
    told = _read(result)
    found = outcome(kind, what, told, last, shlex.join(["envlift", *words]))
    return _as_asked(found, {} if told is None else told["pins"], versions)


def _as_asked(found: Outcome, pins: Mapping[str, str], versions: Mapping[str, str]) -> Outcome:
    """Take back a verdict if the reference was another version: it spoke of something else.

    Args:
        found: what came out.
        pins: of the reference, as it tells them itself.
        versions: package -> the version that was asked for.
    """
    other = {p: pins[p] for p, wanted in versions.items() if pins.get(p, wanted) != wanted}
    if not other:
        return found
    told = ", ".join(f"{package} {pins[package]}" for package in other)
    wanted = ", ".join(f"{package} {versions[package]}" for package in other)
    why = f"the reference ran with {told}, not with {wanted}"
    return replace(found, verdict=Verdict.INCONCLUSIVE, why=why)


def _read(result: Path) -> dict[str, Any] | None:
    if not result.is_file():
        return None
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return found


def outcome(kind: str, what: str, found: dict[str, Any] | None, last: str, repeat: str) -> Outcome:
    """Return what a report of ``envlift verify`` says.

    Args:
        kind: ``two_references`` or ``other_reference``.
        what: was compared.
        found: the JSON of the report, None if the run ended without one.
        last: the last line that it printed.
        repeat: what repeats it.
    """
    if found is None:
        return Outcome(what, Verdict.INCONCLUSIVE, f"it ended without a result: {last}")
    checks, verdict = found["checks"], found["verdict"]
    failed = [c for c in checks if c["verdict"] == Verdict.FAIL]
    # What does not run here was not found to differ.
    broken = [c for c in failed if c["name"].startswith("candidate [")]
    if kind == "two_references" and broken and len(broken) == len(failed):
        reason = f"the new reference does not run: {_first(broken[0]['detail'])}"
        return Outcome(what, Verdict.INCONCLUSIVE, reason, repeat=repeat)
    undecided = [c for c in checks if c["verdict"] == Verdict.INCONCLUSIVE]
    open_questions = [f"{c['level']} {c['name']}: {_first(c['detail'])}" for c in undecided]
    why = "; ".join([*found["unanswered"], *open_questions])
    return Outcome(
        what,
        verdict,
        (why or "not enough was compared") if verdict == Verdict.INCONCLUSIVE else "",
        [_difference(check, kind) for check in failed],
        sorted({name for names in found["missing"].values() for name in names}),
        [*found["not_verified"], *found["not_compared"]],
        sum(c["verdict"] == Verdict.PASS for c in checks),
        sum(c["seconds"] for c in checks),
        repeat if "--seed" in repeat else f"{repeat} --seed {found['seed']}",
    )


def _first(text: str) -> str:
    return text.partition("\n")[0]


def _difference(check: dict[str, Any], kind: str) -> Difference:
    name, found = f"{check['level']} {check['name']}", check["divergence"]
    if found is None:
        return Difference(name, _first(check["detail"]), check["fixture"])
    one, other = SIDES[kind]
    text = (
        f"`{found['field']}` in step {found['step']}, lane {found['lane']}: {one} "
        f"{found['reference']}, {other} {found['candidate']}"
    )
    if isinstance(found["difference"], float):
        text += f" (by {found['difference']:.3g}; allowed: {found['allowed']})"
    if found["also"]:
        text += f"; and {len(found['also'])} more entries"
    return Difference(name, text, check["fixture"])
