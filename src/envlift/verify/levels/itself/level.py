"""Is a candidate the same environment, however it is driven?"""

from __future__ import annotations

from envlift.verify.levels.itself import batches, transforms
from envlift.verify.run.context import Context


def run(context: Context) -> None:
    """Compare the ways in which a candidate can be driven with each other."""
    transforms.run(context)
    batches.run(context)
