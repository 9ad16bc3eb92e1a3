"""All that a candidate draws for itself: starts by seed, starts after an end, chance of steps."""

from __future__ import annotations

from envlift.verify.levels.draws import autoresets, chance, firsts, resets, starts
from envlift.verify.run.context import Context


def run(context: Context) -> None:
    """Compare what is drawn, one kind after the other."""
    resets.run(context)
    firsts.run(context)
    starts.run(context)
    autoresets.run(context)
    chance.run(context)
