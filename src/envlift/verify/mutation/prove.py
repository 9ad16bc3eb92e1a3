"""Is a mutant equivalent? It is asked beside the rules as they are, and every bit is compared.

The states are those of the suite and of random play, made by the rules as they are. Both answer in
processes of their own; nobody who wrote a reason decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import jax
import numpy as np

from envlift.candidate.params import make_with
from envlift.verify.mutation.result import Proof
from envlift.verify.sides.candidates import arithmetic
from envlift.verify.suite import Config, Suite
from envlift.verify.suite.find import find_suite

STATES = 32_768
"""Of each configuration: half of them the suite's, if it draws any; a batch of several slices."""
LANES, STEPS = 256, 512
"""Of free play, from which the other half is taken too."""
FEW = (1, 3, 64)
"""Further sizes of a batch."""


def answers(
    name: str, options: dict[str, Any], configs: list[str], seed: int, given: str, out: str
) -> None:
    """Let the rules of this process answer, and write what they say.

    Args:
        name: a registered environment.
        options: of the candidate.
        configs: names of the configurations, empty for all.
        seed: of the inputs.
        given: folder of the inputs; they are made if they are not there.
        out: folder for one file a configuration.
    """
    suite, _ = find_suite(name)
    Path(out).mkdir(parents=True, exist_ok=True)
    Path(given).mkdir(parents=True, exist_ok=True)
    for config in suite.configs:
        if configs and config.name not in configs:
            continue
        with arithmetic(config):
            env = make_with(name, {**config.candidate, **options})
            path = Path(given) / f"{config.name}.npz"
            if not path.is_file():
                np.savez(path, **_numbered(_inputs(env, suite, config, seed)))
            with np.load(path) as held:
                like = _example(env)
                leaves = [held[str(i)] for i in range(len(held.files))]
            state, action = jax.tree.unflatten(jax.tree.structure(like), leaves)
            found = dict(_named(_outputs(env, state, action, seed)))
            np.savez(Path(out) / f"{config.name}.npz", **found)


def compare(original: Path, mutant: Path) -> Proof:
    """Compare what two processes wrote, bit by bit.

    Raises:
        OSError: if one of them left no answers.
    """
    states = 0
    for path in sorted(original.glob("*.npz")):
        with np.load(path) as ours, np.load(mutant / path.name) as theirs:
            states += len(ours["states.reward"])
            for name in ours.files:
                words = _difference(ours[name], theirs[name] if name in theirs.files else None)
                if words:
                    return Proof(states, f"{name} [{path.stem}]: {words}")
    return Proof(states, None)


def _difference(ours: Any, theirs: Any) -> str | None:
    if theirs is None or ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return "another shape or type"
    if ours.tobytes() == theirs.tobytes():
        return None
    rows = len(ours) if ours.ndim else 1
    bits = (
        np.ascontiguousarray(ours).reshape(rows, -1).view(np.uint8)
        != np.ascontiguousarray(theirs).reshape(rows, -1).view(np.uint8)
    ).any(axis=1)
    first = int(np.argmax(bits))
    with np.errstate(all="ignore"):
        most = np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max()
    return f"{bits.sum():,} of {rows:,} rows differ, by up to {most:.3g}, first row {first}"


def _example(env: Any) -> Any:
    key = jax.random.key(0)
    state = jax.eval_shape(lambda k: env.reset(k)[1], key)
    return state, 0


