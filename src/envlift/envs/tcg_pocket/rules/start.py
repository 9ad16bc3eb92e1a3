"""Set-up up to the first decision (S)."""

# mypy: ignore-errors

import warp as wp

from envlift.envs.tcg_pocket.rules.board import is_basic_card, swap_numbers
from envlift.envs.tcg_pocket.rules.cards import add_to_hand, take_from_deck
from envlift.envs.tcg_pocket.rules.chance import below, shuffle
from envlift.envs.tcg_pocket.rules.data import Limit
from envlift.envs.tcg_pocket.rules.flow import advance
from envlift.envs.tcg_pocket.rules.ids import DECK_PLACES, GOING_ON
from envlift.envs.tcg_pocket.rules.memory import STATE_SIZE, At
from envlift.envs.tcg_pocket.rules.turn import draw_type, reset_pending
from envlift.targets.warp_numbers import Numbers, cold_rule

REDRAW, BASIC_FIRST, SWAP = 0, 1, 2
TRIES = 10_000
"""A deck without a Basic has no hand of rule S-3; the search must end all the same."""


@cold_rule
def num_basics(b: Numbers, at: wp.int32, count: wp.int32) -> wp.int32:
    """Return how many of ``count`` cards from ``at`` on are Basic Pokémon."""
    found = wp.int32(0)
    i = wp.int32(0)
    while i < count:
        if is_basic_card(b[at + i]):
            found = found + 1
        i = i + 1
    return found


@cold_rule
def nth_basic(b: Numbers, at: wp.int32, n: wp.int32) -> wp.int32:
    """Return where the n-th Basic Pokémon from ``at`` on lies."""
    left = wp.int32(n)
    i = wp.int32(-1)
    while left >= 0 and i < DECK_PLACES:
        i = i + 1
        if is_basic_card(b[at + i]):
            left = left - 1
    return at + i


@cold_rule
def deal(b: Numbers, p: wp.int32):
    """Shuffle a deck and deal a hand (S-2, S-3)."""
    at = At.DECK + p * 20
    i = wp.int32(0)
    while i < DECK_PLACES:
        b[at + i] = b[At.DECK_LIST + p * 20 + i]
        i = i + 1
    b[At.DECK_SIZE + p] = DECK_PLACES
    basics = num_basics(b, at, DECK_PLACES)
    if b[At.OPENING] == BASIC_FIRST and basics > 0:
        # The chosen card comes to the front, the order of the others is kept.
        place = nth_basic(b, at, below(b, basics))
        card = b[place] + 0
        while place > at:
            b[place] = b[place - 1]
            place = place - 1
        b[at] = card
        shuffle(b, at + 1, DECK_PLACES - 1)
    else:
        shuffle(b, at, DECK_PLACES)
        if b[At.OPENING] == SWAP:
            if num_basics(b, at, Limit.OPENING_HAND) == 0 and basics > 0:
                out_of_hand = at + below(b, Limit.OPENING_HAND)
                swap_numbers(
                    b, out_of_hand, nth_basic(b, at + Limit.OPENING_HAND, below(b, basics))
                )
                shuffle(b, at + Limit.OPENING_HAND, DECK_PLACES - Limit.OPENING_HAND)
        else:
            tries = wp.int32(0)
            while num_basics(b, at, Limit.OPENING_HAND) == 0 and tries < TRIES:
                shuffle(b, at, DECK_PLACES)
                tries = tries + 1
    i = wp.int32(0)
    while i < Limit.OPENING_HAND:
        add_to_hand(b, p, take_from_deck(b, p, 0), 0)
        i = i + 1


@cold_rule
def start(b: Numbers):
    """Begin a game of the decks in the state."""
    i = wp.int32(0)
    while i < At.DECK_LIST:
        b[i] = 0
        i = i + 1
    i = wp.int32(At.DECK_ENERGY + 16)
    while i < STATE_SIZE:
        b[i] = 0
        i = i + 1
    reset_pending(b)
    b[At.END_PLACE] = -1
    b[At.WINNER] = GOING_ON
    p = wp.int32(0)
    while p < 2:
        b[At.ZONE_CURRENT + p] = -1
        p = p + 1
    b[At.FIRST_PLAYER] = below(b, 2)
    b[At.DECIDER] = b[At.FIRST_PLAYER]
    deal(b, 0)
    deal(b, 1)
    b[At.ZONE_NEXT] = draw_type(b, 0)
    b[At.ZONE_NEXT + 1] = draw_type(b, 1)
    advance(b)
