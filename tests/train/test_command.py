"""``envlift train`` and ``envlift play``, from the words to the files and the exit code."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from envlift import registry
from envlift.cli import main
from envlift.extras import install
from envlift.train import checkpoint, metrics, trainer
from envlift.train.config import Config
from envlift.train.trainer import DivergedError
from tests.contract.toy import REGISTRATION

SMALL = [
    *("--num-envs", "8", "--horizon", "8", "--hidden", "4"),
    *("--minibatches", "2", "--epochs", "1"),
]
STEPS = 64


@pytest.fixture(autouse=True, scope="module")
def _toy_is_registered() -> Iterator[None]:
    registry.list_envs()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._registrations, "toy", REGISTRATION)
        yield


def words(*arguments: object) -> list[str]:
    return [str(argument) for argument in arguments]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three updates, then one more in a resumed run."""
    folder = tmp_path_factory.mktemp("runs") / "toy"
    settings = [*SMALL, "--option", "horizon=5"]
    assert main(words("train", "toy", "--out", folder, "--total-steps", 3 * STEPS, *settings)) == 0
    assert main(words("train", "--resume", folder, "--total-steps", 4 * STEPS)) == 0
    return folder


def test_a_run_leaves_its_files(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert names == {"checkpoints", "config.toml", "curve.png", "metrics.jsonl"}
    rows = metrics.read(run)
    assert [row["steps"] for row in rows] == [STEPS, 2 * STEPS, 3 * STEPS, 4 * STEPS]
    assert not math.isnan(rows[-1]["return"])
    # What the page and the display name is what a run writes.
    assert set(rows[-1]) == set(metrics.METRICS) - {"evaluation", "evaluation_length"}
    about = checkpoint.read_about(run)
    config = Config(**about["config"])
    assert (about["steps"], config.hidden, config.env_options) == (4 * STEPS, 4, {"horizon": 5})
    assert checkpoint.steps(run) == [3, 4]
    with Image.open(run / "curve.png") as image:
        assert image.size == (1280, 800)


def test_what_a_run_says(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "train", lambda config, **_: trainer.Trained(None))  # type: ignore[arg-type]
    assert main(words("train", "--resume", run)) == 0
    said = capsys.readouterr().out
    assert "toy horizon=5, mlp of 4 units, 8 environments, seed 0: compiling ..." in said
    assert f"nothing is left to do: {run} has done its 256 steps" in said
    assert main(words("train", "--resume", run, "--epochs", 2, "--quiet")) == 0
    assert capsys.readouterr().out == "resumes with epochs = 2 instead of 1\n"


def test_a_run_of_an_older_version_knew_fewer_settings(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "older"
    shutil.copytree(run, older)
    about = older / "checkpoints" / f"{checkpoint.latest(older):012d}" / "about.json"
    said = json.loads(about.read_text())
    del said["config"]["reward_scale"]
    about.write_text(json.dumps(said))
    monkeypatch.setattr(trainer, "train", lambda config, **_: trainer.Trained(None))  # type: ignore[arg-type]
    assert main(words("train", "--resume", older, "--quiet")) == 0
    assert capsys.readouterr().out == ""
    assert main(words("train", "--resume", older, "--quiet", "--reward-scale", 2)) == 0
    assert capsys.readouterr().out == "resumes with reward_scale = 2.0 instead of 1.0\n"


def test_a_quiet_run_draws_its_curve_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    options = words("--total-steps", 4 * STEPS, "--option", "horizon=5", "--quiet", *SMALL)
    assert main(words("train", "toy", "--out", out, *options)) == 0
    assert capsys.readouterr().out == ""
    assert (out / "curve.png").stat().st_size > 1000


@pytest.mark.parametrize("command", ["train pong --help", "train reference:pong -h"])
def test_the_help_of_an_environment_shows_its_own_defaults(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(command.split())
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--gamma X discount. Default: 0.99 (pong: 0.995)." in text
    assert (
        "--horizon N steps of each environment between two updates, T. Default: 64 (pong: 32)."
        in text
    )
    assert "--clip X of the probability ratio. Default: 0.2." in text
    assert "pong also sets env_options.frameskip = 8" in text


def test_the_help_without_an_environment_says_where_its_own_defaults_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for command in ("train --help", "train toy --help"):
        with pytest.raises(SystemExit) as stop:
            main(command.split())
        assert stop.value.code == 0
        text = " ".join(capsys.readouterr().out.split())
        assert "--gamma X discount. Default: 0.99." in text
        assert "envlift train NAME --help shows the defaults of NAME" in text


class Interrupted:
    """A trainer that one update was done with when Ctrl-C came."""

    def __init__(self, returned: float | None) -> None:
        self.row = {"steps": STEPS, "return": returned, "score": returned, "length": returned}

    def __call__(self, config: Config, *, recorder: Any, display: Any, **_: Any) -> Any:
        recorder.record(self.row)
        display.update(self.row)
        return trainer.Trained(None, [self.row], 1.0, 2.0, interrupted=True)  # type: ignore[arg-type]


def test_ctrl_c_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "train", Interrupted(None))
    folder = tmp_path / "run"
    assert main(words("train", "toy", "--out", folder, *SMALL)) == 130
    said = capsys.readouterr().out
    assert "64 steps in 2.0 s, 32 a second; 1.0 s of compilation before\nno episode has" in said
    assert said.endswith(f"interrupted; go on with: envlift train --resume {folder}\n")
    assert "nan" not in said
    # A folder that holds a run is not written over.
    assert main(words("train", "toy", "--out", folder)) == 4
    assert "holds a run already" in capsys.readouterr().err


def test_a_run_that_diverges(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(config: Config, **_: Any) -> Any:
        raise DivergedError("the gradient was nan in update 7")

    monkeypatch.setattr(trainer, "train", diverge)
    assert main(words("train", "toy", "--out", tmp_path / "run", "--quiet")) == 1
    said = capsys.readouterr().out
    assert said == f"envlift: the gradient was nan in update 7. The run is in {tmp_path / 'run'}\n"


def test_the_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trainer, "train", Interrupted(1.0))
    assert main(words("train", "toy", "--seed", 7, "--quiet")) == 130
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("toy-20")
    assert folder.name.endswith("-7")


def test_a_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "sweep"
    line = ["train", "toy", "--out", folder, "--total-steps", 3 * STEPS, *SMALL]
    line += ["--sweep", "seed=0..1", "--sweep", "learning_rate=1e-3,2e-3"]
    assert main(words(*line)) == 0
    said = capsys.readouterr().out.splitlines()
    assert "seed  learning_rate" in said[3]
    found = {tuple(row.split()[:2]) for row in said[4:8]}
    assert found == {(seed, rate) for seed in "01" for rate in ("0.001", "0.002")}
    returns = [float(row.split()[2]) for row in said[4:8]]
    assert returns == sorted(returns, reverse=True)
    assert "4 runs, 768 steps in" in said[8]
    names = {path.name for path in folder.iterdir()}
    assert names == {"curve.png", *(f"seed={s},learning_rate={r}" for s, r in found)}
    one = folder / "seed=1,learning_rate=0.002"
    assert main(words("play", "toy", "--checkpoint", one)) == 0
    capsys.readouterr()
    # Nothing is written over.
    assert main(words(*line)) == 4
    assert "holds a run already" in capsys.readouterr().err


def test_a_gymnax_id_is_trained_on(tmp_path: Path) -> None:
    pytest.importorskip("gymnax")
    line = ["train", "gymnax:CartPole-v1", "--out", tmp_path / "run", "--total-steps", STEPS]
    assert main(words(*line, *SMALL, "--quiet")) == 0
    assert len(metrics.read(tmp_path / "run")) == 1
    assert main(words("train", "gymnax:Nothing-v1", "--out", tmp_path / "no", *SMALL)) == 4


WRONG = {
    "a range that is none": ("train toy --sweep seed=5..2", "the smaller one first"),
    "nothing to sweep over": ("train toy --sweep seed=", "needs at least one value"),
    "a setting that changes the program": ("train toy --sweep hidden=8,16", "cannot differ within"),
    "an unknown setting": ("train toy --sweep sede=1", "no setting 'sede'; did you mean 'seed'"),
    "no environment": ("train", "name an environment to train"),
    "an unknown one": ("train tyo", "no environment is named 'tyo'; known: .*toy"),
    "an option it does not have": ("train toy --option horizn=5", "env_options = .*horizn.* toy: "),
    "a setting out of range": ("train toy --epochs 0", "epochs = 0 is not allowed"),
    "nothing to resume": ("train --resume nowhere", "no checkpoint in nowhere"),
    "no TensorBoard": ("train toy --tensorboard", r'pip install "tensorboardx>='),
    "nothing to play": ("play toy --checkpoint nowhere", "no checkpoint in nowhere"),
    "no renderer": ("play toy --random --gif x.gif", "toy has no renderer"),
    "pictures too fast": ("play pong --random --gif x.gif --fps 60", "fps = 60 is not allowed"),
}


@pytest.mark.parametrize(("line", "message"), WRONG.values(), ids=WRONG)
def test_wrong_words(
    line: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    assert main(line.split()) == 4
    assert re.search(f"^envlift: .*{message}", capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("pong", "is a run of toy, not of pong"),
        ("--out x", "leave out --out"),
        ("--config x", "leave out --config"),
    ],
)
def test_a_resumed_run_stays_what_it_is(
    run: Path, arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words("train", "--resume", run, *arguments.split())) == 4
    assert message in capsys.readouterr().err


def test_the_setting_that_does_not_fit_is_named(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words("train", "--resume", run, "--hidden", 5)) == 4
    assert "It was saved with hidden = 4, not 5." in capsys.readouterr().err
    assert len(metrics.read(run)) == 4


def test_an_unknown_option_names_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words("train", "toy", "--lerning-rate", "1"))
    assert stop.value.code == 4
    assert "--lerning-rate 1; did you mean --learning-rate?" in capsys.readouterr().err


class TestPlay:
    def test_the_policy_of_a_run(self, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """With the run's options: no episode is longer than its limit of 5 steps."""
        assert main(words("play", "toy", "--checkpoint", run, "--episodes", 3)) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(":")[0] for line in lines] == [
            "episode 1", "episode 2", "episode 3", "mean of 3",
        ]  # fmt: skip
        returns = [float(line.split("return ")[1].split(",")[0]) for line in lines]
        assert returns[3] == pytest.approx(sum(returns[:3]) / 3, abs=0.01)
        lengths = [int(line.split("score ")[1].split(", ")[1].split()[0]) for line in lines[:3]]
        assert max(lengths) <= 5

    def test_another_game_or_form(self, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(words("play", "pong", "--checkpoint", run)) == 4
        assert "is a run of toy, not of pong" in capsys.readouterr().err
        continuous = words("play", "toy", "--checkpoint", run, "--option", "continuous=true")
        assert main(continuous) == 4
        assert "play it with the options of its training" in capsys.readouterr().err

    def test_a_film_of_random_play(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "pong.gif"
        options = words("--option", "backend=jax", "--max-steps", 30, "--scale", 0.1)
        limits = words("--fps", 10, "--seconds", 2)
        assert main(words("play", "pong", "--random", "--gif", path, *options, *limits)) == 0
        said = capsys.readouterr().out
        assert said.startswith("episode 1: return ")
        assert ", 30 steps, stopped\n" in said
        assert f"{path}: 20 pictures, 2.0 s, " in said
        assert "--seconds makes it longer" in said
        with Image.open(path) as gif:
            assert (gif.n_frames, gif.width) == (20, 54)


LIGHT = """
import sys
from envlift.cli import main, parser
parser()
main(["list"])
heavy = {"flax", "optax", "orbax", "matplotlib", "PIL", "tensorboardX"}.intersection(sys.modules)
assert not heavy, heavy
for name in ("flax", "optax", "orbax", "orbax.checkpoint", "matplotlib", "PIL"):
    sys.modules[name] = None
assert main(["play", "pong", "--random", "--max-steps", "3"]) == 0
sys.exit(main(["train", "pong"]))
"""


def test_other_commands_do_not_need_the_extra(tmp_path: Path) -> None:
    """And the ones that do say what to install."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LIGHT]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert done.stderr == (
        "envlift: envlift train needs flax, matplotlib, optax, orbax-checkpoint, pillow: "
        f"{install('train')}\n"
    )
    assert 'pip install "flax>=' in done.stderr
    assert done.returncode == 4
    assert "episode 1: return " in done.stdout
    assert "pong" in {line.split()[0] for line in done.stdout.splitlines()}
    assert list(tmp_path.iterdir()) == []


def config_of(folder: Path) -> dict[str, Any]:
    return dict(checkpoint.read_about(folder)["config"])


@pytest.mark.parametrize("plain", [False, True])
def test_an_environments_own_settings_are_taken_unless_told_otherwise(
    tmp_path: Path, plain: bool
) -> None:
    out = tmp_path / "run"
    extra = ["--plain"] if plain else []
    assert (
        main(words("train", "pong", *SMALL, "--total-steps", 1, "--quiet", "--out", out, *extra))
        == 0
    )
    config = config_of(out)
    assert config["env_options"] == ({} if plain else {"frameskip": 8})
    assert config["gamma"] == (0.99 if plain else 0.995)
    # The command line wins over both.
    assert config["hidden"] == 4


@pytest.mark.parametrize("env", ["gymnasium:CartPole-v1", "reference:pong"])
def test_others_are_trained_on_by_the_host_collector(tmp_path: Path, env: str) -> None:
    out = tmp_path / "run"
    assert main(words("train", env, *SMALL, "--total-steps", STEPS, "--quiet", "--out", out)) == 0
    assert config_of(out)["collector"] == "host"
    assert metrics.read(out)[-1]["steps"] == STEPS


def test_a_reference_is_opened_as_the_options_say(tmp_path: Path, capsys: Any) -> None:
    arguments = words("train", "reference:pong", *SMALL, "--out", tmp_path / "run", "--quiet")
    assert main([*arguments, "--option", "frameskip=3"]) == 4
    assert "no configuration for {'frameskip': 3}" in capsys.readouterr().err
