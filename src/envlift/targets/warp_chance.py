"""``targets.chance`` inside Warp kernels: the same numbers, bit for bit.

A key is its two words. Documentation stands beside the namesakes in ``targets.chance``.
"""

# mypy: ignore-errors
# ruff: noqa: D103
# Warp's kernel language looks like Python but has its own types, which Warp checks.

import warp as wp

from envlift.targets import chance

MULTIPLIER_1 = wp.constant(wp.uint32(chance.MULTIPLIER_1))
MULTIPLIER_2 = wp.constant(wp.uint32(chance.MULTIPLIER_2))
GOLDEN = wp.constant(wp.uint32(chance.GOLDEN))
SCALE = wp.constant(2.0**-24)


@wp.func
def mix(word: wp.uint32):
    word = word ^ (word >> wp.uint32(16))
    word = word * MULTIPLIER_1
    word = word ^ (word >> wp.uint32(15))
    word = word * MULTIPLIER_2
    return word ^ (word >> wp.uint32(16))


@wp.func
def bits(word_0: wp.uint32, word_1: wp.uint32):
    return mix(mix(word_1) ^ word_0)


@wp.func
def stream(word_0: wp.uint32, label: wp.uint32):
    """Return the first word of the key of one use; the second stays as it is."""
    return word_0 + GOLDEN * label


@wp.func
def below(word: wp.uint32, n: wp.uint32):
    return wp.int32(((word >> wp.uint32(8)) * n) >> wp.uint32(24))


@wp.func
def unit(word: wp.uint32):
    return wp.float32(wp.int32(word >> wp.uint32(8))) * SCALE
