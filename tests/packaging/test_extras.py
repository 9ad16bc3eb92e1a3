"""A message that asks for a package shows a command that finds it: envlift is on no index."""

from __future__ import annotations

from importlib import metadata

import pytest

from envlift import extras

DECLARED = [
    "numpy>=1.26",
    'flax>=0.12; extra == "train"',
    "orbax-checkpoint>=0.11 ; extra == 'train'",
    'jax[cuda13]<0.12,>=0.10; extra == "cuda"',
]


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: DECLARED)


@pytest.mark.usefixtures("declared")
def test_the_packages_are_named_not_the_extra() -> None:
    assert extras.install("train") == 'pip install "flax>=0.12" "orbax-checkpoint>=0.11"'
    assert extras.install("train", ["Orbax_checkpoint"]) == 'pip install "orbax-checkpoint>=0.11"'
    assert extras.install("cuda", ["jax"]) == 'pip install "jax[cuda13]<0.12,>=0.10"'


def test_from_a_folder_that_nobody_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", unknown)
    assert extras.install("train") == f'pip install "{extras.CHECKOUT}[train]"'
    assert (extras.CHECKOUT / "pyproject.toml").is_file()


def test_every_extra_that_a_message_names_is_declared() -> None:
    """As this very installation declares them."""
    for extra in ("gymnax", "onnx", "pettingzoo", "sb3", "tensorboard", "torchrl", "train"):
        assert "envlift" not in extras.install(extra), extra
