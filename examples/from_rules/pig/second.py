"""A planted misreading of Pig: it forgets that what R-5 counts ends with the turn.

It is no second reader's work, but the first reading with one fault, to show what a comparison of
two readings says.
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
