"""What the verifier says of one attempt: plain data, kept as ``.envlift/evidence/NNNN.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from envlift.verify.run.result import Divergence, plain

LEVELS = ("L1", "L2", "L3", "L4")
"""The loop's levels. Recorded cases, resets and transforms of ``envlift verify`` belong to L2."""

HOLLOW = "hollow tests"
"""Kind of a failure that only better tests can repair."""


@dataclass(frozen=True)
class Failure:
    """One thing that failed.

    Attributes:
        level: of the loop.
        name: of the check or test.
        summary: one sentence.
        kind: ``build``, ``test``, ``hollow tests`` or ``comparison``.
        module: the module whose test or component it is, None where nobody knows.
        traceback: the end of a test's traceback, or of a compiler's complaint.
        divergence: the first difference, of a comparison.
        fixture: file name of the minimised case.
    """

    level: str
    name: str
    summary: str
    kind: str = "comparison"
    module: str | None = None
    traceback: str = ""
    divergence: Divergence | None = None
    fixture: str | None = None


@dataclass
class Judgement:
    """All that one judgement found.

    Attributes:
        verdicts: level -> PASS, FAIL, INCONCLUSIVE or SKIPPED; levels above a failure are missing.
        failures: what failed, first things first.
        tests: number of property tests that passed.
        speed: batch size -> environment steps a second.
        report: what ``envlift verify`` found, see ``Report.to_json``; empty before level 2.
        seconds: wall time.
        isolated: whether what was judged ran in a sandbox.
        trouble: why not, empty if it did.
    """

    verdicts: dict[str, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    tests: int = 0
    speed: dict[str, float] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    isolated: bool = False
    trouble: str = ""

    @property
    def failing(self) -> list[str]:
        """Names of what failed."""
        return [f"{failure.level} {failure.name}" for failure in self.failures]

    def failed(self, level: str) -> bool:
        """Whether a level was judged and did not pass."""
        return self.verdicts.get(level, "PASS") not in ("PASS", "SKIPPED")

    @property
    def unanswered(self) -> list[str]:
        """What was left open, one sentence each: an unreached feature, a reference that broke."""
        checks = self.report.get("checks", ())
        found = [
            f"{one['level']} {one['name']}: {str(one['detail']).partition(chr(10))[0]}"
            for one in checks
            if one["verdict"] == "INCONCLUSIVE"
        ]
        found += map(str, self.report.get("unanswered", ()))
        if not checks and "INCONCLUSIVE" in self.verdicts.values():
            found += map(str, self.report.get("not_verified", ()))
        return found

    def write(self, path: Path) -> None:
        """Write it whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        partial.write_text(self.to_text(), encoding="utf-8")
        partial.replace(path)

    def to_text(self) -> str:
        """Return it as JSON."""
        return json.dumps(plain(asdict(self)), indent=1) + "\n"

    def without(self, *places: str) -> Judgement:
        """Return it with the folders of this judgement, which are gone afterwards, left out."""
        text = self.to_text()
        for place in places:
            text = text.replace(json.dumps(place)[1:-1], "")
        return Judgement.of_text(text, "the judgement")

    @classmethod
    def read(cls, path: Path) -> Judgement:
        """Read what ``write`` wrote.

        Raises:
            ValueError: naming the file, if it holds something else.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} holds no judgement: {error}") from None
        return cls.of_text(text, str(path))

    @classmethod
    def of_text(cls, text: str, where: str) -> Judgement:
        """Read what ``to_text`` returned.

        Raises:
            ValueError: naming where it stood, if it is something else.
        """
        try:
            data: Mapping[str, Any] = json.loads(text)
            failures = [
                Failure(**{**row, "divergence": _divergence(row.get("divergence"))})
                for row in data["failures"]
            ]
            return cls(**{**data, "failures": failures})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{where} holds no judgement: {error}") from None


def _divergence(data: dict[str, Any] | None) -> Divergence | None:
    if data is None:
        return None
    labels = {name: tuple(value) for name, value in data.get("labels", {}).items()}
    return Divergence(**{**data, "labels": labels})
