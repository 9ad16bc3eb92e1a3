"""A Gymnasium environment whose dice are given to it, see ``tape``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from envlift.reference.bridge.environment import GymnasiumReference
from envlift.reference.bridge.tape import Tape, played
from envlift.reference.types import Array, ArraySpec, SideSpec


class TapedReference(GymnasiumReference):
    """As ``GymnasiumReference``, with a chance: the words of one reset or step, uint32 [K].

    Args:
        id: see there.
        tape: K, words of one call.
        options: see there.
    """

    def __init__(self, id: str, tape: int, **options: Any) -> None:
        if type(tape) is not int or tape < 1:
            raise ValueError(f"tape = {tape!r} is no number of words; it must be at least 1")
        self._words = tape
        self._tape = Tape()
        super().__init__(id, **options)

    def spec(self) -> SideSpec:
        """Describe the environment; it draws nothing for itself."""
        chance = ArraySpec((self._words,), "uint32")
        return replace(super().spec(), chance=chance, unseeded=False)

    def reset(self, seed: int, chance: Any = None) -> Array:
        """Start an episode by the words of the tape; the seed changes nothing."""
        self._tape.rewind(np.zeros(self._words, np.uint32) if chance is None else chance)
        with played(self._tape, self._env.unwrapped):
            return super().reset(-1)

    def step(self, action: Any, chance: Any = None) -> tuple[Array, Any, bool, bool]:
        """Play one step by the words of the tape."""
        self._begin()
        self._tape.rewind(np.zeros(self._words, np.uint32) if chance is None else chance)
        with played(self._tape, self._env.unwrapped):
            return super().step(action)
