"""The rules as JAX functions on one game; ``vmap`` makes the batch."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from envlift.envs.tcg_pocket.rules import kernel
from envlift.envs.tcg_pocket.rules.ids import NUM_ACTIONS
from envlift.envs.tcg_pocket.rules.memory import STATE_SIZE
from envlift.envs.tcg_pocket.state import FIELDS, State
from envlift.targets.warp import BatchedRule, made_once

NAME = "envlift.tcg_pocket"
COST = 60
"""A step in steps of a small game, for the choice of threads."""


@made_once
def _rule() -> BatchedRule:
    rule = BatchedRule(kernel.play, kernel.GameState, {"winner": "int32"}, name=f"{NAME}.play")
    rule.cost = COST
    rule.shared = ("mode", "options")
    return rule


@made_once
def _random_rule(num_steps: int) -> BatchedRule:
    outputs = {"games": "int32", "turns": "int32"}
    rule = BatchedRule(kernel.play_random, kernel.GameState, outputs, name=f"{NAME}.play_random")
    rule.cost = COST * num_steps
    rule.shared = ("steps", "options")
    return rule


@made_once
def _look_rule(open_decklists: bool) -> BatchedRule:
    function = kernel.see_all if open_decklists else kernel.see
    rule = BatchedRule(function, kernel.Seen, {}, name=f"{NAME}.see{int(open_decklists)}")
    rule.cost = COST // 2
    return rule


@made_once
def _mask_rule() -> BatchedRule:
    rule = BatchedRule(kernel.allow, kernel.Masks, {}, name=f"{NAME}.masks")
    rule.cost = COST // 3
    return rule


def _flat(state: State) -> list[jax.Array]:
    arrays = [getattr(state, f.name) for f in FIELDS]
    return [a.reshape(-1) if f.shape else a for a, f in zip(arrays, FIELDS, strict=True)]


def _shaped(flat: list[jax.Array]) -> State:
    return State(*(a.reshape(f.shape) for f, a in zip(FIELDS, flat, strict=True)))


def zeros() -> State:
    """Return a state of zeros."""
    return State(*(jnp.zeros(f.shape, f.dtype) for f in FIELDS))


def observe(state: State, open_decklists: bool) -> jax.Array:
    """Return what both players see, int16 [2, N], see ``observation.NAMES``."""
    # Computed from the state, it has its batch axes.
    blank = jnp.zeros(2 * STATE_SIZE, jnp.int16) + (state.turn * 0)
    (seen,) = _look_rule(open_decklists)(blank, *_flat(state))
    return seen.reshape(2, STATE_SIZE)


def legal_actions(state: State) -> jax.Array:
    """Return both masks, bool [2, 50]."""
    blank = jnp.zeros(2 * NUM_ACTIONS, jnp.bool_) & (state.turn > 32_000)
    (mask,) = _mask_rule()(blank, *_flat(state))
    return mask.reshape(2, NUM_ACTIONS)


def _play(
    state: State,
    mode: kernel.Mode,
    options: Any,
    actions: jax.Array | int,
    words: jax.Array,
    decks: tuple[jax.Array, jax.Array] | None = None,
) -> tuple[State, jax.Array]:
    # Computed from the state, they have its batch axes: else each mode would be a kernel.
    nothing = (state.turn * 0).astype(jnp.int32)
    actions = jnp.zeros(2, jnp.int32) + nothing + actions
    tape = jnp.zeros(4, jnp.uint32).at[: len(words)].set(words) + nothing.astype(jnp.uint32)
    cards, types = jnp.zeros(40, jnp.int32) + nothing, jnp.zeros(16, jnp.int32) + nothing
    if decks is not None:
        cards = cards + decks[0].astype(jnp.int32).reshape(-1)
        types = types + decks[1].astype(jnp.int32).reshape(-1)
    given = jnp.asarray(options, jnp.int32)
    operands = (*_flat(state), actions, tape, cards, types, jnp.int32(mode), given)
    *fields, winner = _rule()(*operands)
    return _shaped(fields), winner


def step(
    state: State, actions: jax.Array, words: jax.Array, options: Any
) -> tuple[State, jax.Array]:
    """Play from one decision to the next.

    Args:
        state: before it.
        actions: int32 [2]; that of the decider counts, an illegal one stands for the lowest legal.
        words: uint32 [2], the key of the tape.
        options: int32 [4], see ``memory.SCRATCH``.

    Returns:
        The state, and the winner by this step: int32, -1 where the game goes on.
    """
    return _play(state, kernel.Mode.STEP, options, actions, words)


def play_on(
    state: State,
    actions: jax.Array,
    words: jax.Array,
    decks: tuple[jax.Array, jax.Array],
    options: Any,
) -> tuple[State, jax.Array]:
    """Step, and begin another game where this one is over.

    Args:
        state, actions, options: as for ``step``.
        words: uint32 [4], the keys of the tapes of the step and of a new game.
        decks: of a new game, as for ``begin``.

    Returns:
        The state, and who has won before another game began: int32, 2 for a tie, -1 where this
        one goes on.
    """
    return _play(state, kernel.Mode.PLAY_ON, options, actions, words, decks)


def begin(deck_list: jax.Array, deck_energy: jax.Array, words: jax.Array, options: Any) -> State:
    """Begin a game.

    Args:
        deck_list: uint16 [2, 20], sorted.
        deck_energy: bool [2, 8].
        words: uint32 [2], the key of the tape.
        options: as for ``step``.
    """
    blank = jax.tree.map(lambda a: jnp.where(words[0] == 0, a, a), zeros())
    state = dataclasses.replace(
        blank,
        deck_list=jnp.where(words[0] == 0, deck_list, deck_list),
        deck_energy=jnp.where(words[0] == 0, deck_energy, deck_energy),
    )
    return _play(state, kernel.Mode.BEGIN, options, (words * 0).astype(jnp.int32), words)[0]


def random_rollout(
    state: State, words: tuple[jax.Array, jax.Array], options: Any, num_steps: int
) -> tuple[State, jax.Array, jax.Array]:
    """Take uniform legal actions inside one kernel.

    Returns:
        The state after them, how many games ended, how many turns were played.
    """
    given = jnp.asarray(options, jnp.int32)
    operands = (*_flat(state), *words, jnp.int32(num_steps), given)
    *fields, games, turns = _random_rule(num_steps)(*operands)
    return _shaped(fields), games, turns
