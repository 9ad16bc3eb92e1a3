"""Ludo for one player against three, as a Gymnasium environment.

The board is the usual one: a ring of 52 fields, on which four colours start a quarter of the way
apart, and a home column of five fields before the middle for each. The three opponents play by a
fixed rule, so that all chance is in the dice.
"""

import gymnasium
import numpy as np
from gymnasium import spaces

COLOURS = 4
TOKENS = 4
RING = 52
QUARTER = RING // COLOURS
SIDES = 6

YARD = -1
"""A token that has not come out yet."""

LAST_ON_RING = RING - 2
"""Steps from a colour's own start to the field before its home column."""

HOME = LAST_ON_RING + 6
"""Steps from the start to the middle; a token there is done."""

SAFE = (0, 8, 13, 21, 26, 34, 39, 47)
"""Fields of the ring, counted from the first colour's start, on which nobody is sent home."""

SIXES = 3
"""So many sixes in a row end a turn without a move."""

LIMIT = 300
PLAYER = 0
PASS = TOKENS
ACTIONS = TOKENS + 1

REACHES_HOME = 0.25
SENDS_HOME = 0.1
IS_SENT_HOME = -0.1
COMES_OUT = 0.05
WINS = 1.0
LOSES = -1.0
ILLEGAL = -0.05


