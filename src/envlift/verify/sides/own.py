"""What belongs to the candidate but is reached through the suite: component functions, training.

A component's ``candidate(env) -> function`` stands in the suite and runs the candidate's own code.
So it runs in a process of its own, which imports the suite; the judging process only gets its
arrays. A candidate that behaves there alone is still seen by the levels that play it elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from envlift.candidate.opening import open_here
from envlift.candidate.states import AnyEnv
from envlift.reference.types import Array, Side
from envlift.verify.sides.candidates import Limits, open_suite_apart
from envlift.verify.suite import Component, Config, Suite

Function = Callable[[dict[str, Array]], dict[str, Array]]


@dataclass
class Own:
    """One configuration's.

    Attributes:
        source: by which the suite is found in another process.
        suite, config, options: of the run.
        limits: how long an answer may take.
        apart: whether another process is wanted at all.
        stack: what is opened here is closed with it.
        host: the module that runs in the other process.
    """

    source: str
    suite: Suite
    config: Config
    options: Mapping[str, Any]
    limits: Limits
    apart: bool
    stack: contextlib.ExitStack
    host: str = "envlift.verify.sides.suite_host"
    _process: Side | None = None

    def component(self, component: Component) -> Function | None:
        """Return a component's function in another process, None if it cannot run there."""
        place = self._place(component) if self.apart else None
        if place is None:
            return None
        if self._process is None or not getattr(self._process, "alive", True):
            self._process = open_suite_apart(
                self.source,
                self.config.name,
                self.suite.candidate,
                self.options,
                self.limits,
                self.host,
            )
            self.stack.callback(self._process.close)
        process = self._process
        return lambda arguments: process.call(str(place), arguments)

    def _place(self, component: Component) -> int | None:
        """Return where the component stands in the suite; names may repeat."""
        from envlift.verify.suite.find import find_suite

        if not isinstance(self.suite.candidate, str) or not self.source:
            return None
        try:
            suite, _ = find_suite(self.source)
        except ValueError:
            return None
        for place, one in enumerate(suite.components):
            if one.name == component.name and one.candidate is component.candidate:
                return place
        return None

    def env_here(self) -> AnyEnv:
        """Return the candidate's environment in this process, for training alone.

        Raises:
            ValueError: for a stranger, whose code never comes here.
        """
        if self.limits.place is not None:
            raise ValueError("a candidate that is judged apart is never opened by who judges it")
        side: Any = open_here(self.suite.candidate, self.options, 1)
        env: AnyEnv = side.env
        return env
