"""``envlift train`` and ``play`` with continuous actions: a cheetah, from words to a GIF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from envlift.cli import main
from envlift.envs.half_cheetah import render
from envlift.train import settings
from envlift.train.config import Config
from envlift.train.play import load_policy


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small updates with the environment's own settings."""
    folder = tmp_path_factory.mktemp("runs") / "half_cheetah"
    small = ["--num-envs", "16", "--horizon", "8", "--minibatches", "2", "--total-steps", "256"]
    options = ["--option", "max_episode_steps=30"]
    words = ["train", "half_cheetah", "--out", str(folder), "--quiet", *small, *options]
    assert main(words) == 0
    return folder


def test_the_environment_brings_its_own_settings(run: Path) -> None:
    own = settings.preset("half_cheetah")
    assert own is not None
    config = Config(**settings.read_file(own))
    policy: Any = load_policy(run)
    trained = policy.config
    assert config.normalize_observations
    assert trained == config.replace(
        env="half_cheetah",
        num_envs=16,
        horizon=8,
        minibatches=2,
        total_steps=256,
        env_options={"max_episode_steps": 30},
    )
    assert policy.params["normalizer"]["count"] == 256
    assert (policy.params["normalizer"]["variance"] > 0).all()


def test_a_trained_policy_is_filmed_in_real_time(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gif = tmp_path / "run.gif"
    words = ["play", "half_cheetah", "--checkpoint", str(run), "--gif", str(gif)]
    assert main([*words, "--scale", "0.2", "--greedy"]) == 0
    said = capsys.readouterr().out
    assert ", 30 steps, truncated\n" in said
    with Image.open(gif) as film:
        assert film.n_frames == 31
        assert film.info["duration"] == 1000 / render.FPS == 50
        first = np.asarray(film.convert("RGB"))
        film.seek(25)
        assert not np.array_equal(first, np.asarray(film.convert("RGB")))
    # Greedy play draws nothing: the same seed, the same return.
    assert main(["play", "half_cheetah", "--checkpoint", str(run), "--greedy"]) == 0
    assert capsys.readouterr().out == said.splitlines(keepends=True)[0]


def test_random_play(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gif = tmp_path / "random.gif"
    words = ["play", "half_cheetah", "--random", "--max-steps", "12", "--gif", str(gif)]
    assert main([*words, "--fps", "10", "--seconds", "1"]) == 0
    assert f"{gif}: 10 pictures, 1.0 s, " in capsys.readouterr().out
