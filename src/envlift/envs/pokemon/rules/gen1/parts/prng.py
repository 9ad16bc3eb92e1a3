"""Showdown's generator (``sim/prng.ts``): x <- x * 0x5D588B656C078965 + 0x269EC3, 64 bits."""

# mypy: ignore-errors

import warp as wp

from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule


@rule
def advance(high: wp.uint32, low: wp.uint32) -> wp.uint64:
    """Return the next state from the two words of this one; the upper word is the draw."""
    x = (wp.uint64(high) << wp.uint64(32)) | wp.uint64(low)
    return x * wp.uint64(0x5D588B656C078965) + wp.uint64(0x269EC3)


@rule
def below(x: wp.uint64, n: wp.int32) -> wp.int32:
    """Return the number in [0, n) that a state stands for."""
    return wp.int32(((x >> wp.uint64(32)) * wp.uint64(n)) >> wp.uint64(32))


@rule
def random(b: Battle, n: wp.int32) -> wp.int32:
    """Draw from [0, n)."""
    x = advance(wp.uint32(b[At.SEED]), wp.uint32(b[At.SEED + 1]))
    b[At.SEED] = wp.int32(wp.uint32(x >> wp.uint64(32)))
    b[At.SEED + 1] = wp.int32(wp.uint32(x & wp.uint64(0xFFFFFFFF)))
    return below(x, n)


@rule
def random_range(b: Battle, low: wp.int32, high: wp.int32) -> wp.int32:
    """Draw from [low, high)."""
    return low + random(b, high - low)


@rule
def random_chance(b: Battle, numerator: wp.int32) -> wp.bool:
    """Draw from [0, 256): whether it is below the numerator."""
    return random(b, 256) < numerator


@rule
def shuffle(b: Battle, count: wp.int32):
    """Draw as often as a shuffle of ``count`` equals does; their order changes nothing."""
    i = wp.int32(1)
    while i < count:
        random(b, 2)
        i += 1


@rule
def hits_2_to_5(b: Battle) -> wp.int32:
    """Draw from 2, 2, 2, 3, 3, 3, 4, 5."""
    k = random(b, 8)
    if k < 3:
        return 2
    if k < 6:
        return 3
    return k - 2
