"""``envlift train gameboy`` and ``envlift play gameboy``: small runs through the command line."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest
from PIL import Image

import envlift
from envlift.cli import main
from envlift.train import metrics
from envlift.train.config import Config
from envlift.train.settings import preset, read_file
from envlift.train.trainer import train as train_policy

SMALL = ["num_envs=4", "horizon=8", "epochs=1", "minibatches=1", "hidden=8", "layers=1"]


def train(folder: Path, steps: int) -> int:
    settings = [*SMALL, f"total_steps={steps}"]
    words = [word for setting in settings for word in ("--set", setting)]
    words += ["--out", str(folder), "--option", "max_steps=5"]
    return main(["train", "gameboy", "--quiet", *words])


def test_its_own_settings_are_those_of_bricks() -> None:
    path = preset("gameboy")
    assert path is not None
    assert read_file(path)["env_options"]["observation"] == "memory"
    assert preset("no_such_environment") is None


def test_a_run_is_kept_resumed_and_filmed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert train(folder, 64) == 0
    rows = metrics.read(folder)
    assert [row["steps"] for row in rows] == [32, 64]
    assert rows[-1]["episodes"] > 0
    assert main(["train", "--quiet", "--resume", str(folder), "--set", "total_steps=96"]) == 0
    assert [row["steps"] for row in metrics.read(folder)] == [32, 64, 96]

    film = tmp_path / "bricks.gif"
    words = ["play", "gameboy", "--checkpoint", str(folder), "--gif", str(film), "--scale", "1"]
    assert main(words) == 0
    with Image.open(film) as pictures:
        assert pictures.n_frames > 1
        first = np.asarray(pictures.convert("L"))
        pictures.seek(pictures.n_frames - 1)
        last = np.asarray(pictures.convert("L"))
    assert len(np.unique(first)) > 1, "nothing is drawn"
    assert (first != last).any(), "nothing moves"


def test_pictures_that_are_not_observed_are_drawn_where_they_are_asked_for() -> None:
    options = {"num_envs": 1, "observation": "memory"}
    seen = envlift.make_vec("gameboy", num_envs=1)
    asked = envlift.make_vec("gameboy", render_mode="rgb_array", **options)
    for env in (seen, asked):
        env.reset(seed=3)
        for _ in range(5):
            env.step(np.array([1]))
    assert np.array_equal(asked.render()[0], seen.render()[0])
    unasked = envlift.make_vec("gameboy", **options)
    unasked.reset(seed=3)
    with pytest.raises(gymnasium.error.Error, match="render_mode='rgb_array'"):
        unasked.render()


def test_a_run_from_python() -> None:
    """A compiled environment has no ``Env`` to ask for its score."""
    small = {"num_envs": 4, "horizon": 8, "epochs": 1, "minibatches": 1, "hidden": 8, "layers": 1}
    options = {"observation": "memory", "max_steps": 5}
    config = Config("gameboy", options, collector="host", total_steps=32, **small)
    (row,) = train_policy(config).history
    assert row["episodes"] > 0
    assert row["score"] == row["return"]
