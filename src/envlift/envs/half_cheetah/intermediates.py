"""The rules' own stages, looked into: what a step computes on its way.

Every number comes from a function that ``rules/step.py`` plays with; nothing is computed anew. A
matrix that the rules never form is asked of the function that stands for it, column by column: M
of the sweep that divides by it, J of what a row says of an acceleration.
"""

# mypy: ignore-errors
# Warp's kernel language looks like Python but has its own types, which Warp checks.

from functools import cache
from types import SimpleNamespace

import numpy as np
import warp as wp

from envlift.envs.half_cheetah.rules import constraint, scalars, smooth, solver, step
from envlift.targets import warp_init
from envlift.targets.warp_memory import vector_access

SIZES = {
    "frames_x": 7,
    "frames_z": 7,
    "mass_x": 7,
    "mass_z": 7,
    "qfrc_bias": 9,
    "qfrc_passive": 9,
    "qfrc_actuator": 9,
    "qfrc_smooth": 9,
    "qacc_smooth": 9,
    "qacc": 9,
    "end_x": 16,
    "end_z": 16,
    "end_dist": 16,
    "limit_dist": 6,
    "normal": 16,
    "tangent": 16,
    "stiff": 16,
    "limit": 6,
    "limit_stiff": 6,
    "divided": 9,
    "moved_rate": 7,
    "moved_x": 7,
    "moved_z": 7,
    "normal_of": 16,
    "tangent_of": 16,
    "limit_of": 6,
    "normal_at": 16,
    "tangent_at": 16,
    "limit_at": 6,
    "near_qacc": 9,
    "qpos_after": 9,
    "qvel_after": 9,
    "unstable": 1,
    "polishing": 1,
}
"""What is seen, and how many numbers of it.

``divided`` is M^-1 times the vector that is asked about, ``moved_*`` how it moves the bodies,
``*_of`` is J times it; ``*_at`` is what each row says of the accelerations that were found,
``near_qacc`` is what Newton's steps in ``dtype`` found, before float64 polished it, ``*_after`` is
the state after the substep, ``polishing`` how many Newton steps float64 took.
"""

PLACES = dict(zip(SIZES, np.cumsum([0, *SIZES.values()])[:-1].tolist(), strict=True))
TOTAL = sum(SIZES.values())


