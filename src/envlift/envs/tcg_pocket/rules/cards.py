"""Hand, deck and discard pile (rules H)."""

# mypy: ignore-errors
# ruff: noqa: D103

import warp as wp

from envlift.envs.tcg_pocket.rules import ids
from envlift.envs.tcg_pocket.rules.board import clear_place, free_bench, is_basic_card, put_in_play
from envlift.envs.tcg_pocket.rules.chance import below, shuffle
from envlift.envs.tcg_pocket.rules.data import Card, Limit, Op, of_card, of_op
from envlift.envs.tcg_pocket.rules.ids import Kind, To
from envlift.envs.tcg_pocket.rules.memory import At
from envlift.targets.warp_numbers import Numbers, cold_rule, rule


@rule
def add_to_hand(b: Numbers, p: wp.int32, card: wp.int32, known: wp.int32):
    size = b[At.HAND_SIZE + p]
    if size < ids.HAND_PLACES:
        b[At.HAND + p * 12 + size] = card
        b[At.HAND_KNOWN + p * 12 + size] = known
        b[At.HAND_SIZE + p] = size + 1


@cold_rule
def take_from_hand(b: Numbers, p: wp.int32, slot: wp.int32) -> wp.int32:
    """Take a card out of the hand; later ones close the gap."""
    card = b[At.HAND + p * 12 + slot] + 0
    last = b[At.HAND_SIZE + p] - 1
    i = p * 12 + slot
    while i < p * 12 + last:
        b[At.HAND + i] = b[At.HAND + i + 1]
        b[At.HAND_KNOWN + i] = b[At.HAND_KNOWN + i + 1]
        i = i + 1
    b[At.HAND + i] = 0
    b[At.HAND_KNOWN + i] = 0
    b[At.HAND_SIZE + p] = last
    return card


@cold_rule
def discard_card(b: Numbers, p: wp.int32, card: wp.int32):
    """Put a card onto the discard pile, which is kept sorted; 0 is no card."""
    if card == 0:
        return
    i = wp.int32(0)
    carried = wp.int32(card)
    while i < ids.DECK_PLACES and carried != 0:
        there = b[At.DISCARD + p * 20 + i] + 0
        if there == 0 or there > carried:
            b[At.DISCARD + p * 20 + i] = carried
            carried = there
        i = i + 1


@cold_rule
def take_from_deck(b: Numbers, p: wp.int32, place: wp.int32) -> wp.int32:
    """Take a card out of the deck, the top from place 0."""
    card = b[At.DECK + p * 20 + place] + 0
    last = b[At.DECK_SIZE + p] - 1
    i = p * 20 + place
    while i < p * 20 + last:
        b[At.DECK + i] = b[At.DECK + i + 1]
        i = i + 1
    b[At.DECK + i] = 0
    b[At.DECK_SIZE + p] = last
    if place < b[At.DECK_KNOWN + p]:
        b[At.DECK_KNOWN + p] = b[At.DECK_KNOWN + p] - 1
    return card


@rule
def put_under_deck(b: Numbers, p: wp.int32, card: wp.int32):
    size = b[At.DECK_SIZE + p]
    if card != 0:
        b[At.DECK + p * 20 + size] = card
        b[At.DECK_SIZE + p] = size + 1


@cold_rule
def shuffle_deck(b: Numbers, p: wp.int32):
    """Shuffle a deck; nothing is known about it any more (H-5)."""
    shuffle(b, At.DECK + p * 20, b[At.DECK_SIZE + p])
    b[At.DECK_KNOWN + p] = 0


@cold_rule
def draw_cards(b: Numbers, p: wp.int32, n: wp.int32):
    """Draw ``n`` times (H-1, H-2)."""
    i = wp.int32(0)
    while i < n:
        if b[At.HAND_SIZE + p] < Limit.HAND_LIMIT and b[At.DECK_SIZE + p] > 0:
            add_to_hand(b, p, take_from_deck(b, p, 0), 0)
        i = i + 1


@rule
def fits(op: wp.int32, card: wp.int32) -> wp.bool:
    """Return whether ``FIND`` looks for a card."""
    if of_card(card, Card.KIND) != Kind.POKEMON:
        return False
    if of_op(op, Op.BASIC) == 1 and not is_basic_card(card):
        return False
    kind = of_op(op, Op.TYPE)
    name = of_op(op, Op.NAME_0)
    right = kind < 0 or of_card(card, Card.TYPE) == kind
    return right and (name == 0 or of_card(card, Card.NAME) == name)


@cold_rule
def find_card(b: Numbers, p: wp.int32, op: wp.int32):
    """Put a random fitting card of the deck into the hand or onto the Bench (H-4, X-20)."""
    to_bench = of_op(op, Op.TO) == To.BENCH
    times = wp.int32(0)
    while times < of_op(op, Op.N):
        room = b[At.HAND_SIZE + p] < Limit.HAND_LIMIT
        if to_bench:
            room = free_bench(b, p) > 0
        count = wp.int32(0)
        i = wp.int32(0)
        while i < b[At.DECK_SIZE + p]:
            if fits(op, b[At.DECK + p * 20 + i]):
                count = count + 1
            i = i + 1
        if room and count > 0:
            left = below(b, count)
            i = wp.int32(0)
            place = wp.int32(0)
            while left >= 0:
                if fits(op, b[At.DECK + p * 20 + i]):
                    left = left - 1
                    place = i
                i = i + 1
            card = take_from_deck(b, p, place)
            if to_bench:
                put_in_play(b, p, free_bench(b, p), card, 1)
            else:
                add_to_hand(b, p, card, 1)
        times = times + 1
    shuffle_deck(b, p)


@cold_rule
def hand_into_deck(b: Numbers, p: wp.int32):
    """Put the hand under the deck, in its order, and shuffle."""
    i = wp.int32(0)
    while i < b[At.HAND_SIZE + p]:
        put_under_deck(b, p, b[At.HAND + p * 12 + i])
        b[At.HAND + p * 12 + i] = 0
        b[At.HAND_KNOWN + p * 12 + i] = 0
        i = i + 1
    b[At.HAND_SIZE + p] = 0
    shuffle_deck(b, p)


@cold_rule
def bury(b: Numbers, p: wp.int32, k: wp.int32):
    """Discard a Pokémon with all its cards and its Energy (G-2)."""
    discard_card(b, p, b[At.UNDER + (p * 4 + k) * 2])
    discard_card(b, p, b[At.UNDER + (p * 4 + k) * 2 + 1])
    discard_card(b, p, b[At.CARD + p * 4 + k])
    clear_place(b, p, k)


@cold_rule
def return_active(b: Numbers, p: wp.int32, to: wp.int32):
    """Return the Active Pokémon's cards to hand or deck (X-21, H-3)."""
    i = wp.int32(0)
    while i < 3:
        card = b[At.CARD + p * 4] + 0
        if i < 2:
            card = b[At.UNDER + p * 8 + i] + 0
        if card != 0:
            if to == To.HAND:
                add_to_hand(b, p, card, 1)
            else:
                put_under_deck(b, p, card)
        i = i + 1
    clear_place(b, p, 0)
    if to != To.HAND:
        shuffle_deck(b, p)
