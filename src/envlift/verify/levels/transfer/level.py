"""L4: does a learned policy notice?

Policies are trained in the candidate and in the reference with equal settings, and every one of
them is evaluated in both, with the same seeds, chance and noise. The pair is one policy: its mean
return in the candidate minus that in the reference. Two one-sided tests then ask, for each training
side apart, whether the mean of these differences is within the suite's margin.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envlift.reference.types import Array, Side
from envlift.verify.engine.lockstep import MAX_SEED
from envlift.verify.levels.transfer.evaluate import play_both
from envlift.verify.levels.transfer.statistics import Equivalence, Iqm, iqm, tost_paired
from envlift.verify.levels.transfer.training import Ppo, School, Trained, TrainingError, untrainable
from envlift.verify.run.context import Context
from envlift.verify.run.result import Check, Verdict
from envlift.verify.run.show_transfer import signed
from envlift.verify.suite.transfer_plan import Transfer

SIDES = ("candidate", "reference")
TAPE_SEEDS = 2**62


@dataclass
class Direction:
    """What was found about the policies trained in one side; ``P`` policies, ``E`` episodes each.

    Attributes:
        side: ``candidate`` or ``reference``, where they were trained.
        steps: environment steps of all trainings.
        returned: evaluated in -> returns, float64 [E] for each of the P policies.
        unfinished: episodes that had not ended at the limit, in either side.
    """

    side: str
    steps: int = 0
    returned: dict[str, list[Array]] = field(default_factory=lambda: {s: [] for s in SIDES})
    unfinished: int = 0

    def means(self, side: str) -> Array:
        """Return each policy's mean return in one side, float64 [P]."""
        return np.array([values.mean() for values in self.returned[side]])

    def differences(self) -> Array:
        """Return candidate minus reference of each policy's mean return, float64 [P]."""
        return self.means("candidate") - self.means("reference")

    def equal_episodes(self) -> int:
        """Return how many pairs of episodes have exactly the same return."""
        pairs = zip(self.returned["candidate"], self.returned["reference"], strict=True)
        return sum(int((theirs == ours).sum()) for theirs, ours in pairs)


def run(context: Context, school: School | None = None) -> None:
    """Train, evaluate and judge; both directions, then their sum for information.

    Args:
        context: of the configuration that the suite's ``transfer`` names.
        school: where policies learn; PPO by default.
    """
    plan = context.suite.transfer
    assert plan is not None
    if school is None:
        reason = untrainable(context.candidate)
        if reason is not None:
            with context.check("L4", "policy transfer") as check:
                check.verdict, check.detail = Verdict.SKIPPED, reason
            return
        school = Ppo(context)
    teach = {"candidate": school.in_candidate, "reference": school.in_reference}
    found: list[Direction] = []
    report = context.report.transfer
    report |= {"config": context.config.name, "margin": plan.margin, "reason": plan.reason}
    report |= {"training": dict(plan.training), "greedy": plan.greedy, "directions": {}}
    with context.open_sides(plan.episodes) as (reference, candidate):
        for side in SIDES:
            found.append(Direction(side))
            with context.check("L4", f"trained in the {side}") as check:
                study = _Study(context, plan, found[-1], check, reference, candidate)
                study.run(teach[side], school.steps)
    differences = np.concatenate([direction.differences() for direction in found])
    if len(differences) > 1:
        report["pooled"] = dataclasses.asdict(tost_paired(differences, plan.margin))


