"""A candidate in a process of its own; nothing of ``envlift.verify`` is here.

It speaks the reference protocol (``docs/reference-protocol.md``) in binary mode, with these
differences. The spec's ``config`` names the ``target``, its ``options``, and whether JAX computes
in 64 bits (``x64``). ``reset`` and ``step`` take a chance whatever the spec says. Arrays of answers
describe themselves (``"described": true`` beside the spec), because the dtypes of a compiled
function are only known when it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax

from envlift.candidate.audit import audited
from envlift.candidate.opening import open_here
from envlift.reference import wire
from envlift.reference.host import run
from envlift.reference.types import Array, ArraySpec, Record, Side

SEEDS = ArraySpec((), "int64")


class CandidateServer:
    """Answers the requests of one session."""

    def __init__(self) -> None:
        self.working: Callable[[], None] = lambda: None
        self._side: Side | None = None

    def answer(self, request: Mapping[str, Any], raw: memoryview) -> dict[str, Any]:
        """Return the answer to one request, without its id; arrays are NumPy arrays."""
        operation = str(request.get("op"))
        if operation == "spec":
            return self._open(request)
        if self._side is None:
            raise wire.WireError(f"{operation!r} came before 'spec'")
        with audited():
            return self._do(operation, self._side, request, raw)

    def _open(self, request: Mapping[str, Any]) -> dict[str, Any]:
        config = request["config"]
        jax.config.update("jax_enable_x64", config["x64"])  # type: ignore[no-untyped-call]
        self._side = self.open(config, int(request["num_lanes"]))
        return {
            "spec": {**wire.write_spec(self._side.spec), "binary": True},
            "described": True,
            "probes": bool(getattr(self._side, "probes", False)),
        }

    def open(self, config: Mapping[str, Any], num_lanes: int) -> Side:
        """Open what the request names."""
        return open_here(config["target"], config["options"], num_lanes)

    def _do(
        self, operation: str, side: Side, request: Mapping[str, Any], raw: memoryview
    ) -> dict[str, Any]:
        def array(name: str) -> Array | None:
            value = request.get(name)
            return None if value is None else wire.unpack_described(value, raw)

        def arrays(name: str) -> dict[str, Array]:
            return {key: wire.unpack_described(one, raw) for key, one in request[name].items()}

        if operation == "reset":
            seeds = array("seeds")
            assert seeds is not None
            return shown(side.reset(seeds, array("chance")))
        if operation == "step":
            actions = array("actions")
            assert actions is not None
            return shown(side.step(actions, array("chance"), array("reset_seeds")))
        if operation == "get_state":
            return {"state": side.get_state()}
        if operation == "set_state":
            side.set_state(arrays("state"))
            return {}
        if operation == "call":
            return {"results": dict(side.call(str(request["component"]), arrays("arguments")))}
        if operation == "coverage":
            return {"coverage": side.coverage()}
        if operation == "notes":
            return {"notes": side.notes() if hasattr(side, "notes") else None}
        if operation == "close":
            side.close()
            return {}
        raise wire.WireError(f"there is no operation {operation!r}")


def shown(record: Record) -> dict[str, Any]:
    """Return what a record holds as an answer."""
    return {name: value for name, value in vars(record).items() if value is not None}


def main() -> None:
    """Run the host."""
    run(CandidateServer())


if __name__ == "__main__":
    main()
