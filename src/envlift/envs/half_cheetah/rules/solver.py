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
    Frames = smooth.make(real).Frames
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

    @wp.struct
    class Motion:
        """Acceleration of each body and of the joints."""

        rate: vec7
        x: vec7
        z: vec7
        qacc: vec9

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
        across_t = vec6()
        across_x = vec6()
        across_z = vec6()
        free = vec6()
        for i in range(6):
            j = 5 - i
            b = j + 1
            p = smooth.PARENT[b]
            x = frames.x[b]
            z = frames.z[b]
            diagonal = tree.diagonal[j]
            inv = one / (tree.tt[b] + diagonal)
            vt = tree.tt[b] * inv
            vx = tree.tx[b] * inv
            vz = tree.tz[b] * inv
            left = (force[j + 3] + tree.torque[b]) * inv
            # What the hinge passes on. Where the body is stiff, tt is nearly tt + diagonal: the
            # difference of tt and tt * vt is taken as this product, which loses no digits.
            kept = diagonal * inv
            tt = tree.tt[b] * kept
            tx = tree.tx[b] * kept
            tz = tree.tz[b] * kept
            xx = tree.xx[b] - tree.tx[b] * vx
            xz = tree.xz[b] - tree.tx[b] * vz
            zz = tree.zz[b] - tree.tz[b] * vz
            torque = tree.torque[b] * kept - vt * force[j + 3]
            force_x = tree.force_x[b] - tree.tx[b] * left
            force_z = tree.force_z[b] - tree.tz[b] * left
            # To the parent's origin.
            far_x = tx + z * xx - x * xz
            far_z = tz + z * xz - x * zz
            tree.tt[p] = tree.tt[p] + (tt + z * (tx + far_x) - x * (tz + far_z))
            tree.tx[p] = tree.tx[p] + far_x
            tree.tz[p] = tree.tz[p] + far_z
            tree.xx[p] = tree.xx[p] + xx
            tree.xz[p] = tree.xz[p] + xz
            tree.zz[p] = tree.zz[p] + zz
            tree.torque[p] = tree.torque[p] + (torque + z * force_x - x * force_z)
            tree.force_x[p] = tree.force_x[p] + force_x
            tree.force_z[p] = tree.force_z[p] + force_z
            across_t[j] = vt
            across_x[j] = vx
            across_z[j] = vz
            free[j] = left
        motion = Motion()
        # The torso: three equations, eliminated from z over x to the turn.
        inv_z = one / tree.zz[0]
        xz = tree.xz[0] * inv_z
        tz = tree.tz[0] * inv_z
        force_z = force[1] + tree.force_z[0]
        force_x = force[0] + tree.force_x[0] - xz * force_z
        torque = force[2] + tree.torque[0] - tz * force_z
        inv_x = one / (tree.xx[0] - xz * tree.xz[0])
        lower = tree.tx[0] - xz * tree.tz[0]
        tx = lower * inv_x
        torque = torque - tx * force_x
        rate = torque / (tree.tt[0] - tz * tree.tz[0] - tx * lower)
        accel_x = force_x * inv_x - tx * rate
        accel_z = force_z * inv_z - tz * rate - xz * accel_x
        motion.rate[0] = rate
        motion.x[0] = accel_x
        motion.z[0] = accel_z
        motion.qacc[0] = accel_x
        motion.qacc[1] = accel_z
        motion.qacc[2] = rate
        for j in range(6):
            b = j + 1
            p = smooth.PARENT[b]
            motion.x[b] = motion.x[p] + motion.rate[p] * frames.z[b]
            motion.z[b] = motion.z[p] - motion.rate[p] * frames.x[b]
            carried = across_x[j] * motion.x[b] + across_z[j] * motion.z[b]
            turn = free[j] - across_t[j] * motion.rate[p] - carried
            motion.qacc[j + 3] = turn
            motion.rate[b] = motion.rate[p] + turn
        return motion

    @wp.func
    def moved(frames: Frames, qacc: vec9):
        """Return how the bodies move when the joints do: every row of J times a vector needs it."""
        motion = Motion()
        motion.qacc = qacc
        motion.x[0] = qacc[0]
        motion.z[0] = qacc[1]
        motion.rate[0] = qacc[2]
        for b in range(1, 7):
            p = smooth.PARENT[b]
            motion.rate[b] = motion.rate[p] + qacc[b + 2]
            motion.x[b] = motion.x[p] + motion.rate[p] * frames.z[b]
            motion.z[b] = motion.z[p] - motion.rate[p] * frames.x[b]
        return motion

    @wp.func
    def row_normal(motion: Motion, touch: Touch, rows: Rows, e: int):
        """Return what the two bare edges of an end say of an acceleration: J a - aref."""
        b = constraint.END_BODY[e]
        return motion.z[b] - motion.rate[b] * touch.x[e] + rows.normal[e]

    @wp.func
    def row_tangent(motion: Motion, touch: Touch, rows: Rows, e: int):
        """Return what the other two add to that, and take from it."""
        b = constraint.END_BODY[e]
        return mu * (motion.x[b] + motion.rate[b] * touch.z[e] + rows.tangent[e])

    @wp.func
    def row_limit(motion: Motion, touch: Touch, rows: Rows, j: int):
        """Return what a hinge's limit says of an acceleration."""
        return touch.side[j] * motion.qacc[j + 3] + rows.limit[j]

    @wp.func
    def touching(tree: Tree, motion: Motion, touch: Touch, rows: Rows):
        """Add the rows that are active at an acceleration to the tree."""
        for e in range(16):
            b = constraint.END_BODY[e]
            s = row_normal(motion, touch, rows, e)
            t = row_tangent(motion, touch, rows, e)
            d = rows.stiff[e]
            bare = wp.where(s < zero, d, zero)
            plus = wp.where(s + t < zero, d, zero)
            minus = wp.where(s - t < zero, d, zero)
            nn = two * bare + plus + minus
            nt = mu * (plus - minus)
            tt = mu * mu * (plus + minus)
            x = touch.x[e]
            z = touch.z[e]
            # The normal and the tangent about the origin: (-x, 0, 1) and (z, 1, 0).
            along_n = nt * z - nn * x
            along_t = tt * z - nt * x
            tree.tt[b] = tree.tt[b] + (along_t * z - along_n * x)
            tree.tx[b] = tree.tx[b] + along_t
            tree.tz[b] = tree.tz[b] + along_n
            tree.xx[b] = tree.xx[b] + tt
            tree.xz[b] = tree.xz[b] + nt
            tree.zz[b] = tree.zz[b] + nn
            force_n = -(nn * rows.normal[e] + nt * rows.tangent[e])
            force_t = -(nt * rows.normal[e] + tt * rows.tangent[e])
            tree.torque[b] = tree.torque[b] + (z * force_t - x * force_n)
            tree.force_x[b] = tree.force_x[b] + force_t
            tree.force_z[b] = tree.force_z[b] + force_n
        return tree

    @wp.func
    def pushes(motion: Motion, touch: Touch, rows: Rows, j: int):
        """Return the stiffness of a hinge's limit where it is active, else 0."""
        return wp.where(row_limit(motion, touch, rows, j) < zero, rows.limit_stiff[j], zero)

    @wp.func
    def newton(frames: Frames, touch: Touch, rows: Rows, qfrc_smooth: vec9, before: Motion):
        """Take a full Newton step from an acceleration."""
        tree = touching(masses(frames), before, touch, rows)
        force = vec9()
        for i in range(3):
            force[i] = qfrc_smooth[i]
        for j in range(6):
            stiff = pushes(before, touch, rows, j)
            tree.diagonal[j] = tree.diagonal[j] + stiff
            force[j + 3] = qfrc_smooth[j + 3] - stiff * touch.side[j] * rows.limit[j]
        return solve(tree, frames, force)

    @wp.func
    def same_rows(touch: Touch, rows: Rows, before: Motion, after: Motion):
        """Whether two accelerations have the same active rows."""
        changed = wp.int32(0)
        for e in range(16):
            s0 = row_normal(before, touch, rows, e)
            t0 = row_tangent(before, touch, rows, e)
            s1 = row_normal(after, touch, rows, e)
            t1 = row_tangent(after, touch, rows, e)
            other = (s0 < zero) != (s1 < zero)
            other = other or (s0 + t0 < zero) != (s1 + t1 < zero)
            other = other or (s0 - t0 < zero) != (s1 - t1 < zero)
            changed = changed + wp.where(other and rows.stiff[e] > zero, 1, 0)
        for j in range(6):
            first = row_limit(before, touch, rows, j) < zero
            other = first != (row_limit(after, touch, rows, j) < zero)
            changed = changed + wp.where(other and rows.limit_stiff[j] > zero, 1, 0)
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
        return qacc - motion.qacc

    return SimpleNamespace(
        Motion=Motion,
        masses=masses,
        solve=solve,
        moved=moved,
        newton=newton,
        same_rows=same_rows,
        mj_Euler=mj_Euler,
        row_normal=row_normal,
        row_tangent=row_tangent,
        row_limit=row_limit,
    )
