"""What an environment shows: observations, rewards, flags, spaces and ``info``, each told wrong."""

from __future__ import annotations

import time

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Shown(gym.Env):
    """Nine steps; what is shown is drawn anew at each reset and changes at each step."""

    observation_space = spaces.Box(0, 1, (1,), np.float32)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.n, self.x = 0, float(self.np_random.random())
        return self.look(), self.info()

    def step(self, action):
        self.n += 1
        self.x = (self.x + 0.25 * int(action - self.action_space.start)) % 1.0
        return self.look(), self.reward(), self.ended(), False, self.info()

    def look(self):
        return np.array([self.x], np.float32)

    def reward(self):
        return 1.0

    def ended(self):
        return self.n >= 9

    def info(self):
        return {"action_mask": np.array([1, 0, 1], np.int8), "depth": 0.5 * self.n}


# -- the spaces ---------------------------------------------------------------------------------


class Bounds(Shown):
    observation_space = spaces.Box(0, 2, (1,), np.float32)


class Start(Shown):
    action_space = spaces.Discrete(3, start=5)


class TwoKeys(Shown):
    observation_space = spaces.Dict(a=spaces.Box(0, 1, (1,)), b=spaces.Box(0, 1, (1,)))
    names = ("a", "b")

    def look(self):
        return {name: np.array([self.x], np.float32) for name in self.names}


class OtherKeys(TwoKeys):
    observation_space = spaces.Dict(p=spaces.Box(0, 1, (1,)), q=spaces.Box(0, 1, (1,)))
    names = ("p", "q")


class Buttons(Shown):
    action_space = spaces.MultiBinary(3)

    def step(self, action):  # no ``start`` to subtract
        self.n += 1
        return self.look(), 1.0, self.n >= 9, False, self.info()


class Floats(Buttons):
    action_space = spaces.Box(0, 1, (3,), np.float32)


class Integers(Shown):
    observation_space = spaces.Box(0, 9, (2,), np.int64)

    def look(self):
        return np.array([self.n, int(self.x * 9)])


class Byte(Shown):
    observation_space = spaces.Box(0, 255, (2,), np.uint8)

    def look(self):
        return np.array([self.n, int(self.x * 9)], np.uint8)


class Whole(Shown):
    """A number of states."""

    observation_space = spaces.Discrete(10)

    def look(self):
        return int(self.x * 9)


class Image(Shown):
    observation_space = spaces.Dict(image=spaces.Box(0, 1, (2, 3), np.float32))

    def look(self):
        return {"image": np.arange(6, dtype=np.float32).reshape(2, 3) / 8 * np.float32(self.x)}


# -- what a cast would hide ------------------------------------------------------------------------


class NotWhole(Integers):
    """3.9 where the space has whole numbers."""

    def look(self):
        return super().look() + np.where(self.n == 3, 0.9, 0.0)


class NotWholeState(Whole):
    def look(self):
        return super().look() + (0.9 if self.n == 3 else 0)


class WrapsAround(Byte):
    """256 more than the reference: the same byte after a cast."""

    def look(self):
        return super().look().astype(np.int64) + 256 * (self.n == 4)


class Transposed(Image):
    def look(self):
        return {"image": super().look()["image"].reshape(3, 2)}


class ExtraKey(Image):
    def look(self):
        return {**super().look(), "more": np.zeros(1, np.float32)}


class Unbatched(Shown):
    """A bare number where the space has an array of one."""

    def look(self):
        return float(np.float32(self.x))


class DoubleRow(Shown):
    """[[x]] where the space has [x]."""

    def look(self):
        return super().look()[None]


class Outside(Shown):
    """Leaves its own space where the reference is inside it."""

    def look(self):
        return super().look() + np.float32(2 * (self.n == 5))


class Negated(Shown):
    """-0.0 for 0.0."""

    zero = -0.0

    def look(self):
        return np.array([self.zero if self.n % 2 else self.x], np.float32)


class Zeros(Negated):
    zero = 0.0


class RewardArray(Shown):
    """A reward of shape [1]."""

    def reward(self):
        return np.array([1.0])


class RewardText(Shown):
    def reward(self):
        return "1.0"


class RewardNone(Shown):
    def reward(self):
        return None if self.n == 4 else 1.0


class RewardRounded(Shown):
    """Half a point, which float32 cannot tell from the reference's at a glance."""

    def reward(self):
        return 1.0 + 1e-3 * (self.n == 7)


class EndsNone(Shown):
    def ended(self):
        return True if self.n >= 9 else None


class EndsTwo(Shown):
    """2 for True."""

    def ended(self):
        return 2 * (self.n >= 9)


class EndsAtHalf(Shown):
    """0.5 is true for Python, and 0 after a cast."""

    def ended(self):
        return 0.5 if self.n == 4 else self.n >= 9


