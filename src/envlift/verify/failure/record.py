"""``envlift record``: let the reference play scenarios and short games, and keep its answers.

The recorded corpus is what still runs where the reference is not at hand.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from envlift.reference.client import ReferenceProcess
from envlift.reference.launch import open_reference
from envlift.reference.types import Side, StateDict
from envlift.verify.engine.actions import chosen_actions, legal_of, random_actions
from envlift.verify.failure.case import Case, play, record
from envlift.verify.levels.steps.interactions import scenario_case
from envlift.verify.suite import Config, PairError, Policy, Suite, applies
from envlift.verify.suite.find import find_suite
from envlift.verify.suite.guarded import guarded

STEPS = 96
"""Steps of one recorded game."""


def command(console: Console, name: str, seed: int) -> int:
    """Record the corpus of a suite anew, one file per configuration."""
    found, source = find_suite(name)
    suite = guarded(found)
    if suite.corpus is None:
        raise ValueError(f"the suite {suite.name} names no corpus folder; set Suite.corpus")
    folder = Path(suite.corpus)
    folder.mkdir(parents=True, exist_ok=True)
    for config in suite.configs:
        rng = np.random.default_rng([seed, *config.name.encode()])
        with _reference(suite, config) as reference, _reference(suite, config) as twin:
            cases = _cases(suite, config, source, reference, twin, rng)
        path = folder / f"{config.name}.jsonl"
        path.write_text("".join(case.line() + "\n" for case in cases))
        console.print(f"{path}: {len(cases)} cases, {sum(c.steps for c in cases)} steps")
    return 0


def _reference(suite: Suite, config: Config) -> contextlib.closing[ReferenceProcess]:
    options = dict(config.reference)
    return contextlib.closing(open_reference(suite.reference, num_lanes=1, config=options))


def _cases(
    suite: Suite,
    config: Config,
    source: str,
    reference: Side,
    twin: Side,
    rng: np.random.Generator,
) -> list[Case]:
    cases = [
        scenario_case(suite, config, source, scenario, reference)
        for scenario in suite.scenarios
        if applies(scenario, config)
    ]
    for policy in suite.policies:
        if applies(policy, config):
            cases.append(_game(suite, config, source, policy, reference, rng))
    exact = replace(suite, to_candidate=None, to_reference=None, deviations=())
    recorded = []
    for case in cases:
        played = play(exact, config, reference, twin, case)
        if played.divergence is not None:
            raise PairError(
                f"the reference does not repeat itself in {case.note!r} ({played.divergence.field} "
                "differs), so its answers cannot be recorded"
            )
        recorded.append(record(case, played))
    return recorded


def _game(
    suite: Suite,
    config: Config,
    source: str,
    policy: Policy,
    reference: Side,
    rng: np.random.Generator,
) -> Case:
    """Play the first steps of a game by a policy, and keep seed, chance and actions."""
    seed = int(rng.integers(0, 2**31))
    start_chance = suite.draw(rng, (1,))
    shown = reference.reset(np.full(1, seed, dtype=np.int64), start_chance)
    chance = suite.draw(rng, (STEPS, 1))
    actions = []
    state: StateDict = shown.state
    observation, legal = shown.observation, legal_of(reference.spec, shown)
    for t in range(STEPS):
        if policy.act is None:
            action = random_actions(reference.spec, rng, (1,), legal)
        else:
            action = chosen_actions(policy, reference.spec, rng, observation, state, legal)
        actions.append(action)
        at = None if chance is None else chance[t : t + 1]
        step = reference.step(action[None], at, np.full((1, 1), seed, dtype=np.int64))
        observation = step.observation[-1]
        legal = legal_of(reference.spec, step, -1)
        state = {name: values[-1] for name, values in step.state.items()}
    return Case(
        suite=source,
        config=config.name,
        seed=seed,
        state={name: values[0].tolist() for name, values in shown.state.items()},
        actions=[action[0].tolist() for action in actions],
        chance=None if chance is None else chance[:, 0].tolist(),
        note=f"{policy.name} play, {STEPS} steps",
    )
