"""The contract suite runs over every registered environment, every variant, and a toy."""

from __future__ import annotations

import pytest

from envlift import registry
from tests.contract import toy
from tests.contract.cases import Case, cases


@pytest.fixture(autouse=True)
def _toy_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.list_envs()
    monkeypatch.setitem(registry._registrations, "toy", toy.REGISTRATION)


@pytest.fixture(params=cases(), ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param
