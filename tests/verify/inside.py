"""Runs of ``envlift verify`` over pairs of Gymnasium environments within this process.

Real runs put both sides into processes of their own, which takes a second each.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import numpy as np

from envlift.reference.bridge.environment import GymnasiumReference
from envlift.reference.lanes import Lanes
from envlift.reference.types import Record
from envlift.reference.wire import RETURNABLE
from envlift.verify.run import session
from envlift.verify.run.context import QUICK
from envlift.verify.run.progress import Silent


class Inside:
    """``gymnasium:ID`` as a side, without a process."""

    def __init__(self, spec, num_lanes, config=None):
        make = {"id": spec.removeprefix("gymnasium:"), **(config or {})}
        self._lanes = Lanes(GymnasiumReference, num_lanes, make)
        self._random = random.Random(num_lanes).getstate()
        self.spec, self.num_lanes = self._lanes.spec, num_lanes

    def reset(self, seeds, chance=None):
        with self._own():
            return self._record(self._lanes.reset(seeds, None, RETURNABLE))

    def step(self, actions, chance=None, reset_seeds=None):
        actions = np.asarray(actions, self.spec.action.dtype)
        if reset_seeds is None:
            reset_seeds = np.arange(actions.shape[0] * self.num_lanes).reshape(actions.shape[:2])
        with self._own():
            return self._record(self._lanes.step(actions, None, reset_seeds, RETURNABLE))

    @contextlib.contextmanager
    def _own(self):
        """Give every side its own global generator, as its process would."""
        before = random.getstate()
        random.setstate(self._random)
        try:
            yield
        finally:
            self._random = random.getstate()
            random.setstate(before)

    def _record(self, fields):
        return Record(**{"state": {}, **fields})

    def get_state(self):
        return self._lanes.get_state()

    def set_state(self, state):
        kept = {n: np.asarray(v, self.spec.state[n].dtype) for n, v in state.items()}
        self._lanes.set_state(kept)

    def coverage(self):
        return {}

    def close(self):
        self._lanes.close()


def verify_inside(monkeypatch, reference, candidate, effort=QUICK, levels=(), suite=None, seed=1):
    """Compare two Gymnasium ids; return the report."""

    def opened(spec, num_lanes, config=None, **_):
        return Inside(spec, num_lanes, config)

    monkeypatch.setattr(session, "open_reference", opened)
    monkeypatch.setattr(
        session,
        "open_candidate",
        lambda candidate, options, lanes, *_, **__: Inside(candidate, lanes, options),
    )
    request = session.Request(
        suite=suite,
        suite_source="",
        reference=reference,
        candidate=candidate,
        effort=effort,
        levels=levels,
        fixtures=Path("unused"),
        seed=seed,
        minimise=False,
    )
    return session.verify(request, Silent())
