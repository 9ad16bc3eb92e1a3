"""A project's functions while there is no environment yet, in a process of their own.

As ``envlift.verify.sides.suite_host``, but no environment is opened: the suite's components are
given something that says so when it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envlift.candidate.host import CandidateServer
from envlift.reference.host import run
from envlift.reference.types import ArraySpec, Side, SideSpec
from envlift.translate.components import Nothing
from envlift.verify.sides.suite_host import ComponentSide
from envlift.verify.suite.find import find_suite

NUMBER = ArraySpec((), "float32")


class Functions(Nothing):
    """A side without an environment."""

    probes = False
    spec = SideSpec(name="functions", observation=NUMBER, action=NUMBER)

    def close(self) -> None:
        """There is nothing to close."""


class FunctionServer(CandidateServer):
    """Answers ``call`` with the suite's functions."""

    def open(self, config: Mapping[str, Any], num_lanes: int) -> Side:
        """Read the suite alone."""
        suite, _ = find_suite(config["suite"])
        return ComponentSide(Functions(), suite)


def main() -> None:
    """Run the host."""
    run(FunctionServer())


if __name__ == "__main__":
    main()
