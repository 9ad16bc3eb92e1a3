"""All that a candidate draws for itself: starts by seed, starts after an end, chance of steps."""

from __future__ import annotations

from envlift.verify.levels.draws import autoresets, chance, firsts, resets, starts
from envlift.verify.run.context import Context
from envlift.verify.run.result import Verdict


def run(context: Context) -> None:
    """Compare what is drawn, one kind after the other."""
    if context.born:
        with context.check("resets", "starts of episodes") as check:
            check.verdict = Verdict.SKIPPED
            check.detail = (
                "they depend on what was played before; level 3 compares them as they come"
            )
        return
    resets.run(context)
    firsts.run(context)
    starts.run(context)
    autoresets.run(context)
    chance.run(context)
