"""The Python host: serves a class of yours over stdio.

``python -m envlift.reference.host module:Class`` or ``... path/to/file.py:Class``. What a class
must have stands in ``lanes.Lanes`` (one object for each lane) and ``lanes.Batch`` (``batched =
True``: one object for all of them). This module must stay light: it never imports JAX.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from envlift.reference import wire
from envlift.reference.failure import (
    CandidateViolation,
    PairError,
    ReferenceUnavailable,
    SideFailure,
    UnknownSideError,
)
from envlift.reference.lanes import Batch, LaneError, Lanes, component
from envlift.reference.types import Array, ArraySpec

__all__ = ["component", "load", "main", "serve"]

_OWN_FOLDERS = tuple(
    str(Path(__file__).resolve().parents[1] / room) for room in ("reference", "candidate")
)
_OPENING = str(Path("envlift", "candidate", "opening.py"))
PROTOCOL = 1


def load(target: str) -> Any:
    """Return the class that ``module:Class`` or ``path/to/file.py:Class`` names.

    Raises:
        UnknownSideError: if there is no such thing; the message says what is there.
    """
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise UnknownSideError(
            f"{target!r} is not of the form module:Class or path/to/file.py:Class"
        )
    if place.endswith(".py"):
        path = Path(place).resolve()
        if not path.is_file():
            raise UnknownSideError(f"there is no file {path}")
        # As for a script: what lies beside the file can be imported.
        sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    else:
        try:
            module = importlib.import_module(place)
        except ModuleNotFoundError as error:
            if error.name is not None and (place + ".").startswith(error.name + "."):
                raise UnknownSideError(
                    f"there is no module {error.name!r} for {sys.executable}; "
                    "is it installed there, or is the working directory another one?"
                ) from None
            raise
    found = getattr(module, name, None)
    if not callable(found):
        classes = [key for key, value in vars(module).items() if isinstance(value, type)]
        near = difflib.get_close_matches(name, classes, n=3) or classes
        raise UnknownSideError(
            f"{place} has no class {name!r}; it has {', '.join(near) or 'no classes'}"
        )
    return found


class Server:
    """Answers the requests of one session."""

    def __init__(self, target: str) -> None:
        self.working: Callable[[], None] = lambda: None
        self._target = target
        self._lanes: Lanes | Batch | None = None
        self._num_lanes = 0

    def answer(self, request: Mapping[str, Any], raw: memoryview) -> dict[str, Any]:
        """Return the answer to one request, without its id; arrays are NumPy arrays."""
        operation = request.get("op")
        if operation == "spec":
            return self._spec(request)
        handler = _HANDLERS.get(str(operation))
        if handler is None:
            known = ", ".join(("spec", *_HANDLERS))
            raise wire.WireError(f"there is no operation {operation!r}; known: {known}")
        if self._lanes is None:
            raise wire.WireError(f"{operation!r} came before 'spec'")
        result: dict[str, Any] = handler(self, self._lanes, request, raw)
        return result

    def _spec(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if request.get("protocol", PROTOCOL) != PROTOCOL:
            raise wire.WireError(
                f"this host speaks the protocol {PROTOCOL}, not {request['protocol']!r}"
            )
        self._num_lanes = int(request["num_lanes"])
        found = load(self._target)
        kind = Batch if getattr(found, "batched", False) else Lanes
        config, patience = request.get("config") or {}, request.get("patience")
        self._lanes = kind(found, self._num_lanes, config, lambda: self.working(), patience)
        self._num_lanes = self._lanes.num_lanes
        return {
            "spec": {**wire.write_spec(self._lanes.spec), "binary": True},
            "num_lanes": self._num_lanes,
            "working": kind is Lanes,
            "whole": kind is Batch,
        }

    def _array(
        self,
        request: Mapping[str, Any],
        name: str,
        spec: ArraySpec | None,
        axes: tuple[int, ...],
        raw: memoryview,
    ) -> Array | None:
        value = request.get(name)
        if spec is None or value is None:
            return None
        return wire.unpack(value, (*axes, *spec.shape), spec.dtype, raw)

    def _reset(self, lanes: Lanes | Batch, request: Mapping[str, Any], raw: memoryview) -> Any:
        axes = (self._num_lanes,)
        seeds = self._array(request, "seeds", ArraySpec((), "int64"), axes, raw)
        chance = self._array(request, "chance", lanes.spec.chance, axes, raw)
        if seeds is None:
            raise wire.WireError("'reset' needs 'seeds'")
        return lanes.reset(seeds, chance, request.get("return", ()))

    def _step(self, lanes: Lanes | Batch, request: Mapping[str, Any], raw: memoryview) -> Any:
        axes = (int(request["steps"]), self._num_lanes)
        actions = self._array(request, "actions", lanes.spec.action, axes, raw)
        chance = self._array(request, "chance", lanes.spec.chance, axes, raw)
        seeds = self._array(request, "reset_seeds", ArraySpec((), "int64"), axes, raw)
        if actions is None:
            raise wire.WireError("'step' needs 'actions'")
        return lanes.step(actions, chance, seeds, request.get("return", ()))

    def _get_state(self, lanes: Lanes | Batch, request: Mapping[str, Any], raw: memoryview) -> Any:
        if not lanes.spec.state:
            raise ValueError(f"the state of {lanes.spec.name} cannot be read: its spec has none")
        return {"state": lanes.get_state()}

    def _set_state(self, lanes: Lanes | Batch, request: Mapping[str, Any], raw: memoryview) -> Any:
        values, axes = request["state"], (self._num_lanes,)
        state = {
            name: wire.unpack(values[name], (*axes, *spec.shape), spec.dtype, raw)
            for name, spec in lanes.spec.state.items()
        }
        lanes.set_state(state)
        return {}

    def _legal_actions(
        self, lanes: Lanes | Batch, request: Mapping[str, Any], raw: memoryview
    ) -> Any:
        legal = lanes.legal_actions()
        return {} if legal is None else {"legal_actions": legal}

    def _call(self, lanes: Lanes | Batch, request: Mapping[str, Any], raw: memoryview) -> Any:
        arguments = {
            name: wire.unpack_described(value, raw)
            for name, value in request.get("arguments", {}).items()
        }
        return {"results": _as_arrays(lanes.call(str(request["component"]), arguments))}

    def _notes(self, lanes: Lanes | Batch, request: Mapping[str, Any], raw: memoryview) -> Any:
        return {"notes": lanes.notes()}

    def _coverage(self, lanes: Lanes | Batch, request: Mapping[str, Any], raw: memoryview) -> Any:
        return {"coverage": lanes.coverage()}

    def _close(self, lanes: Lanes | Batch, request: Mapping[str, Any], raw: memoryview) -> Any:
        lanes.close()
        return {}


_HANDLERS: dict[str, Any] = {
    "reset": Server._reset,
    "step": Server._step,
    "get_state": Server._get_state,
    "set_state": Server._set_state,
    "legal_actions": Server._legal_actions,
    "call": Server._call,
    "notes": Server._notes,
    "coverage": Server._coverage,
    "close": Server._close,
}


def _as_arrays(values: Mapping[str, Any]) -> dict[str, Any]:
    """Make every leaf an array that the wire can carry."""
    arrays: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            arrays[name] = _as_arrays(value)
            continue
        array = np.asarray(value)
        if array.dtype.name not in wire.DTYPES:
            raise TypeError(
                f"{name!r} has the dtype {array.dtype.name}; the protocol carries "
                f"{', '.join(wire.DTYPES)}"
            )
        arrays[name] = array
    return arrays


def _explain(error: BaseException) -> dict[str, Any]:
    """Turn an exception into an answer, and show the reference's own part of the traceback."""
    answer: dict[str, Any] = {}
    if isinstance(error, LaneError) and error.__cause__ is not None:
        answer["lane"] = error.lane
        if error.step is not None:
            answer["step"] = error.step
        error = error.__cause__
    if isinstance(error, CandidateViolation):
        return {**answer, "error": str(error), "violation": True}
    if isinstance(error, SideFailure) and error.operation == "open":
        return {**answer, "error": error.reason}
    if isinstance(error, PairError) or _is_told(error):
        return {**answer, "error": str(error), "misfit": True}
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if str(Path(frame.filename).parent) not in _OWN_FOLDERS
        and "importlib" not in frame.filename
    ]
    if isinstance(error, ReferenceUnavailable):
        text = error.reason
    elif not frames and isinstance(error, (ValueError, TypeError)):
        # One of our own complaints, complete as it stands.
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error}"
        # JAX puts the whole traceback of a callback into its error: what was raised comes last.
        if "Traceback (most recent call last)" in text:
            text = f"{type(error).__name__}: {text.strip().splitlines()[-1]}"
    if frames:
        text += f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"
        print("".join(traceback.format_list(frames)), file=sys.stderr, end="")
        print("".join(traceback.format_exception_only(type(error), error)), file=sys.stderr, end="")
        sys.stderr.flush()
    if isinstance(error, ReferenceUnavailable):
        answer["unavailable"] = True
    if isinstance(error, UnknownSideError):
        answer["unknown"] = True
    return {**answer, "error": text}


