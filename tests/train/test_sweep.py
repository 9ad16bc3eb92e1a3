"""Several runs in one program: each is what it would be alone."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

from envlift.train import checkpoint, metrics, settings
from envlift.train.config import Config, ConfigError
from envlift.train.play import load_policy
from envlift.train.sweep import best, folder_of, grid, sweep
from envlift.train.trainer import DivergedError, train
from tests.contract.toy import Toy
from tests.train.test_trainer import Broken

BASE = Config(
    env="toy", num_envs=8, horizon=8, minibatches=2, epochs=2, hidden=8, total_steps=4 * 64,
    learning_rate=1e-2,
)  # fmt: skip
VALUES = {"seed": [3, 5], "learning_rate": [1e-2, 3e-3], "gamma": [0.9]}


def test_every_run_of_a_sweep_is_the_run_by_itself(tmp_path: Path) -> None:
    told = []

    def tell(update, updates, rows):
        told.append((update, updates, len(rows)))

    found = sweep(BASE, VALUES, env=Toy(), out=tmp_path, told=tell)
    assert told == [(update, 4, 4) for update in (1, 2, 3, 4)]
    assert [(c.seed, c.learning_rate, c.gamma) for c in found.configs] == [
        *((3, 1e-2, 0.9), (3, 3e-3, 0.9), (5, 1e-2, 0.9), (5, 3e-3, 0.9)),
    ]
    weights = []
    for config, policy, history in zip(found.configs, found.policies, found.histories, strict=True):
        alone = train(config, env=Toy())
        pairs = zip(*(jax.tree.leaves(p.params) for p in (policy, alone.policy)), strict=True)
        for one, other in pairs:
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
        weights.append(np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(policy.params)]))
        for row, own in zip(history, alone.history, strict=True):
            assert row["return"] == pytest.approx(own["return"], rel=1e-4)
            assert row["steps"] == own["steps"]
            assert row["policy_loss"] == pytest.approx(own["policy_loss"], rel=1e-2, abs=1e-4)
        folder = tmp_path / folder_of(config, VALUES)
        assert [row["steps"] for row in metrics.read(folder)] == [64, 128, 192, 256]
        assert Config(**settings.read_file(folder / "config.toml")) == config
        kept = load_policy(folder)
        np.testing.assert_array_equal(*(jax.tree.leaves(p.params)[0] for p in (kept, policy)))
    assert all(not np.allclose(weights[0], other, atol=1e-3) for other in weights[1:])
    order = best(found)
    returns = [found.histories[number][-1]["return"] for number in order]
    assert returns == sorted(returns, reverse=True)


def test_a_run_of_a_sweep_goes_on_alone(tmp_path: Path) -> None:
    found = sweep(BASE, {"seed": [3]}, env=Toy(), out=tmp_path)
    config = found.configs[0].replace(total_steps=6 * 64)
    resumed = train(config, env=Toy(), out=tmp_path / "seed=3", resume=True)
    assert [row["update"] for row in resumed.history] == [5, 6]
    assert checkpoint.latest(tmp_path / "seed=3") == 6


def test_what_a_sweep_cannot_do_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"hidden cannot differ within a sweep.*use one of seed"):
        grid(BASE, {"hidden": [8, 16]})
    with pytest.raises(ConfigError, match="a sweep over seed needs at least one value"):
        grid(BASE, {"seed": []})
    with pytest.raises(ConfigError, match=r"gamma = 2.0 is not allowed"):
        grid(BASE, {"gamma": [0.9, 2.0]})
    with pytest.raises(ConfigError, match="one program on one device"):
        sweep(BASE.replace(collector="host"), VALUES, env=Toy())
    with pytest.raises(
        ConfigError, match="evaluate_every = 5, self_play = False are not allowed in a sweep"
    ):
        sweep(BASE.replace(evaluate_every=5), VALUES, env=Toy())
    with pytest.raises(DivergedError, match="a reward of the environment was nan"):
        sweep(BASE.replace(total_steps=20 * 64), {"seed": [1, 2]}, env=Broken("reward"))
