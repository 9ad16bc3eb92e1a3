"""Does the candidate stay itself under JAX's transformations, and is ``step`` its own rules?

What lockstep drives are the pure functions; users call ``env.step``. Both must be one thing. The
candidate plays in its own ways (``envlift.candidate.probes.ways``); what they came to is compared
here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from envlift.candidate.probes.ways import BEFORE, RETYPED
from envlift.reference.types import Array
from envlift.verify.engine.actions import random_actions
from envlift.verify.engine.compare import differs
from envlift.verify.levels.steps.pool import pool_of_states
from envlift.verify.run.context import Context
from envlift.verify.run.result import Check, Verdict
from envlift.verify.sides.probing import can_probe, probe, state_arguments
from envlift.verify.suite import Field

EXACT = Field("exact")
LANES = 8
STEPS = 24
LONG = 4096
"""Steps in which ``env.step`` is compared with the contract's functions: episodes end in them."""
STARTS = 8192
"""States from which one such step is played: those that random play does not reach."""

Answers = dict[str, Array]


def run(context: Context) -> None:
    """Compare batched with single, compiled with interpreted, scanned with looped."""
    if not can_probe(context.candidate):
        with context.check("transforms", "vmap, jit, scan") as check:
            check.verdict = Verdict.SKIPPED
            check.detail = "the candidate is not a JAX environment"
        return
    rng, spec = context.rng, context.candidate.spec
    given = {
        "seeds": rng.integers(0, 2**62, size=LANES),
        "actions": random_actions(context.reference.spec, rng, (STEPS, LANES)).astype(
            spec.action.dtype
        ),
    }
    # Two compilations may round differently; where the environment makes that grow, every way
    # takes each step from the state that the first way had there.
    keep = context.config.resync is not None
    played = _Played(context, given, keep)
    _same(context, "vmap(n) = n singles", lambda: played.first, lambda: played.way("singles"))
    fewer = {"steps": STEPS // 4}
    _same(context, "jit = no jit", lambda: played.first, lambda: played.way("interpreted", **fewer))
    _same(context, "scan = loop", lambda: played.way("scanned"), lambda: played.first)
    long = _Played(context, {**given, "steps": np.asarray(LONG)}, keep, "stepped")
    _same(
        context,
        "step = transition after sample",
        lambda: long.first,
        lambda: long.way("composed"),
    )
    if context.reference.spec.state:
        _from_states(context)
    _one_trace(context, played)


class _Played:
    """One way of playing, and others from the same seeds, actions and, if kept, states.

    Args:
        context: whose candidate plays.
        given: arguments of every way.
        keep: every way takes each of its steps from the states that the first way had.
        first: name of the first way.
    """

    def __init__(
        self, context: Context, given: dict[str, Any], keep: bool, first: str = "vmapped"
    ) -> None:
        self._context, self._given, self._keep, self._name = context, given, keep, first
        self._before: Answers = {}
        self._first: Answers | None = None
        self.traces = 0
        self.retyped: list[str] = []

    @property
    def first(self) -> Answers:
        """What the first way came to."""
        if self._first is None:
            answers = self.way(self._name, keep=self._keep)
            self.traces = int(answers.pop("traces", np.asarray(0)))
            told = [name for name in answers if name.startswith(RETYPED)]
            self.retyped = [name.removeprefix(RETYPED) for name in told]
            for name in told:
                del answers[name]
            for name in [name for name in answers if name.startswith(BEFORE)]:
                self._before[name] = answers.pop(name)
            self._first = answers
        return self._first

    def way(self, name: str, **more: Any) -> Answers:
        """What another way comes to."""
        given = {**self._given, **more}
        steps = int(given.get("steps", STEPS))
        before = {key: value[:steps] for key, value in self._before.items()}
        return probe(self._context.candidate, f"ways.{name}", **given, **before)


def _from_states(context: Context) -> None:
    """Compare one ``step`` from states that random play does not reach: a game about to be won."""
    rng = context.rng
    starts = state_arguments(pool_of_states(context, STARTS))
    actions = random_actions(context.reference.spec, rng, (STARTS,))
    given = {
        "seeds": rng.integers(0, 2**62, size=STARTS),
        "actions": actions.astype(context.candidate.spec.action.dtype),
        **starts,
    }
    for name, patient in (
        ("step = transition after sample, states of play", False),
        ("step without a reset = transition after sample", True),
    ):
        _same(
            context,
            name,
            lambda: probe(context.candidate, "step.taken", **given, patient=patient),  # noqa: B023
            lambda: probe(context.candidate, "step.composed", **given, patient=patient),  # noqa: B023
        )


def _same(
    context: Context, name: str, one: Callable[[], Answers], other: Callable[[], Answers]
) -> None:
    with context.check("transforms", name) as check:
        first, second = one(), other()
        steps = len(next(iter(second.values())))
        first = {leaf: values[:steps] for leaf, values in first.items()}
        ends = int(np.sum(second["[3]"]) + np.sum(second["[4]"]))
        check.counts = {"steps": int(np.size(second["[3]"])), "episodes": ends}
        judge(check, first, second, context.suite.observation)


def judge(check: Check, first: Answers, second: Answers, tolerance: Field) -> None:
    """Compare all leaves, floats as closely as the suite compares observations."""
    check.verdict = Verdict.PASS
    check.detail = "every leaf of every step"
    if set(first) != set(second):
        check.verdict = Verdict.FAIL
        check.detail = f"one has the leaves {sorted(first)}, the other {sorted(second)}"
        return
    for name, a in first.items():
        b = second[name]
        if a.dtype != b.dtype or a.shape != b.shape:
            check.verdict = Verdict.FAIL
            check.detail = f"{name}: {a.dtype}{a.shape}, {b.dtype}{b.shape}"
            return
        different = differs(a, b, tolerance if a.dtype.kind == "f" else EXACT)
        if different.any():
            at = tuple(np.argwhere(different)[0].tolist())
            check.verdict = Verdict.FAIL
            check.detail = f"{name} at {at}: {a[at]} and {b[at]}"
            return


def _one_trace(context: Context, played: _Played) -> None:
    with context.check("transforms", "one trace") as check:
        check.counts = {"traces": played.traces, "calls": STEPS}
        # A second compilation costs time once; one for every step is no environment for ``jit``.
        wrong = not 1 <= played.traces <= max(2, STEPS // 4)
        check.verdict = Verdict.FAIL if wrong else Verdict.PASS
        check.detail = f"{played.traces} trace{'s' if played.traces != 1 else ''} of step"
        if played.traces > 1:
            why = "; ".join(played.retyped) or "no leaf of the state changed its type"
            note = f"step is compiled {played.traces} times: {why}"
            check.detail += f" ({why})"
            if note not in context.report.not_verified:
                context.report.not_verified.append(note)
