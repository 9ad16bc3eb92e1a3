"""From two runs of the verifier to what became of an environment."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envlift.watch import report, run
from envlift.watch.pins import Pins
from envlift.watch.run import Difference, Outcome, Watched, _as_asked, outcome, watch

GAME = """
import numpy as np

GOAL = {goal}
VERSION = "{version}"


class Game:
    def spec(self):
        return {{
            "name": "steps to {goal}",
            "observation": {{"shape": [1], "dtype": "int32"}},
            "action": {{"shape": [], "dtype": "int32"}},
            "num_actions": 2,
            "pins": {{"steps_game": VERSION}},
            "state": {{"count": {{"shape": [], "dtype": "int32"}}}},
        }}

    def reset(self, seed, chance=None):
        self.count = seed % 3
        return self.seen()

    def step(self, action, chance=None):
        self.count += action
        over = self.count >= GOAL
        return self.seen(), float(over), over, False

    def seen(self):
        return np.array([self.count], np.int32)

    def get_state(self):
        return {{"count": np.int32(self.count)}}

    def set_state(self, state):
        self.count = int(state["count"])
"""
SUITE = """
from envlift.verify.suite import Config, Field, Suite

SUITE = Suite(
    name="steps",
    reference="python:steps_game:Game",
    candidate="python:{fast}:Game",
    state=(Field("count"),),
    configs=(Config("default", {{"requirements": {requirements!r}}}),),
)
"""


def wheel(folder: Path, version: str, goal: int) -> Path:
    """Make a version of the package `steps_game`."""
    path = folder / f"steps_game-{version}-py3-none-any.whl"
    about = f"steps_game-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("steps_game.py", GAME.format(goal=goal, version=version))
        file.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: steps_game\nVersion: {version}\n"
        )
        file.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        file.writestr(f"{about}/RECORD", "")
    return path


def test_a_new_version_that_differs_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three releases of a game, of which the newest ends one step later."""
    wheels, work = tmp_path / "wheels", tmp_path / "work"
    wheels.mkdir()
    first = wheel(wheels, "1.0", 9)
    wheel(wheels, "1.1", 9)
    wheel(wheels, "1.2", 10)
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("ENVLIFT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "fast.py").write_text(GAME.format(goal=9, version="fast"))
    (tmp_path / "requirements.in").write_text("steps_game==1.0\n")
    # The first version runs in this interpreter's place: only its own package is installed.
    pins = [f"steps_game==1.0 --hash=sha256:{hashlib.sha256(first.read_bytes()).hexdigest()}"]
    lock = Path(__file__).parents[2] / "requirements.lock"
    pins.append(_numpy(lock))
    (tmp_path / "requirements.txt").write_text("\n".join(pins) + "\n")
    suite = tmp_path / "suite.py"
    suite.write_text(
        SUITE.format(fast=tmp_path / "fast.py", requirements=str(tmp_path / "requirements.txt"))
    )
    told: list[str] = []
    words = ["--quick", "--seed", "5", "--level", "L3", "--lanes", "4"]
    found = watch(str(suite), {}, work, told.append, words)
    assert (found.before, found.after) == ({"steps_game": "1.0"}, {"steps_game": "1.2"})
    assert (found.status, found.exit_code) == ("changed", 1)
    for one in (found.references, found.fast):
        assert one is not None
        assert one.verdict == "FAIL"
        (told_first,) = (d.text for d in one.differences if d.check == "L3 lockstep: random play")
        assert told_first.startswith("`count` in step ")
    assert "steps_game 1.0 → 1.2 | FAIL | FAIL | **changed**" in report.markdown([found])


def _numpy(lock: Path) -> str:
    lines = lock.read_text().replace("\\\n", " ").splitlines()
    return next(" ".join(line.split()) for line in lines if line.startswith("numpy=="))


def check(verdict: str, **more: Any) -> dict[str, Any]:
    return {
        "level": "L3",
        "name": "lockstep",
        "verdict": verdict,
        "detail": "what it says\nmore",
        "divergence": None,
        "fixture": None,
        "seconds": 2.0,
        **more,
    }


def told(verdict: str, *checks: dict[str, Any], unanswered: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "checks": list(checks),
        "missing": {"features": ["a goal"]} if verdict == "INCONCLUSIVE" else {},
        "unanswered": list(unanswered),
        "not_verified": ["rendering"],
        "not_compared": ["info"],
        "seed": 7,
    }


def test_a_report_becomes_an_outcome() -> None:
    far = {
        "field": "qpos[3]",
        "step": 4,
        "lane": 1,
        "reference": 1.0,
        "candidate": 1.5,
        "difference": 0.5,
        "allowed": "nothing: exact",
        "also": ["qvel[0]"],
    }
    failed = told("FAIL", check("PASS"), check("FAIL", divergence=far, fixture="c/1"))
    found = outcome("two_references", "two", failed, "", "run")
    assert found.verdict == "FAIL"
    assert found.passed == 1
    assert found.repeat == "run --seed 7"
    assert found.differences == [
        Difference(
            "L3 lockstep",
            "`qpos[3]` in step 4, lane 1: the old reference has 1.0, the new one 1.5 (by 0.5; "
            "allowed: nothing: exact); and 1 more entries",
            "c/1",
        )
    ]
    (difference,) = outcome("other_reference", "fast", failed, "", "run").differences
    assert "the new reference has 1.0, the fast environment 1.5" in difference.text
    undecided = told("INCONCLUSIVE", check("INCONCLUSIVE"), unanswered=("why",))
    found = outcome("two_references", "two", undecided, "", "r")
    assert found.why == "why; L3 lockstep: what it says"
    assert found.unreached == ["a goal"]
    assert found.not_compared == ["rendering", "info"]
    found = outcome("two_references", "two", told("INCONCLUSIVE", check("PASS")), "", "r")
    assert found.why == "not enough was compared"
    found = outcome("two_references", "two", None, "envlift: there is no file", "r")
    assert (found.verdict, found.why) == (
        "INCONCLUSIVE",
        "it ended without a result: envlift: there is no file",
    )


def test_a_new_reference_that_does_not_run_is_no_difference() -> None:
    """It plays the candidate's part there, and a candidate that does not start has failed."""
    broken = check("FAIL", name="candidate [default]", detail="no module x\nmore")
    found = outcome("two_references", "two", told("FAIL", broken), "", "r")
    assert (found.verdict, found.why) == (
        "INCONCLUSIVE",
        "the new reference does not run: no module x",
    )
    # A difference stays one, and so does a fast environment that breaks.
    mixed = told("FAIL", broken, check("FAIL"))
    assert outcome("two_references", "two", mixed, "", "r").verdict == "FAIL"
    assert outcome("other_reference", "fast", told("FAIL", broken), "", "r").verdict == "FAIL"


@pytest.mark.parametrize(
    ("references", "fast", "status", "code"),
    [
        ("PASS", "PASS", "unchanged", 0),
        ("FAIL", "PASS", "changed", 1),
        ("PASS", "FAIL", "changed", 1),
        ("PASS", "INCONCLUSIVE", "not comparable", 2),
        ("FAIL", "INCONCLUSIVE", "changed", 1),
    ],
)
def test_what_became_of_it(references: str, fast: str, status: str, code: int) -> None:
    one = Watched("x", {"a": "1"}, {"a": "2"}, Outcome("r", references), Outcome("f", fast))
    assert (one.status, one.exit_code) == (status, code)


def test_where_nothing_was_compared() -> None:
    one = Watched("x", {"a": "1"}, {"a": "1"}, why="these are the newest releases")
    assert (one.status, one.exit_code) == ("nothing newer", 0)
    one = Watched("x", {"a": "1"}, {"a": "2"}, why="not installed: no wheel", comparable=False)
    assert (one.status, one.exit_code) == ("not comparable", 2)
    text = report.markdown([one])
    assert "No whole verdict was reached: not installed: no wheel." in text


def test_ctrl_c_keeps_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comparison is ended; the first is in the report."""
    monkeypatch.setattr(run, "moved", lambda pins, to: replace(pins, versions={"a": "2"}))
    monkeypatch.setattr(run, "pins_of", lambda name, suite, to: Pins("PyPI", {"a": "1"}, {}))
    monkeypatch.setattr(run, "lock", lambda pins, folder: folder / "requirements.txt")

    def compare(kind: str, what: str, *rest: Any) -> Outcome:
        if kind == "other_reference":
            raise KeyboardInterrupt
        return Outcome(what, "PASS")

    monkeypatch.setattr(run, "_compare", compare)
    found = watch("half_cheetah", {}, tmp_path, lambda line: None)
    assert (found.interrupted, found.status, found.why) == (True, "not comparable", "interrupted")
    assert found.references is not None
    assert found.references.verdict == "PASS"
    assert "| PASS | - | **not comparable** |" in report.markdown([found])
    with pytest.raises(ValueError, match="--config nowhere: half_cheetah has float32, substep"):
        watch("half_cheetah", {}, tmp_path, lambda line: None, configs=["nowhere"])


def test_a_reference_of_another_version_proves_nothing() -> None:
    """It would be compared with itself."""
    passed = Outcome("both", "PASS")
    assert _as_asked(passed, {"a": "2", "b": "1"}, {"a": "2"}) == passed
    assert _as_asked(passed, {"b": "1"}, {"a": "2"}) == passed, "it does not tell"
    found = _as_asked(passed, {"a": "1"}, {"a": "2"})
    assert (found.verdict, found.why) == (
        "INCONCLUSIVE",
        "the reference ran with a 1, not with a 2",
    )


def test_what_changed_with_it_is_told() -> None:
    one = Watched("x", {"a": "1"}, {"a": "2"}, others={"numpy": ("2.4.6", "2.5.5"), "b": ("", "1")})
    assert "With it changed: numpy 2.4.6 → 2.5.5, b none → 1." in report.markdown([one])
