"""Board games that declare legal actions and refuse the others, as most of them do."""


class Board:
    """Take one, two or three stones; whoever has none is done."""

    def spec(self):
        number = {"shape": [], "dtype": "int64"}
        return {
            "name": "board",
            "observation": number,
            "action": number,
            "num_actions": 3,
            "legal_actions": True,
            "state": {"left": number},
        }

    def reset(self, seed, chance=None):
        self.left = 6 + seed % 3
        return self.left

    def legal_actions(self):
        return [self.left > 0, self.left > 1, self.left > 2]

    def step(self, action, chance=None):
        if not Board.legal_actions(self)[action]:
            raise ValueError("an illegal move")
        self.left -= action + 1
        return self.left, self.worth(action), self.left == 0, False

    def worth(self, action):
        return 1.0

    def get_state(self):
        return {"left": self.left}

    def set_state(self, state):
        self.left = state["left"]


class WrongMask(Board):
    """Allows two of one."""

    def legal_actions(self):
        return [self.left > 0, self.left > 0, self.left > 2]


class Three(Board):
    """Taking three of three is worth more."""

    def worth(self, action):
        return 2.0 if action == 2 and self.left == 0 else 1.0


class Stuck(Board):
    """A position without a legal action that is not an end."""

    def legal_actions(self):
        return [False] * 3 if self.left == 3 else super().legal_actions()
