"""Recorded battles and hosts. Tests that need Node are skipped without it; in CI they fail."""

from __future__ import annotations

import itertools
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envlift.envs.pokemon.reference.showdown import prepare
from envlift.reference.client import ReferenceProcess
from envlift.reference.failure import ReferenceUnavailable
from tests.envs.pokemon import lockstep
from tests.envs.pokemon.driving import Host, open_host

Idle = dict[str, list[ReferenceProcess]]
CORPUS = Path(__file__).parent / "corpus"


@pytest.fixture(scope="session")
def packages() -> None:
    """Pokémon Showdown, installed."""
    try:
        prepare()
    except ReferenceUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"Pokémon Showdown cannot be had here: {error.reason.splitlines()[0]}")


@pytest.fixture(scope="session")
def idle(packages: None) -> Iterator[Idle]:
    """Processes that no test uses: starting one takes seconds, a reset makes it as new."""
    processes: Idle = defaultdict(list)
    yield processes
    for process in itertools.chain.from_iterable(processes.values()):
        process.close()


@pytest.fixture
def hosts(idle: Idle) -> Iterator[Any]:
    """``open_host``; what it opened is handed to the next test."""
    used: list[tuple[str, Host]] = []

    def make(num_lanes: int, seed: int = 0, pairs: int = 0, **config: Any) -> Host:
        key = json.dumps([num_lanes, config])
        process = idle[key].pop() if idle[key] else None
        host = open_host(num_lanes, seed, pairs, process=process, **config)
        used.append((key, host))
        return host

    yield make
    for key, host in used:
        idle[key].append(host.process)


@pytest.fixture(scope="session", params=sorted(p.name for p in CORPUS.glob("*.bin.gz")))
def recorded(request: pytest.FixtureRequest) -> tuple[str, list[lockstep.Record]]:
    """The kind of a recording, and its battles."""
    return request.param.removesuffix(".bin.gz"), lockstep.read(CORPUS / request.param)
