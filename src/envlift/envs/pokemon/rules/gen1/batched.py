"""The rules as JAX functions on one battle; ``vmap`` makes the batch."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from envlift.envs.pokemon.rules.gen1 import kernel, look
from envlift.envs.pokemon.rules.gen1.parts import data
from envlift.envs.pokemon.state import FIELDS, State
from envlift.targets.warp import BatchedRule, made_once

NAME = "envlift.pokemon.gen1"
COST = 100
"""A step in steps of a small game, for the choice of threads."""


@made_once
def _rule() -> BatchedRule:
    rule = BatchedRule(kernel.play, kernel.BattleState, {"winner": "int32"}, name=f"{NAME}.play")
    rule.cost = COST
    rule.shared = ("mode", "clauses")
    return rule


@made_once
def _random_rule() -> BatchedRule:
    rule = BatchedRule(
        kernel.play_random,
        kernel.BattleState,
        {"ended": "bool", "turns": "int32"},
        name=f"{NAME}.play_random",
    )
    rule.cost = COST
    rule.shared = ("clauses",)
    return rule


@made_once
def _look_rule() -> BatchedRule:
    rule = BatchedRule(kernel.see, kernel.Seen, {}, name=f"{NAME}.see")
    rule.cost = COST // 4
    return rule


def observe(state: State) -> jax.Array:
    """Return what both players see, int16 [2, N], see ``observation.NAMES``."""
    # Computed from the state, it has its batch axes.
    blank = jnp.zeros(2 * look.NUMBERS, jnp.int16) + (state.turn * 0)
    (seen,) = _look_rule()(blank, *_flat(state))
    return seen.reshape(2, look.NUMBERS)


def _flat(state: State) -> list[jax.Array]:
    arrays = [getattr(state, f.name) for f in FIELDS]
    return [a.reshape(-1) if f.shape else a for a, f in zip(arrays, FIELDS, strict=True)]


def _shaped(flat: list[jax.Array]) -> State:
    return State(*(a.reshape(f.shape) for f, a in zip(FIELDS, flat, strict=True)))


def zeros() -> State:
    """Return a state of zeros."""
    return State(*(jnp.zeros(f.shape, f.dtype) for f in FIELDS))


def _play(
    state: State,
    mode: kernel.Mode,
    clauses: jax.Array | bool,
    actions: jax.Array | None = None,
    seeds: jax.Array | None = None,
) -> tuple[State, jax.Array]:
    # Computed from the state, they have its batch axes: else each mode would be a kernel.
    no_action, no_seeds = state.legal.astype(jnp.int32) * 0, jnp.tile(state.seed * 0, 2)
    actions = no_action if actions is None else no_action + actions
    seeds = no_seeds if seeds is None else no_seeds + seeds
    operands = (*_flat(state), actions, seeds, jnp.int32(mode), jnp.asarray(clauses))
    *fields, winner = _rule()(*operands)
    return _shaped(fields), winner


def step(state: State, actions: jax.Array, clauses: jax.Array | bool) -> State:
    """Play from one request to the next.

    Args:
        state: before it.
        actions: int32 [2]; an illegal one stands for the first legal one.
        clauses: whether Sleep Clause and Freeze Clause are on.
    """
    return _play(state, kernel.Mode.STEP, clauses, actions=actions)[0]


def with_teams(
    seed: jax.Array,
    species: jax.Array,
    level: jax.Array,
    moves: jax.Array,
    ivs: jax.Array,
    evs: jax.Array,
) -> State:
    """Return a state that ``begin`` can begin with: the stats that teams have, full PP.

    Args:
        seed: uint32 [2], high word first.
        species: int [2, 6], 0 behind the last member; the leads come first.
        level: int [2, 6], 1 to 100.
        moves: int [2, 6, 4], 0 behind the last.
        ivs: int [2, 6, 5] of HP, Attack, Defense, Speed, Special: twice the DV, 0 to 30.
        evs: int [2, 6, 5], 0 to 255.
    """
    base = jnp.asarray(data.species_rows(), jnp.int32)[species, :5]
    there = species > 0
    points = 2 * base + ivs.astype(jnp.int32) + evs.astype(jnp.int32) // 4
    levels = level.astype(jnp.int32)
    max_hp = (points[..., 0] + 100) * levels // 100 + 10
    stats = points[..., 1:] * levels[..., None] // 100 + 5
    pp = jnp.asarray(data.move_rows(), jnp.int32)[moves, data.Move.MAX_PP]
    given = {
        "seed": seed,
        "species": species,
        "level": level,
        "moves": moves,
        "pp": pp,
        "max_hp": jnp.where(there, max_hp, 0),
        "base_stored_stats": jnp.where(there[..., None], stats, 0),
        "spe_iv": jnp.where(there, ivs[..., 3], 0),
        "spe_ev": jnp.where(there, evs[..., 3], 0),
    }
    kinds = {f.name: f.dtype for f in FIELDS}
    typed = {name: jnp.asarray(a, kinds[name]) for name, a in given.items()}
    return dataclasses.replace(zeros(), **typed)


def begin(state: State, clauses: jax.Array | bool) -> State:
    """Begin a battle whose seed and teams stand in the state."""
    return _play(state, kernel.Mode.BEGIN, clauses)[0]


def begin_random(seeds: jax.Array, clauses: jax.Array | bool) -> State:
    """Begin a battle of random teams.

    Args:
        seeds: uint32 [4], high words first: of the battle, of the generator of both teams.
        clauses: see ``step``.
    """
    # The seeds give the zeros their batch axis.
    blank = jax.tree.map(lambda a: jnp.where(seeds[0] == 0, a, a), zeros())
    return _play(blank, kernel.Mode.BEGIN_RANDOM, clauses, seeds=seeds)[0]


def play_on(
    state: State, actions: jax.Array, seeds: jax.Array, clauses: jax.Array | bool
) -> tuple[State, jax.Array]:
    """Step, and begin a battle of random teams where this one ends.

    Args:
        state, actions, clauses: as for ``step``.
        seeds: as for ``begin_random``.

    Returns:
        The state, and who won before another battle began: int32, -1 where this one goes on.
    """
    return _play(state, kernel.Mode.PLAY_ON, clauses, actions=actions, seeds=seeds)


def random_rollout(
    state: State, words: tuple[jax.Array, jax.Array], clauses: jax.Array | bool, num_steps: int
) -> tuple[State, jax.Array, jax.Array]:
    """Play uniform legal actions inside one kernel.

    Returns:
        The state after them, how many battles ended, how many turns were played.
    """
    operands = (*_flat(state), *words, jnp.asarray(clauses))
    results = _random_rule().rollout(*operands, num_steps=num_steps, written=("legal",))
    *fields, ended, turns = results
    return _shaped(fields), ended, turns
