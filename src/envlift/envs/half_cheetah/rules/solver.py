"""MuJoCo's Newton solver, for a tree: no matrix is ever formed.

The accelerations minimise 1/2 |a - a0|_M^2 + 1/2 sum D min(J a - aref, 0)^2. With the active rows
known that is a linear problem, and a Newton step solves it exactly. An active row only adds to the
inertia of the body that it pushes (``touching``), so the same sweep over the tree that would solve
M a = f (Featherstone's articulated bodies) solves (M + J'DJ) a = f + J'D aref. When the active rows
are the same before and after a step, the minimum is found.
"""

# mypy: ignore-errors
# Warp's kernel language looks like Python but has its own types, which Warp checks.

from functools import cache
from types import SimpleNamespace
from typing import Any

import warp as wp

from envlift.envs.half_cheetah.rules import constraint, model, scalars, smooth

FULL_STEPS = 12
"""Newton steps of full length before half ones.

Of 400,000 states of every kind none needed more than 11, of play none more than 5, but for 3 that
float32 let jump between two sets of rows a rounding apart.
"""

MAX_STEPS = 20
"""Newton steps after which the last one is taken as it is."""


@cache
def make(real: Any) -> SimpleNamespace:
    """Return the solver for one number type."""
    m = model.load()
    constant = scalars.vector
    vec6, vec7, vec9 = (scalars.vector_type(real, n) for n in (6, 7, 9))
    Frames, Motion = smooth.make(real).Frames, smooth.make(real).Motion
    Touch, Rows = constraint.make(real).Touch, constraint.make(real).Rows

    mass, armature = constant(real, m.body_mass), constant(real, m.armature)
    about_origin = constant(
        real,
        [
            inertia + kilograms * (x * x + z * z)
            for inertia, kilograms, (x, z) in zip(
                m.inertia_y, m.body_mass, m.body_ipos, strict=True
            )
        ],
    )
    step_damping = constant(real, [m.options["timestep"] * d for d in m.damping])
    mu = wp.constant(real(m.options["friction"]))
    zero, one, two = (wp.constant(real(number)) for number in (0.0, 1.0, 2.0))

    @wp.struct
    class Tree:
        """Inertia and force of each body about its origin, to be swept; ``diagonal``: the hinges.

        ``t`` stands for the turn: ``tx`` couples turning with force along x.
        """

        tt: vec7
        tx: vec7
        tz: vec7
        xx: vec7
        xz: vec7
        zz: vec7
        torque: vec7
        force_x: vec7
        force_z: vec7
        diagonal: vec6

    @wp.func
    def masses(frames: Frames):
        """Return the tree without constraints."""
        tree = Tree()
        for b in range(7):
            tree.tt[b] = about_origin[b]
            tree.tx[b] = frames.mass_z[b]
            tree.tz[b] = -frames.mass_x[b]
            tree.xx[b] = mass[b]
            tree.zz[b] = mass[b]
        for j in range(6):
            tree.diagonal[j] = armature[j]
        return tree

    @wp.func
    def solve(tree: Tree, frames: Frames, force: vec9):
        """Return the accelerations under a force on the joints and the tree's own forces."""
        ways_x, ways_z, diagonals = frames.x, frames.z, tree.diagonal
        tt, tx, tz, xx, xz, zz = tree.tt, tree.tx, tree.tz, tree.xx, tree.xz, tree.zz
        torque, force_x, force_z = tree.torque, tree.force_x, tree.force_z
        across_t = vec6()
        across_x = vec6()
        across_z = vec6()
        free = vec6()
        for i in range(6):
            j = 5 - i
            b = j + 1
            p = smooth.PARENT[b]
            x = ways_x[b]
            z = ways_z[b]
            inv = one / (tt[b] + diagonals[j])
            vt = tt[b] * inv
            vx = tx[b] * inv
            vz = tz[b] * inv
            left = (force[j + 3] + torque[b]) * inv
            # What the hinge passes on. Where the body is stiff, tt is nearly tt + diagonal: the
            # difference of tt and tt * vt is taken as this product, which loses no digits.
            kept = diagonals[j] * inv
            on_tt = tt[b] * kept
            on_tx = tx[b] * kept
            on_tz = tz[b] * kept
            on_xx = xx[b] - tx[b] * vx
            on_xz = xz[b] - tx[b] * vz
            on_zz = zz[b] - tz[b] * vz
            on_torque = torque[b] * kept - vt * force[j + 3]
            on_x = force_x[b] - tx[b] * left
            on_z = force_z[b] - tz[b] * left
            # To the parent's origin.
            far_x = on_tx + z * on_xx - x * on_xz
            far_z = on_tz + z * on_xz - x * on_zz
            tt[p] = tt[p] + (on_tt + z * (on_tx + far_x) - x * (on_tz + far_z))
            tx[p] = tx[p] + far_x
            tz[p] = tz[p] + far_z
            xx[p] = xx[p] + on_xx
            xz[p] = xz[p] + on_xz
            zz[p] = zz[p] + on_zz
            torque[p] = torque[p] + (on_torque + z * on_x - x * on_z)
            force_x[p] = force_x[p] + on_x
            force_z[p] = force_z[p] + on_z
            across_t[j] = vt
            across_x[j] = vx
            across_z[j] = vz
            free[j] = left
        # The torso: three equations, eliminated from z over x to the turn.
        inv_z = one / zz[0]
        z_of_x = xz[0] * inv_z
        z_of_t = tz[0] * inv_z
        root_z = force[1] + force_z[0]
        root_x = force[0] + force_x[0] - z_of_x * root_z
        root_t = force[2] + torque[0] - z_of_t * root_z
        inv_x = one / (xx[0] - z_of_x * xz[0])
        lower = tx[0] - z_of_x * tz[0]
        x_of_t = lower * inv_x
        rate = vec7()
        accel_x = vec7()
        accel_z = vec7()
        joints = vec9()
        rate[0] = (root_t - x_of_t * root_x) / (tt[0] - z_of_t * tz[0] - x_of_t * lower)
        accel_x[0] = root_x * inv_x - x_of_t * rate[0]
        accel_z[0] = root_z * inv_z - z_of_t * rate[0] - z_of_x * accel_x[0]
        joints[0] = accel_x[0]
        joints[1] = accel_z[0]
        joints[2] = rate[0]
        for j in range(6):
            b = j + 1
            p = smooth.PARENT[b]
            accel_x[b] = accel_x[p] + rate[p] * ways_z[b]
            accel_z[b] = accel_z[p] - rate[p] * ways_x[b]
            carried = across_x[j] * accel_x[b] + across_z[j] * accel_z[b]
            turn = free[j] - across_t[j] * rate[p] - carried
            joints[j + 3] = turn
            rate[b] = rate[p] + turn
        return Motion(rate, accel_x, accel_z, joints)

    @wp.func
    def row_normal(rate: real, accel_z: real, x: real, normal: real):
        """Return what the two bare edges of an end say of an acceleration: J a - aref."""
        return accel_z - rate * x + normal

    @wp.func
    def row_tangent(rate: real, accel_x: real, z: real, tangent: real):
        """Return what the other two add to that, and take from it."""
        return mu * (accel_x + rate * z + tangent)

    @wp.func
    def row_limit(accel: real, side: real, limit: real):
        """Return what a hinge's limit says of an acceleration."""
        return side * accel + limit

    @wp.func
    def touching(tree: Tree, motion: Motion, touch: Touch, rows: Rows):
        """Add the rows that are active at an acceleration to the tree."""
        rate, accel_x, accel_z = motion.rate, motion.x, motion.z
        point_x, point_z = touch.x, touch.z
        normal, tangent, stiff = rows.normal, rows.tangent, rows.stiff
        tt, tx, tz, xx, xz, zz = tree.tt, tree.tx, tree.tz, tree.xx, tree.xz, tree.zz
        torque, force_x, force_z = tree.torque, tree.force_x, tree.force_z
        for e in range(16):
            b = constraint.END_BODY[e]
            x = point_x[e]
            z = point_z[e]
            s = row_normal(rate[b], accel_z[b], x, normal[e])
            t = row_tangent(rate[b], accel_x[b], z, tangent[e])
            d = stiff[e]
            bare = wp.where(s < zero, d, zero)
            plus = wp.where(s + t < zero, d, zero)
            minus = wp.where(s - t < zero, d, zero)
            along = two * bare + plus + minus
            mixed = mu * (plus - minus)
            across = mu * mu * (plus + minus)
            # The normal and the tangent about the origin: (-x, 0, 1) and (z, 1, 0).
            turn_n = mixed * z - along * x
            turn_t = across * z - mixed * x
            tt[b] = tt[b] + (turn_t * z - turn_n * x)
            tx[b] = tx[b] + turn_t
            tz[b] = tz[b] + turn_n
            xx[b] = xx[b] + across
            xz[b] = xz[b] + mixed
            zz[b] = zz[b] + along
            push_n = -(along * normal[e] + mixed * tangent[e])
            push_t = -(mixed * normal[e] + across * tangent[e])
            torque[b] = torque[b] + (z * push_t - x * push_n)
            force_x[b] = force_x[b] + push_t
            force_z[b] = force_z[b] + push_n
        return Tree(tt, tx, tz, xx, xz, zz, torque, force_x, force_z, tree.diagonal)

    @wp.func
    def newton(frames: Frames, touch: Touch, rows: Rows, qfrc_smooth: vec9, before: Motion):
        """Take a full Newton step from an acceleration."""
        tree = touching(masses(frames), before, touch, rows)
        accel, force = before.joints, vec9(qfrc_smooth)
        side, limit, limit_stiff = touch.side, rows.limit, rows.limit_stiff
        for j in range(6):
            active = row_limit(accel[j + 3], side[j], limit[j]) < zero
            stiff = wp.where(active, limit_stiff[j], zero)
            tree.diagonal[j] = tree.diagonal[j] + stiff
            force[j + 3] = force[j + 3] - stiff * side[j] * limit[j]
        return solve(tree, frames, force)

    @wp.func
    def differ(before: real, after: real):
        """Return 1 for a row that is active at one of two accelerations only, else 0."""
        return wp.where(before < zero, 1, 0) ^ wp.where(after < zero, 1, 0)

    @wp.func
    def same_rows(touch: Touch, rows: Rows, before: Motion, after: Motion):
        """Whether two accelerations have the same active rows."""
        rate_0, accel_x_0, accel_z_0, joints_0 = before.rate, before.x, before.z, before.joints
        rate_1, accel_x_1, accel_z_1, joints_1 = after.rate, after.x, after.z, after.joints
        point_x, point_z, side = touch.x, touch.z, touch.side
        normal, tangent, stiff = rows.normal, rows.tangent, rows.stiff
        limit, limit_stiff = rows.limit, rows.limit_stiff
        changed = wp.int32(0)
        for e in range(16):
            b = constraint.END_BODY[e]
            s0 = row_normal(rate_0[b], accel_z_0[b], point_x[e], normal[e])
            t0 = row_tangent(rate_0[b], accel_x_0[b], point_z[e], tangent[e])
            s1 = row_normal(rate_1[b], accel_z_1[b], point_x[e], normal[e])
            t1 = row_tangent(rate_1[b], accel_x_1[b], point_z[e], tangent[e])
            other = differ(s0, s1) + differ(s0 + t0, s1 + t1) + differ(s0 - t0, s1 - t1)
            changed = changed + wp.where(stiff[e] > zero, other, 0)
        for j in range(6):
            before_j = row_limit(joints_0[j + 3], side[j], limit[j])
            after_j = row_limit(joints_1[j + 3], side[j], limit[j])
            other = differ(before_j, after_j)
            changed = changed + wp.where(limit_stiff[j] > zero, other, 0)
        return changed == 0

    @wp.func
    def mj_Euler(frames: Frames, qacc: vec9):
        """Return the acceleration with which velocities step: damping taken at the step's end.

        That is (M + hB)^-1 M qacc, where M qacc is all force there is. It is computed as
        qacc - (M + hB)^-1 hB qacc: the constraints' forces are never needed, which in float32 are
        small differences of large numbers.
        """
        tree = masses(frames)
        late = vec9()
        for j in range(6):
            tree.diagonal[j] = tree.diagonal[j] + step_damping[j]
            late[j + 3] = step_damping[j] * qacc[j + 3]
        motion = solve(tree, frames, late)
        return qacc - motion.joints

    return SimpleNamespace(
        masses=masses,
        solve=solve,
        newton=newton,
        same_rows=same_rows,
        mj_Euler=mj_Euler,
        row_normal=row_normal,
        row_tangent=row_tangent,
        row_limit=row_limit,
    )
