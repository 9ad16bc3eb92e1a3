"""Does a mutant run at all? What cannot be traced needs no verifier to be noticed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import jax
import numpy as np

from envlift.candidate.params import make_with
from envlift.verify.sides.candidates import arithmetic
from envlift.verify.suite import Config

LANES = 2


def probe(name: str, options: dict[str, Any], configs: Sequence[Config]) -> None:
    """Run every function of the contract once, on a batch of two.

    Args:
        name: a registered environment.
        options: of the candidate.
        configs: each with its own options and arithmetic.

    Raises:
        Exception: whatever the rules raise.
    """
    for config in configs:
        with arithmetic(config):
            env = make_with(name, {**config.candidate, **options})
            space = env.action_space()
            space.seed(0)
            actions = np.stack([np.asarray(space.sample()) for _ in range(LANES)])
            keys = jax.random.split(jax.random.key(0), LANES)
            run = jax.jit(lambda k, a, env=env: jax.vmap(lambda k, a: _everything(env, k, a))(k, a))
            if options.get("backend") == "warp":
                # Kernels are compiled when they are called; the verifier finds them ready.
                jax.tree.map(np.asarray, run(keys, actions))
            else:
                jax.eval_shape(run, keys, actions)


def _everything(env: Any, key: Any, action: Any) -> Any:
    _, state = env.reset(key)
    draws = env.sample(key, state, action)
    nxt = env.transition(state, action, draws)
    found = [env.initial(env.sample_initial(key)), nxt, env.observe(nxt.state)]
    found += [env.step(key, state, action), env.score(nxt.reward)]
    kinds = gymnasium.spaces.Discrete, gymnasium.spaces.MultiDiscrete
    if isinstance(env.action_space(), kinds):
        found.append(env.legal_actions(state))
    return found
