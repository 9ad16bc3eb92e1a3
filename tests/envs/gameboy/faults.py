"""Game Boys with planted faults, which the verification must see."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envlift.envs.gameboy.watched import Watched


class LosesAByte(Watched):
    """One byte of work RAM that the game never looks at is wrong after a step."""

    @property
    def wram(self) -> NDArray[np.uint8]:
        """Work RAM with a wrong byte."""
        found = super().wram.copy()
        found[:, 0x1800] ^= self._length.astype(np.uint8) > 1
        return found


class RunsACycleMore(Watched):
    """Every instruction takes four T-cycles more than it should where its opcode is INC A."""

    def instructions(self, **arguments: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Answer as the machine does, but for INC A."""
        found = super().instructions(**arguments)
        found["cycles"] = found["cycles"] + 4 * (arguments["code"][:, 0] == 0x3C)
        return found
