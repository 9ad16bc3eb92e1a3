"""A small rule in phases, to test what ``targets.warp_phases`` makes of it.

A walker replaces its place by square roots, found by Newton's method: how many iterations a lane
needs hangs on its numbers, some give up and ``insist``, and some have no root at all. ``play`` is
the same rule as a plain loop over NumPy scalars.
"""

from functools import cache
from types import SimpleNamespace

import numpy as np
import warp as wp

from envlift.targets.warp_phases import PhasedRule, Phases

REALS = {"float32": wp.float32, "float64": wp.float64}
ENOUGH = {"float32": 1e-6, "float64": 1e-14}
MAX_ITERATIONS = {"float32": 5, "float64": 7}
REPEATS, INSISTING, EPISODE = 3, 40, 4
OUTPUTS = ("moved", "iterations", "lost")


@cache
def make(dtype: str) -> PhasedRule:
    """Return the rule for one number type; its work has float64 in any case."""
    real = REALS[dtype]
    enough = wp.constant(real(ENOUGH[dtype]))
    half, one = wp.constant(real(0.5)), wp.constant(real(1.0))
    pair = wp.types.vector(length=2, dtype=real)

    @wp.struct
    class Walker:
        place: pair
        count: wp.int32

    @wp.struct
    class Guess:
        root: pair
        iterations: wp.int32

    @wp.struct
    class Work:
        target: pair
        guess: Guess
        wide: wp.float64
        insisted: wp.int32
        pending: wp.int32

    @wp.func
    def missed(target: pair, root: pair):
        # A NaN is never near enough.
        far = wp.int32(0)
        for k in range(2):
            near = wp.abs(root[k] * root[k] - target[k]) <= enough * target[k]
            far = wp.where(near, far, 1)
        return far

    @wp.func
    def improved(target: pair, root: pair):
        for k in range(2):
            root[k] = half * (root[k] + target[k] / root[k])
        return root

    @wp.func
    def begin(walker: Walker, word_0: wp.uint32, word_1: wp.uint32, scale: real, offset: real):
        work = Work()
        step = wp.int32((word_0 ^ word_1) & wp.uint32(3))
        for k in range(2):
            work.target[k] = walker.place[k] * scale + real(step)
        work.wide = wp.float64(offset)
        return work

    @wp.func
    def widen(work: Work):
        work.wide = work.wide * wp.float64(1.5) + wp.float64(work.target[0])
        return work

    @wp.func
    def guess(work: Work):
        work.guess.root = pair(one, one)
        work.pending = missed(work.target, work.guess.root)
        return work

    @wp.func
    def iterate(work: Work):
        root = improved(work.target, work.guess.root)
        for k in range(2):
            work.guess.root[k] = wp.where(work.pending > 0, root[k], work.guess.root[k])
        work.guess.iterations = work.guess.iterations + work.pending
        work.pending = work.pending * missed(work.target, work.guess.root)
        return work

    @wp.func
    def insist(work: Work):
        # With branches: such a pass plays one lane at a time.
        if work.pending > 0:
            tries = wp.int32(0)
            while work.pending > 0 and tries < wp.static(INSISTING):
                work.guess.root = improved(work.target, work.guess.root)
                work.pending = missed(work.target, work.guess.root)
                tries += 1
            work.insisted = work.insisted + 1 + work.pending * 100
        return work

    @wp.func
    def advance(work: Work):
        work.target = work.target + work.guess.root
        return work

    @wp.func
    def narrow(work: Work):
        work.target[1] = work.target[1] + real(work.wide * wp.float64(0.125))
        return work

    @wp.func
    def end(
        walker: Walker,
        work: Work,
        word_0: wp.uint32,
        word_1: wp.uint32,
        scale: real,
        offset: real,
    ):
        moved = work.target[0] - walker.place[0]
        walker.place = work.target
        walker.count = walker.count + 1
        iterations = work.guess.iterations + 1000 * work.insisted
        return walker, moved, iterations, work.pending > 0

    @wp.func
    def restart(walker: Walker, word_0: wp.uint32, word_1: wp.uint32, scale: real, offset: real):
        if walker.count >= wp.static(EPISODE):
            walker.count = 0
            walker.place = pair(offset, real(wp.int32(word_1 & wp.uint32(7))))
        return walker

    phases = Phases(
        work=Work,
        begin=begin,
        prepare=(widen, guess),
        iterate=(iterate,),
        advance=(insist, advance, narrow),
        end=end,
        repeats=REPEATS,
        max_iterations=MAX_ITERATIONS[dtype],
        restart=restart,
    )
    outputs = dict(zip(OUTPUTS, (dtype, "int32", "bool"), strict=True))
    rule = PhasedRule(
        phases, Walker, outputs, name=f"tests.phases.{dtype}", shared=("scale", "offset")
    )
    rule.toy = SimpleNamespace(phases=phases, Walker=Walker)
    return rule


