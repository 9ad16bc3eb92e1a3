"""Defaults, then a TOML file, then the command line; errors name the field and the value."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from envlift.train import settings
from envlift.train.config import Config, ConfigError

Read = Callable[..., Config]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a command line; ``toml`` becomes the file of ``--config``."""

    def run(*words: str, toml: str | None = None) -> Config:
        parser = argparse.ArgumentParser()
        settings.add_arguments(parser)
        if toml is not None:
            (tmp_path / "run.toml").write_text(toml, encoding="utf-8")
            words = (*words, "--config", str(tmp_path / "run.toml"))
        return settings.read(parser.parse_args(words))

    return run


def test_nothing_given_is_the_default(read: Read) -> None:
    assert read() == Config()
    assert read("pong", toml="") == Config()


def test_the_command_line_wins_over_the_file_and_the_file_over_the_default(read: Read) -> None:
    config = read("--epochs", "7", toml="epochs = 2\nclip = 0.3\n")
    assert (config.epochs, config.clip, config.gamma) == (7, 0.3, Config.gamma)


# One value per field, none of them the default, as it is typed and as it must arrive.
TYPED = {
    "seed": ("5", 5),
    "collector": ("host", "host"),
    "total_steps": ("2e6", 2_000_000),
    "num_envs": ("1_024_000", 1_024_000),
    "horizon": ("32", 32),
    "network": ("gru", "gru"),
    "hidden": ("64", 64),
    "layers": ("0", 0),
    "parameters": ("134000", 134_000),
    "activation": ("tanh", "tanh"),
    "initial_log_std": ("0.5", 0.5),
    "learning_rate": ("1e-3", 1e-3),
    "epochs": ("1", 1),
    "minibatches": ("2", 2),
    "gamma": ("1", 1.0),
    "gae_lambda": ("0.9", 0.9),
    "clip": (".1", 0.1),
    "value_clip": ("0.2", 0.2),
    "value_coefficient": ("1", 1.0),
    "entropy_coefficient": ("0", 0.0),
    "max_gradient_norm": ("1", 1.0),
    "adam_epsilon": ("1e-8", 1e-8),
    "reward_scale": ("0.1", 0.1),
    "target_kl": ("0.02", 0.02),
    "target_score": ("-5", -5.0),
    "pool_share": ("0.5", 0.5),
    "pool_size": ("4", 4),
    "pool_every": ("3", 3),
    "pool_choice": ("uniform", "uniform"),
    "evaluate_every": ("7", 7),
    "evaluate_episodes": ("7", 7),
    "evaluate_games": ("9", 9),
    "devices": ("2", 2),
    "checkpoint_every": ("0", 0),
}


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Config)])
def test_every_field_has_an_option(read: Read, field: str) -> None:
    flag = "--" + field.replace("_", "-")
    if field == "env":
        words, value = ["toy"], "toy"
    elif field == "env_options":
        words, value = ["--option", "frameskip=8"], {"frameskip": 8}
    elif isinstance(getattr(Config(), field), bool):
        off, value = "--no-" + field.replace("_", "-"), not getattr(Config(), field)
        words = [flag if value else off]
        assert getattr(read(flag, toml=f"{field} = false"), field) is True
        assert getattr(read(off, toml=f"{field} = true"), field) is False
    else:
        text, value = TYPED[field]
        words = [flag, text]
        assert getattr(read("--set", f"{field}={text}"), field) == value
    found = getattr(read(*words), field)
    assert found == value
    assert type(found) is type(value)
    assert found != getattr(Config(), field)


@pytest.mark.parametrize(
    "field", ["parameters", "value_clip", "target_kl", "target_score", "evaluate_every"]
)
def test_none_switches_a_setting_off(read: Read, field: str) -> None:
    flag = "--" + field.replace("_", "-")
    assert getattr(read(flag, "none", toml=f"{field} = 3"), field) is None
    assert getattr(read(flag, "4", toml=f'{field} = "none"'), field) == 4
    assert getattr(read(toml=f'{field} = "none"'), field) is None


def test_whole_and_real_numbers_of_a_file_fit_the_field(read: Read) -> None:
    config = read(toml="total_steps = 1e6\ngamma = 1\n")
    assert (repr(config.total_steps), repr(config.gamma)) == ("1000000", "1.0")


