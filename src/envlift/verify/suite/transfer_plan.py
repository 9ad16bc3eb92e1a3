"""What level 4 does and what it takes as equal, fixed in the suite before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

POWER = 0.8
"""Chance of showing equivalence, if there is equivalence, below which a study is too small."""

FEWEST_REFERENCE_SEEDS = 3
FEWEST_EPISODES = 100
OURS = ("env", "env_options", "collector", "seed")
"""Training settings that the level sets by itself."""


@dataclass(frozen=True)
class Transfer:
    """Training in one side, evaluation in both, and the difference that still counts as none.

    Attributes:
        margin: largest mean difference of an episode's return, in units of the return.
        reason: why this margin, fixed beforehand.
        config: name of the suite's configuration it is run on.
        training: settings of ``envlift.train.config.Config``, equal for both sides.
        learnt: return that trained policies must reach where they were trained (interquartile
            mean), or nothing is concluded: who has learnt nothing notices nothing. None: any.
        seeds: policies trained in the candidate.
        reference_seeds: policies trained in the reference at least.
        budget: seconds for training in the reference: more policies are trained, up to ``seeds``,
            while another one is expected to fit.
        episodes: evaluation episodes of each policy in each side, in pairs.
        greedy: whether a policy is evaluated by its most probable actions, not by drawn ones. Where
            noise makes some episodes fail, their returns scatter so much that no margin shows.
        max_steps: an episode that has not ended after so many steps leaves the question open.
        power: least chance of showing equivalence, if there is equivalence.

    Raises:
        ValueError: for a number out of range, a missing reason, or a training setting that is the
            level's own.
    """

    margin: float
    reason: str
    config: str
    training: Mapping[str, Any] = field(default_factory=dict)
    learnt: float | None = None
    seeds: int = 10
    reference_seeds: int = FEWEST_REFERENCE_SEEDS
    budget: float = 1800.0
    episodes: int = FEWEST_EPISODES
    greedy: bool = False
    max_steps: int = 20_000
    power: float = POWER

    def __post_init__(self) -> None:
        if not (math.isfinite(self.margin) and self.margin > 0):
            raise ValueError(f"transfer has the margin {self.margin}; give more than 0")
        if not self.reason:
            raise ValueError("transfer has a margin without a reason; say why it counts as equal")
        least = {
            "seeds": self.reference_seeds,
            "reference_seeds": FEWEST_REFERENCE_SEEDS,
            "episodes": FEWEST_EPISODES,
            "max_steps": 1,
        }
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ValueError(
                    f"transfer has {name} = {getattr(self, name)}; give at least {low}"
                )
        if not 0 < self.power < 1:
            raise ValueError(f"transfer has power = {self.power}; give a number between 0 and 1")
        for name in OURS:
            if name in self.training:
                raise ValueError(
                    f"transfer's training names {name!r}, which level 4 sets by itself"
                )
