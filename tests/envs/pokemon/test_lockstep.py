"""The Warp rules beside battles that Showdown played: every field at every decision."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from envlift.envs.pokemon.rules.gen1 import batched
from tests.envs.pokemon import lockstep
from tests.envs.pokemon.lockstep import COMPARED, Record

Recorded = tuple[str, list[Record]]


def test_battles_are_those_of_showdown(recorded: Recorded) -> None:
    _, records = recorded
    found = lockstep.compare(records, clauses=True, verbose=3)
    assert found["battles that differ"] == 0
    assert found["battles to the end"] == len(records)
    assert found["states"] == sum(len(r.states) for r in records)


def test_one_wrong_number_is_found(recorded: Recorded) -> None:
    _, records = recorded
    states = records[0].states.copy()
    hp = lockstep.LABELS.index("hp[0]")
    states[len(states) // 2, hp] += 1
    changed = [Record(records[0].seeds, states, records[0].actions, records[0].written)]
    found = lockstep.compare(changed, clauses=True)
    assert found["battles that differ"] == 1
    assert found["first: hp"] == 1


def test_teams_are_those_of_the_generator(recorded: Recorded) -> None:
    kind, records = recorded
    if kind != "random":
        assert not any(r.seeds[2:].any() for r in records)
        return
    seeds = np.array([r.seeds for r in records]).view(np.uint32)
    begin = jax.jit(jax.vmap(batched.begin_random, in_axes=(0, None)))
    rows = lockstep.to_numbers(begin(seeds, True))
    for row, record in zip(rows, records, strict=True):
        wrong = np.flatnonzero((row != record.states[0]) & COMPARED)
        assert not [lockstep.LABELS[w] for w in wrong]


def test_stats_of_given_teams_are_those_of_showdown(recorded: Recorded) -> None:
    kind, records = recorded
    if kind == "random":
        return  # these teams cut EVs; the test above compares them
    rows = np.array([r.states[0] for r in records])
    want = lockstep.to_state(rows)
    full = jnp.broadcast_to(30 * jnp.ones(5, jnp.int32), (*want.species.shape, 5))
    got = jax.vmap(batched.with_teams)(
        want.seed, want.species, want.level, want.moves, full, full // 30 * 255
    )
    for name in ("max_hp", "base_stored_stats", "spe_iv", "spe_ev", "pp"):
        np.testing.assert_array_equal(getattr(got, name), getattr(want, name), name)
