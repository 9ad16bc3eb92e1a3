"""Evaluations during training: whole episodes of their own, and the best policy kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.adapters.gymnasium import VectorEnv
from envlift.targets import chance
from envlift.train.config import Config, ConfigError
from envlift.train.learning.fused import Fused
from envlift.train.learning.host import Host
from envlift.train.play import load_policy
from envlift.train.saving import checkpoint
from envlift.train.trainer import BEST, train
from tests.contract.toy import Toy

B, T, E = 8, 8, 5
SMALL = Config(
    env="toy", num_envs=B, horizon=T, minibatches=1, epochs=2, hidden=8, total_steps=8 * B * T,
    learning_rate=2e-2, evaluate_every=2, evaluate_episodes=E, checkpoint_every=4,
)  # fmt: skip


def given(collector: str, **options: Any) -> dict[str, Any]:
    if collector == "fused":
        return {"env": Toy(**options)}
    toy = Toy(autoreset="disabled", **options)
    one, other = (VectorEnv(toy, num_envs=n, autoreset_mode="same_step", seed=0) for n in (B, E))
    return {"vector_env": one, "evaluation_env": other}


@pytest.mark.parametrize("kind", ["mlp", "lstm"])
def test_an_evaluation_is_whole_episodes_of_the_most_probable_actions(kind: str) -> None:
    env = Toy(horizon=9)
    fused = Fused(SMALL.replace(network=kind), env)
    state = fused.start()
    assert fused.examine(state, 1) == {}
    found = fused.examine(state, 2)
    again = fused.examine(state, 4)
    assert found == again
    network, params = fused.network, state.learner.params
    apply, step = jax.jit(network.apply), jax.jit(env.step)
    start, rest = jax.random.split(jax.random.fold_in(jax.random.key(SMALL.seed), 1))
    lanes = chance.lane_keys(rest, E)
    returns, lengths = [], []
    for number, key in enumerate(jax.random.split(start, E)):
        seen, inner = env.reset(key)
        memory, returned = network.start(1), 0.0
        for t in range(100):
            mask = env.legal_actions(inner)[None, None]
            begins = jnp.full((1, 1), t == 0)
            memory, said = apply({"params": params}, memory, seen[None, None], begins, mask)
            action = said.distribution.mode()[0, 0]
            step_key = chance.at_step(lanes, t)[number]
            seen, inner, reward, terminated, truncated, _ = step(step_key, inner, action)
            returned += float(reward)
            if terminated or truncated:
                break
        returns.append(returned)
        lengths.append(t + 1)
    assert float(found["evaluation"]) == pytest.approx(np.mean(returns), abs=1e-5)
    assert float(found["evaluation_length"]) == pytest.approx(np.mean(lengths))
    assert len(set(lengths)) > 1


@pytest.mark.parametrize("collector", ["fused", "host"])
def test_the_best_policy_is_kept(collector: str, tmp_path: Path) -> None:
    settings = SMALL.replace(collector=collector)
    trained = train(settings, out=tmp_path, **given(collector, horizon=20))
    told = {r["update"]: r["evaluation"] for r in trained.history if "evaluation" in r}
    assert list(told) == [2, 4, 6, 8]
    best = max(told, key=lambda update: (told[update], -update))
    about = checkpoint.read_about(tmp_path / BEST)
    assert (about["update"], about["evaluation"]) == (best, told[best])
    assert checkpoint.steps(tmp_path / BEST) == [best]
    kept = load_policy(tmp_path / BEST)
    assert trained.best is not None
    for one, other in zip(*(jax.tree.leaves(p.params) for p in (kept, trained.best)), strict=True):
        np.testing.assert_array_equal(one, other)
    # Evaluations change nothing of the training.
    plain = train(settings.replace(evaluate_every=0), **given(collector, horizon=20))
    assert plain.best is None
    pairs = zip(*(jax.tree.leaves(t.policy.params) for t in (plain, trained)), strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)


def test_a_resumed_run_remembers_its_best(tmp_path: Path) -> None:
    trained = train(SMALL, out=tmp_path, **given("fused"))
    told = [row["evaluation"] for row in trained.history if "evaluation" in row]
    # Nothing is learnt any more: no later policy is better than the best one.
    frozen = SMALL.replace(total_steps=12 * B * T, learning_rate=0.0)
    resumed = train(frozen, out=tmp_path, resume=True, **given("fused"))
    later = [row["evaluation"] for row in resumed.history if "evaluation" in row]
    assert later == [told[-1]] * 2
    assert checkpoint.read_about(tmp_path / BEST)["evaluation"] == max(told)
    assert resumed.best is None


def test_evaluations_need_environments_of_their_own() -> None:
    only = {"vector_env": given("host")["vector_env"]}
    with pytest.raises(ConfigError, match="evaluate_every = 2 is not allowed without environments"):
        train(SMALL.replace(collector="host"), **only)
    with pytest.raises(ConfigError, match="an evaluation_env of 5, or 0"):
        train(SMALL.replace(collector="host"), **only, evaluation_env=only["vector_env"])


class Legal(VectorEnv):
    """Our vector, which refuses an action that is not legal."""

    def step(self, actions):
        assert self._lanes is not None
        legal = np.asarray(self._lanes.mask)
        assert np.take_along_axis(legal, np.asarray(actions)[:, None], 1)[~self._ended].all()
        return super().step(actions)


@pytest.mark.parametrize("mode", ["next_step", "disabled"])
def test_an_evaluation_does_not_depend_on_how_episodes_are_reset(mode: str) -> None:
    """What is legal in an environment that plays on is known while another is reset."""

    def examined(mode: str) -> dict[str, Any]:
        made = Toy(autoreset="disabled", horizon=9)
        one, other = (Legal(made, num_envs=n, autoreset_mode=mode, seed=0) for n in (B, E))
        settings = SMALL.replace(collector="host", seed=3)
        host = Host(settings, one, evaluation_env=other)
        return host.examine(host.start(), 2)

    assert examined(mode) == examined("same_step")


def test_a_rollout_plays_only_what_is_legal_while_others_are_reset() -> None:
    vector = Legal(Toy(autoreset="disabled"), num_envs=B, autoreset_mode="disabled", seed=0)
    host = Host(SMALL.replace(collector="host", horizon=24, evaluate_every=0), vector)
    _, kept, metrics = host._collect(host.start(), jax.random.key(3))
    assert metrics["episodes"] > B
    mask, action = np.asarray(kept[2]), np.asarray(kept[3])
    assert np.take_along_axis(mask, action[..., None], 2).all()
