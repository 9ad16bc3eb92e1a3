"""Draw the learning curves in the evidence: ``python -m envlift.report.figures``.

One picture for each environment and target, ``docs/images/NAME-TARGET-learning.png``: training in
the fast environment and in its reference, with equal settings, all seeds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from envlift.registry import list_envs, list_vector_envs
from envlift.report.cards import ROOT
from envlift.train.curve import draw


def curves_of(evidence: dict[str, Any]) -> dict[str, list[list[dict[str, Any]]]]:
    """Return the rows of every training in an evidence file, by the side it was trained in."""
    names = {"candidate": "trained in envlift", "reference": f"trained in {evidence['reference']}"}
    runs: dict[str, list[list[dict[str, Any]]]] = {}
    for curve in evidence.get("curves", []):
        columns = ("steps", "return", "score")
        values = zip(*(curve[column] for column in columns), strict=True)
        rows = [dict(zip(columns, row, strict=True)) for row in values]
        runs.setdefault(names[curve["side"]], []).append(rows)
    return runs


def main() -> int:
    """Draw what there is; return the exit code."""
    drawn = 0
    for name in sorted([*list_envs(), *list_vector_envs()]):
        folder = ROOT / "src" / "envlift" / "envs" / name / "verification"
        for file in sorted(folder.glob("evidence-*.json")):
            runs = curves_of(json.loads(file.read_text()))
            if not runs:
                continue
            target = file.stem.removeprefix("evidence-")
            path = Path("docs") / "images" / f"{name}-{target}-learning.png"
            draw(runs, ROOT / path, title=f"{name}: the same PPO in both ({target})")
            print(path)
            drawn += 1
    return 0 if drawn else 1


if __name__ == "__main__":
    sys.exit(main())