def play(place, count, word_0, word_1, scale, offset):
    """Play one step of one lane on NumPy scalars and return what the rule returns."""
    real = place.dtype.type
    enough, half = real(ENOUGH[place.dtype.name]), real(0.5)

    def missed():
        return not all(abs(g * g - t) <= enough * t for g, t in zip(root, target, strict=True))

    def improve():
        return [half * (g + t / g) for g, t in zip(root, target, strict=True)]

    step = (int(word_0) ^ int(word_1)) & 3
    target, wide = [x * scale + real(step) for x in place], np.float64(offset)
    iterations, insisted, pending = 0, 0, False
    for _ in range(REPEATS):
        wide = wide * 1.5 + np.float64(target[0])
        root, tries = [real(1), real(1)], 0
        pending = missed()
        while pending and tries < MAX_ITERATIONS[place.dtype.name]:
            root, tries = improve(), tries + 1
            pending = missed()
        iterations += tries
        if pending:
            tries = 0
            while pending and tries < INSISTING:
                root, tries = improve(), tries + 1
                pending = missed()
            insisted += 1 + 100 * pending
        target = [t + g for t, g in zip(target, root, strict=True)]
        target[1] = target[1] + real(wide * 0.125)
    moved = target[0] - place[0]
    place, count = np.array(target, real), count + 1
    if count >= EPISODE:
        place, count = np.array([offset, int(word_1) & 7], real), 0
    return place, count, moved, iterations + 1000 * insisted, pending


COUNTED = 6


def make_counter() -> PhasedRule:
    """Return a rule that iterates twice: it adds up to a number, then takes away to another."""

    @wp.struct
    class Counter:
        number: wp.int32

    @wp.struct
    class Work:
        number: wp.int32
        most: wp.int32
        least: wp.int32
        fallen: wp.int32
        pending: wp.int32

    @wp.func
    def begin(counter: Counter, most: wp.int32, least: wp.int32):
        work = Work()
        work.number = counter.number
        work.most = most
        work.least = least
        return work

    @wp.func
    def prepare(work: Work):
        work.fallen = 0
        return work

    @wp.func
    def rise(work: Work):
        work.number = work.number + wp.where(work.number < work.most, 1, 0)
        work.pending = wp.where(work.number < work.most, 1, 0)
        return work

    @wp.func
    def fall(work: Work):
        lower = wp.where(work.number > work.least, 1, 0)
        work.number = work.number - lower
        work.fallen = work.fallen + lower
        work.pending = wp.where(work.number > work.least, 1, 0)
        return work

    @wp.func
    def advance(work: Work):
        work.number = 2 * work.number
        return work

    @wp.func
    def end(counter: Counter, work: Work, most: wp.int32, least: wp.int32):
        counter.number = work.number
        return counter, work.fallen

    counter = Phases(
        work=Work,
        begin=begin,
        prepare=(prepare,),
        iterate=(rise, fall),
        advance=(advance,),
        end=end,
        repeats=1,
        max_iterations=COUNTED,
    )
    return PhasedRule(counter, Counter, {"fallen": "int32"}, name="tests.phases.counter")
