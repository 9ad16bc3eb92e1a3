"""Running statistics of observations: what they are, where they are kept, what they leave alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.adapters.gymnasium import VectorEnv
from envlift.train.config import Config, ConfigError
from envlift.train.learning.fused import Fused
from envlift.train.learning.host import Host
from envlift.train.learning.ppo import AXIS
from envlift.train.play import load_policy
from envlift.train.policies import normalizer
from envlift.train.policies.distributions import Head
from envlift.train.policies.networks import init, make_network
from envlift.train.policies.observations import Reading
from envlift.train.trainer import train
from tests.contract.toy import Toy
from tests.train.test_collectors import B, Recording, T, collected, config
from tests.train.test_ppo import on_one_device

LAYERS = {"encoder_0", "value_encoder_0", "policy", "value"}
HEAD = Head(2, discrete=True)
TIMES_NINE = {6.75, 9.0, 11.25}
"""Nine times the rewards of the toy."""
ON: dict[str, Any] = {"normalize_observations": True}


def statistics(params: Any) -> dict[str, Any]:
    return {name: np.asarray(leaf) for name, leaf in params[normalizer.NAME].items()}


def test_statistics_of_all_parts_are_those_of_the_whole() -> None:
    """Parts of different size, place and spread, against NumPy over all of them at once."""
    rng = np.random.default_rng(0)
    sizes, means, spreads = (2, 9, 5), (0.0, 40.0, -3.0), (1.0, 0.1, 7.0)
    parts = [
        rng.normal(mean, spread, (size, B, 3)).astype(np.float32)
        for size, mean, spread in zip(sizes, means, spreads, strict=True)
    ]
    start = {"count": jnp.zeros(()), "mean": jnp.zeros(3), "variance": jnp.ones(3)}
    params: Any = {normalizer.NAME: start, "policy": jnp.ones(2)}
    for part in parts:
        params = on_one_device(lambda old, seen: normalizer.update(old, seen, AXIS), params, part)
    whole = np.concatenate(parts).reshape(-1, 3).astype(np.float64)
    found = statistics(params)
    assert found["count"] == len(whole)
    np.testing.assert_allclose(found["mean"], whole.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found["variance"], whole.var(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(params["policy"], np.ones(2))


def test_the_network_sees_clipped_standard_scores() -> None:
    settings = Config(hidden=4, **ON)
    plain = make_network(
        settings.replace(normalize_observations=False), Reading((3,), "float32"), HEAD
    )
    network = make_network(settings, Reading((3,), "float32"), HEAD)
    params = init(network, jax.random.key(0))
    params[normalizer.NAME] = {
        "count": jnp.ones(()),
        "mean": jnp.array([1.0, -2.0, 5.0]),
        "variance": jnp.array([4.0, 0.25, 0.0]),
    }
    rest = {name: leaf for name, leaf in params.items() if name != normalizer.NAME}
    observation = jnp.array([[[3.0, -2.5, 5.0], [1.0, 98.0, 7.0]]])
    scores = jnp.array([[[1.0, -1.0, 0.0], [0.0, 10.0, 10.0]]])
    starts = jnp.ones((1, 2), bool)
    found: Any = network.apply({"params": params}, (), observation, starts)
    expected: Any = plain.apply({"params": rest}, (), scores, starts)
    np.testing.assert_allclose(found[1].value, expected[1].value, rtol=1e-6)


def learnt(collector: Any) -> tuple[Any, Any]:
    """Return the statistics before and after one update."""
    state = collector.start()
    before = jax.device_get(state.learner.params)
    after, _ = collector.compile(state)(state)
    return statistics(before), statistics(jax.device_get(after.learner.params))


def test_every_update_works_in_the_observations_of_its_rollout() -> None:
    fused = Fused(config(**ON), Toy())
    state = fused.start()
    # As ``Fused.update`` derives the keys of the first rollout.
    play_key, _ = jax.random.split(jax.random.fold_in(state.key, 0))
    seen = np.asarray(collected(fused, state, play_key)[2].observation)
    vector = Recording()
    host = Host(config(collector="host", **ON), vector)
    first = host.start().observation
    moved = learnt(host)
    host_seen = np.stack([first, *[step[1] for step in vector.steps[: T - 1]]])
    for (before, after), observations in ((learnt(fused), seen), (moved, host_seen)):
        assert (before["count"], after["count"]) == (0, T * B)
        flat = np.asarray(observations, np.float64).reshape(T * B, -1)
        np.testing.assert_allclose(after["mean"], flat.mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(after["variance"], flat.var(axis=0), rtol=1e-5)


def test_no_gradient_moves_them() -> None:
    """Only ``update`` does: many gradient steps of a large rate leave them as they were."""
    settings = config(**ON, epochs=20, learning_rate=0.1)
    fused = Fused(settings, Toy())
    state = fused.start()
    kept = normalizer.update
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalizer, "update", lambda params, observations, axis: params)
        before, after = learnt(fused)
    assert kept is normalizer.update
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)
    assert set(state.learner.params) == {normalizer.NAME, *LAYERS}


def test_a_policy_plays_with_what_was_saved(tmp_path: Path) -> None:
    trained = train(config(env="toy", total_steps=3 * T * B, **ON), env=Toy(), out=tmp_path)
    found = load_policy(tmp_path)
    saved = statistics(found.params)
    assert saved["count"] == 3 * T * B
    for name, value in statistics(trained.policy.params).items():
        np.testing.assert_array_equal(saved[name], value)


def test_without_it_a_network_has_no_statistics() -> None:
    assert set(Fused(config(), Toy()).start().learner.params) == LAYERS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "cnn"}, "network = 'cnn' is not allowed: give mlp, gru or lstm"),
        ({"adam_epsilon": 0.0}, "adam_epsilon = 0.0 is not allowed: give more than 0"),
        ({"normalize_observations": 1}, "normalize_observations = 1 is not allowed"),
    ],
)
def test_settings_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config(**(ON | changes))


def test_rewards_are_scaled_for_the_learner_alone() -> None:
    """Not the value of a truncated episode's last observation, which is a sum of scaled ones."""
    one, ten = (collected(fused, fused.start()) for fused in map(scaled, (1.0, 10.0)))
    np.testing.assert_array_equal(one[2].action, ten[2].action)
    moved = np.asarray(ten[2].reward) - np.asarray(one[2].reward)
    assert {abs(float(each)) for each in moved.ravel().round(3)} == TIMES_NINE
    assert float(one[3]["return_sum"]) == float(ten[3]["return_sum"])
    assert float(one[3]["reward"]) == float(ten[3]["reward"])
    host_one, host_ten = (
        Host(config(collector="host", reward_scale=scale), Recording()) for scale in (1.0, 10.0)
    )
    plain, large = (host._collect(host.start(), jax.random.key(3)) for host in (host_one, host_ten))
    moved = large[1][6] - plain[1][6]
    assert {abs(float(each)) for each in moved.ravel().round(3)} == TIMES_NINE
    assert plain[2] == large[2]


