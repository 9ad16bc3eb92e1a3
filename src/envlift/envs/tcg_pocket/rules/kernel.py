"""The rules as Warp functions on the struct of a state: copied into the array ``b`` and back."""

# mypy: ignore-errors
# ruff: noqa: D103

from enum import IntEnum

import warp as wp

from envlift.envs.tcg_pocket.rules import flow, legal, look, start
from envlift.envs.tcg_pocket.rules.ids import NUM_ACTIONS, Phase
from envlift.envs.tcg_pocket.rules.memory import OPTIONS, PLACES, SIZE, STATE_SIZE, At
from envlift.targets import warp_chance, warp_numbers
from envlift.targets.warp_numbers import Numbers, Place, place_of, rule

vec2 = wp.types.vector(length=2, dtype=wp.int32)
options4 = wp.types.vector(length=OPTIONS, dtype=wp.int32)
words4 = wp.types.vector(length=4, dtype=wp.uint32)
cards40 = wp.types.vector(length=40, dtype=wp.int32)
types16 = wp.types.vector(length=16, dtype=wp.int32)

TAPE = 16
ACTION = 18
"""Labels of a rollout's streams: the two words of a step's tape, and the action."""


class Mode(IntEnum):
    """What ``play`` does."""

    STEP = 0
    BEGIN = 1  # with the decks in the state
    PLAY_ON = 2  # step, and begin with other decks where the game has ended


GameState = warp_numbers.struct_of("GameState", PLACES)
"""The fields of ``tcg_pocket.state.State``, in the same order, flat."""

SEEN = Place("observation", 0, 2 * STATE_SIZE, "int16")
MASKS = Place("legal", 0, 2 * NUM_ACTIONS, "bool")


@wp.struct
class Seen:
    """What both players see, one behind the other."""

    observation: warp_numbers.kind_of(SEEN.size, SEEN.dtype)


@wp.struct
class Masks:
    """What both players may do, one behind the other."""

    legal: warp_numbers.kind_of(MASKS.size, MASKS.dtype)


copy_in, copy_out = warp_numbers.copies("tcg_pocket", GameState, PLACES)
see = warp_numbers.looking("tcg_pocket", PLACES, SIZE, Seen, SEEN, look.players)
see_all = warp_numbers.looking(
    "tcg_pocket.lists", PLACES, SIZE, Seen, SEEN, look.players_with_lists
)
allow = warp_numbers.looking("tcg_pocket.masks", PLACES, SIZE, Masks, MASKS, legal.masks)


@rule
def set_up(b: Numbers, word_0: wp.uint32, word_1: wp.uint32, options: options4):
    """Put the tape and the options into their places."""
    b[At.WORD_0] = wp.int32(word_0)
    b[At.WORD_1] = wp.int32(word_1)
    b[At.DRAWN] = 0
    i = wp.int32(0)
    while i < OPTIONS:
        b[At.MAX_TURNS + i] = options[i]
        i = i + 1


@rule
def begin_with(b: Numbers, cards: cards40, types: types16):
    """Begin a game of other decks."""
    i = wp.int32(0)
    while i < len(cards):
        b[At.DECK_LIST + i] = cards[i]
        i = i + 1
    i = wp.int32(0)
    while i < len(types):
        b[At.DECK_ENERGY + i] = types[i]
        i = i + 1
    start.start(b)


@rule
def play(
    state: GameState,
    actions: vec2,
    words: words4,
    cards: cards40,
    types: types16,
    mode: wp.int32,
    options: options4,
):
    """Step, or begin a game; see ``Mode``. The last two words are the tape of another game."""
    numbers = wp.zeros(shape=SIZE, dtype=wp.int32)
    b = place_of(numbers)
    copy_in(b, state)
    over = b[At.PHASE] == Phase.OVER
    set_up(b, words[0], words[1], options)
    if mode == Mode.BEGIN:
        start.start(b)
        over = False
    else:
        flow.step(b, actions[0], actions[1])
    # Who has won by this step, -1 if it goes on or was over before.
    winner = wp.where(over, -1, b[At.WINNER])
    if mode == Mode.PLAY_ON and b[At.PHASE] == Phase.OVER:
        winner = b[At.WINNER] + 0
        set_up(b, words[2], words[3], options)
        begin_with(b, cards, types)
    state = copy_out(b, state)
    return state, winner


@rule
def drawn_word(word_0: wp.uint32, word_1: wp.uint32, label: wp.int32) -> wp.uint32:
    return warp_chance.bits(warp_chance.stream(word_0, wp.uint32(label)), word_1)


@rule
def play_random(
    state: GameState,
    word_0: wp.uint32,
    word_1: wp.uint32,
    steps: wp.int32,
    options: options4,
):
    """Take uniform legal actions; a game that is over is followed by another of the same decks."""
    numbers = wp.zeros(shape=SIZE, dtype=wp.int32)
    b = place_of(numbers)
    copy_in(b, state)
    legal.list_legal(b)
    games = wp.int32(0)
    turns = wp.int32(0)
    k = wp.int32(0)
    while k < steps:
        now = word_1 + wp.uint32(k)
        tape_0 = drawn_word(word_0, now, TAPE)
        set_up(b, tape_0, drawn_word(word_0, now, TAPE + 1), options)
        if b[At.PHASE] == Phase.OVER:
            start.start(b)
        else:
            before = b[At.TURN] + 0
            word = drawn_word(word_0, now, ACTION)
            chosen = warp_chance.below(word, wp.uint32(b[At.NUM_LEGAL]))
            flow.choose(b, b[At.LEGAL + chosen])
            flow.advance(b)
            turns = turns + b[At.TURN] - before
            if b[At.PHASE] == Phase.OVER:
                games = games + 1
        k = k + 1
    state = copy_out(b, state)
    return state, games, turns
