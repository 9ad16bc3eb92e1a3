"""From a long failing run to the shortest case that still fails.

First the start moves as close to the difference as the states allow, then every action, draw and
state field that does not matter is made plain.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from envlift.reference.types import StateDict
from envlift.verify.engine.history import LaneHistory
from envlift.verify.failure.case import Case

MAX_TRIALS = 400
"""How many replays a minimisation may cost."""

MAX_SECONDS = 60.0
"""How long it may take: the case found by then stands, only longer than it could be."""

RESETS = (1, 4, 16, 64)
"""How many resets before an episode are tried where it alone does not show the difference."""

Fails = Callable[[Case], bool]


def minimise(
    history: LaneHistory,
    template: Case,
    fails: Fails,
    plain_state: StateDict | None,
    shrink: bool = True,
) -> Case | None:
    """Find a short case that fails like the run did.

    Args:
        history: one lane's episode up to the difference.
        template: suite, config and launch strings of the case.
        fails: replays a case and tells whether the same field differs.
        plain_state: the state after a reset, from which field values may be taken; None where
            the reference's state cannot be set.
        shrink: whether actions, draws and state fields are made plain.

    Returns:
        The minimised case, or None if the difference does not come back in a replay.
    """
    budget = _Budget(fails)
    case = None
    if plain_state is not None and history.known:
        case = _shortest_from_states(history, template, budget)
    if case is None and history.whole:
        case = _from_reset(history, template)
        if not budget.fails(case):
            case = None
    if case is None and history.earlier is not None:
        case = _from_earlier(history.earlier, template, budget)
    if case is None and history.whole:
        case = _after_resets(history, template, budget)
    if case is None or not shrink:
        return case
    case = _plain_actions(case, budget)
    if case.state is not None and plain_state is not None:
        case = _plain_fields(case, plain_state, budget)
    return case


class _Budget:
    """Counts replays; when they are spent nothing fails any more, and the best case stands."""

    def __init__(self, fails: Fails) -> None:
        self._fails = fails
        self.left = MAX_TRIALS
        self._ends = time.monotonic() + MAX_SECONDS

    def fails(self, case: Case) -> bool:
        if self.left <= 0 or (self.left < MAX_TRIALS and time.monotonic() > self._ends):
            return False
        self.left -= 1
        return self._fails(case)


def _from_reset(history: LaneHistory, template: Case) -> Case:
    return replace(
        template,
        seed=history.seed,
        start_chance=_listed(history.start_chance),
        actions=history.actions.tolist(),
        chance=_listed(history.chance),
    )


def _from_state(history: LaneHistory, template: Case, length: int) -> Case:
    first = len(history.actions) - length
    at = history.known - length
    return replace(
        template,
        seed=history.seed,
        state={name: values[at].tolist() for name, values in history.states.items()},
        actions=history.actions[first:].tolist(),
        chance=None if history.chance is None else history.chance[first:].tolist(),
    )


def _shortest_from_states(history: LaneHistory, template: Case, budget: _Budget) -> Case | None:
    """Double the distance from the difference until it comes back, then halve the gap."""
    total = history.known
    length = 1
    while not budget.fails(_from_state(history, template, length)):
        if length == total:
            return None
        length = min(2 * length, total)
    low = length // 2
    while length - low > 1:
        middle = (low + length) // 2
        if budget.fails(_from_state(history, template, middle)):
            length = middle
        else:
            low = middle
    return _from_state(history, template, length)


def _from_earlier(history: LaneHistory, template: Case, budget: _Budget) -> Case | None:
    """Begin two, four, eight, ... episodes before the end: something outlives a reset."""
    count = 2
    while True:
        count = min(count, len(history.starts))
        begin = history.starts[-count]
        assert history.reset_seeds is not None
        case = replace(
            template,
            seed=begin.seed,
            start_chance=_listed(begin.chance),
            actions=history.actions[begin.at :].tolist(),
            chance=None if history.chance is None else history.chance[begin.at :].tolist(),
            reset_seeds=history.reset_seeds[begin.at :].tolist(),
        )
        if budget.fails(case):
            return case
        if count == len(history.starts):
            return None
        count *= 2


def _after_resets(history: LaneHistory, template: Case, budget: _Budget) -> Case | None:
    """Let both sides be reset some times before: levels that ran earlier did that."""
    for resets in RESETS:
        case = replace(_from_reset(history, template), resets=resets)
        if budget.fails(case):
            return case
    return None


def _plain_actions(case: Case, budget: _Budget) -> Case:
    """Replace actions and draws by zero where the failure does not need them, last first."""
    for part in ("actions", "chance"):
        values = getattr(case, part)
        if values is None:
            continue
        for index in reversed(range(len(values))):
            zero = np.zeros_like(np.asarray(values[index])).tolist()
            if values[index] == zero:
                continue
            changed: Any = {part: [*values[:index], zero, *values[index + 1 :]]}
            simpler = replace(case, **changed)
            if budget.fails(simpler):
                case, values = simpler, getattr(simpler, part)
    return case


def _plain_fields(case: Case, plain_state: StateDict, budget: _Budget) -> Case:
    """Replace state fields by their values after a reset where the failure does not need them."""
    assert case.state is not None
    for name, value in plain_state.items():
        simple: Any = np.asarray(value).tolist()
        if case.state.get(name) == simple:
            continue
        simpler = replace(case, state={**case.state, name: simple})
        if budget.fails(simpler):
            case = simpler
            assert case.state is not None
    return case


def _listed(value: Any) -> Any:
    return None if value is None else np.asarray(value).tolist()
