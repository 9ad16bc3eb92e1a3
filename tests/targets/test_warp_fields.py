"""What a function does with a struct's fields: nothing that matters may be missed."""

import pytest
import warp as wp

from envlift.targets import warp_fields
from envlift.targets.warp_phases import Phases, constructor_name, read_first

vec3 = wp.types.vector(length=3, dtype=wp.float32)


@wp.struct
class Inner:
    length: wp.float32


@wp.struct
class Work:
    inner: Inner
    place: vec3
    speed: wp.float32
    force: wp.float32
    pending: wp.int32


FIELDS = set(Work.vars)


@wp.func
def named(work: Work):
    work.speed = work.place[0] + work.inner.length
    return work


@wp.func
def in_part(work: Work):
    work.place[1] = 1.0
    work.inner.length = 2.0
    work.force += 1.0
    return work


@wp.func
def as_pair(work: Work):
    work.speed, work.place[0] = 1.0, 2.0
    return work


@wp.func
def perhaps(work: Work):
    if work.pending > 0:
        work.speed = 1.0
    return work


@wp.func
def in_a_loop(work: Work):
    for i in range(3):
        work.speed = wp.float32(i)
    while work.pending > 0:
        work.pending = 0
    return work


@wp.func
def early(work: Work):
    if work.pending > 0:
        return work
    work.speed = 1.0
    return work


@wp.func
def passed_on(scale: wp.float32, work: Work):
    return scale * work.force


@wp.func
def passes_on(work: Work):
    work.speed = passed_on(2.0, work)
    return work


@wp.func
def other_name(work: Work):
    same = work
    same.speed = 1.0
    return work


@wp.func
def renewed(work: Work):
    work = named(work)
    work.force = 1.0
    return work


@wp.func
def returns_another(work: Work):
    result = Work()
    result.speed = work.speed
    return result


@wp.func
def returns_a_call(work: Work):
    return named(work)


@wp.func
def asks_for_a_field_of_a_call(work: Work):
    work.speed = named(work).force
    return work


@pytest.mark.parametrize(
    ("function", "read", "written"),
    [
        (named, {"place", "inner"}, {"speed"}),
        (in_part, {"place", "inner", "force"}, {"place", "inner", "force"}),
        (as_pair, {"place"}, {"speed", "place"}),
        (perhaps, {"pending", "speed"}, {"speed"}),
        (in_a_loop, {"pending", "speed"}, {"pending", "speed"}),
        (early, {"pending", "speed"}, {"speed"}),
        (passes_on, {"force"}, {"speed"}),
        (other_name, FIELDS, FIELDS),
        (renewed, FIELDS, FIELDS),
        (returns_another, {"speed"}, FIELDS),
        (returns_a_call, FIELDS, FIELDS),
        (asks_for_a_field_of_a_call, FIELDS, FIELDS),
    ],
)
def test_what_is_read_and_written(function, read, written):
    uses = warp_fields.uses(function)
    assert (set(uses.read), set(uses.written)) == (read, written)


def test_the_argument_is_counted():
    uses = warp_fields.uses(passed_on, 1)
    assert (set(uses.read), set(uses.written)) == ({"force"}, FIELDS)


def test_structs_of_one_name_are_told_apart():
    """Rules that are made for two number types make two structs of each name."""

    def made(dtype):
        @wp.struct
        class Part:
            length: dtype

        return Part

    names = {constructor_name(made(dtype)) for dtype in (wp.float32, wp.float64)}
    assert len(names) == 2


def test_a_work_keeps_what_is_read_before_it_is_written():
    @wp.func
    def end(state: Inner, work: Work):
        state.length = work.speed + work.force
        return state

    def phases(*prepare, advance=()):
        return Phases(Work, None, prepare, (perhaps,), advance, end, repeats=1, max_iterations=1)

    # ``perhaps`` reads pending and, since it may not write it, speed; end reads force.
    assert read_first(phases()) == {"pending", "speed", "force"}
    assert read_first(phases(named)) == {"pending", "place", "inner", "force"}
    # Of what is written after the first turn, the first turn may still have read.
    assert read_first(phases(advance=(named,))) >= {"speed", "place", "inner"}