def test_options_of_the_environment(read: Read) -> None:
    config = read(
        *("--set", "env_options.frameskip=8", "--option", "continuous=true"),
        *("--option", "backend=warp", "--option", "title=a b", "--option", 'word="8"'),
        *("--option", "sizes=[1, 2.5]"),
        toml="[env_options]\nframeskip = 2\nkept = 'yes'\n",
    )
    assert config.env_options == {
        "frameskip": 8,
        "kept": "yes",
        "continuous": True,
        "backend": "warp",
        "title": "a b",
        "word": "8",
        "sizes": [1, 2.5],
    }


ERRORS = {
    "text for a number": (["--epochs", "many"], None, r"^epochs = 'many' .* whole number from 1"),
    "a fraction": (["--epochs", "1.5"], None, r"^epochs = 1.5 is not allowed: give a whole number"),
    "none where a number is needed": (["--epochs", "none"], None, "^epochs = 'none' is not"),
    "out of range": (["--gamma", "1.5"], None, r"^gamma = 1.5 is not allowed: .* from 0 to 1"),
    "not a number": (["--gamma", "nan"], None, r"^gamma = nan is not allowed"),
    "not a choice": (["--network", "rnn"], None, "network = 'rnn' .* one of mlp, gru, lstm, cnn"),
    "not a truth value": (["--set", "anneal=maybe"], None, "anneal = 'maybe' .* true or false"),
    "no such field": (["--set", "epoch=1"], None, "no setting 'epoch'; .*'epochs'.*gamma"),
    "no value": (["--set", "epochs"], None, "'epochs' is not allowed: give NAME=VALUE"),
    "no key": (["--option", "=8"], None, "'=8' is not allowed: give NAME=VALUE"),
    "a whole table": (["--set", "env_options={a=1}"], None, "one option at a time"),
    "a broken list": (["--option", "sizes=[1, 2"], None, r"sizes = \[1, 2 is not a TOML value"),
    "a file's value": ([], "epochs = 'x'", r"run\.toml: epochs = 'x' is not allowed"),
    "a file's bool for a number": ([], "epochs = true", r"run\.toml: epochs = True is not allowed"),
    "a file's field": ([], "learning-rate = 1", r"run\.toml: .*'learning-rate'; .*'learning_rate'"),
    "a file's syntax": ([], "epochs = 1\nclip == 2\n", r"run\.toml is not TOML: .*line 2"),
    "a file's options": (["--option", "a=1"], "env_options = 3", r"env_options = 3 is not allowed"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "toml", "message"), ERRORS.values(), ids=ERRORS)
def test_errors(read: Read, words: list[str], toml: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(*words, toml=toml)


def test_an_error_of_the_command_line_does_not_blame_the_file(read: Read) -> None:
    with pytest.raises(ConfigError, match=r"^epochs = 0 is not allowed"):
        read("--epochs", "0", toml="epochs = 3")


def test_no_such_file(read: Read) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.toml: there is no such file"):
        read("--config", "nowhere.toml")


def test_the_help_explains_every_field() -> None:
    parser = argparse.ArgumentParser()
    settings.add_arguments(parser)
    text = " ".join(parser.format_help().split())
    assert "--gae-lambda X of generalised advantage estimation. Default: 0.95." in text
    assert "--network {mlp,gru,lstm,cnn}" in text
    assert "--parameters N|none" in text
    # A description may go over several lines of the docstring.
    assert "``lstm`` (one recurrent".replace("`", "") in text
    missing = [
        f.name for f in dataclasses.fields(Config) if f.name not in settings._documentation()
    ]
    assert missing == []


def test_toml_goes_there_and_back(read: Read) -> None:
    odd = {"text": 'a "b" \\ \n\x7fé', "list": [1, "x", True], "a.b": 0.1, "inf": float("inf")}
    changes = {name: value for name, (_, value) in TYPED.items()}
    for config in (
        Config(),
        Config(env="gymnasium:X-v1", env_options=odd, anneal=False, **changes),
    ):
        assert read(toml=settings.to_toml(config)) == config


def test_toml_cannot_hold_everything() -> None:
    with pytest.raises(ConfigError, match=r"env_options.x = <object.*cannot be written as TOML"):
        settings.to_toml(Config(env_options={"x": object()}))


def test_an_environment_brings_settings_of_its_own() -> None:
    own = settings.preset("pong")
    assert own is not None
    # They are read without complaint, and level 4 trains with the same.
    assert settings.read_file(own)["env_options"] == {"frameskip": 8}
    assert settings.preset("reference:pong") == own
    cart = settings.preset("gymnasium:CartPole-v1")
    assert cart is not None
    assert settings.read_file(cart)["total_steps"] == 100_000
    assert settings.preset("gymnasium:FrozenLake-v1") is None
    assert settings.preset("nothing") is None
