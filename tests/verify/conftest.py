"""Small runs of ``envlift verify`` for tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from envlift.envs.pong.verification.suite import SUITE
from envlift.verify.run.context import QUICK
from envlift.verify.run.progress import Silent
from envlift.verify.run.session import Request, verify
from tests.forking import forked

TINY = replace(
    QUICK, lanes=8, examples=15, transitions=256, min_steps=64, max_steps=60_000, resets=256
)


@pytest.fixture(autouse=True)
def _quick_to_start(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fork the processes of both sides, where it is not about how they start (mark ``started``)."""
    if request.node.get_closest_marker("started"):
        yield
        return
    with forked():
        yield


@pytest.fixture
def verify_pong(tmp_path):
    """Verify a candidate against PufferLib's Pong; returns the report."""

    def run(candidate="pong", config="discrete", levels=(), suite=SUITE, effort=TINY, **options):
        request = Request(
            suite=suite,
            suite_source="pong",
            candidate=candidate,
            options=options or None,
            configs=(config,),
            levels=levels,
            effort=effort,
            fixtures=tmp_path / "fixtures",
            # Faults are planted in this process, and another one for each test takes long.
            apart=False,
        )
        return verify(request, Silent())

    return run
