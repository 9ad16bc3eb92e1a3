"""Yahtzee for one player, as a Gymnasium environment.

Thirteen rounds. In each the player rolls five dice, may roll any of them again twice, and then has
to fill one free box of the score sheet. The rules are those of the leaflet that comes with the
game, the joker rules for a second Yahtzee among them.
"""

import gymnasium
import numpy as np
from gymnasium import spaces

DICE = 5
SIDES = 6
ROLLS = 3
BOXES = 13

(ONES, TWOS, THREES, FOURS, FIVES, SIXES) = range(6)
THREE_OF_A_KIND = 6
FOUR_OF_A_KIND = 7
FULL_HOUSE = 8
SMALL_STRAIGHT = 9
LARGE_STRAIGHT = 10
YAHTZEE = 11
CHANCE = 12

UPPER = range(ONES, SIXES + 1)
LOWER = range(THREE_OF_A_KIND, CHANCE + 1)

FREE = -1

UPPER_BONUS_FROM = 63
UPPER_BONUS = 35
YAHTZEE_BONUS = 100

FULL_HOUSE_SCORE = 25
SMALL_STRAIGHT_SCORE = 30
LARGE_STRAIGHT_SCORE = 40
YAHTZEE_SCORE = 50

SMALL_RUNS = ((1, 2, 3, 4), (2, 3, 4, 5), (3, 4, 5, 6))
LARGE_RUNS = ((1, 2, 3, 4, 5), (2, 3, 4, 5, 6))

JOKERS = ("forced", "free", "none")
"""Where a second Yahtzee may go: by the leaflet, wherever one likes, or as any other dice."""

KEEPS = 2**DICE
"""An action below this keeps some dice and rolls the others; above, it fills a box."""

ACTIONS = KEEPS + BOXES
ILLEGAL = -1.0
SCALE = 0.01
MISTAKES = 20


