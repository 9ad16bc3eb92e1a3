"""The demonstration of ``make demo``: five commands, each announced with what it will show.

The wrong CartPole must FAIL and everything else must succeed, or the demonstration itself is
broken: then it ends with exit code 1 and says where.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PLACE = Path("build/demo")


@dataclass(frozen=True)
class Step:
    """One command of the demonstration.

    Attributes:
        title: what happens.
        shows: what to look at.
        seconds: how long it takes on two quiet cores, about.
        arguments: of ``envlift``.
        expected: its exit code.
    """

    title: str
    shows: str
    seconds: int
    arguments: str
    expected: int = 0


STEPS = (
    Step(
        "Train Pong",
        "PPO and the game are one compiled program; the score climbs from -21 to 20 of 21 points.",
        30,
        f"train pong --target-score 20 --out {PLACE}/run",
    ),
    Step(
        "Film it",
        f"{PLACE}/pong.gif: the policy that was just trained, on the right.",
        15,
        f"play pong --checkpoint {PLACE}/run --gif {PLACE}/pong.gif --seconds 10 --max-steps 400",
    ),
    Step(
        "A wrong port of CartPole",
        "Gymnasium's own JAX port beside Gymnasium's CartPole. FAIL is expected: look for the "
        "field that differs, both values, and the command that plays the one step again.",
        20,
        "verify gymnasium:CartPole-v1 examples/cartpole_phys2d.py --quick --lanes 4 --level L1 "
        f"--level L2 --level L3 --fixtures {PLACE}/fixtures --json {PLACE}/cartpole.json",
        expected=1,
    ),
    Step(
        "Is our Pong PufferLib's Pong?",
        "The C original runs in a process of its own; every field of every step is compared. PASS "
        "is expected. (The whole evidence, with policies trained in both, is committed and takes "
        "longer: envlift verify pong.)",
        75,
        "verify pong --quick --lanes 4 --config discrete --level L1 --level L2 --level L3 "
        f"--level resets --fixtures {PLACE}/fixtures --json {PLACE}/pong.json",
    ),
    Step(
        "The report",
        f"{PLACE}/report.html: both verdicts as one page; open it in a browser.",
        10,
        f"report {PLACE}/cartpole.json {PLACE}/pong.json --out {PLACE}/report.html",
    ),
)


def main(steps: tuple[Step, ...] = STEPS) -> int:
    """Run the steps in order; return 0, or 1 after the first that ended otherwise than expected."""
    PLACE.mkdir(parents=True, exist_ok=True)
    total = sum(step.seconds for step in steps)
    print(f"{len(steps)} steps, about {total} s on two quiet cores. Everything lands in {PLACE}/.")
    for number, step in enumerate(steps, 1):
        print(f"\n=== {number} of {len(steps)}: {step.title} (about {step.seconds} s)")
        print(step.shows)
        print(f"$ envlift {step.arguments}\n", flush=True)
        began = time.monotonic()
        words = shlex.split(step.arguments)
        code = subprocess.run([sys.executable, "-m", "envlift.cli", *words]).returncode
        if code != step.expected:
            print(
                f"make demo: step {number} ({step.title}) ended with exit code {code}, where "
                f"{step.expected} was expected",
                file=sys.stderr,
            )
            return 1
        print(f"({time.monotonic() - began:.0f} s)", flush=True)
    print(f"\nLook at {PLACE}/pong.gif and {PLACE}/report.html.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
