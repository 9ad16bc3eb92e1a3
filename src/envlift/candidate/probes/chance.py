"""What a candidate draws.

Shape letters: ``N`` draws.
"""

from __future__ import annotations

import jax
import numpy as np

from envlift.candidate.actions import native
from envlift.candidate.keys import keys_of
from envlift.candidate.probes import Answers, Arguments, probe, state_argument
from envlift.candidate.states import AnyEnv


@probe("chance.step")
def step(env: AnyEnv, arguments: Arguments) -> Answers:
    """Call ``env.sample`` once in each row.

    Arguments: ``state.FIELD`` [N, ...], ``actions`` [N, ...], and either ``seeds`` int64 [N] or one
    ``seed``, from which N keys are split, as users make them, so that neighbours are related.

    Returns:
        ``chance`` [N, ...]; several numbers of one draw stand on the last axis.
    """
    actions = native(env, arguments["actions"])
    if "seeds" in arguments:
        keys = keys_of(arguments["seeds"])
    else:
        keys = jax.random.split(keys_of(arguments["seed"]), len(arguments["actions"]))
    return _chance(jax.jit(jax.vmap(env.sample))(keys, state_argument(env, arguments), actions))


@probe("chance.start")
def start(env: AnyEnv, arguments: Arguments) -> Answers:
    """Call ``env.sample_initial`` once for each of ``seeds`` int64 [N]; as above."""
    return _chance(jax.jit(jax.vmap(env.sample_initial))(keys_of(arguments["seeds"])))


def _chance(drawn: object) -> Answers:
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(drawn)]
    if not leaves:
        return {}
    return {"chance": leaves[0] if len(leaves) == 1 else np.stack(leaves, axis=-1)}