class _Study:
    """One direction: trains policy after policy, evaluates each at once, keeps count."""

    def __init__(
        self,
        context: Context,
        plan: Transfer,
        direction: Direction,
        check: Check,
        reference: Side,
        candidate: Side,
    ) -> None:
        self.context, self.plan, self.direction, self.check = context, plan, direction, check
        self.reference, self.candidate = reference, candidate

    def run(self, train: Callable[..., Trained], steps: int) -> None:
        """Train and evaluate, then judge; what was found is in the report whatever happens."""
        plan, direction = self.plan, self.direction
        try:
            for number in self._policies():

                def advance(done: int, before: int = number * steps) -> None:
                    self.context.progress.advance(before + done, plan.seeds * steps)

                trained = train(int(self.context.rng.integers(0, MAX_SEED)), advance)
                direction.steps += trained.steps
                if trained.curve:
                    curve = {"side": direction.side, "seed": trained.seed, **trained.curve}
                    self.context.report.curves.append(curve)
                if trained.interrupted:
                    raise KeyboardInterrupt
                self._evaluate(trained)
            self._judge()
        except TrainingError as error:
            self.check.detail = f"training in the {direction.side} failed: {error}"
        except KeyboardInterrupt:
            self.check.detail = "interrupted"
            raise
        finally:
            self._note()

    def _policies(self) -> Iterator[int]:
        """Count policies: all of them in the candidate, in the reference as many as time allows."""
        plan, begun, longest = self.plan, time.perf_counter(), 0.0
        for number in range(plan.seeds):
            spent = time.perf_counter() - begun
            required = self.direction.side == "candidate" or number < plan.reference_seeds
            if not required and spent + longest > plan.budget:
                return
            yield number
            longest = max(longest, time.perf_counter() - begun - spent)

    def _evaluate(self, trained: Trained) -> None:
        seed = int(self.context.rng.integers(0, TAPE_SEEDS))
        ours, theirs = play_both(
            self.context.suite,
            self.reference,
            self.candidate,
            trained.policy,
            seed,
            self.plan.max_steps,
            self.plan.greedy,
        )
        direction = self.direction
        direction.returned["reference"].append(ours.returned)
        direction.returned["candidate"].append(theirs.returned)
        direction.unfinished += int((~ours.ended).sum() + (~theirs.ended).sum())

    def _judge(self) -> None:
        self.check.verdict, why = judge(self.plan, self.direction)
        equivalence = tost_paired(self.direction.differences(), self.plan.margin)
        self.check.detail = "; ".join([*why, effect_text(equivalence)])

    def _note(self) -> None:
        """Write down what was found so far."""
        direction, plan = self.direction, self.plan
        policies = len(direction.returned["reference"])
        pairs = policies * plan.episodes
        self.check.counts = {"policies": policies, "episode pairs": pairs}
        self.check.counts["equal episode pairs"] = direction.equal_episodes()
        self.check.counts["training steps"] = direction.steps
        noted: dict[str, Any] = {
            "policies": policies,
            "episode_pairs": pairs,
            "equal_episode_pairs": direction.equal_episodes(),
            "training_steps": direction.steps,
            "verdict": self.check.verdict,
        }
        if policies > 1:
            noted |= dataclasses.asdict(tost_paired(direction.differences(), plan.margin))
            noted["iqm"] = {side: dataclasses.asdict(level(direction, side)) for side in SIDES}
        self.context.report.transfer["directions"][direction.side] = noted


def level(direction: Direction, side: str) -> Iqm:
    """Return the interquartile mean of the policies' returns in one side."""
    return iqm([direction.means(side)], np.random.default_rng(0))


def judge(plan: Transfer, direction: Direction) -> tuple[Verdict, list[str]]:
    """Return the verdict about one direction and, in words, what stands against a PASS."""
    equivalence = tost_paired(direction.differences(), plan.margin)
    if direction.unfinished:
        return Verdict.INCONCLUSIVE, [
            f"{direction.unfinished} episodes had not ended after {plan.max_steps:,} steps"
        ]
    if equivalence.outside:
        return Verdict.FAIL, [
            f"policies trained in the {direction.side} notice: the whole interval is beyond the "
            f"margin of {plan.margin:g}"
        ]
    short = []
    learnt = level(direction, direction.side).value
    if plan.learnt is not None and learnt < plan.learnt:
        short.append(
            f"too little was learnt: a return of {learnt:.4g} where {plan.learnt:g} is asked for"
        )
    if not equivalence.inside:
        short.append(f"the interval reaches beyond the margin of {plan.margin:g}")
    if equivalence.power < plan.power:
        needed = equivalence.needed
        enough = "more pairs than can be had" if needed is None else f"{needed} pairs"
        short.append(
            f"the power {equivalence.power:.2f} is below {plan.power:g}: at this deviation "
            f"{enough} are needed, there are {equivalence.n}"
        )
    return (Verdict.INCONCLUSIVE if short else Verdict.PASS), short


def effect_text(found: Equivalence) -> str:
    """Say effect, interval, margin and power in one line."""
    text = (
        f"effect {signed(found.effect)}, 90 % interval {signed(found.low)} to "
        f"{signed(found.high)}, margin {found.margin:g}, power {found.power:.2f}"
    )
    return text if found.deviation else f"{text}; every policy's difference is the same"
