"""Draws from the tape of a step (rules F), in the order in which they are used."""

# mypy: ignore-errors

import warp as wp

from envlift.envs.tcg_pocket.rules.ids import MAX_COINS
from envlift.envs.tcg_pocket.rules.memory import At
from envlift.targets import warp_chance
from envlift.targets.warp_numbers import Numbers, cold_rule, rule


@rule
def below(b: Numbers, n: wp.int32) -> wp.int32:
    """Draw the next number of the tape, in [0, n)."""
    k = b[At.DRAWN]
    b[At.DRAWN] = k + 1
    word_0 = warp_chance.stream(wp.uint32(b[At.WORD_0]), wp.uint32(k))
    return warp_chance.below(warp_chance.bits(word_0, wp.uint32(b[At.WORD_1])), wp.uint32(n))


@cold_rule
def flip(b: Numbers, coins: wp.int32):
    """Flip coins, or until tails for a negative number (X-1); heads and coins are kept."""
    heads = wp.int32(0)
    flipped = wp.int32(0)
    if coins >= 0:
        while flipped < coins:
            heads = heads + below(b, 2)
            flipped = flipped + 1
    else:
        going = wp.int32(1)
        while going == 1:
            going = below(b, 2)
            flipped = flipped + 1
            if flipped == MAX_COINS:
                going = 0
            heads = heads + going
    b[At.PENDING_HEADS] = heads
    b[At.PENDING_COINS] = flipped


@cold_rule
def shuffle(b: Numbers, at: wp.int32, count: wp.int32):
    """Put ``count`` numbers from place ``at`` on into random order."""
    i = count - 1
    while i > 0:
        j = below(b, i + 1)
        moved = b[at + i] + 0
        b[at + i] = b[at + j]
        b[at + j] = moved
        i = i - 1
