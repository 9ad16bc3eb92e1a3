"""Games with a chance tape, served over the reference protocol; no library is needed."""


class Dice:
    """Adds what is rolled; a six ends the game."""

    bonus = 0

    def spec(self):
        number = {"shape": [], "dtype": "int64"}
        return {
            "name": "dice",
            "observation": number,
            "action": number,
            "num_actions": 2,
            "state": {"sum": number},
            "chance": number,
        }

    def reset(self, seed, chance):
        self.sum = int(chance)
        return self.first()

    def first(self):
        return self.sum

    def step(self, action, chance):
        self.sum += int(chance) * action
        if self.sum > 15:
            self.sum += self.bonus
        return self.sum, float(chance), self.sum > 20 or chance == 6, False

    def get_state(self):
        return {"sum": self.sum}

    def set_state(self, state):
        self.sum = state["sum"]


class LoadedDice(Dice):
    """Wrong beyond fifteen."""

    bonus = 1


class DiceZero(Dice):
    """The first observation is 0, whatever was rolled."""

    def first(self):
        return 0


class DiceRaises(Dice):
    def step(self, action, chance):
        if self.sum > 15:
            raise ValueError("a bug beyond fifteen")
        return super().step(action, chance)
