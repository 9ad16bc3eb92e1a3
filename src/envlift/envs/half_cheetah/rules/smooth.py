"""The stages of MuJoCo that know nothing of constraints: places, inertias, smooth forces.

The cheetah moves in the x-z plane, so a body's motion is three numbers: its turning rate about y
and the velocity (x, z) of whatever of it passes the point O. All bodies share one O, the origin of
the torso, with the axes of the world: nothing has to be carried from frame to frame, and how far
the cheetah has run costs no digits. A motion is (w, ux, uz); a wrench (torque about O, fx, fz) is
what pairs with it to a power.

A hinge at the place (ax, az) from O moves what hangs on it by the screw (1, -az, ax).
"""

# mypy: ignore-errors
# ruff: noqa: D103
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
    vec6, vec7, vec9 = (scalars.vector_type(real, n) for n in (6, 7, 9))
    sin_cos = scalars.make(real).sin_cos

    pos_x, pos_z = (constant(real, [p[i] for p in m.body_pos]) for i in (0, 1))
    ipos_x, ipos_z = (constant(real, [p[i] for p in m.body_ipos]) for i in (0, 1))
    mass, inertia = constant(real, m.body_mass), constant(real, m.inertia_y)
    stiffness, damping = constant(real, m.stiffness), constant(real, m.damping)
    gear = constant(real, m.gear)
    upward = wp.constant(real(-m.options["gravity"][1]))
    ctrl_low, ctrl_high = (wp.constant(real(limit)) for limit in m.options["ctrlrange"])
    zero, one = wp.constant(real(0.0)), wp.constant(real(1.0))

    @wp.struct
    class Frames:
        """Sine and cosine of each body's turn, and the place of its origin from O, m."""

        sin: vec7
        cos: vec7
        x: vec7
        z: vec7

    @wp.struct
    class Inertias:
        """Each body about O: mass times the place of its centre, kg m; moment of inertia, kg m^2."""

        mass_x: vec7
        mass_z: vec7
        moment: vec7

    @wp.func
    def mj_kinematics(qpos: vec9):
        """Place the bodies."""
        frames = Frames()
        angle = vec7()
        for b in range(7):
            if b == 0:
                angle[b] = qpos[2]
            else:
                angle[b] = angle[PARENT[b]] + qpos[b + 2]
            pair = sin_cos(angle[b])
            frames.sin[b] = pair[0]
            frames.cos[b] = pair[1]
        for b in range(1, 7):
            s = frames.sin[PARENT[b]]
            c = frames.cos[PARENT[b]]
            frames.x[b] = frames.x[PARENT[b]] + pos_x[b] * c + pos_z[b] * s
            frames.z[b] = frames.z[PARENT[b]] - pos_x[b] * s + pos_z[b] * c
        return frames

    @wp.func
    def mj_comPos(frames: Frames):
        """Take each body's inertia about O."""
        result = Inertias()
        for b in range(7):
            x = frames.x[b] + ipos_x[b] * frames.cos[b] + ipos_z[b] * frames.sin[b]
            z = frames.z[b] - ipos_x[b] * frames.sin[b] + ipos_z[b] * frames.cos[b]
            result.mass_x[b] = mass[b] * x
            result.mass_z[b] = mass[b] * z
            result.moment[b] = inertia[b] + mass[b] * (x * x + z * z)
        return result

    @wp.func
    def mj_rne(frames: Frames, inertias: Inertias, qvel: vec9):
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
                rate[b] = rate[PARENT[b]] + qvel[b + 2]
                squared = rate[PARENT[b]] * rate[PARENT[b]]
                accel_x[b] = accel_x[PARENT[b]] - squared * (frames.x[b] - frames.x[PARENT[b]])
                accel_z[b] = accel_z[PARENT[b]] - squared * (frames.z[b] - frames.z[PARENT[b]])
            own = rate[b] * rate[b]
            place_x = inertias.mass_x[b]
            place_z = inertias.mass_z[b]
            ax = accel_x[b] + own * frames.x[b]
            az = accel_z[b] + own * frames.z[b]
            # m * (a - w^2 (c - origin)) with m c at hand; its torque is c x force, where the part
            # along c has none.
            force_x[b] = mass[b] * ax - own * place_x
            force_z[b] = mass[b] * az - own * place_z
            torque[b] = place_z * ax - place_x * az
        for i in range(6):
            b = 6 - i
            torque[PARENT[b]] = torque[PARENT[b]] + torque[b]
            force_x[PARENT[b]] = force_x[PARENT[b]] + force_x[b]
            force_z[PARENT[b]] = force_z[PARENT[b]] + force_z[b]
        bias = vec9()
        bias[0] = force_x[0]
        bias[1] = force_z[0]
        bias[2] = torque[0]
        for b in range(1, 7):
            bias[b + 2] = torque[b] - frames.z[b] * force_x[b] + frames.x[b] * force_z[b]
        return bias

    @wp.func
    def mj_passive(qpos: vec9, qvel: vec9):
        """Return the springs' and dampers' forces."""
        force = vec9()
        for j in range(6):
            force[j + 3] = -stiffness[j] * qpos[j + 3] - damping[j] * qvel[j + 3]
        return force

    @wp.func
    def mj_fwdActuation(ctrl: vec6):
        """Return the motors' forces; MuJoCo takes all of a control with a NaN as zero."""
        known = bool(True)
        for j in range(6):
            known = known and ctrl[j] == ctrl[j]
        force = vec9()
        for j in range(6):
            limited = wp.where(ctrl[j] < ctrl_low, ctrl_low, ctrl[j])
            limited = wp.where(limited > ctrl_high, ctrl_high, limited)
            force[j + 3] = wp.where(known, gear[j] * limited, zero)
        return force

    return SimpleNamespace(
        Frames=Frames,
        Inertias=Inertias,
        mj_kinematics=mj_kinematics,
        mj_comPos=mj_comPos,
        mj_rne=mj_rne,
        mj_passive=mj_passive,
        mj_fwdActuation=mj_fwdActuation,
    )
