"""One step of the environment, in the phases that ``targets.warp_phases`` asks for.

``position`` and ``velocity`` are MuJoCo's stages before its solver, ``iterate`` is one Newton step,
``settle`` the last one and the integrator, ``end`` the task of Gymnasium's HalfCheetah-v5.
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
    first, second, third = smooth.make(real), constraint.make(real), solver.make(real)
    mj_kinematics, mj_comPos, mj_rne = first.mj_kinematics, first.mj_comPos, first.mj_rne
    mj_passive, mj_fwdActuation = first.mj_passive, first.mj_fwdActuation
    mj_collision, mj_makeConstraint = second.mj_collision, second.mj_makeConstraint
    newton, same_rows, moved = third.newton, third.same_rows, first.moved
    FineFrames = smooth.make(fine).Frames
    FineTouch, FineRows = constraint.make(fine).Touch, constraint.make(fine).Rows
    fine_newton, fine_moved = solver.make(fine).newton, smooth.make(fine).moved
    fine_euler = solver.make(fine).mj_Euler
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

        Positions and speeds are whole here, ``qvel_real`` is the rounded speed. ``ctrl`` is the
        action, not yet clamped. ``unstable`` is 1 once something was not to be trusted; ``pending``
        is 0, or the number of the Newton step that comes next.
        """

        frames: first.Frames
        touch: second.Touch
        rows: second.Rows
        qpos: fine9
        qvel: fine9
        ctrl: vec6
        qvel_real: vec9
        qfrc_smooth: vec9
        qacc: vec9
        unstable: wp.int32
        pending: wp.int32

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
    def position(work: Work):
        """Do mj_fwdPosition; a state that nobody trusts becomes qpos0, at rest, without control."""
        good = wild_fine(work.qpos) + wild_fine(work.qvel) + wild(work.qacc) == 0
        work.unstable = wp.where(good, work.unstable, 1)
        for i in range(9):
            work.qpos[i] = wp.where(good, work.qpos[i], fine_zero)
            work.qvel[i] = wp.where(good, work.qvel[i], fine_zero)
            work.qacc[i] = wp.where(good, work.qacc[i], zero)
        for j in range(6):
            work.ctrl[j] = wp.where(good, work.ctrl[j], zero)
        places = mj_kinematics(work.qpos)
        work.frames = mj_comPos(places)
        work.touch = mj_collision(places, work.qpos)
        work.qvel_real = rounded(work.qvel)
        work.qfrc_smooth = mj_passive(work.qpos, work.qvel_real)
        return work

    @wp.func
    def velocity(work: Work):
        """Do what is left of mj_forward before its solver."""
        work.rows = mj_makeConstraint(work.frames, work.touch, work.qvel_real)
        bias = mj_rne(work.frames, work.qvel_real)
        work.qfrc_smooth = work.qfrc_smooth + mj_fwdActuation(work.ctrl) - bias
        work.pending = 1
        return work

    @wp.func
    def iterate(work: Work):
        """Take a Newton step; a work that has converged stays as it is."""
        before = moved(work.frames, work.qacc)
        after = newton(work.frames, work.touch, work.rows, work.qfrc_smooth, before)
        done = same_rows(work.touch, work.rows, before, after)
        full = done or work.pending <= wp.static(solver.FULL_STEPS)
        for i in range(9):
            halfway = half * (work.qacc[i] + after.joints[i])
            work.qacc[i] = wp.where(full, after.joints[i], halfway)
        work.pending = wp.where(done, 0, work.pending + 1)
        return work

    @wp.func
    def settle(work: Work):
        """Take one more Newton step, in float64, and step the speeds.

        Where the floor pushes hard, its stiffness times what float32 cannot see of an acceleration
        is a force that shakes the joints beside it: without this step the speeds would be ten times
        farther from MuJoCo's.
        """
        frames = FineFrames()
        touch = FineTouch()
        rows = FineRows()
        smooth_force = fine9()
        accel = fine9()
        for i in range(9):
            smooth_force[i] = fine(work.qfrc_smooth[i])
            accel[i] = fine(work.qacc[i])
        for b in range(7):
            frames.x[b] = fine(work.frames.x[b])
            frames.z[b] = fine(work.frames.z[b])
            frames.mass_x[b] = fine(work.frames.mass_x[b])
            frames.mass_z[b] = fine(work.frames.mass_z[b])
        for e in range(16):
            touch.x[e] = fine(work.touch.x[e])
            touch.z[e] = fine(work.touch.z[e])
            rows.normal[e] = fine(work.rows.normal[e])
            rows.tangent[e] = fine(work.rows.tangent[e])
            rows.stiff[e] = fine(work.rows.stiff[e])
        for j in range(6):
            touch.side[j] = fine(work.touch.side[j])
            rows.limit[j] = fine(work.rows.limit[j])
            rows.limit_stiff[j] = fine(work.rows.limit_stiff[j])
        before = fine_moved(frames, accel)
        settled = fine_newton(frames, touch, rows, smooth_force, before).joints
        work.qacc = rounded(settled)
        work.qvel = work.qvel + timestep * fine_euler(frames, settled)
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
        """Draw a reset: 9 uniform numbers, and 9 normal ones by Box and Muller."""
        for i in range(9):
            word = warp_chance.bits(warp_chance.stream(word_0, wp.uint32(1 + i)), word_1)
            noise.uniform[i] = real(2.0) * real(warp_chance.unit(word)) - real(1.0)
        for i in range(5):
            word = warp_chance.bits(warp_chance.stream(word_0, wp.uint32(10 + i)), word_1)
            turn = warp_chance.bits(warp_chance.stream(word_0, wp.uint32(15 + i)), word_1)
            # From (0, 1], whose logarithm exists.
            length = wp.sqrt(real(-2.0) * wp.log(real(1.0) - real(warp_chance.unit(word))))
            angle = full_turn * real(warp_chance.unit(turn))
            noise.normal[i] = length * wp.cos(angle)
            if i < 4:
                noise.normal[i + 5] = length * wp.sin(angle)
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
        position=position,
        velocity=velocity,
        iterate=iterate,
        settle=settle,
        end=end,
        end_random=end_random,
        draw_noise=draw_noise,
        draw_action=draw_action,
        restart=restart,
        restart_random=restart_random,
    )
