"""The rules as JAX functions on one battle; ``vmap`` makes the batch."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from envlift.envs.pokemon.rules.gen1 import kernel
from envlift.envs.pokemon.state import State
from envlift.targets.warp import BatchedRule, made_once

COST = 100
"""A step in steps of a small game, for the choice of threads."""


@made_once
def _rule(name: str) -> BatchedRule:
    rule = BatchedRule(
        getattr(kernel, name), kernel.BattleState, {}, name=f"envlift.pokemon.gen1.{name}"
    )
    rule.cost = COST
    rule.shared = ("clauses",)
    return rule


def _flat(state: State) -> list[jax.Array]:
    flat = []
    for field in dataclasses.fields(State):
        array = getattr(state, field.name)
        flat.append(array.reshape(-1) if field.metadata["shape"] else array)
    return flat


def _shaped(flat: list[jax.Array]) -> State:
    fields = dataclasses.fields(State)
    return State(*(a.reshape(f.metadata["shape"]) for f, a in zip(fields, flat, strict=True)))


def zeros() -> State:
    """Return a state of zeros."""
    fields = dataclasses.fields(State)
    return State(*(jnp.zeros(f.metadata["shape"], f.metadata["dtype"]) for f in fields))


def step(state: State, actions: jax.Array, clauses: jax.Array | bool) -> State:
    """Play from one request to the next.

    Args:
        state: before it.
        actions: int32 [2]; an illegal one stands for the first legal one.
        clauses: whether Sleep Clause and Freeze Clause are on.
    """
    operands = (*_flat(state), actions, jnp.asarray(clauses))
    return _shaped(_rule("step")(*operands))


def begin(state: State, clauses: jax.Array | bool) -> State:
    """Begin a battle whose seed and teams stand in the state."""
    return _shaped(_rule("begin")(*_flat(state), jnp.asarray(clauses)))
