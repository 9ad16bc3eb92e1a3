"""What touches and what is at its limit: MuJoCo's soft constraints.

An end of a capsule below the floor gives four rows, the edges of a friction pyramid: normal plus
and minus ``mu`` times each of two tangents. In the plane the tangent along y moves nothing, so two
of the rows are the bare normal, twice.
"""

# mypy: ignore-errors
# Warp's kernel language looks like Python but has its own types, which Warp checks.

from functools import cache
from types import SimpleNamespace
from typing import Any

import warp as wp

from envlift.envs.half_cheetah.rules import model, scalars, smooth

END_BODY = wp.constant(
    wp.types.vector(length=model.NUM_ENDS, dtype=wp.int32)(*model.load().end_body)
)
MIN_IMPEDANCE = 1e-4
"""MuJoCo keeps an impedance from 0 by this much (mjMINIMP)."""


@cache
def make(real: Any) -> SimpleNamespace:
    """Return the stages for one number type."""
    m = model.load()
    constant = scalars.vector
    fine = scalars.FINE
    vec6, vec9, vec16 = (scalars.vector_type(real, n) for n in (6, 9, 16))
    fine9 = scalars.vector_type(fine, 9)
    first = smooth.make(real)
    Places, Frames, moved = first.Places, first.Frames, first.moved

    friction = m.options["friction"]
    end_x, end_z = (constant(fine, [p[i] for p in m.end_pos]) for i in (0, 1))
    radius = constant(fine, m.end_radius)
    # All four edges have this diagonal: body_invweight0 * (1 + mu^2) * 2 mu^2.
    pyramid = (1.0 + friction**2) * 2.0 * friction**2
    contact_diagonal = constant(real, [w * pyramid for w in m.end_invweight0])
    limit_diagonal = constant(real, m.hinge_invweight0)
    low, high = constant(fine, m.range_low), constant(fine, m.range_high)
    fine_half, fine_zero = wp.constant(fine(0.5)), wp.constant(fine(0.0))
    contact_width = wp.constant(real(1.0 / m.options["contact_solimp"][2]))
    limit_width = wp.constant(real(1.0 / m.options["limit_solimp"][2]))
    # solref is (time constant, damping ratio), solimp (d0, dmax, width, midpoint 0.5, power 2);
    # both kinds of rows have the same but for the width.
    time_constant, damping_ratio = m.options["contact_solref"]
    largest = m.options["contact_solimp"][1]
    stiff = wp.constant(real(1.0 / (largest * time_constant * damping_ratio) ** 2))
    damp = wp.constant(real(2.0 / (largest * time_constant)))
    d_min, d_span = wp.constant(real(MIN_IMPEDANCE)), wp.constant(real(largest - MIN_IMPEDANCE))
    zero, half, one, two = (wp.constant(real(number)) for number in (0.0, 0.5, 1.0, 2.0))

    @wp.struct
    class Touch:
        """The ends: contact points from the body's origin, m; ``dist``, m, negative in the floor.

        The hinges: how far they are from the nearer limit, rad, negative beyond it; ``side`` is 1
        at the lower limit, -1 at the upper one.
        """

        x: vec16
        z: vec16
        dist: vec16
        limit_dist: vec6
        side: vec6

    @wp.struct
    class Rows:
        """What the rows want. A row is active where what it says of an acceleration is negative.

        An end says ``an + normal`` (twice) and that ``+- mu (at + tangent)``, with the acceleration
        (at, an) of its contact point; a hinge says ``side * a + limit``. ``stiff`` and
        ``limit_stiff`` are MuJoCo's ``efc_D``, 0 for an end or a hinge that has no rows.
        """

        normal: vec16
        tangent: vec16
        stiff: vec16
        limit: vec6
        limit_stiff: vec6

    @wp.func
    def mj_collision(places: Places, qpos: fine9):
        """Find the depth of every end, and of every hinge in its limits."""
        touch = Touch()
        for e in range(16):
            b = END_BODY[e]
            z = end_z[e] * places.cos[b] - end_x[e] * places.sin[b]
            dist = (places.height[b] + z) - radius[e]
            touch.x[e] = real(end_x[e] * places.cos[b] + end_z[e] * places.sin[b])
            touch.z[e] = real(z - radius[e] - fine_half * dist)
            touch.dist[e] = real(dist)
        for j in range(6):
            below = qpos[j + 3] - low[j]
            above = high[j] - qpos[j + 3]
            touch.side[j] = wp.where(below < fine_zero, one, -one)
            touch.limit_dist[j] = real(wp.where(below < fine_zero, below, above))
        return touch

    @wp.func
    def impedance(pos: real, inverse_width: real):
        """Return d(r) of MuJoCo's solimp with midpoint 0.5 and power 2."""
        x = wp.abs(pos) * inverse_width
        rest = one - x
        y = wp.where(x < half, two * x * x, one - two * rest * rest)
        return d_min + d_span * wp.where(x < one, y, one)

    @wp.func
    def mj_makeConstraint(frames: Frames, touch: Touch, qvel: vec9):
        """Say what every row wants and how stiffly."""
        rows = Rows()
        speed = moved(frames, qvel)
        for e in range(16):
            b = END_BODY[e]
            dist = touch.dist[e]
            d = impedance(dist, contact_width)
            normal_speed = speed.z[b] - speed.rate[b] * touch.x[e]
            tangent_speed = speed.x[b] + speed.rate[b] * touch.z[e]
            rows.normal[e] = damp * normal_speed + stiff * d * dist
            rows.tangent[e] = damp * tangent_speed
            rows.stiff[e] = wp.where(dist < zero, d / ((one - d) * contact_diagonal[e]), zero)
        for j in range(6):
            pos = touch.limit_dist[j]
            d = impedance(pos, limit_width)
            rows.limit[j] = damp * (touch.side[j] * qvel[j + 3]) + stiff * d * pos
            rows.limit_stiff[j] = wp.where(pos < zero, d / ((one - d) * limit_diagonal[j]), zero)
        return rows

    return SimpleNamespace(
        Touch=Touch,
        Rows=Rows,
        mj_collision=mj_collision,
        mj_makeConstraint=mj_makeConstraint,
    )
