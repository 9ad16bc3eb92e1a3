"""The contract suite runs over every registered environment, every variant, and two toys."""

from __future__ import annotations

import pytest

from envlift import registry
from tests.contract.cases import TOYS, Case, cases


@pytest.fixture(autouse=True)
def _toys_are_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.list_envs()
    for entry in TOYS:
        monkeypatch.setitem(registry._registrations, entry.name, entry)


@pytest.fixture(params=cases(), ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param
