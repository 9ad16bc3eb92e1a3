"""The verifier's end of the protocol: a reference in another process, as a ``Side``.

Shapes: ``T`` steps, ``B`` lanes, ``N`` rows of a component call.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, NoReturn

import numpy as np

from envlift.reference import wire
from envlift.reference.failure import ReferenceFailure, ReferenceUnavailable
from envlift.reference.process import ChildProcess, ChildTrouble
from envlift.reference.types import Array, ArraySpec, Record, SideSpec, StateDict

__all__ = ["ReferenceFailure", "ReferenceProcess", "ReferenceUnavailable"]

PROTOCOL = 1


class ReferenceProcess:
    """A reference that runs in a child process and speaks the protocol over stdio.

    Any failure but an error that the reference itself answered ends the child, because the two
    ends may then disagree about what was played. One thread at a time may use it.

    Args:
        command: the program and its arguments; no shell is involved.
        num_lanes: B, how many games the reference keeps.
        config: what the reference is told at its start; JSON values.
        timeout: seconds that one operation may take.
        env: the child's environment variables, None for those of this process.
        cwd: the child's working directory, None for that of this process.
        returns: which of ``state``, ``legal_actions``, ``final_observation`` and ``final_state``
            to ask for; the reference's spec narrows it. What is not asked for costs nothing.

    Raises:
        ReferenceFailure: if the child cannot be started or answers no valid spec.
        ValueError: for a wrong argument.
    """

    spec: SideSpec
    num_lanes: int

    def __init__(
        self,
        command: Sequence[str],
        *,
        num_lanes: int,
        config: Mapping[str, Any] | None = None,
        timeout: float = 30.0,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        returns: Iterable[str] = wire.RETURNABLE,
    ) -> None:
        self._child: ChildProcess | None = None
        if num_lanes < 1:
            raise ValueError(f"num_lanes must be at least 1, it is {num_lanes}")
        if timeout <= 0:
            raise ValueError(f"timeout must be more than 0 seconds, it is {timeout}")
        wanted = set(returns)
        if unknown := sorted(wanted - set(wire.RETURNABLE)):
            raise ValueError(f"returns names {unknown[0]!r}; known: {', '.join(wire.RETURNABLE)}")
        self.num_lanes = num_lanes
        self.timeout = timeout
        self.command = tuple(command)
        self._binary = False
        self._request = -1
        self._steps = 0
        self._last_action: Any = None
        self._seeds = np.zeros(num_lanes, np.int64)
        try:
            self._child = ChildProcess(command, env=env, cwd=cwd)
        except ChildTrouble as trouble:
            raise ReferenceFailure(str(trouble), operation="spec") from None
        try:
            self._introduce(dict(config or {}), wanted)
        except BaseException:
            self._child.kill()
            raise

    def _introduce(self, config: dict[str, Any], wanted: set[str]) -> None:
        request = {"protocol": PROTOCOL, "num_lanes": self.num_lanes, "config": config}
        answer, _ = self._ask("spec", request)
        values = answer.get("spec")
        binary = values.get("binary", False) if isinstance(values, dict) else False
        if isinstance(values, dict):
            values = {name: value for name, value in values.items() if name != "binary"}
        try:
            self.spec = wire.read_spec(values)
        except wire.WireError as error:
            self._fail("spec", str(error))
        if not isinstance(binary, bool):
            self._fail("spec", f"the spec's 'binary' must be true or false, it is {binary!r}")
        self._binary = binary
        held = {
            "state": bool(self.spec.state),
            "legal_actions": self.spec.legal_actions,
            "final_observation": not self.spec.self_reset,
            "final_state": bool(self.spec.state) and not self.spec.self_reset,
        }
        self._returns = [name for name in wire.RETURNABLE if name in wanted and held[name]]

    # -- the operations ---------------------------------------------------------------------------

    def reset(self, seeds: Array, chance: Array | None = None) -> Record:
        """Start an episode in every lane.

        Args:
            seeds: int64 [B].
            chance: [B, *chance.shape] where the spec has a chance, else None.

        Raises:
            ReferenceFailure: see ``ReferenceProcess``.
            ValueError: if an argument has the wrong shape.
        """
        lanes = (self.num_lanes,)
        self._seeds = _argument("seeds", seeds, lanes, ArraySpec((), "int64"))
        request: dict[str, Any] = {"seeds": self._seeds, "return": self._returns}
        request |= self._chance(chance, lanes)
        answer, raw = self._ask("reset", request)
        return self._record("reset", answer, raw, lanes)

    def step(
        self, actions: Array, chance: Array | None = None, reset_seeds: Array | None = None
    ) -> Record:
        """Play T steps; an ended lane is reset inside its step.

        Args:
            actions: [T, B, *action.shape].
            chance: [T, B, *chance.shape] where the spec has a chance, else None.
            reset_seeds: int64 [T, B], the seed of the episode that follows if one ends there. If
                None, they are drawn from the seeds of the last reset and the number of the step.

        Raises:
            ReferenceFailure: see ``ReferenceProcess``.
            ValueError: if an argument has the wrong shape.
        """
        steps = len(actions)
        axes = (steps, self.num_lanes)
        actions = _argument("actions", actions, axes, self.spec.action)
        request: dict[str, Any] = {"steps": steps, "actions": actions, "return": self._returns}
        request |= self._chance(chance, axes)
        if reset_seeds is None:
            if not self.spec.self_reset:
                entropy = [int(seed) % 2**63 for seed in self._seeds] + [self._steps]
                # Below 2**31, so that a language with only floats or ints of 32 bits keeps up.
                drawn = np.random.default_rng(entropy).integers(0, 2**31, axes, np.int64)
                request["reset_seeds"] = drawn
        else:
            spec = ArraySpec((), "int64")
            request["reset_seeds"] = _argument("reset_seeds", reset_seeds, axes, spec)
        if steps:
            self._last_action = actions[-1]
        answer, raw = self._ask("step", request, steps)
        record = self._record("step", answer, raw, axes)
        self._steps += steps
        return record

    def get_state(self) -> StateDict:
        """Copy the state of every lane out, each field [B, *shape].

        Raises:
            ReferenceFailure: also if this reference's state cannot be read.
        """
        answer, raw = self._ask("get_state", {})
        return self._state("get_state", answer, "state", raw, (self.num_lanes,))

    def set_state(self, state: StateDict) -> None:
        """Copy a state into every lane; it must have exactly the fields of ``spec.state``.

        Raises:
            ReferenceFailure: see ``ReferenceProcess``.
            ValueError: if a field is missing, unknown or of the wrong shape.
        """
        if set(state) != set(self.spec.state):
            raise ValueError(
                f"the state has the fields {sorted(state)}, {self.spec.name} needs "
                f"{sorted(self.spec.state)}"
            )
        fields = {
            name: _argument(f"state field {name!r}", state[name], (self.num_lanes,), spec)
            for name, spec in self.spec.state.items()
        }
        self._ask("set_state", {"state": fields})

    def call(self, component: str, arguments: Mapping[str, Array]) -> dict[str, Array]:
        """Evaluate one component on a batch.

        Args:
            component: its name in the reference.
            arguments: each [N, ...]; may be empty, then N is 1.

        Raises:
            ReferenceFailure: also for an unknown component.
        """
        packed = {name: np.asarray(value) for name, value in arguments.items()}
        request = {"component": component, "arguments": packed}
        answer, raw = self._ask("call", request, described=True)
        results = answer.get("results")
        if not isinstance(results, dict):
            self._fail("call", f"component {component!r}: the answer has no object 'results'")
        read: dict[str, Array] = {}
        for name, value in results.items():
            label = f"component {component!r}, result {name!r}"
            try:
                read[name] = wire.unpack_described(value, raw)
            except wire.WireError as error:
                self._fail("call", f"{label}: {error}")
            self._check_finite("call", label, read[name], ())
        return read

    def coverage(self) -> dict[str, int]:
        """Return how often each place of the reference's code was reached; may be empty."""
        answer, _ = self._ask("coverage", {})
        counts = answer.get("coverage")
        good = isinstance(counts, dict) and all(type(count) is int for count in counts.values())
        if not isinstance(counts, dict) or not good:
            self._fail("coverage", "the answer has no object 'coverage' of whole numbers")
        return dict(counts)

    def close(self) -> None:
        """End the child: politely, and after two seconds by force. May be called again."""
        if self._child is not None:
            self._request += 1
            self._child.close(wire.pack({"id": self._request, "op": "close"}, binary=False)[0])

    @property
    def pid(self) -> int:
        """The process id of the child."""
        assert self._child is not None
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the child still has to be closed."""
        return self._child is not None and self._child.alive

    def __enter__(self) -> ReferenceProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # -- the exchange -----------------------------------------------------------------------------

    def _ask(
        self, operation: str, request: dict[str, Any], steps: int = 0, described: bool = False
    ) -> tuple[dict[str, Any], memoryview]:
        """Send one request and return the answer with the raw bytes behind it."""
        assert self._child is not None
        if not self._child.alive:
            raise ReferenceFailure(
                "it was closed, or ended by an earlier failure; start a new one",
                operation=operation,
            )
        self._request += 1
        message = {"id": self._request, "op": operation, **request}
        frames = wire.Frames()
        try:
            pieces = wire.pack(message, binary=self._binary, described=described)
        except wire.WireError as error:
            raise ValueError(f"`{operation}` cannot be sent: {error}") from None
        try:
            answer = self._child.exchange(pieces, frames, self.timeout)
        except (ChildTrouble, wire.WireError) as trouble:
            self._fail(operation, self._within(str(trouble), steps), self._steps if steps else None)
        except BaseException:
            # Ctrl-C in the middle of an exchange leaves half a message behind.
            self._child.kill()
            raise
        header = frames.header
        if header.get("id") != self._request:
            self._fail(
                operation,
                f"it answered with the id {header.get('id')!r} to the request {self._request}; "
                "an answer repeats the request's id, and there is one answer to a request",
                self._steps if steps else None,
            )
        if "error" in header:
            self._answered_error(operation, header, steps)
        return header, memoryview(answer)[frames.body :]

    def _within(self, reason: str, steps: int) -> str:
        if steps <= 1:
            return reason
        return f"{reason} (the message held the steps {self._steps} to {self._steps + steps - 1})"

    def _answered_error(self, operation: str, header: dict[str, Any], steps: int) -> NoReturn:
        """Raise what the reference itself reported. It is alive and the protocol is in order."""
        assert self._child is not None
        step, lane = header.get("step"), header.get("lane")
        known = isinstance(step, int) and 0 <= step < steps
        kind = ReferenceUnavailable if header.get("unavailable") is True else ReferenceFailure
        reason = f"it answered an error: {header['error']}"
        raise kind(
            reason if known else self._within(reason, steps),
            operation=operation,
            step=self._steps + (step if known and step is not None else 0) if steps else None,
            lane=lane if isinstance(lane, int) else None,
            action=self._shown_action(lane if isinstance(lane, int) else None),
            stderr=self._child.stderr_tail(),
        )

    def _shown_action(self, lane: int | None) -> Any:
        if self._last_action is None:
            return None
        shown = self._last_action
        if lane is not None and lane < self.num_lanes:
            return np.array2string(shown[lane], threshold=16)
        return np.array2string(shown, threshold=16) + (
            " (one for each lane)" if self.num_lanes > 1 else ""
        )

    def _fail(
        self, operation: str, reason: str, step: int | None = None, lane: int | None = None
    ) -> NoReturn:
        """End the child and raise."""
        assert self._child is not None
        stderr = self._child.stderr_tail()
        self._child.kill()
        raise ReferenceFailure(
            f"{reason}\nit was started as: {shlex.join(self.command)}",
            operation=operation,
            step=step,
            lane=lane,
            action=self._shown_action(lane),
            stderr=stderr,
        ) from None

    # -- reading answers --------------------------------------------------------------------------

    def _chance(self, chance: Array | None, axes: tuple[int, ...]) -> dict[str, Array]:
        if self.spec.chance is None:
            if chance is not None:
                raise ValueError(f"{self.spec.name} draws its own chance; pass chance=None")
            return {}
        if chance is None:
            raise ValueError(
                f"{self.spec.name} needs a chance of shape {(*axes, *self.spec.chance.shape)} and "
                f"dtype {self.spec.chance.dtype}"
            )
        return {"chance": _argument("chance", chance, axes, self.spec.chance)}

    def _record(
        self, operation: str, answer: dict[str, Any], raw: memoryview, axes: tuple[int, ...]
    ) -> Record:
        fields: dict[str, Any] = {"state": {}}
        expected = {"observation": self.spec.observation}
        if operation == "step":
            flag = ArraySpec((), "bool")
            expected |= {"reward": self.spec.reward, "terminated": flag, "truncated": flag}
            if "final_observation" in self._returns:
                expected["final_observation"] = self.spec.observation
        if "legal_actions" in self._returns:
            expected["legal_actions"] = ArraySpec((self.spec.num_actions or 0,), "bool")
        for name, spec in expected.items():
            if name not in answer:
                self._fail(operation, f"its answer has no {name!r}", self._step_of(axes, 0))
            fields[name] = self._array(operation, name, answer[name], spec, raw, axes)
        for name in ("state", "final_state"):
            if name in self._returns and (name == "state" or operation == "step"):
                fields[name] = self._state(operation, answer, name, raw, axes)
        return Record(**fields)

    def _state(
        self,
        operation: str,
        answer: dict[str, Any],
        name: str,
        raw: memoryview,
        axes: tuple[int, ...],
    ) -> StateDict:
        values = answer.get(name)
        if not isinstance(values, dict) or set(values) != set(self.spec.state):
            came = sorted(values) if isinstance(values, dict) else values
            self._fail(
                operation,
                f"{name!r} must be an object with the fields {sorted(self.spec.state)}, "
                f"its answer has {came}",
                self._step_of(axes, 0),
            )
        return {
            field: self._array(operation, f"{name} field {field!r}", values[field], spec, raw, axes)
            for field, spec in self.spec.state.items()
        }

    def _array(
        self,
        operation: str,
        name: str,
        value: Any,
        spec: ArraySpec,
        raw: memoryview,
        axes: tuple[int, ...],
    ) -> Array:
        try:
            array = wire.unpack(value, (*axes, *spec.shape), spec.dtype, raw)
        except wire.WireError as error:
            place = self._place(error.index, spec, axes)
            self._fail(operation, f"{name}: {error}", *place)
        self._check_finite(operation, name, array, axes)
        return array

    def _check_finite(self, operation: str, name: str, array: Array, axes: tuple[int, ...]) -> None:
        if array.dtype.kind != "f" or np.isfinite(array).all():
            return
        index = int(np.flatnonzero(~np.isfinite(array))[0])
        value = array.reshape(-1)[index]
        spec = ArraySpec(array.shape[len(axes) :], array.dtype.name)
        inner = np.unravel_index(index, array.shape)[len(axes) :]
        where = f"[{', '.join(str(i) for i in inner)}]" if inner else ""
        self._fail(operation, f"{name}{where} is {value}", *self._place(index, spec, axes))

    def _place(
        self, index: int | None, spec: ArraySpec, axes: tuple[int, ...]
    ) -> tuple[int | None, int | None]:
        """Return the step of the session and the lane of an element of an answered array."""
        if index is None or not axes:
            return self._step_of(axes, 0), None
        row = np.unravel_index(index, (*axes, *spec.shape))
        return self._step_of(axes, int(row[0])), int(row[len(axes) - 1])

    def _step_of(self, axes: tuple[int, ...], step: int) -> int | None:
        return self._steps + step if len(axes) == 2 else None


def _argument(name: str, value: Array, axes: tuple[int, ...], spec: ArraySpec) -> Array:
    """Check an array that the caller passed and give it the dtype of the wire."""
    array = np.asarray(value)
    shape = (*axes, *spec.shape)
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, it has {array.shape}")
    if array.dtype.name == spec.dtype:
        return array
    target = np.dtype(spec.dtype)
    same_kind = np.can_cast(array.dtype, target, "same_kind")
    if not same_kind and not (array.dtype.kind in "iu" and target.kind in "iu"):
        raise ValueError(f"{name} must have the dtype {spec.dtype}, it has {array.dtype.name}")
    with np.errstate(over="ignore"):
        return array.astype(target)