def _inputs(env: Any, suite: Suite, config: Config, seed: int) -> Any:
    """Return states and actions, [STATES]."""
    rng = np.random.default_rng([seed, *config.name.encode()])
    actions = _actions(env, rng, (STEPS, LANES))
    keys = jax.random.split(jax.random.key(seed), LANES)
    _, start = jax.jit(jax.vmap(env.reset))(keys)
    seen = _play(env, keys, start, actions)["state"]
    flat = jax.tree.map(lambda x: np.asarray(x).reshape(STEPS * LANES, *x.shape[2:]), seen)
    drawn = suite.random_states is not None
    chosen = rng.choice(STEPS * LANES, STATES // 2 if drawn else STATES, replace=False)
    state = jax.tree.map(lambda x: x[chosen], flat)
    if suite.random_states is not None:
        given = suite.random_states(rng, STATES // 2, config)
        given = suite.to_candidate(given) if suite.to_candidate else given
        own = type(state)(
            **{k: np.asarray(v).astype(getattr(state, k).dtype) for k, v in given.items()}
        )
        state = jax.tree.map(lambda a, b: np.concatenate([a, b]), state, own)
    return state, _actions(env, rng, (STATES,))


def _actions(env: Any, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    space = env.action_space()
    if isinstance(space, gymnasium.spaces.Discrete):
        return (int(space.start) + rng.integers(0, int(space.n), shape)).astype(np.int32)
    if isinstance(space, gymnasium.spaces.MultiDiscrete):
        # A game says what is played instead of what is not legal.
        chosen = rng.integers(0, space.nvec, (*shape, *space.shape))
        return (space.start + chosen).astype(np.int32)
    low, high = np.maximum(space.low, -10), np.minimum(space.high, 10)
    # A little beyond the ends too: environments clip.
    drawn = rng.uniform(low * 1.2, high * 1.2, (*shape, *space.shape))
    return drawn.astype(space.dtype)


def _play(env: Any, keys: Any, state: Any, actions: Any) -> Any:
    def body(carry: Any, action: Any) -> Any:
        keys, state = carry
        both = jax.vmap(jax.random.split)(keys)
        obs, after, reward, *ends, info = jax.vmap(env.step)(both[:, 0], state, action)
        shown = {"obs": obs, "reward": reward, "ends": ends, "info": info, "state": after}
        return (both[:, 1], after), shown

    run = jax.jit(lambda keys, state, actions: jax.lax.scan(body, (keys, state), actions))
    return run(keys, state, actions)[1]


def _outputs(env: Any, state: Any, action: Any, seed: int) -> Any:
    kinds = gymnasium.spaces.Discrete, gymnasium.spaces.MultiDiscrete
    discrete = isinstance(env.action_space(), kinds)
    keys = jax.random.split(jax.random.key(seed + 1), STATES)

    def one(key: Any, state: Any, action: Any) -> Any:
        draws = env.sample(key, state, action)
        nxt = env.transition(state, action, draws)
        return {
            "reward": nxt.reward,
            "nxt": nxt,
            "draws": draws,
            "observe": env.observe(nxt.state),
            "now": env.observe(state),
            "legal": env.legal_actions(nxt.state) if discrete else 0,
            "first": env.initial(env.sample_initial(key)),
            "split": [jax.random.key_data(k) for k in env.split_key(key)],
            "step": env.step(key, state, action),
        }

    run = jax.jit(jax.vmap(one))
    found = {"states": run(keys, state, action)}
    for few in FEW:
        found[f"batch of {few}"] = run(*jax.tree.map(lambda x, n=few: x[:n], (keys, state, action)))
    lanes, start = keys[:LANES], jax.tree.map(lambda x: x[:LANES], state)
    actions = _actions(env, np.random.default_rng(seed), (STEPS, LANES))
    played = _play(env, lanes, start, actions)
    found["play"] = jax.tree.map(lambda x: x[-1], played) | {"rewards": played["reward"]}
    if hasattr(env, "random_rollout"):
        rollout = jax.jit(lambda key, state: env.random_rollout(key, state, 64))
        found["random_rollout"] = rollout(keys[0], start)
    return found


def _numbered(tree: Any) -> dict[str, Any]:
    return {str(i): np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}


def _named(tree: Any) -> Iterator[tuple[str, Any]]:
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        yield jax.tree_util.keystr(path, simple=True, separator="."), np.asarray(leaf)
