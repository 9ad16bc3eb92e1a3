"""Small references and wrong candidates, one pair for each way in which a failure can be kept."""

from __future__ import annotations

import time

NUMBER = {"shape": [], "dtype": "int64"}


class Walk:
    """Walks by 0 or 1 from its seed's last digit, until 12 are gone."""

    has_state = True
    takes_chance = False
    bonus = 0.0
    """What a wrong candidate adds to the reward."""

    def __init__(self):
        self.x = self.gone = 0

    def spec(self):
        told = {"name": type(self).__name__, "observation": NUMBER, "action": NUMBER}
        told["num_actions"] = 2
        if self.has_state:
            told["state"] = {"x": NUMBER, "gone": NUMBER}
        if self.takes_chance:
            told["chance"] = NUMBER
        return told

    def reset(self, seed, chance=None):
        self.x, self.gone = seed % 10 if chance is None else int(chance), 0
        return self.x

    def step(self, action, chance=None):
        self.x += int(action) + (0 if chance is None else int(chance))
        self.gone += 1
        return self.x, self.reward(), self.gone >= 12, False

    def reward(self):
        return 1.0 + self.bonus

    def get_state(self):
        return {"x": self.x, "gone": self.gone}

    def set_state(self, state):
        self.x, self.gone = int(state["x"]), int(state["gone"])


class Wrong(Walk):
    def reward(self):
        return 1.0 if self.gone < 5 else 3.0


class Stateless(Walk):
    has_state = False


class StatelessWrong(Wrong):
    has_state = False


class Drawn(Walk):
    takes_chance = True


class DrawnWrong(Wrong):
    takes_chance = True


class DrawnStatelessWrong(Wrong):
    takes_chance = True
    has_state = False


class Stubborn(Wrong):
    """Says that it has a state, and does not let it be set."""

    def set_state(self, state):
        raise RuntimeError("the state is read only")


class Leaking(Walk):
    """Carries something from one episode into the next."""

    def __init__(self):
        super().__init__()
        self.episodes = 0

    def reset(self, seed, chance=None):
        self.episodes += 1
        return super().reset(seed, chance)

    def reward(self):
        return 1.0 if self.episodes < 4 or self.gone < 3 else 3.0


class Renamed(Wrong):
    """The same state under other names."""

    def spec(self):
        return {**super().spec(), "state": {"place": NUMBER, "left": NUMBER}}

    def get_state(self):
        return {"place": self.x, "left": 12 - self.gone}

    def set_state(self, state):
        self.x, self.gone = int(state["place"]), 12 - int(state["left"])


class Slow(Walk):
    """Takes its time, as a simulator does."""

    def step(self, action, chance=None):
        time.sleep(0.004)
        return super().step(action, chance)


class SlowWrong(Slow, Wrong):
    pass
