"""The stages of MuJoCo that know nothing of constraints: places, inertias, smooth forces.

The cheetah moves in the x-z plane, so a body's motion is three numbers: its turning rate about y
and the velocity (x, z) of its origin, where its hinge is. Axes are the world's everywhere, and only
the way from a parent's origin to its child's is ever needed: nothing is large, so few digits are
lost, however far the cheetah has run. A motion is (w, ux, uz); a wrench (torque about the same
origin, fx, fz) is what pairs with it to a power.

A step takes all of these stages in float64 and rounds what the solver needs. How far an end has
sunk into the floor is a small difference of large numbers, and the forces hang on it by a factor of
10,000; so places are in float64 (``fine``) whatever ``real`` is.
"""

# mypy: ignore-errors
# Warp's kernel language looks like Python but has its own types, which Warp checks.

from functools import cache
from types import SimpleNamespace
from typing import Any

import warp as wp

from envlift.envs.half_cheetah.rules import model, scalars

PARENT = wp.constant(wp.types.vector(length=model.NUM_BODIES, dtype=wp.int32)(*model.PARENT))


@cache
def make(real: Any) -> SimpleNamespace:
    """Return the stages for one number type."""
    m = model.load()
    constant = scalars.vector
    fine = scalars.FINE
    vec6, vec7, vec9 = (scalars.vector_type(real, n) for n in (6, 7, 9))
    fine7, fine9 = (scalars.vector_type(fine, n) for n in (7, 9))
    sin_cos = scalars.sine_and_cosine()

    pos_x, pos_z = (constant(fine, [p[i] for p in m.body_pos]) for i in (0, 1))
    ipos_x, ipos_z = (constant(fine, [p[i] for p in m.body_ipos]) for i in (0, 1))
    mass = constant(real, m.body_mass)
    stiffness, damping = constant(real, m.stiffness), constant(real, m.damping)
    gear = constant(real, m.gear)
    upward = wp.constant(real(-m.options["gravity"][1]))
    ctrl_low, ctrl_high = (wp.constant(real(limit)) for limit in m.options["ctrlrange"])
    zero = wp.constant(real(0.0))

    @wp.struct
    class Places:
        """Sine and cosine of each body's turn, and the height of its origin above the floor, m."""

        sin: fine7
        cos: fine7
        height: fine7

    @wp.struct
    class Frames:
        """The way from the parent's origin to the body's, m, and from there to its centre of mass,
        times the mass, kg m.
        """

        x: vec7
        z: vec7
        mass_x: vec7
        mass_z: vec7

    @wp.func
    def mj_kinematics(qpos: fine9):
        """Place the bodies."""
        places = Places()
        angle = fine7()
        for b in range(7):
            if b == 0:
                angle[b] = qpos[2]
            else:
                angle[b] = angle[PARENT[b]] + qpos[b + 2]
            pair = sin_cos(angle[b])
            places.sin[b] = pair[0]
            places.cos[b] = pair[1]
        places.height[0] = qpos[1] + pos_z[0]
        for b in range(1, 7):
            p = PARENT[b]
            turned = pos_z[b] * places.cos[p] - pos_x[b] * places.sin[p]
            places.height[b] = places.height[p] + turned
        return places

    @wp.func
    def mj_comPos(places: Places):
        """Say where everything is from the origin next to it."""
        frames = Frames()
        for b in range(7):
            s = places.sin[b]
            c = places.cos[b]
            frames.mass_x[b] = mass[b] * real(ipos_x[b] * c + ipos_z[b] * s)
            frames.mass_z[b] = mass[b] * real(ipos_z[b] * c - ipos_x[b] * s)
        for b in range(1, 7):
            s = places.sin[PARENT[b]]
            c = places.cos[PARENT[b]]
            frames.x[b] = real(pos_x[b] * c + pos_z[b] * s)
            frames.z[b] = real(pos_z[b] * c - pos_x[b] * s)
        return frames

    @wp.struct
    class Motion:
        """Velocity, or acceleration, of each body and of the joints."""

        rate: vec7
        x: vec7
        z: vec7
        joints: vec9

    @wp.func
    def moved(frames: Frames, joints: vec9):
        """Return how the bodies move when the joints do: every row of J times a vector needs it."""
        motion = Motion()
        motion.joints = joints
        motion.x[0] = joints[0]
        motion.z[0] = joints[1]
        motion.rate[0] = joints[2]
        for b in range(1, 7):
            p = PARENT[b]
            motion.rate[b] = motion.rate[p] + joints[b + 2]
            motion.x[b] = motion.x[p] + motion.rate[p] * frames.z[b]
            motion.z[b] = motion.z[p] - motion.rate[p] * frames.x[b]
        return motion

    @wp.func
    def gathered(frames: Frames, torque: vec7, force_x: vec7, force_z: vec7):
        """Return what the joints feel of a wrench on every body."""
        force = vec9()
        for i in range(6):
            b = 6 - i
            p = PARENT[b]
            force[b + 2] = torque[b]
            lever = frames.z[b] * force_x[b] - frames.x[b] * force_z[b]
            torque[p] = torque[p] + (torque[b] + lever)
            force_x[p] = force_x[p] + force_x[b]
            force_z[p] = force_z[p] + force_z[b]
        force[0] = force_x[0]
        force[1] = force_z[0]
        force[2] = torque[0]
        return force

    @wp.func
    def mj_rne(frames: Frames, qvel: vec9):
        """Return the bias force: what holds the accelerations at zero against gravity and turning.

        Nothing but the turning rates matters: at zero accelerations every body's origin, and its
        centre of mass, is pulled towards its parent's.
        """
        rate = vec7()
        accel_x = vec7()
        accel_z = vec7()
        torque = vec7()
        force_x = vec7()
        force_z = vec7()
        for b in range(7):
            if b == 0:
                rate[b] = qvel[2]
                accel_x[b] = zero
                accel_z[b] = upward
            else:
                p = PARENT[b]
                rate[b] = rate[p] + qvel[b + 2]
                accel_x[b] = accel_x[p] - rate[p] * rate[p] * frames.x[b]
                accel_z[b] = accel_z[p] - rate[p] * rate[p] * frames.z[b]
            squared = rate[b] * rate[b]
            # m (a - w^2 c), whose part along c has no torque.
            force_x[b] = mass[b] * accel_x[b] - squared * frames.mass_x[b]
            force_z[b] = mass[b] * accel_z[b] - squared * frames.mass_z[b]
            torque[b] = frames.mass_z[b] * accel_x[b] - frames.mass_x[b] * accel_z[b]
        return gathered(frames, torque, force_x, force_z)

    @wp.func
    def mj_passive(qpos: fine9, qvel: vec9):
        """Return the springs' and dampers' forces."""
        force = vec9()
        for j in range(6):
            force[j + 3] = -stiffness[j] * real(qpos[j + 3]) - damping[j] * qvel[j + 3]
        return force

    @wp.func
    def mj_fwdActuation(ctrl: vec6):
        """Return the motors' forces; MuJoCo takes all of a control with a NaN as zero."""
        unknown = wp.int32(0)
        for j in range(6):
            unknown = unknown + wp.where(ctrl[j] == ctrl[j], 0, 1)
        force = vec9()
        for j in range(6):
            limited = wp.where(ctrl[j] < ctrl_low, ctrl_low, ctrl[j])
            limited = wp.where(limited > ctrl_high, ctrl_high, limited)
            force[j + 3] = wp.where(unknown == 0, gear[j] * limited, zero)
        return force

    return SimpleNamespace(
        Places=Places,
        Frames=Frames,
        mj_kinematics=mj_kinematics,
        mj_comPos=mj_comPos,
        Motion=Motion,
        moved=moved,
        mj_rne=mj_rne,
        mj_passive=mj_passive,
        mj_fwdActuation=mj_fwdActuation,
    )
