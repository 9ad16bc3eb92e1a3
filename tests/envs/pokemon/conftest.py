"""A host for all tests of a module; without Node or its packages they are skipped, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from envlift.envs.pokemon.reference.showdown import prepare
from envlift.reference.failure import ReferenceUnavailable
from tests.envs.pokemon.driving import Host, open_host


@pytest.fixture(scope="session")
def packages() -> None:
    """Pokémon Showdown, installed."""
    try:
        prepare()
    except ReferenceUnavailable as error:
        pytest.skip(f"Pokémon Showdown cannot be had here: {error.reason.splitlines()[0]}")


@pytest.fixture
def hosts(packages: None) -> Iterator[Any]:
    """``open_host``; what it opened is closed."""
    opened: list[Host] = []

    def make(*args: Any, **options: Any) -> Host:
        opened.append(open_host(*args, **options))
        return opened[-1]

    yield make
    for host in opened:
        host.process.close()