class LudoEnv(gymnasium.Env):
    """Bring four tokens once around the board and home before anybody else does.

    The player sees the die and chooses which token moves (0 to 3), or passes (4) where none can. A
    six gives another throw. Three sixes in a row end the turn. After each of the player's turns the
    three opponents have theirs.

    Positions are counted in steps from each colour's own start: -1 in the yard, 0 to 50 on the
    ring, 51 to 55 in the home column, 56 at home.
    """

    metadata = {"render_modes": []}

    def __init__(self, safe_fields=True, limit=LIMIT):
        self.safe_fields = safe_fields
        self.limit = limit
        self.action_space = spaces.Discrete(ACTIONS)
        self.observation_space = spaces.Dict(
            {
                "tokens": spaces.Box(YARD, HOME, (COLOURS, TOKENS), np.int8),
                "die": spaces.Discrete(SIDES, start=1),
                "sixes": spaces.Discrete(SIXES),
                "legal": spaces.MultiBinary(ACTIONS),
                "progress": spaces.Box(0.0, 1.0, (COLOURS,), np.float32),
            }
        )
        self.tokens = np.full((COLOURS, TOKENS), YARD, np.int8)
        self.die = 1
        self.sixes = 0
        self.turns = 0

    # -- a new game --------------------------------------------------------------------------------

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.tokens[:] = YARD
        self.turns = 0
        self.begin_turn()
        return self.observe(), {}

    def throw(self):
        """Throw the die."""
        return int(self.np_random.integers(1, SIDES + 1))

    def begin_turn(self):
        """The player's first throw of a turn."""
        self.die = self.throw()
        self.sixes = 0

    # -- the board ---------------------------------------------------------------------------------

    def on_ring(self, steps):
        """Whether a token that came so far stands on the ring."""
        return 0 <= steps <= LAST_ON_RING

    def field_of(self, colour, steps):
        """The field of the ring on which a token stands, counted from the first colour's start."""
        return (steps + colour * QUARTER) % RING

    def tokens_on(self, colour, field):
        """How many tokens a colour has on a field of the ring."""
        count = 0
        for steps in self.tokens[colour]:
            if self.on_ring(steps) and self.field_of(colour, steps) == field:
                count += 1
        return count

    def is_safe(self, field):
        """Whether nobody is sent home from a field."""
        return self.safe_fields and field in SAFE

    def is_blocked(self, colour, field):
        """Whether another colour's pair of tokens keeps this one from a field."""
        for other in range(COLOURS):
            if other != colour and self.tokens_on(other, field) >= 2:
                return True
        return False

    # -- what is allowed ---------------------------------------------------------------------------

    def reached(self, colour, token, die):
        """Where a token would come to, or None where it cannot move."""
        steps = int(self.tokens[colour, token])
        if steps == YARD:
            return 0 if die == SIDES else None
        to = steps + die
        return to if to <= HOME else None

    def can_move(self, colour, token, die):
        """Whether a token may move by a throw; pairs of others are passed by nobody."""
        steps = int(self.tokens[colour, token])
        to = self.reached(colour, token, die)
        if to is None or steps == HOME:
            return False
        first = 0 if steps == YARD else steps + 1
        for way in range(first, to + 1):
            if self.on_ring(way) and self.is_blocked(colour, self.field_of(colour, way)):
                return False
        return True

    def movable(self, colour, die):
        """The tokens that a throw can move."""
        return [token for token in range(TOKENS) if self.can_move(colour, token, die)]

    def legal(self):
        """Which actions the rules allow: a token that can move, or to pass where none can."""
        mask = np.zeros(ACTIONS, np.int8)
        tokens = self.movable(PLAYER, self.die)
        for token in tokens:
            mask[token] = 1
        if not tokens:
            mask[PASS] = 1
        return mask

    # -- a move ------------------------------------------------------------------------------------

    def sent_home(self, colour, steps):
        """Send home whoever stands alone on the field that a token came to; count them."""
        if not self.on_ring(steps):
            return 0
        field = self.field_of(colour, steps)
        if self.is_safe(field):
            return 0
        count = 0
        for other in range(COLOURS):
            if other == colour:
                continue
            for token in range(TOKENS):
                place = int(self.tokens[other, token])
                if self.on_ring(place) and self.field_of(other, place) == field:
                    self.tokens[other, token] = YARD
                    count += 1
        return count

    def move(self, colour, token, die):
        """Move a token; return how many others were sent home by it."""
        to = self.reached(colour, token, die)
        self.tokens[colour, token] = to
        return self.sent_home(colour, to)

    def has_won(self, colour):
        """Whether all tokens of a colour are home."""
        return bool((self.tokens[colour] == HOME).all())

    # -- the opponents -----------------------------------------------------------------------------

    def sends_somebody(self, colour, token, die):
        """Whether a move would send somebody home."""
        to = self.reached(colour, token, die)
        if not self.on_ring(to):
            return False
        field = self.field_of(colour, to)
        if self.is_safe(field):
            return False
        others = [other for other in range(COLOURS) if other != colour]
        return any(self.tokens_on(other, field) for other in others)

    def preferred(self, colour, die):
        """Which token an opponent moves: to hit, to reach home, to come out, else the foremost."""
        tokens = self.movable(colour, die)
        if not tokens:
            return None
        for token in tokens:
            if self.sends_somebody(colour, token, die):
                return token
        for token in tokens:
            if self.reached(colour, token, die) == HOME:
                return token
        for token in tokens:
            if self.tokens[colour, token] == YARD:
                return token
        return max(tokens, key=lambda token: (self.tokens[colour, token], -token))

    def opponent_plays(self, colour):
        """One opponent's whole turn; return how many of the player's tokens it sent home."""
        sixes = 0
        lost = 0
        while True:
            die = self.throw()
            if die == SIDES:
                sixes += 1
                if sixes == SIXES:
                    return lost
            token = self.preferred(colour, die)
            if token is not None:
                before = int((self.tokens[PLAYER] == YARD).sum())
                self.move(colour, token, die)
                lost += int((self.tokens[PLAYER] == YARD).sum()) - before
            if die != SIDES or self.has_won(colour):
                return lost

    def opponents_play(self):
        """All three, in turn, until somebody has won; return reward and whether that happened."""
        reward = 0.0
        for colour in range(1, COLOURS):
            reward += IS_SENT_HOME * self.opponent_plays(colour)
            if self.has_won(colour):
                return reward + LOSES, True
        return reward, False

    # -- one step ----------------------------------------------------------------------------------

    def step(self, action):
        action = int(action)
        if not 0 <= action < ACTIONS:
            raise ValueError(f"no such action: {action}")
        reward = 0.0
        if not self.legal()[action]:
            # Whoever chooses what cannot be loses the move, not the turn's order.
            reward += ILLEGAL
            action = PASS
        if action != PASS:
            reward += self.player_moves(action)
            if self.has_won(PLAYER):
                return self.observe(), reward + WINS, True, False, {}
        if self.throws_again():
            return self.observe(), reward, False, False, {}
        gained, lost = self.opponents_play()
        reward += gained
        self.turns += 1
        if lost:
            return self.observe(), reward, True, False, {}
        self.begin_turn()
        return self.observe(), reward, False, self.turns >= self.limit, {}

    def player_moves(self, token):
        """Move one of the player's tokens; return the reward."""
        came_out = self.tokens[PLAYER, token] == YARD
        reward = SENDS_HOME * self.move(PLAYER, token, self.die)
        if came_out:
            reward += COMES_OUT
        if self.tokens[PLAYER, token] == HOME:
            reward += REACHES_HOME
        return reward

    def throws_again(self):
        """After a six the player throws again, unless the third six ends the turn."""
        if self.die != SIDES:
            return False
        self.sixes += 1
        if self.sixes == SIXES - 1:
            # A third in a row ends the turn.
            self.die = self.throw()
            return self.die != SIDES
        self.die = self.throw()
        return True

    # -- what the player sees ----------------------------------------------------------------------

    def observe(self):
        come = np.maximum(self.tokens.astype(np.float32), 0.0)
        return {
            "tokens": self.tokens.copy(),
            "die": self.die,
            "sixes": self.sixes,
            "legal": self.legal(),
            "progress": come.mean(axis=1) / np.float32(HOME),
        }
