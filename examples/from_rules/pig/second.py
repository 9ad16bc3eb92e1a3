"""Pig, read by somebody else, who overlooked that R-5 ends with the turn.

Left as it was found, to show what a comparison of two readings says.
"""

from typing import Any

from rules import Pig


class Second(Pig):
    """One game, with one misreading."""

    def pass_turn(self) -> None:
        six = self.six
        super().pass_turn()
        self.six = six

    def spec(self) -> dict[str, Any]:
        return {**super().spec(), "name": "Pig, a second reading"}
