"""Pig, read plainly: one function for a rule or two, the ids before the colon.

    python:examples/from_rules/pig/rules.py:Pig

The chance of a step is the die, 1 to 6. One action is played at a time, by who has the turn: 0
rolls, 1 holds.
"""

from collections import Counter
from typing import Any

import numpy as np

ROLL, HOLD = 0, 1


class Pig:
    """One game."""

    def __init__(self, goal: int = 50, limit: int = 300, two_sixes: str = "lose") -> None:
        self.goal, self.limit, self.two_sixes = goal, limit, two_sixes
        self.applied: Counter[str] = Counter()
        self.begin()

    def begin(self) -> None:
        """S-1 to S-3: no points, an empty pot, player 0."""
        self.points = [0, 0]
        self.pot = self.turn = self.six = self.decisions = 0
        self.applied.update(("S-1", "S-2", "S-3"))

    def roll(self, die: int) -> None:
        """R-1 to R-5, F-1: what a die does."""
        self.applied["R-1"] += 1
        if die == 1:
            self.applied["R-3"] += 1
            self.pass_turn()
        elif die == 6 and self.six and self.two_sixes == "lose":
            self.applied["R-4"] += 1
            self.points[self.turn] = 0
            self.pass_turn()
        else:
            self.applied["R-2"] += 1
            self.pot += die
            self.six = int(die == 6)

    def hold(self) -> None:
        """H-1, H-2: the pot becomes points; the turn passes, unless that wins."""
        self.applied["H-1"] += 1
        self.points[self.turn] += self.pot
        if self.winner() < 0:
            self.pass_turn()
        else:
            self.pot = self.six = 0

    def pass_turn(self) -> None:
        """R-3, R-5, H-2: an empty pot for the other player."""
        self.pot = self.six = 0
        self.turn = 1 - self.turn

    def winner(self) -> int:
        """E-1, E-2: who has reached the goal with points, -1 for nobody."""
        reached = [player for player in (0, 1) if self.points[player] >= self.goal]
        return reached[0] if reached else -1

    def spec(self) -> dict[str, Any]:
        """N-2: whole numbers."""
        one: dict[str, Any] = {"shape": [], "dtype": "int32"}
        return {
            "name": "Pig, from written rules",
            "observation": {"shape": [6], "dtype": "int32"},
            "action": one,
            "num_actions": 2,
            "state": {
                "points": {"shape": [2], "dtype": "int32"},
                **dict.fromkeys(("pot", "turn", "six", "decisions"), one),
            },
            "chance": one,
            "legal_actions": True,
        }

    def observation(self) -> Any:
        numbers = [*self.points, self.pot, self.turn, self.six, self.decisions]
        return np.array(numbers, np.int32)

    def legal_actions(self) -> Any:
        """T-1, T-2: no holding with an empty pot."""
        return np.array([True, self.pot > 0])

    def reset(self, seed: int, chance: int | None = None) -> Any:
        self.begin()
        return self.observation()

    def step(self, action: int, chance: int | None = None) -> tuple[Any, float, bool, bool]:
        """E-1 to E-3, W-1, W-2: a decision and what it is worth."""
        assert chance is not None
        self.decisions += 1
        if action == HOLD and self.pot > 0:
            self.hold()
        else:
            self.roll(int(chance))
        winner = self.winner()
        over = winner >= 0 or self.decisions >= self.limit
        self.applied["E-1"] += winner >= 0
        self.applied["E-3"] += over and winner < 0
        return self.observation(), {0: 1.0, 1: -1.0}.get(winner, 0.0), over, False

    def get_state(self) -> dict[str, Any]:
        state = {name: getattr(self, name) for name in ("pot", "turn", "six", "decisions")}
        return {"points": np.array(self.points, np.int32), **state}

    def set_state(self, state: dict[str, Any]) -> None:
        self.points = [int(number) for number in state["points"]]
        for name in ("pot", "turn", "six", "decisions"):
            setattr(self, name, int(state[name]))

    def coverage(self) -> dict[str, int]:
        counts, self.applied = self.applied, Counter()
        return dict(counts)
