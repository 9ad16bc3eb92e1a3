"""A climb that ends at 10, and one that ends a step too soon."""

from envlift.verify.suite import Config, Deviation, Feature, Field, Suite

SOON = "final['height'] == 9"


class Climb:
    def __init__(self, top=10, first=0):
        self.top = top
        self.first = first
        self.height = 0
        self.reached = {"steps": 0, "heights of 5": 0}

    def spec(self):
        number = {"shape": [], "dtype": "int64"}
        return {
            "name": "climb",
            "observation": number,
            "action": number,
            "num_actions": 2,
            "state": {"height": number},
        }

    def reset(self, seed, chance=None):
        self.height = (seed + self.first) % 3
        return self.height

    def step(self, action, chance=None):
        self.height += 1
        self.reached["steps"] += 1
        self.reached["heights of 5"] += self.height == 5
        return self.height, 0.0, self.height >= self.top, False

    def coverage(self):
        return self.reached

    def get_state(self):
        return {"height": self.height}

    def set_state(self, state):
        self.height = int(state["height"])


def suite(*fields):
    return Suite(
        name="climb",
        reference=f"python:{__file__}:Climb",
        candidate=f"python:{__file__}:Climb",
        state=(Field("height"),),
        configs=(Config("default", {}, {"top": 9}),),
        features=(Feature("the top", lambda t: t.terminated & (t.final["height"] == 10)),),
        deviations=tuple(Deviation(f"{f} soon", f, SOON, "a test", "here") for f in fields),
    )
