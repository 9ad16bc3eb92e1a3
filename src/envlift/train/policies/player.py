"""Who plays: what playing episodes, filming them and level 4 need of a policy.

Shape letters: ``B`` environments, ``A`` actions, ``N`` numbers of noise per action.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Player(Protocol):
    """What chooses actions: ``envlift.train.policies.policy.Policy``, or anything like it."""

    @property
    def noise_size(self) -> int:
        """Uniform numbers that one action takes, ``N``."""

    def start(self, batch: int) -> Any:
        """Return the memory of ``batch`` environments that begin."""

    def act(
        self,
        memory: Any,
        observation: Array,
        starts: Array,
        noise: Array,
        mask: Array | None = None,
        greedy: bool = False,
    ) -> tuple[Any, Array]:
        """Return the new memory and actions [B] or [B, D]; equal noise draws equal actions."""