def scaled(scale: float) -> Fused:
    return Fused(config(reward_scale=scale), Toy())


def test_rewards_are_divided_by_the_deviation_of_their_discounted_sums() -> None:
    """Against sums made by hand, over ends; and what is learnt from hardly hangs on their size."""
    fused = Fused(config(normalize_rewards=True), Toy(horizon=5))
    state = fused.start()
    _, after, rollout, _ = collected(fused, state)
    raw = Fused(config(), Toy(horizon=5))
    plain = collected(raw, raw.start())[2]
    np.testing.assert_array_equal(plain.action, rollout.action)
    # Before anything was seen, the deviation is 1.
    np.testing.assert_allclose(plain.reward, rollout.reward, rtol=1e-5)
    summed = np.zeros(B)
    cut = np.asarray(rollout.ended)
    final = np.asarray(rollout.reward)
    for t in range(T):
        own = np.asarray(rollout.discounted[t]) - 0.9 * summed
        known = ~cut[t]
        np.testing.assert_allclose(own[known], final[t][known], rtol=1e-4, atol=1e-5)
        summed = np.where(cut[t], 0.0, rollout.discounted[t])
    np.testing.assert_allclose(after.discounted, summed, rtol=1e-5)
    state, _ = fused.compile(state)(state)
    kept = state.learner.params[normalizer.REWARDS]
    assert float(kept["count"]) == T * B
    first = collected(fused, fused.start(), None)[2]
    assert float(kept["variance"]) == pytest.approx(float(jnp.var(first.discounted)), rel=0.5)


def test_scaled_rewards_are_clipped_and_multiplied() -> None:
    statistics = {"count": 5.0, "mean": 3.0, "variance": 4.0}
    params = {normalizer.REWARDS: statistics}
    found = normalizer.scaled(params, jnp.asarray([-1.0, 4.0, 100.0]), 0.5)
    np.testing.assert_allclose(found, [-0.25, 1.0, 5.0], rtol=1e-6)
    np.testing.assert_array_equal(normalizer.scaled({}, jnp.asarray([100.0]), 0.5), [50.0])


@pytest.mark.parametrize("collector", ["fused", "host"])
def test_normalized_rewards_do_not_hang_on_their_unit(collector: str, tmp_path: Path) -> None:
    """Rewards a hundred times as large are learnt from alike after the first update."""

    def run(factor: float, out: Path | None = None, resume: bool = False, updates: int = 4) -> Any:
        toy = _Times(factor, autoreset="disabled" if collector == "host" else "same_step")
        given: dict[str, Any] = {"env": toy}
        if collector == "host":
            vector = VectorEnv(toy, num_envs=B, autoreset_mode="same_step")
            given = {"vector_env": vector, "score": lambda reward: reward}
        settings = config(collector=collector, normalize_rewards=True, total_steps=updates * T * B)
        return train(settings, out=out, resume=resume, **given)

    small, large = (run(factor).history[-1] for factor in (1.0, 100.0))
    assert large["reward"] > 10 * small["reward"]
    assert large["value_loss"] == pytest.approx(small["value_loss"], rel=0.5)
    whole = run(100.0)
    run(100.0, tmp_path, updates=2)
    again = run(100.0, tmp_path, resume=True)
    for one, other in zip(*(jax.tree.leaves(t.policy.params) for t in (whole, again)), strict=True):
        if collector == "fused":
            np.testing.assert_allclose(one, other, rtol=2e-1, atol=2e-2)


class _Times(Toy):
    def __init__(self, factor: float, **options: Any) -> None:
        super().__init__(horizon=5, **options)
        self.factor = factor

    def transition(self, state: Any, action: Any, draws: Any, params: Any = None) -> Any:
        nxt = super().transition(state, action, draws, params)
        return nxt._replace(reward=nxt.reward * self.factor)
