"""Is every lane of a large batch what it is in a small one, on however many threads?

And is ``random_rollout``, which plays many steps inside one program and whose speed is quoted, the
same as ``step``? Its actions are looked at too.

Shape letters: ``R`` rows, ``n`` lanes, ``T`` steps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from envlift.reference.types import Array
from envlift.verify.engine.actions import random_actions
from envlift.verify.levels.draws.independence import neighbours
from envlift.verify.levels.draws.resets import ALPHA, same_distribution
from envlift.verify.levels.itself.transforms import judge
from envlift.verify.levels.steps.pool import pool_of_states
from envlift.verify.run.context import Context
from envlift.verify.run.result import Check, Verdict
from envlift.verify.sides.probing import can_probe, probe, state_arguments
from envlift.verify.suite import Field

ROWS = 256
"""Different lanes; a large batch holds each of them many times."""

SIZES = ((1, 1), (7, 2), (65, 2), (129, 1), (4_099, 3), (16_384, 2), (16_411, 1), (24_653, 3))
"""Lanes and threads: one, odd, one slice and two (of 64 lanes or 8,192), and many."""

QUICK_SIZES = ((1, 1), (129, 2), (16_411, 2), (24_653, 3))

LARGEST = 256 * 2**20
"""Bytes of what a batch is asked for, at the most: larger sizes are left out, and it is said."""

TOGETHER = 32
"""Lanes of the rollout that is compared step by step."""

LONG, SHORT = 384, 16
"""Steps of that rollout; ``SHORT`` where rounding grows."""

WIDE, FEW = 16_411, 4
"""Lanes and steps of a rollout over several threads."""


def run(context: Context) -> None:
    """Compare batches of all sizes, then random rollouts."""
    if not can_probe(context.candidate):
        return
    _sizes(context)
    _rollouts(context)


def _sizes(context: Context) -> None:
    candidate, rng = context.candidate, context.rng
    sizes = QUICK_SIZES if context.effort.hurried else SIZES
    with context.check("transforms", "large batches = small batches") as check:
        actions = random_actions(context.reference.spec, rng, (ROWS,))
        given: dict[str, Any] = {
            "seeds": rng.integers(0, 2**62, size=ROWS),
            "actions": actions.astype(candidate.spec.action.dtype),
            **state_arguments(pool_of_states(context, ROWS)),
        }
        small = probe(candidate, "batch.step", **given, lanes=ROWS, threads=1)
        bytes_each = sum(values.nbytes for values in small.values()) / ROWS
        fitting = [size for size in sizes if size[0] * bytes_each <= LARGEST]
        lanes = 0
        for count, threads in fitting:
            large = probe(candidate, "batch.step", **given, lanes=count, threads=threads)
            rows = np.arange(count) % ROWS
            expected = {name: values[rows] for name, values in small.items()}
            lanes += count
            context.progress.advance(lanes, sum(size for size, _ in fitting))
            judge(check, large, expected, context.suite.observation)
            if check.verdict is Verdict.FAIL:
                check.detail = f"with {count:,} lanes and {threads} threads, {check.detail}"
                break
        check.counts = {"lanes": lanes, "sizes": len(fitting)}
        if check.verdict is not Verdict.FAIL:
            check.detail = "lanes " + ", ".join(f"{count:,}" for count, _ in fitting)
    if len(fitting) < len(sizes):
        left = ", ".join(f"{count:,}" for count, _ in sizes if (count, _) not in fitting)
        context.report.not_compared.append(f"batches of {left} lanes (more than 256 MiB)")


def _rollouts(context: Context) -> None:
    told = probe(context.candidate, "rollout.offered")
    if not told["offered"]:
        return
    if not told["replayed"]:
        context.report.not_compared.append(
            "random_rollout (the environment has no random_action(key) that tells its actions)"
        )
        return
    actions: Array | None = None
    with context.check("transforms", "random_rollout = its steps") as check:
        steps = SHORT if context.config.resync is not None else LONG
        whole, played = _both(context, TOGETHER, steps, keep=True, threads=1)
        actions = played.pop("actions")
        check.counts = {"steps": TOGETHER * steps, "episodes": int(played["episodes"].sum())}
        judge(check, whole, played, _summed(context, steps))
    with context.check("transforms", "random_rollout in a large batch") as check:
        whole, played = _both(context, WIDE, FEW, keep=False, threads=2)
        for name in ("actions", "observations"):
            played.pop(name)
        check.counts = {"steps": WIDE * FEW, "lanes": WIDE}
        judge(check, whole, played, _summed(context, FEW))
    with context.check("transforms", "actions of random_rollout") as check:
        _actions(context, check, actions)


def _summed(context: Context, steps: int) -> Field:
    """Rewards are summed in another order: that many roundings of float32."""
    field = context.suite.observation
    reason = field.reason or "rewards are summed in another order"
    return replace(field, ulp=0, atol=max(field.atol, 1e-6 * steps), rtol=1e-5, reason=reason)


def _both(
    context: Context, lanes: int, steps: int, keep: bool, threads: int
) -> tuple[dict[str, Array], dict[str, Array]]:
    given: dict[str, Any] = {
        "seed": context.rng.integers(0, 2**62),
        "steps": steps,
        **state_arguments(pool_of_states(context, lanes)),
    }
    whole = probe(context.candidate, "rollout.whole", **given, keep=keep, threads=threads)
    return whole, probe(context.candidate, "rollout.by_steps", **given)


def _actions(context: Context, check: Check, actions: Array) -> None:
    """Are they even, over the choices or between the bounds, and independent?"""
    spec, rng = context.candidate.spec, context.rng
    flat = actions.reshape(-1, int(np.prod(spec.action.shape, dtype=int)))
    even: Array
    if spec.num_actions is not None:
        even = rng.integers(0, spec.num_actions, size=flat.shape)
    else:
        low, high = (np.asarray(bound) for bound in (spec.action_low, spec.action_high))
        even = rng.uniform(low, high, size=flat.shape)
    found = [
        (same_distribution(even[:, i], flat[:, i].astype(np.float64)), f"number {i}, even")
        for i in range(flat.shape[1])
    ]
    smallest, worst = min(found)
    tests = [
        (min(1.0, smallest * len(found)), worst, len(found)),
        neighbours({"over lanes": flat}, rng),
        neighbours({"over steps": np.swapaxes(actions, 0, 1).reshape(flat.shape)}, rng),
    ]
    smallest, worst, _ = min(tests)
    smallest = min(1.0, smallest * len(tests))
    check.counts = {"actions": len(flat), "tests": sum(test[2] for test in tests)}
    check.verdict = Verdict.FAIL if smallest < ALPHA else Verdict.PASS
    check.detail = f"smallest p = {smallest:.2g}, corrected ({worst})"
