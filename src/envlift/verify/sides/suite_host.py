"""A suite's functions of the candidate, in a process of their own.

``call`` evaluates the ``candidate`` of one component of the suite on the environment. Nothing is
compared here and nothing decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envlift.candidate.audit import audited
from envlift.candidate.host import CandidateServer
from envlift.candidate.opening import open_here
from envlift.reference.host import run
from envlift.reference.types import Array, Side
from envlift.verify.suite import Suite
from envlift.verify.suite.find import find_suite


class SuiteServer(CandidateServer):
    """Opens the candidate and answers ``call`` with the suite's functions."""

    def open(self, config: Mapping[str, Any], num_lanes: int) -> Side:
        """Open the candidate for the components of the suite that the request names."""
        suite, _ = find_suite(config["suite"])
        side: Any = open_here(config["target"], config["options"], num_lanes)
        return ComponentSide(side, suite)


class ComponentSide:
    """A candidate whose components are the suite's functions."""

    def __init__(self, side: Any, suite: Suite) -> None:
        self._side = side
        self._suite = suite
        self._functions: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._side, name)

    def call(self, component: str, arguments: dict[str, Array]) -> dict[str, Array]:
        """Evaluate the component at a place in the suite."""
        if component not in self._functions:
            found = self._suite.components[int(component)]
            assert found.candidate is not None
            with audited():
                made = found.candidate(getattr(self._side, "env", self._side))
            self._functions[component] = made
        results: dict[str, Array] = self._functions[component](arguments)
        return results


def main() -> None:
    """Run the host."""
    run(SuiteServer())


if __name__ == "__main__":
    main()
