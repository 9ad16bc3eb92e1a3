"""A project to translate, and an agent that does what a test says."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from envlift.translate.agents.protocol import Cost, TurnRequest, TurnResult, Usage

TOY = Path(__file__).parent / "toy"

Deed = Callable[[TurnRequest], TurnResult | None]


class Scripted:
    """Does one deed after the other; remembers what it was asked."""

    name = "scripted"

    def __init__(self, deeds: Sequence[Deed]) -> None:
        self.deeds = list(deeds)
        self.requests: list[TurnRequest] = []

    def run(self, request: TurnRequest) -> TurnResult:
        deed = self.deeds[request.turn - 1]
        self.requests.append(request)
        told = deed(request)
        return told or TurnResult("done", "", Usage(100, 10, 20), Cost(0.01, "reported"))

    def recover(self, log: Path) -> TurnResult:
        return TurnResult("failed", "cut off", Usage(50, 0, 5), Cost(0.005, "reported"))


def writes(**files: str) -> Deed:
    """Return a deed that writes files; ``walk__rules_py`` stands for ``walk/rules.py``."""

    def deed(request: TurnRequest) -> None:
        for name, text in files.items():
            stem, _, suffix = name.replace("__", "/").rpartition("_")
            path = request.worktree / f"{stem}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return deed


class Quiet:
    """A watcher that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def event(self, name: str, turn: object, **about: object) -> None:
        self.heard.append(name)


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A fresh copy of the toy project."""
    folder = tmp_path / "walk"
    shutil.copytree(TOY, folder)
    return folder
