"""What is exported says what the policy says, in other hands."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import onnx
import onnxruntime
import pytest

from envlift.cli import main
from envlift.train import checkpoint, export
from envlift.train.config import Config, ConfigError
from envlift.train.distributions import Head
from envlift.train.fused import TrainState
from envlift.train.policy import Policy
from envlift.train.ppo import Learner

DISCRETE = Head(3, discrete=True)
CONTINUOUS = Head(2, discrete=False, low=(-1.0, -0.5), high=(1.0, 0.5))
STEPS, LANES = 5, 4


def a_policy(head: Head, shape: tuple[int, ...], dtype: str = "float32", **settings: Any) -> Policy:
    """Return a policy whose every number matters: none is 0, none is as it was made."""
    config = Config(env="pong", hidden=12, **settings)
    about = {"config": config.to_dict(), "head": dataclasses.asdict(head)}
    policy = Policy.of(about | {"observation_shape": shape, "observation_dtype": dtype})
    rng = np.random.default_rng(3)
    policy.params = jax.tree.map(lambda x: x + rng.normal(0, 0.6, x.shape), policy.params)
    # Else the last bias would choose, whatever is seen.
    policy.params["policy"]["bias"] *= 0.1
    if settings.get("normalize_observations"):
        normalizer = policy.params["normalizer"]
        normalizer["variance"] = np.abs(normalizer["variance"]) + 0.1
    return policy


FLAT = {
    "mlp": {"head": DISCRETE, "shape": (6,)},
    "no hidden layer": {"head": DISCRETE, "shape": (6,), "layers": 0},
    "three tanh layers": {"head": CONTINUOUS, "shape": (6,), "layers": 3, "activation": "tanh"},
    "normalized": {"head": CONTINUOUS, "shape": (2, 3), "normalize_observations": True},
    "whole numbers": {"head": DISCRETE, "shape": (6,), "dtype": "int64"},
    "gru": {"head": DISCRETE, "shape": (6,), "network": "gru"},
    "gru alone": {"head": CONTINUOUS, "shape": (6,), "network": "gru", "layers": 0},
}
PICTURES = {
    "grey": {"head": DISCRETE, "shape": (11, 14), "dtype": "uint8", "network": "cnn"},
    "colours": {"head": CONTINUOUS, "shape": (16, 9, 3), "network": "cnn", "layers": 2},
}


@functools.cache
def shown(name: str) -> Policy:
    """Return one of those above; nobody changes it."""
    return a_policy(**(FLAT | PICTURES)[name])


def observations(policy: Policy) -> Any:
    size = (STEPS, LANES, *policy.observation_shape)
    rng = np.random.default_rng(5)
    if policy.observation_dtype == "float32":
        return rng.normal(0, 3, size).astype(np.float32)
    return rng.integers(0, 200, size).astype(policy.observation_dtype)


def starting() -> Any:
    starts = np.random.default_rng(7).random((STEPS, LANES)) < 0.3
    starts[0] = True
    assert starts[1:].any()
    assert not starts[1:].all()
    return starts


@functools.cache
def greedy(policy: Policy) -> Any:
    """Return what the policy itself plays, [T, B, ...]; it must not always be the same."""
    memory, played = policy.start(LANES), []
    for seen, starts in zip(observations(policy), starting(), strict=True):
        noise = np.zeros((LANES, policy.noise_size), np.float32)
        memory, action = policy.act(memory, seen, starts, noise, greedy=True)
        played.append(action)
    assert len(np.unique(np.stack(played), axis=None)) > 1
    return np.stack(played)


@pytest.mark.parametrize("name", [*FLAT, *PICTURES])
def test_onnx_runtime_plays_the_same(name: str, tmp_path: Path) -> None:
    policy = shown(name)
    export.to_onnx(policy, tmp_path / "policy.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "policy.onnx")
    names = [given.name for given in session.get_inputs()]
    assert ("memory" in names) == (policy.config.network == "gru")
    memory = np.zeros((LANES, policy.config.hidden), np.float32)
    for seen, starts, expected in zip(
        observations(policy), starting(), greedy(policy), strict=True
    ):
        given = {"observation": seen, "memory": memory, "starts": starts}
        found = dict(
            zip(
                [told.name for told in session.get_outputs()],
                session.run(None, {name: given[name] for name in names}),
                strict=True,
            )
        )
        memory = found.get("next_memory", memory)
        # Float32 sums in another order; whole numbers are equal.
        np.testing.assert_allclose(found["action"], expected, rtol=1e-4, atol=1e-5)
        assert found["logits" if policy.head.discrete else "mean"].shape == (
            LANES,
            policy.head.outputs,
        )


@pytest.mark.parametrize("name", [name for name in FLAT if "gru" not in name])
def test_the_loader_of_the_docs_plays_the_same(name: str, tmp_path: Path) -> None:
    policy = shown(name)
    act = loaded(policy, tmp_path, "def act(observation)")["act"]
    for seen, expected in zip(observations(policy), greedy(policy), strict=True):
        np.testing.assert_allclose(act(seen), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in FLAT if "gru" in name])
def test_the_loader_with_memory_plays_the_same(name: str, tmp_path: Path) -> None:
    policy = shown(name)
    namespace = loaded(policy, tmp_path, "def act(observation, memory)")
    act, memory = namespace["act"], np.zeros((LANES, policy.config.hidden), np.float32)
    for seen, starts, expected in zip(
        observations(policy), starting(), greedy(policy), strict=True
    ):
        memory = np.where(starts[:, None], 0, memory)
        action, memory = act(seen, memory)
        np.testing.assert_allclose(action, expected, rtol=1e-4, atol=1e-5)


def loaded(policy: Policy, folder: Path, words: str) -> dict[str, Any]:
    """Export a policy and run the block of docs/train.md that has these words."""
    from tests.docs.pages import ROOT, blocks, run_block

    export.to_numpy(policy, folder / "policy.npz")
    page = ROOT / "docs" / "train.md"
    (block,) = [block for block in blocks(page.read_text()) if words in block.code]
    assert "envlift" not in block.code
    assert block.code.count("\n") <= 20
    namespace: dict[str, Any] = {}
    run_block(
        type(block)(
            block.tag,
            block.code.replace('"policy.npz"', repr(str(folder / "policy.npz"))),
            block.line,
            block.mark,
        ),
        str(page),
        namespace,
    )
    return namespace


def test_both_say_what_they_are(tmp_path: Path) -> None:
    policy = a_policy(CONTINUOUS, (6,), initial_log_std=-0.5)
    export.to_numpy(policy, tmp_path / "policy.npz")
    export.to_onnx(policy, tmp_path / "policy.onnx")
    with np.load(tmp_path / "policy.npz") as file:  # without pickle
        arrays = dict(file)
    (about,) = (entry.value for entry in onnx.load(tmp_path / "policy.onnx").metadata_props)
    assert json.loads(str(arrays["about"])) == json.loads(about)
    told = json.loads(about)
    assert (told["env"], told["observation_shape"], told["discrete"]) == ("pong", [6], False)
    np.testing.assert_allclose(arrays["log_std"], policy.params["log_std"])
    np.testing.assert_array_equal(arrays["low"], np.float32([-1.0, -0.5]))


class TestRefused:
    """Nothing is written, and it is said why."""

    def test_a_picture_in_numpy(self, tmp_path: Path) -> None:
        policy = shown("grey")
        with pytest.raises(ConfigError, match=r"use FILE\.onnx"):
            export.to_numpy(policy, tmp_path / "policy.npz")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("form", [export.to_numpy, export.to_onnx])
    @pytest.mark.parametrize("part", ["encoder_0", "gru", "policy"])
    def test_another_network(self, tmp_path: Path, form: Any, part: str) -> None:
        """It computes something else with the same names."""
        policy = copy.copy(shown("gru"))
        apply = policy.network.apply

        class Other:
            recurrent, hidden, start = True, policy.network.hidden, policy.network.start

            def apply(self, variables: Any, *given: Any) -> Any:
                params = dict(variables["params"])
                params[part] = jax.tree.map(lambda x: x * 1.1, params[part])
                return apply({"params": params}, *given)

        policy.network = Other()
        with pytest.raises(ConfigError, match="was not written: it would give"):
            form(policy, tmp_path / "policy.out")
        assert not list(tmp_path.iterdir())

    def test_observations_that_are_choices(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        policy = copy.copy(shown("whole numbers"))
        about = policy.about() | {"observation_choices": [4]}
        monkeypatch.setattr(policy, "about", lambda: about)
        with pytest.raises(ConfigError, match=r"one of \[4\] choices"):
            export.to_numpy(policy, tmp_path / "policy.npz")

    def test_a_network_of_other_parts(self, tmp_path: Path) -> None:
        policy = copy.copy(shown("mlp"))
        policy.params = {"mine": policy.params["policy"]}
        with pytest.raises(ConfigError, match=r"no 'policy' among \['mine'\]"):
            export.to_numpy(policy, tmp_path / "policy.npz")


class TestCommand:
    @pytest.fixture
    def run_folder(self, tmp_path: Path) -> Path:
        policy = a_policy(DISCRETE, (8,))
        state = TrainState(Learner(policy.params, ()), *[None] * (len(TrainState._fields) - 1))
        about = policy.about() | {"steps": 64}
        checkpoint.save(tmp_path / "run", 64, state, about)
        return tmp_path / "run"

    @pytest.mark.parametrize("name", ["policy.npz", "policy.onnx"])
    def test_writes(self, run_folder: Path, name: str, capsys: Any) -> None:
        file = run_folder.parent / "new" / name
        assert main(["export", str(run_folder), str(file)]) == 0
        assert [found.name for found in file.parent.iterdir()] == [name]
        assert "pong, mlp" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("file", "more", "words"),
        [
            ("policy.pt", [], r"policy.pt must end in .npz or .onnx"),
            ("policy.npz", ["--step", "7"], "no checkpoint of step 7"),
        ],
    )
    def test_slips(
        self, run_folder: Path, file: str, more: list[str], words: str, capsys: Any
    ) -> None:
        assert main(["export", str(run_folder), str(run_folder / file), *more]) == 4
        assert words in capsys.readouterr().err

    def test_the_extra_is_named(
        self, run_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        monkeypatch.delitem(sys.modules, "envlift.train.onnx_graph", raising=False)
        for name in [name for name in sys.modules if name.split(".")[0] == "onnx"]:
            monkeypatch.setitem(sys.modules, name, None)
        assert main(["export", str(run_folder), str(run_folder / "policy.onnx")]) == 4
        assert 'pip install "onnx>=' in capsys.readouterr().err