def intermediates(
    dtype: str, qpos: np.ndarray, qvel: np.ndarray, ctrl: np.ndarray, vector: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what one substep computes on its way, from each state, without JAX.

    Args:
        dtype: ``float32`` or ``float64``, in which Newton's steps are taken.
        qpos, qvel: float64 [N, 9]; ctrl: [N, 6]; vector: [N, 9], what M and J are applied to.

    Returns:
        float64 [N, size] for each name in ``SIZES``.
    """
    warp_init.init()
    seen = np.zeros(len(qpos) * TOTAL)
    given = [np.ascontiguousarray(array, np.float64) for array in (qpos, qvel, ctrl, vector)]
    with wp.ScopedDevice("cpu"):
        arrays = [
            wp.from_numpy(array, dtype=wp.dtype_from_numpy(array.dtype), device="cpu")
            for array in (*given, seen)
        ]
        wp.launch(_kernel(dtype), dim=len(qpos), inputs=arrays, device="cpu")
        whole = arrays[-1].numpy().reshape(len(qpos), TOTAL)
    return {name: whole[:, PLACES[name] : PLACES[name] + size] for name, size in SIZES.items()}


@cache
def _stages(dtype: str) -> SimpleNamespace:
    """Return the stages as functions of their own: LLVM's time grows faster than what it sees."""
    fine = scalars.FINE
    rules, solving = step.make(scalars.REALS[dtype], 1), solver.make(fine)
    Work, Frames = rules.Work, smooth.make(fine).Frames
    vec9 = scalars.vector_type(fine, 9)
    start, find_places, find_rows = rules.check, rules.position, rules.velocity
    newton, newton_again, settle = rules.iterate, rules.polish, rules.settle
    solve, masses = solving.solve, solving.masses

    @wp.func(inline=False)
    def position(work: Work):
        return find_places(start(work))

    @wp.func(inline=False)
    def velocity(work: Work):
        return find_rows(work)

    @wp.func(inline=False)
    def iterate(work: Work):
        return newton(work)

    @wp.func(inline=False)
    def polish(work: Work):
        return newton_again(work)

    @wp.func(inline=False)
    def integrate(work: Work):
        return settle(work)

    @wp.func(inline=False)
    def divide(frames: Frames, force: vec9):
        motion = solve(masses(frames), frames, force)
        return motion.joints

    return SimpleNamespace(
        position=position,
        velocity=velocity,
        iterate=iterate,
        polish=polish,
        integrate=integrate,
        divide=divide,
    )


@cache
def _kernel(dtype: str) -> wp.Kernel:
    real, fine = scalars.REALS[dtype], scalars.FINE
    real6 = scalars.vector_type(real, 6)
    vec6, vec9, vec16 = (scalars.vector_type(fine, n) for n in (6, 9, 16))
    rules, first, solving = step.make(real, 1), smooth.make(fine), solver.make(fine)
    stages = _stages(dtype)
    position, velocity, iterate = stages.position, stages.velocity, stages.iterate
    polish, integrate, divide = stages.polish, stages.integrate, stages.divide
    Touch, Rows = constraint.make(fine).Touch, constraint.make(fine).Rows
    Cheetah, Motion, start = rules.Cheetah, first.Motion, rules.start
    mj_rne, mj_passive, mj_fwdActuation = first.mj_rne, first.mj_passive, first.mj_fwdActuation
    moved = first.moved
    row_normal, row_tangent = solving.row_normal, solving.row_tangent
    row_limit = solving.row_limit
    place = SimpleNamespace(**PLACES)

    put6, put7, put9, put16 = (vector_access(fine, n)[1] for n in (6, 7, 9, 16))

    @wp.func(inline=False)
    def put_rows(
        seen: wp.array(dtype=fine),
        normal_place: int,
        tangent_place: int,
        limit_place: int,
        motion: Motion,
        touch: Touch,
        rows: Rows,
    ):
        rate, accel_x, accel_z, joints = motion.rate, motion.x, motion.z, motion.joints
        point_x, point_z, side = touch.x, touch.z, touch.side
        wanted_normal, wanted_tangent, wanted_limit = rows.normal, rows.tangent, rows.limit
        normal = vec16()
        tangent = vec16()
        limit = vec6()
        for e in range(16):
            b = constraint.END_BODY[e]
            normal[e] = row_normal(rate[b], accel_z[b], point_x[e], wanted_normal[e])
            tangent[e] = row_tangent(rate[b], accel_x[b], point_z[e], wanted_tangent[e])
        for j in range(6):
            limit[j] = row_limit(joints[j + 3], side[j], wanted_limit[j])
        put16(seen, normal_place, 1, normal)
        put16(seen, tangent_place, 1, tangent)
        put6(seen, limit_place, 1, limit)

    def kernel(
        qpos: wp.array2d(dtype=fine),
        qvel: wp.array2d(dtype=fine),
        ctrl: wp.array2d(dtype=fine),
        vector: wp.array2d(dtype=fine),
        seen: wp.array(dtype=fine),
    ):
        lane = wp.tid()
        base = lane * wp.static(TOTAL)
        state = Cheetah()
        asked = vec9()
        near = vec9()
        control = vec6()
        action = real6()
        for i in range(9):
            state.qpos[i] = real(qpos[lane, i])
            state.qpos_rest[i] = real(qpos[lane, i] - fine(state.qpos[i]))
            state.qvel[i] = real(qvel[lane, i])
            state.qvel_rest[i] = real(qvel[lane, i] - fine(state.qvel[i]))
            asked[i] = vector[lane, i]
        for j in range(6):
            control[j] = ctrl[lane, j]
            action[j] = real(ctrl[lane, j])
        work = position(start(state, action))
        passive = mj_passive(work.qpos, work.qvel)
        put9(seen, base + wp.static(place.qfrc_passive), 1, passive)
        work = velocity(work)
        put7(seen, base + wp.static(place.frames_x), 1, work.frames.x)
        put7(seen, base + wp.static(place.frames_z), 1, work.frames.z)
        put7(seen, base + wp.static(place.mass_x), 1, work.frames.mass_x)
        put7(seen, base + wp.static(place.mass_z), 1, work.frames.mass_z)
        put9(seen, base + wp.static(place.qfrc_bias), 1, mj_rne(work.frames, work.qvel))
        put9(seen, base + wp.static(place.qfrc_actuator), 1, mj_fwdActuation(control))
        put9(seen, base + wp.static(place.qfrc_smooth), 1, work.qfrc_smooth)
        put9(seen, base + wp.static(place.qacc_smooth), 1, divide(work.frames, work.qfrc_smooth))
        put9(seen, base + wp.static(place.divided), 1, divide(work.frames, asked))
        put16(seen, base + wp.static(place.end_x), 1, work.touch.x)
        put16(seen, base + wp.static(place.end_z), 1, work.touch.z)
        put16(seen, base + wp.static(place.end_dist), 1, work.touch.dist)
        put6(seen, base + wp.static(place.limit_dist), 1, work.touch.limit_dist)
        put16(seen, base + wp.static(place.stiff), 1, work.rows.stiff)
        put6(seen, base + wp.static(place.limit_stiff), 1, work.rows.limit_stiff)
        still = moved(work.frames, vec9())
        put_rows(
            seen,
            base + wp.static(place.normal),
            base + wp.static(place.tangent),
            base + wp.static(place.limit),
            still,
            work.touch,
            work.rows,
        )
        motion = moved(work.frames, asked)
        put7(seen, base + wp.static(place.moved_rate), 1, motion.rate)
        put7(seen, base + wp.static(place.moved_x), 1, motion.x)
        put7(seen, base + wp.static(place.moved_z), 1, motion.z)
        put_rows(
            seen,
            base + wp.static(place.normal_of),
            base + wp.static(place.tangent_of),
            base + wp.static(place.limit_of),
            motion,
            work.touch,
            Rows(),
        )
        count = wp.int32(0)
        while work.pending > 0 and count < wp.static(solver.MAX_STEPS):
            work = iterate(work)
            count += 1
        for i in range(9):
            near[i] = fine(work.qacc[i])
        put9(seen, base + wp.static(place.near_qacc), 1, near)
        work = polish(work)
        count = wp.int32(0)
        while work.pending > 0 and count < wp.static(solver.MAX_STEPS):
            work = polish(work)
            count += 1
        seen[base + wp.static(place.polishing)] = fine(count + 1)
        work = integrate(work)
        put9(seen, base + wp.static(place.qacc), 1, work.accel)
        put9(seen, base + wp.static(place.qpos_after), 1, work.qpos)
        put9(seen, base + wp.static(place.qvel_after), 1, work.qvel)
        seen[base + wp.static(place.unstable)] = fine(work.unstable)
        found = moved(work.frames, work.accel)
        put_rows(
            seen,
            base + wp.static(place.normal_at),
            base + wp.static(place.tangent_at),
            base + wp.static(place.limit_at),
            found,
            work.touch,
            work.rows,
        )

    module = wp.get_module(f"envlift.half_cheetah.intermediates.{dtype}")
    module.options.update(warp_init.MODULE_OPTIONS)
    # Looked at a few thousand times, after each change of the rules: compiling takes longer.
    module.options.update(max_unroll=1, optimization_level=1)
    return wp.Kernel(kernel, key=f"half_cheetah_look_{dtype}", module=module)
