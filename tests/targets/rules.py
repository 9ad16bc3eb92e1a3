"""A small rule with every kind of argument, to test what ``targets.warp`` makes of it."""

import warp as wp

from envlift.targets.warp import BatchedRule

Pair = wp.types.vector(length=2, dtype=wp.float32)


@wp.struct
class Walker:
    place: Pair
    count: wp.int32
    mark: wp.uint32


@wp.func
def walk(walker: Walker, word_0: wp.uint32, word_1: wp.uint32, speed: wp.float32, up: wp.bool):
    walker.count = walker.count + 1
    walker.place = Pair(
        walker.place[0] + wp.where(up, speed, -speed), walker.place[1] + 0.5 * walker.place[0]
    )
    walker.mark = walker.mark * wp.uint32(3) + (word_0 ^ word_1)
    return walker, walker.place[0] * speed, walker.count % 3 == 0


def walk_in_numpy(place, count, mark, word_0, word_1, speed, up):
    """Play the same rule on NumPy scalars and return the same results."""
    count = count + 1
    x = place[0] + (speed if up else -speed)
    y = place[1] + place[0].dtype.type(0.5) * place[0]
    mark = type(mark)((int(mark) * 3 + (int(word_0) ^ int(word_1))) % 2**32)
    return [x, y], count, mark, x * speed, count % 3 == 0


OUTPUTS = {"reward": "float32", "third": "bool"}
WALK = BatchedRule(walk, Walker, OUTPUTS)


@wp.func
def refused(walker: Walker, speed: wp.float16):
    return walker


@wp.struct
class Count:
    total: wp.int32


@wp.func
def add(count: Count, lane: wp.int32, high: wp.int32, low: wp.float32):
    count.total = count.total + lane + high + int(low)
    return count


ADD = BatchedRule(add, Count, {})
