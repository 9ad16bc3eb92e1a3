"""Print the committed evidence of an environment's level 4, and the command that repeats it.

``python scripts/show_evidence.py pong``; used by ``make demo``, which trains no policies itself.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files

from rich.console import Console

from envlift import make
from envlift.verify.run.show_transfer import print_transfer


def show(console: Console, name: str) -> int:
    """Print it; return 1 if the committed evidence has no level 4 or did not pass."""
    backend = make(name).info.backend
    file = files(f"envlift.envs.{name}") / "verification" / f"evidence-{backend}.json"
    report = json.loads(file.read_text())
    levels = [check for check in report["checks"] if check["level"] == "L4"]
    minutes = sum(check["seconds"] for check in levels) / 60
    steps = sum(c["counts"].get("steps", 0) for c in report["checks"] if c["level"] == "L3")
    console.print(
        f"\n[bold]The committed evidence[/] ({name}, target {backend}): {report['verdict']}, "
        f"{steps:,} steps of lockstep, and level 4, for which policies are trained in both. That "
        f"took {minutes:.0f} minutes; `envlift verify {name}` repeats all of it.",
        soft_wrap=True,
    )
    print_transfer(console, report["transfer"])
    return 0 if levels and report["verdict"] == "PASS" else 1


if __name__ == "__main__":
    sys.exit(show(Console(highlight=False), sys.argv[1]))
