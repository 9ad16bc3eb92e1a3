"""Does the reference give its own answer again?

Before a difference is called the candidate's, the way to it is played once more on the reference
alone, in another process and after other steps. A reference that then answers something else
differs from itself, and nothing can be said about the candidate.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Protocol

import numpy as np

from envlift.reference.types import Array, Side, StateDict
from envlift.verify.engine.compare import compare_field
from envlift.verify.engine.history import LaneHistory
from envlift.verify.engine.lockstep import answers_at
from envlift.verify.engine.play import play
from envlift.verify.suite import Config, Field, Suite

OTHER_STEPS = 3
"""Steps that are played first, so that what the state does not hold is something else."""

OTHER_SEED = 190_577
"""Of the episode that is played first."""


class NotRestoredError(Exception):
    """A reference that a written state does not bring back, found when play had gone on for long.

    Its text says how. Where nobody promised that the state is whole, the pair is compared another
    way (``levels.asking.agreement``).
    """


class _Asked(Protocol):
    """The parts of a run that are needed here."""

    @property
    def suite(self) -> Suite: ...
    @property
    def config(self) -> Config: ...
    @property
    def open_stranger(self) -> Callable[[int, str], Side]: ...


def reference_again(asked: _Asked, history: LaneHistory) -> str:
    """Return a sentence if the reference does not repeat its last answer, else an empty one."""
    if not history.last:
        return ""
    with contextlib.closing(asked.open_stranger(1, "0")) as side:
        suite = asked.suite
        answers, how = _answers(suite, side, history)
    fields = {"reward": suite.reward, "observation": suite.observation}
    fields |= {f"state {field.name}": field for field in suite.state}
    for name, before in history.last.items():
        after = answers.get(name)
        # The way may be long, and what a reference leaves out of its state may be a last bit.
        field = fields.get(name, Field(name)).drifted()
        if after is None or not differ(before, after, field):
            continue
        return (
            f"the reference differs from itself: {name} was {_text(before)} in its answer and "
            f"{_text(after)} when {how}"
        )
    return ""


def differ(one: Array, other: Array, field: Field) -> bool:
    """Whether two arrays of one quantity differ; NaN in the same place does not."""
    one, other = np.asarray(one), np.asarray(other)
    if one.shape == other.shape and one.dtype == other.dtype:
        kept = one.dtype.kind == "f"
        if np.array_equal(one, other, equal_nan=kept):
            return False
    return bool(compare_field(one[None], other[None], field, lead=1).bad.any())


def _answers(suite: Suite, side: Side, history: LaneHistory) -> tuple[StateDict, str]:
    """Play the way again; return the last answer and what was done, in words."""
    rng = np.random.default_rng(OTHER_SEED)
    seeds = np.full(1, OTHER_SEED, np.int64)
    side.reset(seeds, _chance(suite, rng, (1,)))
    again = np.full((OTHER_STEPS, 1), OTHER_SEED, np.int64)
    play(side, rng, again, _chance(suite, rng, (OTHER_STEPS, 1)))
    steps = len(history.actions)
    if history.known and suite.writes_states:
        steps = min(steps, history.known)
        side.set_state({name: values[-steps][None] for name, values in history.states.items()})
        how = "its state was written and stepped"
    elif history.whole:
        chance = history.start_chance
        side.reset(
            np.full(1, history.seed, np.int64), None if chance is None else np.asarray(chance)[None]
        )
        how = f"the seed {history.seed} was played again"
    else:
        return {}, ""
    chance = history.chance
    record = side.step(
        np.asarray(history.actions)[-steps:, None],
        None if chance is None else np.asarray(chance)[-steps:, None],
        np.full((steps, 1), history.seed, np.int64),
    )
    return answers_at(record, steps - 1, 0), f"{how} ({steps} step{'s' if steps > 1 else ''})"


def _chance(suite: Suite, rng: np.random.Generator, lead: tuple[int, ...]) -> Array | None:
    return suite.draw(rng, lead)


def _text(value: Array) -> str:
    return np.array2string(np.asarray(value), threshold=8, precision=6)
