"""Is the first episode of a new environment like those that come later?

What play leaves behind in an environment, and what only its first reset makes, is seen where the
same seed and actions are played twice: first of all, and again after the environment has played.

Shape letters: ``T`` steps, ``B`` lanes.
"""

from __future__ import annotations

import numpy as np

from envlift.reference.types import Array, Record, Side
from envlift.verify.engine.again import differ
from envlift.verify.engine.play import First
from envlift.verify.run.context import Context
from envlift.verify.run.result import Verdict
from envlift.verify.suite import Field, Suite


def run(context: Context) -> None:
    """Compare the candidate's first episodes with the same ones played later."""
    ours, theirs = context.firsts
    if ours is None or theirs is None or not context.suite.repeats:
        return
    with context.check("resets", "first episodes of new environments") as check:
        check.counts = {"episodes": len(theirs.seeds), "steps": theirs.actions.size}
        for who, side, first in (
            ("reference", context.reference, ours),
            ("candidate", context.candidate, theirs),
        ):
            told = _again(context.suite, side, first)
            if told and _unrepeated(context.suite, side, first):
                check.verdict = Verdict.SKIPPED
                check.detail = f"the {who} does not repeat an episode with equal seeds"
                return
            if told and who == "reference":
                check.verdict = Verdict.SKIPPED
                check.detail = f"those of the reference differ from later ones too: {told}"
                return
            if told:
                check.verdict = Verdict.FAIL
                check.detail = f"the candidate plays the same seed otherwise later: {told}"
                return
        check.verdict = Verdict.PASS
        check.detail = "later episodes with the same seeds and actions are equal to them"


def _again(suite: Suite, side: Side, first: First) -> str:
    start, steps = first.again(side)
    return _difference(suite, (first.start, first.steps), (start, steps))


def _unrepeated(suite: Suite, side: Side, first: First) -> bool:
    """Whether two later episodes with equal seeds differ as well."""
    return bool(_difference(suite, first.again(side), first.again(side)))


def _difference(suite: Suite, before: tuple[Record, Record], after: tuple[Record, Record]) -> str:
    """Say what differs first, up to the first end of each lane."""
    seen, reward = suite.observation.drifted(), suite.reward.drifted()
    if differ(before[0].observation, after[0].observation, suite.observation):
        return "the first observation differs"
    ended = _ended(before[1])
    alive = np.cumsum(ended, axis=0) - ended == 0
    fields = {
        "terminated": Field("terminated"),
        "truncated": Field("truncated"),
        "reward": reward,
        "observation": seen,
    }
    for t in range(len(ended)):
        for name, field in fields.items():
            rows = alive[t] & ~ended[t] if name == "observation" else alive[t]
            one, other = (
                np.asarray(getattr(record[1], name))[t][rows] for record in (before, after)
            )
            if differ(one, other, field):
                return f"{name} differs at step {t + 1}"
    return ""


def _ended(record: Record) -> Array:
    assert record.terminated is not None
    assert record.truncated is not None
    return np.asarray(record.terminated | record.truncated)