# -- info -------------------------------------------------------------------------------------


class Mask(Shown):
    def info(self):
        return {**super().info(), "action_mask": np.array([1, 1, 1], np.int8)}


class Depth(Shown):
    def info(self):
        return {**super().info(), "depth": 0.5 * self.n + (self.n == 6)}


class NoInfo(Shown):
    def info(self):
        return {}


class LateInfo(Shown):
    """The mask is missing at the last step only."""

    def info(self):
        full = super().info()
        return {} if self.n == 9 else full


# -- habits of a program -----------------------------------------------------------------------


class NotesEnd(Shown):
    """What stands in lists, what grows, and what only an end tells; one part tells of the clock."""

    wrong: tuple[str, ...] = ()

    def info(self):
        more = {"path": list(range(self.n + ("path" in self.wrong)))}
        inner = {"x": self.x + ("inner" in self.wrong)}
        more["parts"] = [{"name": "first"}, inner, None]
        if self.n >= 9:
            more["episode"] = {"r": self.n + ("episode" in self.wrong), "t": time.perf_counter()}
        return more


class WrongPath(NotesEnd):
    wrong = ("path",)


class WrongInner(NotesEnd):
    wrong = ("inner",)


class WrongEpisode(NotesEnd):
    wrong = ("episode",)


class InfoNone(Shown):
    def info(self):
        return None


class Empty(Shown):
    def info(self):
        return {}


class MaskSeen(Shown):
    """Legal actions stand in the observation; what is not legal is refused."""

    observation_space = spaces.Dict(
        observation=spaces.Box(0, 1, (1,), np.float32), action_mask=spaces.Box(0, 1, (3,), np.int8)
    )
    worth = 1.0

    def look(self):
        self.mask = np.array([1, self.x > 0.5, self.x < 0.5], np.int8)
        return {"observation": super().look(), "action_mask": self.mask}

    def step(self, action):
        if not self.mask[action]:
            raise ValueError(f"{action} is not legal")
        self.chosen = action
        return super().step(action)

    def reward(self):
        return self.worth if self.chosen == 2 else 0.0

    def info(self):
        return {}


class MaskSeenWrong(MaskSeen):
    worth = 2.0


class Buffer(Shown):
    """Every observation is the same array, changed by the next step."""

    def reset(self, **options):
        self.buffer = np.zeros(1, np.float32)
        return super().reset(**options)

    def look(self):
        self.buffer[:] = self.x
        return self.buffer


class ManyButtons(Shown):
    """Actions are arrays, which a program may write into."""

    action_space = spaces.Box(-1, 1, (2,), np.float32)

    def step(self, action):
        self.n += 1
        self.x = (self.x + 0.125 * float(abs(action[0]))) % 1.0
        return self.look(), 1.0, self.n >= 9, False, self.info()


class WritesAction(ManyButtons):
    """Clips its action in place."""

    def step(self, action):
        answer = super().step(action)
        action[:] = 0
        return answer


class SeedsGlobals(Shown):
    """Seeds NumPy's global generator at each step."""

    def step(self, action):
        np.random.seed(0)  # noqa: NPY002
        return super().step(action)


class OneEpisode(Shown):
    """Every reset without a seed starts the same episode."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=7 if seed is None else seed, options=options)


class SeedZero(Shown):
    """``if seed:`` takes seed 0 for no seed."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed or None, options=options)


class Options(Shown):
    """``options={"x": 0.5}`` starts there."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = float((options or {}).get("x", self.x))
        return self.look(), self.info()


class MaskOfParts(Shown):
    """Two choices at once, each with a mask of its own; what is not legal is refused."""

    action_space = spaces.MultiDiscrete([3, 2], start=[1, 0])
    flat = False
    worth = 1.0

    def info(self):
        parts = ([1, self.x > 0.5, self.x < 0.5], [self.x < 0.7, 1])
        self.masks = tuple(np.array(part, np.int8) for part in parts)
        return {"action_mask": np.concatenate(self.masks) if self.flat else self.masks}

    def step(self, action):
        first, second = action - self.action_space.start
        if not (self.masks[0][first] and self.masks[1][second]):
            raise ValueError(f"{action} is not legal")
        self.chosen = first, second
        self.n += 1
        self.x = (self.x + 0.25 * first + 0.11 * second) % 1.0
        return self.look(), self.reward(), self.ended(), False, self.info()

    def reward(self):
        return self.worth if self.chosen == (2, 0) else 0.0


class MaskOfPartsWrong(MaskOfParts):
    worth = 2.0


class MaskInARow(MaskOfParts):
    flat = True


for made in list(globals().values()):
    if isinstance(made, type) and issubclass(made, gym.Env) and made is not gym.Env:
        gym.register(f"{made.__name__}-v0", entry_point=made)
