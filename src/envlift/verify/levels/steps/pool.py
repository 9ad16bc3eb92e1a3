"""States to begin from: of purposeful play, and generated where the suite does that."""

from __future__ import annotations

import numpy as np

from envlift.reference.types import StateDict
from envlift.verify.engine.lockstep import MAX_SEED
from envlift.verify.levels.steps.interactions import states_of_play
from envlift.verify.run.context import Context


def can_copy(context: Context) -> bool:
    """Whether a state of the reference can be written into the candidate."""
    ours, theirs = context.reference.spec.state, context.candidate.spec.state
    if not (ours and theirs):
        return False
    return context.suite.to_candidate is not None or set(ours) == set(theirs)


def pool_of_states(context: Context, count: int) -> StateDict:
    """Return states [count, ...] in the candidate's fields, half of them generated if possible.

    Where no state can be copied, they are the candidate's own first states.
    """
    suite, rng = context.suite, context.rng
    if not can_copy(context):
        seeds = rng.integers(0, MAX_SEED, size=context.candidate.num_lanes)
        first = context.candidate.reset(seeds).state
        rows = rng.integers(0, len(seeds), size=count)
        return {name: values[rows] for name, values in first.items()}
    if context.pool is None:
        context.pool = states_of_play(context)
    pools = [context.pool]
    if suite.random_states is not None:
        pools.append(suite.random_states(rng, count // 2, context.config))
    picked: list[StateDict] = []
    for index, pool in enumerate(pools):
        # The last pool makes up for what a division leaves over.
        size = count // len(pools) if index + 1 < len(pools) else count - sum(map(_rows, picked))
        rows = rng.integers(0, _rows(pool), size=size)
        picked.append({name: values[rows] for name, values in pool.items()})
    mixed = {name: np.concatenate([pool[name] for pool in picked]) for name in picked[0]}
    return suite.candidate_state(mixed)


def _rows(state: StateDict) -> int:
    return len(next(iter(state.values())))
