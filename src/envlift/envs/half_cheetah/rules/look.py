"""The rules' own stages, looked into: what a step computes on its way, as JAX functions.

Every number comes from a function that ``rules/step.py`` plays with; nothing is computed anew. A
matrix that the rules never form is asked of the function that stands for it, column by column: M
of the sweep that divides by it, J of what a row says of an acceleration.
"""

# mypy: ignore-errors
# Warp's kernel language looks like Python but has its own types, which Warp checks.

from functools import cache

import warp as wp

from envlift.envs.half_cheetah.rules import constraint, scalars, smooth, solver, step
from envlift.targets.warp import BatchedRule


@cache
def make(dtype: str) -> BatchedRule:
    """Return ``rule(*Seen, vector, ctrl) -> Seen``; ``vector`` is what M and J are applied to."""
    real, fine = scalars.REALS[dtype], scalars.FINE
    vec6, vec7, vec9, vec16 = (scalars.vector_type(real, n) for n in (6, 7, 9, 16))
    rules, first = step.make(real, 1), smooth.make(real)
    solving = solver.make(real)
    Rows = constraint.make(real).Rows
    start, position, velocity = rules.start, rules.position, rules.velocity
    iterate, settle = rules.iterate, rules.settle
    Cheetah, Work, Frames = rules.Cheetah, rules.Work, first.Frames
    mj_rne, mj_fwdActuation = first.mj_rne, first.mj_fwdActuation
    solve, masses, moved = solving.solve, solving.masses, solving.moved
    row_normal, row_tangent = solving.row_normal, solving.row_tangent
    row_limit = solving.row_limit

    # Stages of their own, since LLVM's time grows faster than what it sees at once.
    @wp.func(inline=False)
    def mj_fwdPosition(work: Work):
        return position(work)

    @wp.func(inline=False)
    def mj_fwdVelocity(work: Work):
        return velocity(work)

    @wp.func(inline=False)
    def mj_fwdConstraint(work: Work):
        count = wp.int32(0)
        while work.pending > 0 and count < wp.static(solver.MAX_STEPS):
            work = iterate(work)
            count += 1
        return work

    @wp.func(inline=False)
    def mj_Euler(work: Work):
        return settle(work)

    @wp.func(inline=False)
    def divide(frames: Frames, force: vec9):
        motion = solve(masses(frames), frames, force)
        return motion.qacc

    @wp.struct
    class Seen:
        """A state, and after it what is computed on the way to the next one.

        ``divided`` is M^-1 times the vector that is asked about, ``*_of`` is J times it, ``*_at``
        is what each row says of the accelerations found. In and out: qpos and qvel are stepped.
        """

        qpos: vec9
        qpos_rest: vec9
        qvel: vec9
        qvel_rest: vec9
        frames_x: vec7
        frames_z: vec7
        mass_x: vec7
        mass_z: vec7
        qfrc_bias: vec9
        qfrc_passive: vec9
        qfrc_actuator: vec9
        qfrc_smooth: vec9
        qacc_smooth: vec9
        qacc: vec9
        end_x: vec16
        end_z: vec16
        end_dist: vec16
        limit_dist: vec6
        side: vec6
        normal: vec16
        tangent: vec16
        stiff: vec16
        limit: vec6
        limit_stiff: vec6
        divided: vec9
        moved_rate: vec7
        moved_x: vec7
        moved_z: vec7
        normal_of: vec16
        tangent_of: vec16
        limit_of: vec6
        normal_at: vec16
        tangent_at: vec16
        limit_at: vec6

    @wp.func
    def look(seen: Seen, vector: vec9, ctrl: vec6):
        state = Cheetah()
        state.qpos = seen.qpos
        state.qpos_rest = seen.qpos_rest
        state.qvel = seen.qvel
        state.qvel_rest = seen.qvel_rest
        work = start(state, ctrl)
        work = mj_fwdPosition(work)
        seen.qfrc_passive = work.qfrc_smooth
        work = mj_fwdVelocity(work)
        seen.frames_x = work.frames.x
        seen.frames_z = work.frames.z
        seen.mass_x = work.frames.mass_x
        seen.mass_z = work.frames.mass_z
        seen.qfrc_bias = mj_rne(work.frames, seen.qvel)
        seen.qfrc_actuator = mj_fwdActuation(ctrl)
        seen.qfrc_smooth = work.qfrc_smooth
        still = moved(work.frames, vec9())
        seen.qacc_smooth = divide(work.frames, work.qfrc_smooth)
        seen.end_x = work.touch.x
        seen.end_z = work.touch.z
        seen.end_dist = work.touch.dist
        seen.limit_dist = work.touch.limit_dist
        seen.side = work.touch.side
        seen.stiff = work.rows.stiff
        seen.limit_stiff = work.rows.limit_stiff
        seen.divided = divide(work.frames, vector)
        motion = moved(work.frames, vector)
        seen.moved_rate = motion.rate
        seen.moved_x = motion.x
        seen.moved_z = motion.z
        nothing = Rows()
        for e in range(16):
            seen.normal[e] = row_normal(still, work.touch, work.rows, e)
            seen.tangent[e] = row_tangent(still, work.touch, work.rows, e)
            seen.normal_of[e] = row_normal(motion, work.touch, nothing, e)
            seen.tangent_of[e] = row_tangent(motion, work.touch, nothing, e)
        for j in range(6):
            seen.limit[j] = row_limit(still, work.touch, work.rows, j)
            seen.limit_of[j] = row_limit(motion, work.touch, nothing, j)
        work = mj_fwdConstraint(work)
        work = mj_Euler(work)
        seen.qacc = work.qacc
        found = moved(work.frames, work.qacc)
        for e in range(16):
            seen.normal_at[e] = row_normal(found, work.touch, work.rows, e)
            seen.tangent_at[e] = row_tangent(found, work.touch, work.rows, e)
        for j in range(6):
            seen.limit_at[j] = row_limit(found, work.touch, work.rows, j)
        for i in range(9):
            seen.qpos[i] = real(work.qpos[i])
            seen.qpos_rest[i] = real(work.qpos[i] - fine(seen.qpos[i]))
            seen.qvel[i] = real(work.qvel[i])
            seen.qvel_rest[i] = real(work.qvel[i] - fine(seen.qvel[i]))
        return seen

    return BatchedRule(look, Seen, {}, name=f"envlift.half_cheetah.look.{dtype}")
