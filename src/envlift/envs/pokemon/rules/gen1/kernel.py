"""The rules as Warp functions on the struct of a state: copied into the array ``b`` and back."""

# mypy: ignore-errors
# ruff: noqa: D103

from enum import IntEnum

import warp as wp

from envlift.envs.pokemon.rules.gen1 import look
from envlift.envs.pokemon.rules.gen1.battle import choices, start
from envlift.envs.pokemon.rules.gen1.parts import ids, teams
from envlift.envs.pokemon.rules.gen1.parts.memory import (
    PLACES,
    SIZE,
    STATE_SIZE,
    At,
    Battle,
    place_of,
    rule,
)
from envlift.targets import chance, warp_chance, warp_numbers
from envlift.targets.warp_numbers import Place

vec2 = wp.types.vector(length=2, dtype=wp.int32)
words4 = wp.types.vector(length=4, dtype=wp.uint32)

RESET = chance.RESET
ACTION = chance.ACTION


class Mode(IntEnum):
    """What ``play`` does."""

    STEP = 0
    BEGIN = 1  # with the teams and the seed in the state
    BEGIN_RANDOM = 2
    PLAY_ON = 3  # step, and begin with random teams where the battle has ended


BattleState = warp_numbers.struct_of("BattleState", PLACES)
"""The fields of ``pokemon.state.State``, in the same order, flat."""

SEEN = Place("observation", 0, 2 * look.NUMBERS, "int16")


@wp.struct
class Seen:
    """What both players see, one behind the other."""

    observation: warp_numbers.kind_of(SEEN.size, SEEN.dtype)


copy_in, copy_out = warp_numbers.copies("pokemon.gen1", BattleState, PLACES)
see = warp_numbers.looking("pokemon.gen1", PLACES, SIZE, Seen, SEEN, look.players)


@rule
def unpack(b: Battle):
    """Work out what the state does not hold."""
    m = wp.int32(0)
    while m < 12:
        b[At.FAINTED + m] = wp.where(b[At.HP + m] == 0, 1, 0)
        m += 1


@rule
def seed_with(b: Battle, high: wp.uint32, low: wp.uint32):
    b[At.SEED] = wp.int32(high)
    b[At.SEED + 1] = wp.int32(low)


@rule
def begin_random(b: Battle, seeds: words4):
    """Begin a battle of random teams, with the seed of the battle and that of the generator."""
    i = wp.int32(0)
    while i < STATE_SIZE:
        b[i] = 0
        i += 1
    seed_with(b, seeds[2], seeds[3])
    ditto = teams.random_team(b, 0, False)
    teams.random_team(b, 1, ditto)
    seed_with(b, seeds[0], seeds[1])
    start.start(b)


@rule
def run(b: Battle, mode: wp.int32, actions: vec2, seeds: words4) -> wp.int32:
    """Do what a mode asks for; all in one kernel, since a kernel takes long to compile.

    Returns:
        Who won, before another battle began.
    """
    winner = wp.int32(ids.GOING_ON)
    if mode == Mode.BEGIN:
        start.start(b)
    elif mode != Mode.BEGIN_RANDOM:
        choices.step(b, actions[0], actions[1])
        winner = b[At.WINNER]
    if mode == Mode.BEGIN_RANDOM or (mode == Mode.PLAY_ON and winner != ids.GOING_ON):
        begin_random(b, seeds)
    return winner


@rule
def play(state: BattleState, actions: vec2, seeds: words4, mode: wp.int32, clauses: wp.bool):
    """Step, or begin a battle; see ``Mode``."""
    numbers = wp.zeros(shape=SIZE, dtype=wp.int32)
    b = place_of(numbers)
    copy_in(b, state)
    unpack(b)
    b[At.CLAUSES] = wp.where(clauses, 1, 0)
    winner = run(b, mode, actions, seeds)
    state = copy_out(b, state)
    return state, winner


@rule
def draw_action(bits: wp.int32, word: wp.uint32) -> wp.int32:
    """Return a uniform one of the actions whose bits are set."""
    count = wp.int32(0)
    i = wp.int32(0)
    while i < choices.NUM_ACTIONS:
        count = count + ((bits >> i) & 1)
        i += 1
    skip = wp.int32(warp_chance.below(word, wp.uint32(count)))
    i = wp.int32(0)
    while skip > 0 or ((bits >> i) & 1) == 0:
        skip = skip - ((bits >> i) & 1)
        i += 1
    return i


@rule
def drawn_word(word_0: wp.uint32, word_1: wp.uint32, label: wp.int32) -> wp.uint32:
    return warp_chance.bits(warp_chance.stream(word_0, wp.uint32(label)), word_1)


@rule
def play_random(state: BattleState, word_0: wp.uint32, word_1: wp.uint32, clauses: wp.bool):
    """Step with uniform legal actions; an ended battle is followed by one of new random teams."""
    numbers = wp.zeros(shape=SIZE, dtype=wp.int32)
    b = place_of(numbers)
    copy_in(b, state)
    unpack(b)
    b[At.CLAUSES] = wp.where(clauses, 1, 0)
    turn = b[At.TURN] + 0
    first = draw_action(b[At.LEGAL], drawn_word(word_0, word_1, ACTION))
    second = draw_action(b[At.LEGAL + 1], drawn_word(word_0, word_1, ACTION + 32))
    choices.step(b, first, second)
    turns = b[At.TURN] - turn
    ended = b[At.WINNER] != ids.GOING_ON
    if ended:
        seeds = words4()
        for i in range(4):
            seeds[i] = drawn_word(word_0, word_1, RESET + 64 + i)
        begin_random(b, seeds)
    state = copy_out(b, state)
    return state, ended, turns
