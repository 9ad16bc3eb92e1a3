"""One step of the environment, in the phases that ``targets.warp_phases`` asks for.

``check``, ``position`` and ``velocity`` are MuJoCo's stages before its solver, ``iterate`` is one
Newton step, ``polish`` one in float64, ``settle`` the integrator, ``end`` the task of Gymnasium's
HalfCheetah-v5. ``iterate`` computes in ``real``, the rest in float64.
"""

# mypy: ignore-errors
# Warp's kernel language looks like Python but has its own types, which Warp checks.

import math
from functools import cache
from types import SimpleNamespace
from typing import Any

import warp as wp

from envlift.envs.half_cheetah.rules import constraint, model, scalars, smooth, solver
from envlift.targets import chance, warp_chance

LARGEST = 1e10
"""What is larger than this in a state or an acceleration is not trusted (MuJoCo's mjMAXVAL)."""


RESET = wp.constant(chance.RESET)
ACTION = wp.constant(chance.ACTION)


@cache
def make(real: Any, frame_skip: int) -> SimpleNamespace:
    """Return the structs and phases for one number type.

    Args:
        real: ``wp.float32`` or ``wp.float64``.
        frame_skip: MuJoCo's steps in one of the environment's.
    """
    fine = scalars.FINE
    vec6, vec9 = (scalars.vector_type(real, n) for n in (6, 9))
    fine9 = scalars.vector_type(fine, 9)
    fine6 = scalars.vector_type(fine, 6)
    smooths, constraints, solvers = smooth.make(fine), constraint.make(fine), solver.make(fine)
    mj_kinematics, mj_comPos, mj_rne = smooths.mj_kinematics, smooths.mj_comPos, smooths.mj_rne
    mj_passive, mj_fwdActuation = smooths.mj_passive, smooths.mj_fwdActuation
    mj_collision, mj_makeConstraint = constraints.mj_collision, constraints.mj_makeConstraint
    fine_newton, fine_same_rows, mj_Euler = solvers.newton, solvers.same_rows, solvers.mj_Euler
    fine_moved = smooths.moved
    near_smooths, near_solvers = smooth.make(real), solver.make(real)
    newton, same_rows, moved = near_solvers.newton, near_solvers.same_rows, near_smooths.moved
    NearTouch, NearRows = constraint.make(real).Touch, constraint.make(real).Rows
    NearFrames = near_smooths.Frames
    seconds = model.load().options["timestep"]
    timestep = wp.constant(fine(seconds))
    duration = wp.constant(fine(frame_skip * seconds))
    full_turn = wp.constant(real(2.0 * math.pi))
    largest, fine_largest = wp.constant(real(LARGEST)), wp.constant(fine(LARGEST))
    zero, fine_zero = wp.constant(real(0.0)), wp.constant(fine(0.0))
    half = wp.constant(real(0.5))

    @wp.struct
    class Cheetah:
        """The fields of ``half_cheetah.state.State``, in the same order."""

        qpos: vec9
        qpos_rest: vec9
        qvel: vec9
        qvel_rest: vec9
        elapsed_steps: wp.int32

    @wp.struct
    class Noise:
        """The fields of ``half_cheetah.state.Draws``, in the same order."""

        uniform: vec9
        normal: vec9

    @wp.struct
    class Work:
        """What the phases leave for each other.

        All is in float64 but what the Newton steps look at, ``near_*``, the same numbers rounded.
        ``ctrl`` is the action, not yet clamped. ``unstable`` is 1 once something was not to be
        trusted; ``pending`` is 0, or the number of the Newton step that comes next. ``accel`` is
        the acceleration in float64, ``polished`` 0 before the first step there, -1 after the last.
        """

        frames: smooths.Frames
        touch: constraints.Touch
        rows: constraints.Rows
        qpos: fine9
        qvel: fine9
        qfrc_smooth: fine9
        near_frames: NearFrames
        near_touch: NearTouch
        near_rows: NearRows
        near_smooth: vec9
        ctrl: vec6
        qacc: vec9
        accel: fine9
        unstable: wp.int32
        pending: wp.int32
        polished: wp.int32

    # Counted, not tied together with "and", which branches.
    @wp.func
    def wild(numbers: vec9):
        """Return how many numbers are NaN or enormous."""
        count = wp.int32(0)
        for i in range(9):
            count = count + wp.where(wp.abs(numbers[i]) < largest, 0, 1)
        return count

    @wp.func
    def wild_fine(numbers: fine9):
        """Return the same for positions and speeds."""
        count = wp.int32(0)
        for i in range(9):
            count = count + wp.where(wp.abs(numbers[i]) < fine_largest, 0, 1)
        return count

    @wp.func
    def whole(numbers: vec9, rests: vec9):
        """Return numbers with all their digits."""
        result = fine9()
        for i in range(9):
            result[i] = fine(numbers[i]) + fine(rests[i])
        return result

    @wp.func
    def rounded(numbers: fine9):
        result = vec9()
        for i in range(9):
            result[i] = real(numbers[i])
        return result

    @wp.func
    def near_frames(frames: smooths.Frames):
        near = NearFrames()
        for b in range(7):
            near.x[b] = real(frames.x[b])
            near.z[b] = real(frames.z[b])
            near.mass_x[b] = real(frames.mass_x[b])
            near.mass_z[b] = real(frames.mass_z[b])
        return near

    @wp.func
    def near_touch(touch: constraints.Touch):
        """Round what the solver needs of it."""
        near = NearTouch()
        for e in range(16):
            near.x[e] = real(touch.x[e])
            near.z[e] = real(touch.z[e])
        for j in range(6):
            near.side[j] = real(touch.side[j])
        return near

    @wp.func
    def near_rows(rows: constraints.Rows):
        near = NearRows()
        for e in range(16):
            near.normal[e] = real(rows.normal[e])
            near.tangent[e] = real(rows.tangent[e])
            near.stiff[e] = real(rows.stiff[e])
        for j in range(6):
            near.limit[j] = real(rows.limit[j])
            near.limit_stiff[j] = real(rows.limit_stiff[j])
        return near

    @wp.func
    def start(state: Cheetah, action: vec6):
        work = Work()
        work.qpos = whole(state.qpos, state.qpos_rest)
        work.qvel = whole(state.qvel, state.qvel_rest)
        work.ctrl = action
        for j in range(6):
            work.unstable = wp.where(wp.abs(action[j]) < largest, work.unstable, 1)
        return work

    @wp.func
    def begin(
        state: Cheetah,
        action: vec6,
        forward_reward_weight: real,
        ctrl_cost_weight: real,
        max_episode_steps: wp.int32,
    ):
        return start(state, action)

    @wp.func
    def check(work: Work):
        """Do mj_checkPos and mj_checkVel: what nobody trusts becomes qpos0, without control."""
        good = wild_fine(work.qpos) + wild_fine(work.qvel) + wild(work.qacc) == 0
        work.unstable = wp.where(good, work.unstable, 1)
        for i in range(9):
            work.qpos[i] = wp.where(good, work.qpos[i], fine_zero)
            work.qvel[i] = wp.where(good, work.qvel[i], fine_zero)
            work.qacc[i] = wp.where(good, work.qacc[i], zero)
        for j in range(6):
            work.ctrl[j] = wp.where(good, work.ctrl[j], zero)
        return work

    @wp.func
    def position(work: Work):
        """Do mj_fwdPosition, and the forces that need no more than the joints."""
        places = mj_kinematics(work.qpos)
        frames = mj_comPos(places)
        touch = mj_collision(places, work.qpos)
        ctrl = fine6()
        for j in range(6):
            ctrl[j] = fine(work.ctrl[j])
        work.qfrc_smooth = mj_passive(work.qpos, work.qvel) + mj_fwdActuation(ctrl)
        work.frames = frames
        work.touch = touch
        work.near_frames = near_frames(frames)
        work.near_touch = near_touch(touch)
        return work

    @wp.func
    def velocity(work: Work):
        """Do what is left of mj_forward before its solver."""
        rows = mj_makeConstraint(work.frames, work.touch, work.qvel)
        smooth_force = work.qfrc_smooth - mj_rne(work.frames, work.qvel)
        work.rows = rows
        work.qfrc_smooth = smooth_force
        work.near_rows = near_rows(rows)
        work.near_smooth = rounded(smooth_force)
        work.pending = 1
        work.polished = 0
        return work

    @wp.func
    def iterate(work: Work):
        """Take a Newton step; a work that has converged stays as it is."""
        frames, touch, rows = work.near_frames, work.near_touch, work.near_rows
        before = moved(frames, work.qacc)
        after = newton(frames, touch, rows, work.near_smooth, before)
        done = same_rows(touch, rows, before, after)
        full = done or work.pending <= wp.static(solver.FULL_STEPS)
        for i in range(9):
            halfway = half * (work.qacc[i] + after.joints[i])
            work.qacc[i] = wp.where(full, after.joints[i], halfway)
        work.pending = wp.where(done, 0, work.pending + 1)
        return work

    @wp.func
    def polish(work: Work):
        """Take a Newton step in float64; mostly one is enough, for the active rows are known.

        Where the floor pushes hard, its stiffness times what float32 cannot see of an acceleration
        is a force that shakes the joints beside it; and once in 500,000 substeps float32 cannot see
        on which side of zero a row is.
        """
        start = fine9()
        for i in range(9):
            start[i] = wp.where(work.polished == 0, fine(work.qacc[i]), work.accel[i])
        before = fine_moved(work.frames, start)
        after = fine_newton(work.frames, work.touch, work.rows, work.qfrc_smooth, before)
        done = fine_same_rows(work.touch, work.rows, before, after)
        for i in range(9):
            work.accel[i] = wp.where(work.polished < 0, work.accel[i], after.joints[i])
        further = wp.where(done, -1, 1)
        work.polished = wp.where(work.polished < 0, -1, further)
        work.pending = wp.where(work.polished < 0, 0, 1)
        return work

    @wp.func
    def settle(work: Work):
        """Step the speeds and positions."""
        work.qacc = rounded(work.accel)
        work.qvel = work.qvel + timestep * mj_Euler(work.frames, work.accel)
        work.qpos = work.qpos + timestep * work.qvel
        return work

    @wp.func
    def end(
        state: Cheetah,
        work: Work,
        action: vec6,
        forward_reward_weight: real,
        ctrl_cost_weight: real,
        max_episode_steps: wp.int32,
    ):
        good = wild_fine(work.qpos) + wild_fine(work.qvel) + wild(work.qacc) == 0
        unstable = wp.where(good, work.unstable, 1) == 1
        # In float64, since the difference of two places far from zero has few digits left.
        began = fine(state.qpos[0]) + fine(state.qpos_rest[0])
        x_velocity = real((work.qpos[0] - began) / duration)
        x_velocity = wp.where(unstable, zero, x_velocity)
        for i in range(9):
            qpos = wp.where(good, work.qpos[i], fine_zero)
            qvel = wp.where(good, work.qvel[i], fine_zero)
            state.qpos[i] = real(qpos)
            state.qvel[i] = real(qvel)
            state.qpos_rest[i] = real(qpos - fine(state.qpos[i]))
            state.qvel_rest[i] = real(qvel - fine(state.qvel[i]))
        state.elapsed_steps = state.elapsed_steps + 1
        # Gymnasium squares and adds in the action's own float32, clamped or not.
        squares = wp.float32(0.0)
        for j in range(6):
            squares = squares + wp.float32(work.ctrl[j]) * wp.float32(work.ctrl[j])
        cost = wp.float32(ctrl_cost_weight) * squares
        reward_ctrl = wp.where(unstable, zero, -real(cost))
        reward = forward_reward_weight * x_velocity + reward_ctrl
        truncated = state.elapsed_steps >= max_episode_steps
        return state, reward, x_velocity, reward_ctrl, unstable, truncated

    @wp.func
    def draw_noise(noise: Noise, word_0: wp.uint32, word_1: wp.uint32):
        """Draw a reset: 9 uniform numbers, and 9 normal ones, each a cosine of Box and Muller."""
        for i in range(9):
            word = warp_chance.bits(warp_chance.stream(word_0, wp.uint32(1 + i)), word_1)
            noise.uniform[i] = real(2.0) * real(warp_chance.unit(word)) - real(1.0)
            word = warp_chance.bits(warp_chance.stream(word_0, wp.uint32(10 + i)), word_1)
            turn = warp_chance.bits(warp_chance.stream(word_0, wp.uint32(19 + i)), word_1)
            # From (0, 1], whose logarithm exists.
            length = wp.sqrt(real(-2.0) * wp.log(real(1.0) - real(warp_chance.unit(word))))
            angle = full_turn * real(warp_chance.unit(turn))
            noise.normal[i] = length * wp.cos(angle)
        return noise

    @wp.func
    def initial(noise: Noise, reset_noise_scale: real):
        state = Cheetah()
        state.qpos = reset_noise_scale * noise.uniform
        state.qvel = reset_noise_scale * noise.normal
        return state

    @wp.func
    def restart(
        state: Cheetah,
        word_0: wp.uint32,
        word_1: wp.uint32,
        reset_noise_scale: real,
        max_episode_steps: wp.int32,
    ):
        """Begin the next episode where this one is over."""
        if state.elapsed_steps >= max_episode_steps:
            noise = Noise()
            noise = draw_noise(noise, word_0, word_1)
            state = initial(noise, reset_noise_scale)
        return state

    @wp.func
    def begin_random(
        state: Cheetah,
        word_0: wp.uint32,
        word_1: wp.uint32,
        forward_reward_weight: real,
        ctrl_cost_weight: real,
        reset_noise_scale: real,
        max_episode_steps: wp.int32,
    ):
        return start(state, draw_action(word_0, word_1))

    @wp.func
    def draw_action(word_0: wp.uint32, word_1: wp.uint32):
        """Draw a uniform action."""
        action = vec6()
        for j in range(6):
            label = wp.uint32(ACTION + 32 * j)
            word = warp_chance.bits(warp_chance.stream(word_0, label), word_1)
            action[j] = real(2.0 * warp_chance.unit(word) - 1.0)
        return action

    @wp.func
    def end_random(
        state: Cheetah,
        work: Work,
        word_0: wp.uint32,
        word_1: wp.uint32,
        forward_reward_weight: real,
        ctrl_cost_weight: real,
        reset_noise_scale: real,
        max_episode_steps: wp.int32,
    ):
        after, reward, _x_velocity, _reward_ctrl, _unstable, truncated = end(
            state, work, work.ctrl, forward_reward_weight, ctrl_cost_weight, max_episode_steps
        )
        return after, reward, truncated

    @wp.func
    def restart_random(
        state: Cheetah,
        word_0: wp.uint32,
        word_1: wp.uint32,
        forward_reward_weight: real,
        ctrl_cost_weight: real,
        reset_noise_scale: real,
        max_episode_steps: wp.int32,
    ):
        return restart(
            state,
            warp_chance.stream(word_0, wp.uint32(RESET)),
            word_1,
            reset_noise_scale,
            max_episode_steps,
        )

    return SimpleNamespace(
        Cheetah=Cheetah,
        Noise=Noise,
        Work=Work,
        start=start,
        begin=begin,
        begin_random=begin_random,
        check=check,
        position=position,
        velocity=velocity,
        iterate=iterate,
        polish=polish,
        settle=settle,
        end=end,
        end_random=end_random,
        draw_noise=draw_noise,
        draw_action=draw_action,
        restart=restart,
        restart_random=restart_random,
    )
