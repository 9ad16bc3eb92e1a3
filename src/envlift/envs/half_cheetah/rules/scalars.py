"""The number types of the rules: everything is written once and made for float32 or float64.

A maker of rules takes ``real``, ``wp.float32`` or ``wp.float64``. Warp never mixes the two, so
every number of the model goes through ``vector`` or ``real`` on its way into a kernel.
"""

# mypy: ignore-errors
# Warp's kernel language looks like Python but has its own types, which Warp checks.

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import warp as wp

REALS = {"float32": wp.float32, "float64": wp.float64}

FINE = wp.float64
"""Of all but Newton's steps, in both; see ``step``."""


@cache
def vector_type(real: Any, length: int) -> Any:
    """Return Warp's vector of ``length`` numbers."""
    return wp.types.vector(length=length, dtype=real)


def vector(real: Any, numbers: Sequence[float]) -> Any:
    """Return numbers of the model as a constant of a kernel."""
    return wp.constant(vector_type(real, len(numbers))(*numbers))


# pi / 2 in three parts; products of the first two with up to 2**20 quarter turns are exact.
HALF_PI = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)
TERMS = 9
"""Terms of the power series on [-pi/4, pi/4]: what follows is below the last place of 1."""

LARGEST_TURN = 1e6
"""Quarter turns beyond which an angle is taken for this one; it keeps the integer in its range."""


@cache
def sine_and_cosine() -> Any:
    """Return sine and cosine as selects and products, which a CPU computes for many lanes at once.

    They work in ``FINE``, as do all angles.
    """
    part_0, part_1, part_2 = (wp.constant(FINE(part)) for part in HALF_PI)
    turns = wp.constant(FINE(2.0 / math.pi))
    largest = wp.constant(FINE(LARGEST_TURN))
    pair = vector_type(FINE, 2)
    # Highest power first; the cosine has one term more.
    powers = range(TERMS, -1, -1)
    sine = vector(FINE, [(-1.0) ** k / math.factorial(2 * k + 1) for k in powers[1:]])
    cosine = vector(FINE, [(-1.0) ** k / math.factorial(2 * k) for k in powers])

    @wp.func
    def sin_cos(angle: FINE):
        """Return (sin, cos) of an angle in rad, to about one unit in the last place of 1."""
        count = wp.rint(wp.clamp(angle * turns, -largest, largest))
        quarter = wp.int32(count)
        rest = ((angle - count * part_0) - count * part_1) - count * part_2
        square = rest * rest
        s = sine[0]
        c = cosine[0] * square + cosine[1]
        for k in range(1, wp.static(TERMS)):
            s = s * square + sine[k]
            c = c * square + cosine[k + 1]
        s = s * rest
        odd = (quarter & 1) == 1
        sin = wp.where(odd, c, s)
        cos = wp.where(odd, s, c)
        sin = wp.where((quarter & 2) == 2, -sin, sin)
        cos = wp.where(((quarter + 1) & 2) == 2, -cos, cos)
        return pair(sin, cos)

    return sin_cos