class YahtzeeEnv(gymnasium.Env):
    """Fill thirteen boxes with as many points as five dice will give.

    Actions 0 to 31 are read as five bits: die ``i`` is kept where bit ``i`` is set, and the others
    are rolled again. Actions 32 to 44 fill the boxes, in the order of the sheet. An action that the
    rules do not allow costs a point and changes nothing; after twenty of them the game is given up.

    The reward is a hundredth of the points that a box, and the bonuses, gave.

    ``joker`` says what a second Yahtzee may do: ``forced`` by the leaflet's rules, ``free`` to go
    wherever there is room, or ``none`` for a game without jokers and their bonuses.
    """

    metadata = {"render_modes": []}

    def __init__(self, joker="forced"):
        if joker not in JOKERS:
            raise ValueError(f"joker={joker!r} is no rule; choose one of {', '.join(JOKERS)}")
        self.joker = joker
        self.action_space = spaces.Discrete(ACTIONS)
        self.observation_space = spaces.Dict(
            {
                "dice": spaces.Box(1, SIDES, (DICE,), np.int8),
                "sheet": spaces.Box(FREE, 50, (BOXES,), np.int16),
                "rolls_left": spaces.Discrete(ROLLS),
                "upper": spaces.Box(0, 200, (), np.int16),
                "bonuses": spaces.Box(0, BOXES, (), np.int8),
                "legal": spaces.MultiBinary(ACTIONS),
            }
        )
        self.dice = np.ones(DICE, np.int8)
        self.sheet = np.full(BOXES, FREE, np.int16)
        self.rolls_left = 0
        self.bonuses = 0
        self.mistakes = 0

    # -- a new game --------------------------------------------------------------------------------

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.sheet[:] = FREE
        self.bonuses = 0
        self.mistakes = 0
        self.begin_round()
        return self.observe(), {}

    def begin_round(self):
        """All five dice are rolled; two more rolls may follow."""
        self.dice[:] = self.np_random.integers(1, SIDES + 1, size=DICE)
        self.rolls_left = ROLLS - 1

    # -- what the dice show ------------------------------------------------------------------------

    def counts(self):
        """How many dice show each number, from one to six."""
        found = np.zeros(SIDES, np.int64)
        for number in self.dice:
            found[number - 1] += 1
        return found

    def total(self):
        """The sum of all dice."""
        return int(self.dice.sum())

    def is_yahtzee(self):
        """Whether all five dice show the same number."""
        return bool(self.counts().max() == DICE)

    def holds(self, run):
        """Whether every number of a run lies on the table."""
        there = self.counts()
        return all(there[number - 1] > 0 for number in run)

    # -- points ------------------------------------------------------------------------------------

    def points_of_upper(self, box):
        """Upper boxes count the dice that show their own number."""
        number = box + 1
        return number * int(self.counts()[box])

    def points_of_lower(self, box):
        """Lower boxes want a pattern, and count nothing without it."""
        counts = self.counts()
        if box == THREE_OF_A_KIND:
            return self.total() if counts.max() >= 3 else 0
        if box == FOUR_OF_A_KIND:
            return self.total() if counts.max() >= 4 else 0
        if box == FULL_HOUSE:
            # Five of a kind are no full house, but for the joker.
            both = 3 in counts and 2 in counts
            return FULL_HOUSE_SCORE if both else 0
        if box == SMALL_STRAIGHT:
            return SMALL_STRAIGHT_SCORE if any(self.holds(run) for run in SMALL_RUNS) else 0
        if box == LARGE_STRAIGHT:
            return LARGE_STRAIGHT_SCORE if any(self.holds(run) for run in LARGE_RUNS) else 0
        if box == YAHTZEE:
            return YAHTZEE_SCORE if self.is_yahtzee() else 0
        return self.total()

    def points_as_joker(self, box):
        """A joker fills the boxes of patterns in full, whatever they want."""
        if box == FULL_HOUSE:
            return FULL_HOUSE_SCORE
        if box == SMALL_STRAIGHT:
            return SMALL_STRAIGHT_SCORE
        if box == LARGE_STRAIGHT:
            return LARGE_STRAIGHT_SCORE
        return self.points_of_lower(box)

    def points(self, box):
        """What a box would give for the dice as they lie."""
        if box in UPPER:
            return self.points_of_upper(box)
        if self.is_joker():
            return self.points_as_joker(box)
        return self.points_of_lower(box)

    # -- the joker ---------------------------------------------------------------------------------

    def is_joker(self):
        """Whether this is a Yahtzee whose own box is filled already, with points or with none."""
        if self.joker == "none":
            return False
        return bool(self.is_yahtzee() and self.sheet[YAHTZEE] != FREE)

    def earns_bonus(self):
        """A second Yahtzee is worth a bonus if the first one counted."""
        return self.is_joker() and self.sheet[YAHTZEE] == YAHTZEE_SCORE

    def boxes_for_joker(self):
        """Where a joker may go.

        By the leaflet: its own upper box, else any lower one, else any upper one, which then gives
        nothing. Some play that it may go wherever there is room.
        """
        if self.joker == "free":
            return [box for box in range(BOXES) if self.sheet[box] == FREE]
        own = int(self.dice[0]) - 1
        if self.sheet[own] == FREE:
            return [own]
        lower = [box for box in LOWER if self.sheet[box] == FREE]
        if lower:
            return lower
        return [box for box in UPPER if self.sheet[box] == FREE]

    # -- what is allowed ---------------------------------------------------------------------------

    def free_boxes(self):
        """The boxes that the dice may be written into."""
        if self.is_joker():
            return self.boxes_for_joker()
        return [box for box in range(BOXES) if self.sheet[box] == FREE]

    def legal(self):
        """Which actions the rules allow."""
        mask = np.zeros(ACTIONS, np.int8)
        if self.rolls_left > 0:
            # To keep all five is no roll.
            mask[: KEEPS - 1] = 1
        for box in self.free_boxes():
            mask[KEEPS + box] = 1
        return mask

    # -- one step ----------------------------------------------------------------------------------

    def roll(self, kept):
        """Roll the dice that are not kept, all at once, from the left."""
        rolled = [i for i in range(DICE) if not kept >> i & 1]
        fresh = self.np_random.integers(1, SIDES + 1, size=len(rolled))
        for place, number in zip(rolled, fresh, strict=True):
            self.dice[place] = number
        self.rolls_left -= 1

    def upper_total(self):
        """The points of the upper half, without its bonus."""
        return int(sum(self.sheet[box] for box in UPPER if self.sheet[box] != FREE))

    def fill(self, box):
        """Write points into a box; return them with the bonuses that they bring."""
        before = self.upper_total()
        gained = self.points(box)
        if self.earns_bonus():
            self.bonuses += 1
            gained_by_bonus = YAHTZEE_BONUS
        else:
            gained_by_bonus = 0
        self.sheet[box] = gained
        if before < UPPER_BONUS_FROM <= self.upper_total():
            gained_by_bonus += UPPER_BONUS
        return gained + gained_by_bonus

    def is_over(self):
        """Whether every box is filled."""
        return bool((self.sheet != FREE).all())

    def step(self, action):
        action = int(action)
        if not 0 <= action < ACTIONS:
            raise ValueError(f"no such action: {action}")
        if not self.legal()[action]:
            self.mistakes += 1
            return self.observe(), ILLEGAL, False, self.mistakes >= MISTAKES, {}
        if action < KEEPS:
            self.roll(action)
            return self.observe(), 0.0, False, False, {}
        reward = SCALE * self.fill(action - KEEPS)
        if self.is_over():
            self.rolls_left = 0
            return self.observe(), reward, True, False, {}
        self.begin_round()
        return self.observe(), reward, False, False, {}

    # -- what the player sees ----------------------------------------------------------------------

    def observe(self):
        return {
            "dice": self.dice.copy(),
            "sheet": self.sheet.copy(),
            "rolls_left": self.rolls_left,
            "upper": np.array(self.upper_total(), np.int16),
            "bonuses": np.array(self.bonuses, np.int8),
            "legal": self.legal(),
        }

    def boxes_left(self):
        """How many boxes are still free, which is how many rounds are left."""
        return int((self.sheet == FREE).sum())

    # -- for people --------------------------------------------------------------------------------

    def score(self):
        """The points of the whole sheet, bonuses included."""
        filled = [int(points) for points in self.sheet if points != FREE]
        upper = UPPER_BONUS if self.upper_total() >= UPPER_BONUS_FROM else 0
        return sum(filled) + upper + YAHTZEE_BONUS * self.bonuses

    def __str__(self):
        upper = ["ones", "twos", "threes", "fours", "fives", "sixes"]
        kinds = ["three of a kind", "four of a kind", "full house"]
        names = [*upper, *kinds, "small straight", "large straight", "Yahtzee", "chance"]
        left = f"{self.rolls_left} rolls and {self.boxes_left()} boxes left"
        rows = [f"dice {' '.join(map(str, self.dice))}, {left}"]
        for name, points in zip(names, self.sheet, strict=True):
            rows.append(f"{name:>16} {'' if points == FREE else points}")
        rows.append(f"{'bonuses':>16} {self.bonuses}")
        rows.append(f"{'score':>16} {self.score()}")
        return "\n".join(rows)
