"""The rules as JAX functions on one environment; ``vmap`` makes the batch."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from envlift.envs.half_cheetah.rules import scalars, solver, step
from envlift.envs.half_cheetah.state import Draws, State
from envlift.targets.warp import BatchedRule, made_once
from envlift.targets.warp_phases import PhasedRule, Phases

Words = tuple[jax.Array, jax.Array]


@made_once
def _stepping(dtype: str, frame_skip: int, random: bool) -> PhasedRule:
    rules = step.make(scalars.REALS[dtype], frame_skip)
    phases = Phases(
        work=rules.Work,
        begin=rules.begin_random if random else rules.begin,
        prepare=(rules.check, rules.position, rules.velocity),
        iterate=(rules.iterate, rules.polish),
        advance=(rules.settle,),
        end=rules.end_random if random else rules.end,
        restart=rules.restart_random if random else None,
        repeats=frame_skip,
        max_iterations=solver.MAX_STEPS,
    )
    outputs = {"reward": dtype, "truncated": "bool"}
    if not random:
        outputs = {
            "reward": dtype,
            "x_velocity": dtype,
            "reward_ctrl": dtype,
            "unstable": "bool",
            "truncated": "bool",
        }
    label = f"{'random' if random else 'step'}.{dtype}.{frame_skip}"
    return PhasedRule(
        phases,
        rules.Cheetah,
        outputs,
        name=f"envlift.half_cheetah.{label}",
        shared=("forward_reward_weight", "ctrl_cost_weight", "max_episode_steps"),
    )


@made_once
def _plain(dtype: str, name: str, struct: str) -> BatchedRule:
    rules = step.make(scalars.REALS[dtype], 1)
    rule, kind = getattr(rules, name), getattr(rules, struct)
    return BatchedRule(rule, kind, {}, name=f"envlift.half_cheetah.{name}.{dtype}")


def _arrays(state: State) -> tuple[jax.Array, ...]:
    return state.qpos, state.qpos_rest, state.qvel, state.qvel_rest, state.elapsed_steps


def transition(
    state: State,
    action: jax.Array,
    weights: tuple[Any, Any],
    max_episode_steps: int,
    frame_skip: int,
) -> tuple[State, dict[str, jax.Array]]:
    """Play one step.

    Args:
        state: before it.
        action: float [6], as the agent gave it.
        weights: of the forward reward and of the control cost.
        max_episode_steps: static.
        frame_skip: static.

    Returns:
        The state after it; ``reward``, ``x_velocity``, ``reward_ctrl``, ``unstable`` and
        ``truncated``.
    """
    dtype = state.qpos.dtype
    rule = _stepping(dtype.name, frame_skip, False)
    *fields, reward, x_velocity, reward_ctrl, unstable, truncated = rule(
        *_arrays(state),
        action.astype(dtype),
        *(jnp.asarray(weight, dtype) for weight in weights),
        jnp.int32(max_episode_steps),
    )
    return State(*fields), {
        "reward": reward,
        "x_velocity": x_velocity,
        "reward_ctrl": reward_ctrl,
        "unstable": unstable,
        "truncated": truncated,
    }


def draw_noise(words: Words, dtype: str) -> Draws:
    """Draw the chance of a reset from the two words of a key."""
    zeros = jnp.zeros_like(words[0], shape=(9,), dtype=dtype)
    return Draws(*_plain(dtype, "draw_noise", "Noise")(zeros, zeros, *words))


def restart(
    state: State, words: Words, reset_noise_scale: jax.Array | float, max_episode_steps: int
) -> State:
    """Begin the next episode where this one is over, with the chance of ``draw_noise``."""
    dtype = state.qpos.dtype
    scale = jnp.asarray(reset_noise_scale, dtype)
    rule = _plain(dtype.name, "restart", "Cheetah")
    return State(*rule(*_arrays(state), *words, scale, jnp.int32(max_episode_steps)))


def random_rollout(
    state: State,
    words: Words,
    weights: tuple[Any, Any],
    reset_noise_scale: Any,
    max_episode_steps: int,
    frame_skip: int,
    num_steps: int,
    keep_observations: bool,
) -> tuple[State, jax.Array, jax.Array, tuple[jax.Array, jax.Array] | None]:
    """Play ``num_steps`` random steps inside one kernel; see ``HalfCheetah.random_rollout``.

    Takes and returns one lane (call it under ``vmap``); what is kept is qpos and qvel, [T, 9] each.
    """
    dtype = state.qpos.dtype
    numbers = (jnp.asarray(number, dtype) for number in (*weights, reset_noise_scale))
    results = _stepping(dtype.name, frame_skip, True).rollout(
        *_arrays(state),
        *words,
        *numbers,
        jnp.int32(max_episode_steps),
        num_steps=num_steps,
        keep=("qpos", "qvel") if keep_observations else (),
        written=("qpos", "qvel"),
    )
    kept = (results[-2], results[-1]) if keep_observations else None
    *fields, reward, episodes = results[:7]
    return State(*fields), reward, episodes, kept
