"""The table of learning: what is run, what is not run again, and what a difference means."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envlift.bench.learning import __main__ as command
from envlift.bench.learning import table
from envlift.bench.learning.catch import BALLS, CELLS, Catch
from envlift.bench.learning.tasks import TRAINERS, tasks
from envlift.train import settings
from envlift.train.config import Config
from envlift.train.learning import ppo


def test_every_task_has_settings_that_fit_each_other() -> None:
    for name, config in tasks().items():
        ppo.rows_of(config)
        # As Stable-Baselines3 needs them: whole minibatches.
        assert config.batch % config.minibatches == 0, name
        assert config.collector == "host"
        assert not config.share_layers


def test_a_preset_is_what_train_uses() -> None:
    path = settings.preset("gymnasium:CartPole-v1")
    assert path is not None
    assert settings.read_file(path)["gamma"] == 0.98
    assert settings.preset("gymnasium:Nothing-v0") is None


def row(task: str, trainer: str, config: Config, returned: float) -> dict[str, Any]:
    own = {"task": task, "trainer": trainer, "return": returned, "seconds": 1.0}
    return own | {"seed": config.seed, "settings": config.to_dict()}


def test_what_is_there_is_not_run_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    ran = []

    def run(task: str, trainer: str, config: Config, python: Any) -> dict[str, Any]:
        ran.append((task, trainer, config.seed))
        if len(ran) == 3:
            raise KeyboardInterrupt
        return row(task, trainer, config, 1.0)

    monkeypatch.setattr(command, "run", run)
    words = ["--task", "Acrobot-v1", "--seeds", "2", "--file", str(tmp_path / "table.jsonl")]
    with pytest.raises(KeyboardInterrupt):
        command.main(words)
    assert command.main(words) == 0
    assert ran == [("Acrobot-v1", *rest) for rest in (
        (TRAINERS[0], 0), (TRAINERS[1], 0), (TRAINERS[0], 1), (TRAINERS[0], 1), (TRAINERS[1], 1),
    )]  # fmt: skip
    lines = (tmp_path / "table.jsonl").read_text().splitlines()
    assert len([json.loads(line) for line in lines]) == 4


@pytest.mark.parametrize(
    ("ours", "theirs", "word"),
    [
        ([1.0, 2.0, 3.0], [1.5, 2.5, 2.0], "equal"),
        ([11.0, 12.0, 13.0], [1.0, 2.0, 3.0], "better"),
        ([1.0, 2.0, 3.0], [11.0, 12.0, 13.0], "worse"),
        ([500.0, 500.0], [500.0, 500.0], "equal"),
        ([499.0, 499.0], [500.0, 500.0], "worse"),
    ],
)
def test_a_difference_is_held_against_the_noise_of_seeds(
    ours: list[float], theirs: list[float], word: str
) -> None:
    one, other = ([{"return": value} for value in values] for values in (ours, theirs))
    assert table.compared(one, other).endswith(f": {word}")
    assert table.compared(one[:1], other) == "-"


def test_runs_of_other_settings_are_left_out() -> None:
    old = [row("x", "envlift", Config(seed=seed, hidden=4), 0.0) for seed in range(3)]
    new = [row("x", "envlift", Config(seed=seed, hidden=8), 1.0) for seed in range(2)]
    assert table.newest(old + new, "x", "envlift") == new
    assert table.spread(new) == "1.0 (1.0..1.0), 2"


def test_a_ball_is_caught_by_who_goes_where_it_falls() -> None:
    env = Catch()
    check_env(env, skip_render_check=True)
    for wanted in (1, -1):
        seen, _ = env.reset(seed=0)
        returned, ended = 0.0, False
        while not ended:
            cells = seen[::4, ::4, 0] > 0
            ball = int(np.argwhere(cells[:-1])[0, 1]) if cells[:-1].any() else 0
            goal = ball if wanted == 1 else (ball + CELLS // 2) % CELLS
            paddle = int(np.flatnonzero(cells[-1])[0])
            seen, reward, ended, _, _ = env.step(1 + int(np.sign(goal - paddle)))
            returned += reward
        assert returned == wanted * BALLS
