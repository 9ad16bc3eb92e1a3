"""The verifier's end of the protocol: a side in another process, most often a reference.

Shapes: ``T`` steps, ``B`` lanes, ``N`` rows of a component call.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, NoReturn

import numpy as np

from envlift.reference import wire
from envlift.reference.failure import (
    CandidateFailure,
    CandidateViolation,
    PairError,
    ReferenceFailure,
    ReferenceUnavailable,
    SideFailure,
    UnknownSideError,
    reference_failure,
)
from envlift.reference.pace import Pace, joined
from envlift.reference.processes.child import ChildHung, ChildProcess, ChildTrouble
from envlift.reference.reading import argument, described_record, leaves, shown_action
from envlift.reference.types import Array, ArraySpec, Record, SideSpec, StateDict

__all__ = ["ReferenceFailure", "ReferenceProcess", "ReferenceUnavailable"]

PROTOCOL = 1

START_TIMEOUT = 300.0
"""Seconds for starting: importing libraries on a busy machine takes minutes, and is no fault."""

UNITS = 32
"""So many steps of a lane more get one time limit more, ..."""

MOST = 10
"""... up to so many time limits for one answer."""

Role = Literal["reference", "candidate"]


class ReferenceProcess:
    """A reference that runs in a child process and speaks the protocol over stdio.

    Any failure but an error that the reference itself answered ends the child. One thread at a
    time may use it.

    Args:
        command: the program and its arguments; no shell is involved.
        num_lanes: B, how many games the reference keeps.
        config: what the reference is told at its start; JSON values.
        timeout: seconds without an answer after which it counts as hung; more for more work. A
            side that says it is working begins it anew, and waiting for a core does not count.
        start_timeout: the same for starting up and answering the spec; no less than ``timeout``.
        env: the child's environment variables, None for those of this process.
        cwd: the child's working directory, None for that of this process.
        returns: which of ``wire.RETURNABLE`` to ask for; the reference's spec narrows it.
        role: who it is: a candidate that fails raises ``CandidateFailure``.
        patience: seconds of making lanes after which it may go on with fewer than were asked for;
            ``num_lanes`` then says how many there are. None: it makes them all.
        whole: every call of ``step`` is one message; a slow side else gets fewer steps at a time.
        told: what messages say it was started as; None for the command.

    Attributes:
        not_finite: name of an answered array -> how many NaN and infinities it held so far.

    Raises:
        SideFailure: of its role, if the child cannot be started or answers no valid spec.
        ValueError: for a wrong argument, or a candidate that does not exist.
    """

    spec: SideSpec
    num_lanes: int

    def __init__(
        self,
        command: Sequence[str],
        *,
        num_lanes: int,
        config: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        returns: Iterable[str] = wire.RETURNABLE,
        role: Role = "reference",
        start_timeout: float = START_TIMEOUT,
        patience: float | None = None,
        whole: bool = False,
        told: Sequence[str] | None = None,
    ) -> None:
        self._child: ChildProcess | None = None
        self._failure: type[SideFailure] = (
            CandidateFailure if role == "candidate" else ReferenceFailure
        )
        if num_lanes < 1:
            raise ValueError(f"num_lanes must be at least 1, it is {num_lanes}")
        if timeout <= 0:
            raise ValueError(f"timeout must be more than 0 seconds, it is {timeout}")
        wanted = set(returns)
        if unknown := sorted(wanted - set(wire.RETURNABLE)):
            raise ValueError(f"returns names {unknown[0]!r}; known: {', '.join(wire.RETURNABLE)}")
        self.num_lanes = num_lanes
        self.timeout = timeout
        self.start_timeout = max(start_timeout, timeout)
        self.not_finite: dict[str, int] = {}
        self._pace: Pace | None = None if whole else Pace()
        self._tells_work = self._described = self.probes = False
        self._known: set[tuple[Any, ...]] = set()
        self.command = tuple(command if told is None else told)
        self._binary = False
        self._request = -1
        self._tells_legal, self._steps = True, 0
        self._last_action: Any = None
        self._seeds = np.zeros(num_lanes, np.int64)
        try:
            self._child = ChildProcess(command, env=env, cwd=cwd)
        except ChildTrouble as trouble:
            raise self._failure(str(trouble), operation="spec") from None
        try:
            self._introduce(dict(config or {}), wanted, patience)
        except BaseException:
            self._child.kill()
            raise

    def _introduce(self, config: dict[str, Any], wanted: set[str], patience: float | None) -> None:
        request = {"protocol": PROTOCOL, "num_lanes": self.num_lanes, "config": config}
        if patience is not None:
            request["patience"] = patience
        answer, _ = self._ask("spec", request)
        made = answer.get("num_lanes", self.num_lanes)
        if type(made) is not int or not 1 <= made <= self.num_lanes:
            self._fail("spec", f"it made {made!r} lanes; {self.num_lanes} were asked for")
        if made < self.num_lanes and patience is None:
            self._fail("spec", f"it made {made} lanes; all {self.num_lanes} were asked for")
        self.num_lanes = made
        self._tells_work = answer.get("working") is True
        self._described = answer.get("described") is True
        self.probes = answer.get("probes") is True
        if answer.get("whole") is True:
            # It may compute all steps of a message in one sweep, whose rounding the cut would show.
            self._pace = None
        self._seeds = np.zeros(made, np.int64)
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
            "info": bool(self.spec.info),
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
        self._seeds = argument("seeds", seeds, lanes, ArraySpec((), "int64"))
        request: dict[str, Any] = {"seeds": self._seeds, "return": self._returns}
        request |= self._chance(chance, lanes)
        answer, raw = self._ask("reset", request, units=self.num_lanes)
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
        actions = argument("actions", actions, axes, self.spec.action)
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
            request["reset_seeds"] = argument("reset_seeds", reset_seeds, axes, spec)
        records: list[Record] = []
        done = 0
        while done < steps or not records:
            left = steps - done
            count = left if self._pace is None else self._pace.steps(left)
            part = slice(done, done + count)
            now = {
                name: value[part] if isinstance(value, np.ndarray) else value
                for name, value in request.items()
            }
            records.append(self._some_steps({**now, "steps": count}, count))
            done += count
        return joined(records)

    def _some_steps(self, request: dict[str, Any], steps: int) -> Record:
        """Play as many steps as one message holds."""
        if steps:
            self._last_action = request["actions"][-1]
        started = time.monotonic()
        answer, raw = self._ask("step", request, steps, units=steps * self.num_lanes)
        record = self._record("step", answer, raw, (steps, self.num_lanes))
        if self._pace is not None:
            self._pace.took(steps, time.monotonic() - started)
        self._steps += steps
        return record

    def get_state(self) -> StateDict:
        """Copy the state of every lane out, each field [B, *shape].

        Raises:
            ReferenceFailure: also if this reference's state cannot be read.
        """
        answer, raw = self._ask("get_state", {})
        if self._described:
            return {
                name: wire.unpack_described(value, raw) for name, value in answer["state"].items()
            }
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
            name: argument(f"state field {name!r}", state[name], (self.num_lanes,), spec)
            for name, spec in self.spec.state.items()
        }
        self._ask("set_state", {"state": fields})

    def legal_actions(self) -> Array | None:
        """Return which actions are legal now, bool [B, A].

        None where the spec has no masks, or the process does not know the operation.
        """
        if not self.spec.legal_actions or not self._tells_legal:
            return None
        try:
            answer, raw = self._ask("legal_actions", {})
        except SideFailure:
            if not self.alive:
                raise
            self._tells_legal = False
            return None
        if "legal_actions" not in answer:
            return None
        spec = ArraySpec((self.spec.mask_length or 0,), "bool")
        value = answer["legal_actions"]
        return self._array("legal_actions", "legal_actions", value, spec, raw, (self.num_lanes,))

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
        rows = max((value.shape[0] for value in packed.values() if value.ndim), default=1)
        answer, raw = self._ask("call", request, described=True, units=rows)
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
            self._note_not_finite(name, read[name])
        return read

    def notes(self) -> dict[str, tuple[int, str]] | None:
        """Return what the host noticed about what was returned; None where nobody looked."""
        try:
            answer, _ = self._ask("notes", {})
        except SideFailure:
            if not self.alive:
                raise
            return None
        found = answer.get("notes")
        if found is None and "notes" in answer:
            return None
        if not isinstance(found, dict):
            self._fail("notes", "the answer has no object 'notes'")
        return {str(kind): (int(count), str(first)) for kind, (count, first) in found.items()}

    def coverage(self) -> dict[str, int]:
        """Return how often each place of the reference's code was reached; may be empty."""
        answer, _ = self._ask("coverage", {})
        counts = answer.get("coverage")
        if not isinstance(counts, dict) or any(type(count) is not int for count in counts.values()):
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
    def paced(self) -> bool:
        """Whether the steps of one call may be played in several messages."""
        return self._pace is not None

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
        self,
        operation: str,
        request: dict[str, Any],
        steps: int = 0,
        described: bool = False,
        units: int = 1,
    ) -> tuple[dict[str, Any], memoryview]:
        """Send one request and return the answer with the raw bytes behind it.

        ``units`` says how much is asked: rows, lanes, or steps of a lane.
        """
        assert self._child is not None
        if not self._child.alive:
            raise self._failure(
                "it was closed, or ended by an earlier failure; start a new one",
                operation=operation,
            )
        self._request += 1
        message = {"id": self._request, "op": operation, **request}
        frames = wire.Frames(self._request)
        try:
            pieces = wire.pack(message, binary=self._binary, described=described)
        except wire.WireError as error:
            raise ValueError(f"`{operation}` cannot be sent: {error}") from None
        try:
            answer = self._child.exchange(pieces, frames, self._limit(message, units))
        except (ChildTrouble, wire.WireError) as trouble:
            reason, hung = self._within(str(trouble), steps), isinstance(trouble, ChildHung)
            self._fail(operation, reason, self._steps if steps else None, hung=hung)
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

    def _limit(self, message: Mapping[str, Any], units: int) -> float:
        """Return the seconds for one answer: more for more work of a side that tells nothing."""
        limit = self.timeout
        operation = message["op"]
        asked = (operation, units, message.get("component"))
        if operation == "spec" or (self._described and asked not in self._known):
            # What it never did, or never in this size, is compiled first.
            limit = self.start_timeout
            self._known.add(asked)
        if self._tells_work and operation in ("reset", "step"):
            return limit
        return limit * min(1 + (units - 1) / UNITS, MOST)

    def _within(self, reason: str, steps: int) -> str:
        if steps <= 1:
            return reason
        return f"{reason} (the message held the steps {self._steps} to {self._steps + steps - 1})"

    def _answered_error(self, operation: str, header: dict[str, Any], steps: int) -> NoReturn:
        """Raise what the reference itself reported. It is alive and the protocol is in order."""
        assert self._child is not None
        step, lane = header.get("step"), header.get("lane")
        known = isinstance(step, int) and 0 <= step < steps
        if header.get("violation") is True and self._failure is CandidateFailure:
            raise CandidateViolation(header["error"])
        named = operation == "spec" or self._failure is CandidateFailure
        if header.get("misfit") is True and named:
            raise PairError(header["error"])
        if header.get("unknown") is True and self._failure is CandidateFailure:
            raise UnknownSideError(f"the candidate cannot be opened: {header['error']}")
        kind = self._failure
        if kind is ReferenceFailure:
            kind = reference_failure(header)
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
        return shown_action(self._last_action, lane, self.num_lanes)

    def _fail(
        self,
        operation: str,
        reason: str,
        step: int | None = None,
        lane: int | None = None,
        hung: bool = False,
    ) -> NoReturn:
        """End the child and raise."""
        assert self._child is not None
        stderr = self._child.stderr_tail()
        self._child.kill()
        raise self._failure(
            f"{reason}\nit was started as: {shlex.join(self.command)}",
            operation=operation,
            step=step,
            lane=lane,
            action=self._shown_action(lane),
            stderr=stderr,
            hung=hung,
        ) from None

    # -- reading answers --------------------------------------------------------------------------

    def _chance(self, chance: Array | None, axes: tuple[int, ...]) -> dict[str, Array]:
        if self._described:
            return {} if chance is None else {"chance": np.asarray(chance)}
        if self.spec.chance is None:
            if chance is not None:
                raise ValueError(f"{self.spec.name} draws its own chance; pass chance=None")
            return {}
        if chance is None:
            raise ValueError(
                f"{self.spec.name} needs a chance of shape {(*axes, *self.spec.chance.shape)} and "
                f"dtype {self.spec.chance.dtype}"
            )
        return {"chance": argument("chance", chance, axes, self.spec.chance)}

    def _record(
        self, operation: str, answer: dict[str, Any], raw: memoryview, axes: tuple[int, ...]
    ) -> Record:
        if self._described:
            return self._described_record(operation, answer, raw, axes)
        fields: dict[str, Any] = {"state": {}}
        expected = {"observation": self.spec.observation}
        if operation == "step":
            flag = ArraySpec((), "bool")
            expected |= {"reward": self.spec.reward, "terminated": flag, "truncated": flag}
            if "final_observation" in self._returns:
                expected["final_observation"] = self.spec.observation
        if "legal_actions" in self._returns:
            expected["legal_actions"] = ArraySpec((self.spec.mask_length or 0,), "bool")
        for name, spec in expected.items():
            if name not in answer:
                self._fail(operation, f"its answer has no {name!r}", self._step_of(axes, 0))
            fields[name] = self._array(operation, name, answer[name], spec, raw, axes)
        for name in ("state", "final_state", "info"):
            if name in self._returns and (name != "final_state" or operation == "step"):
                fields[name] = self._state(operation, answer, name, raw, axes)
        return Record(**fields)

    def _described_record(
        self, operation: str, answer: dict[str, Any], raw: memoryview, axes: tuple[int, ...]
    ) -> Record:
        try:
            record = described_record(answer, raw, axes)
        except wire.WireError as error:
            self._fail(operation, str(error), self._step_of(axes, 0))
        for label, array in leaves("", vars(record)):
            self._note_not_finite(label, array)
        return record

    def _state(
        self,
        operation: str,
        answer: dict[str, Any],
        name: str,
        raw: memoryview,
        axes: tuple[int, ...],
    ) -> StateDict:
        values = answer.get(name)
        specs = self.spec.info if name == "info" else self.spec.state
        if not isinstance(values, dict) or set(values) != set(specs):
            came = sorted(values) if isinstance(values, dict) else values
            self._fail(
                operation,
                f"{name!r} must be an object with the fields {sorted(specs)}, "
                f"its answer has {came}",
                self._step_of(axes, 0),
            )
        return {
            field: self._array(operation, f"{name} field {field!r}", values[field], spec, raw, axes)
            for field, spec in specs.items()
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
        self._note_not_finite(name, array)
        return array

    def _note_not_finite(self, name: str, array: Array) -> None:
        if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
            count = int(array.size - finite.sum())
            self.not_finite[name] = self.not_finite.get(name, 0) + count

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