def _is_told(error: BaseException) -> bool:
    """Whether envlift itself raised this on purpose while a candidate was opened."""
    frames = traceback.extract_tb(error.__traceback__)
    opened = any(frame.filename.endswith(_OPENING) for frame in frames)
    return opened and isinstance(error, (ValueError, ModuleNotFoundError))


def serve(server: Any, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until ``close`` or the end of the stream.

    ``server`` is a ``Server`` or has its ``answer`` and ``working``.
    """
    number: Any = None
    told = time.monotonic()

    def working() -> None:
        """Say at most once a second that a request is being worked on."""
        nonlocal told
        now = time.monotonic()
        if now - told > 1.0:
            told = now
            answers.writelines(wire.pack(wire.working(number), binary=False))
            answers.flush()

    server.working = working
    while line := requests.readline():
        told = time.monotonic()
        try:
            request = wire.parse_line(line)
            raw = requests.read(wire.binary_length(request))
        except wire.WireError as error:
            # Where the next message begins is unknown now.
            answers.writelines(wire.pack({"id": None, "error": str(error)}, binary=False))
            answers.flush()
            return
        number = request.get("id")
        try:
            answer = server.answer(request, memoryview(raw))
            plain = request.get("op") in ("spec", "notes", "coverage", "close")
            values = answer if plain else _as_arrays(answer)
            pieces = wire.pack({"id": number, **values}, binary=True)
        except Exception as error:
            pieces = wire.pack({"id": number, **_explain(error)}, binary=False)
        answers.writelines(pieces)
        answers.flush()
        if request.get("op") == "close":
            return


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the host."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1:
        print(
            "usage: python -m envlift.reference.host module:Class | path/to/file.py:Class",
            file=sys.stderr,
        )
        raise SystemExit(4)
    run(Server(arguments[0]))


def run(server: Any) -> None:
    """Keep the protocol's streams for the host alone, then serve."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # What a reference prints, also from C or from its own children, must not enter the protocol,
    # and what it reads must not be taken from it.
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        serve(server, requests, answers)
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)


if __name__ == "__main__":
    main()
