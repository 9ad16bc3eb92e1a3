"""How far two chaotic sides stay together: what a suite says about the divergence horizon."""

from __future__ import annotations

from dataclasses import dataclass

HORIZON = "divergence horizon"
"""Name of the check that measures it."""


@dataclass(frozen=True)
class Horizon:
    """How long the sides are let run freely until they part: reported, and judged where asked.

    Attributes:
        fields: names of the reference's state fields that are watched.
        bound: a lane has parted once ``|candidate - reference|`` is larger in any of their entries.
        max_steps: steps after which a lane that has not parted is let be.
        configs: names of the configurations in which it is measured; empty for all.
        least: steps that ``share`` of the lanes must last; 0 demands nothing.
        share: of the lanes, in (0, 1]. Chaos has tails: two versions of one reference part early
            now and then as well, so a demand on every lane says more about luck than about rules.
    """

    fields: tuple[str, ...]
    bound: float
    max_steps: int = 1_000
    configs: tuple[str, ...] = ()
    least: int = 0
    share: float = 1.0

    def __post_init__(self) -> None:
        if not self.fields:
            raise ValueError("a horizon needs at least one state field to watch")
        if not self.bound > 0:
            raise ValueError(f"the bound of a horizon must be more than 0, it is {self.bound}")
        if not 0 < self.share <= 1:
            raise ValueError(f"the share of a horizon must be in (0, 1], it is {self.share}")
        if not 0 <= self.least <= self.max_steps:
            raise ValueError(
                f"the least of a horizon must be between 0 and its max_steps, {self.max_steps}; "
                f"it is {self.least}"
            )
        if self.max_steps < 1:
            raise ValueError(
                f"the max_steps of a horizon must be at least 1, it is {self.max_steps}"
            )
