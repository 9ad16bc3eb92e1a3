"""A library that is not installed is named, with the extra that brings it."""

from __future__ import annotations

import importlib
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "missing", "words"),
    [
        ("sb3", "stable_baselines3", r'Stable-Baselines3 .*pip install "stable-baselines3<3'),
        ("torchrl", "torch", r'TorchRL .*pip install "torchrl>='),
    ],
)
def test_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, module: str, missing: str, words: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)  # what Python has for "cannot be imported"
    monkeypatch.delitem(sys.modules, f"envlift.adapters.{module}", raising=False)
    with pytest.raises(ModuleNotFoundError, match=words):
        importlib.import_module(f"envlift.adapters.{module}")
