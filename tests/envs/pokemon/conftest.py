"""Battles recorded from Showdown, shared by the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.envs.pokemon import lockstep

CORPUS = Path(__file__).parent / "corpus"


@pytest.fixture(scope="session", params=sorted(p.stem for p in CORPUS.glob("*.bin.gz")))
def recorded(request: pytest.FixtureRequest) -> tuple[str, list[lockstep.Record]]:
    """The kind of a recording, and its battles."""
    return request.param, lockstep.read(CORPUS / f"{request.param}.bin.gz")
