"""The gate in rule ids: every rule is counted or said not to be, and corners show what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envlift.envs import tcg_pocket
from envlift.envs.tcg_pocket.reference import rulebook
from envlift.envs.tcg_pocket.reference.host import PocketReference
from envlift.envs.tcg_pocket.rules.ids import CODES, Decision
from envlift.envs.tcg_pocket.verification import features
from envlift.envs.tcg_pocket.verification.features import PLACES, WITHOUT_PLACE
from envlift.envs.tcg_pocket.verification.scenarios import (
    CORNERS,
    Corner,
    chance_of,
    state_of,
)

FOLDER = Path(tcg_pocket.__file__).parent
RULES = re.findall(r"^- ([A-Z]-\d+) ", (FOLDER / "rules.md").read_text("utf-8"), re.MULTILINE)


def test_every_rule_has_a_counter_or_a_reason() -> None:
    counted = {place.key for place in PLACES}
    assert counted | set(WITHOUT_PLACE) == set(RULES)
    assert not counted & set(WITHOUT_PLACE)


def test_rules_that_are_noted_are_noted_somewhere() -> None:
    sources = "".join(p.read_text("utf-8") for p in (FOLDER / "reference").glob("*.py"))
    calls = "".join(re.findall(r"\bnote\((.*)\)", sources))
    assert set(re.findall(r'"([A-Z]-\d+)"', calls)) == set(rulebook.NOTED)
    assert set(rulebook.CARRIED_OUT) >= rulebook.NOTED


def test_a_rule_that_is_counted_by_calls_cannot_be_noted() -> None:
    with pytest.raises(KeyError, match="K-4"):
        rulebook.note("K-4")


def test_every_effect_code_and_decision_has_its_rule() -> None:
    assert set(features.CODE_RULES) == set(CODES)
    assert set(features.DECISION_RULES) == set(Decision) - {Decision.NONE}
    ids = {feature.name.split()[0] for feature in features.FEATURES}
    assert set(features.CODE_RULES.values()) <= ids <= set(RULES)


def played(corner: Corner) -> set[str]:
    """Return the rules that a corner's actions apply."""
    reference = PocketReference()
    reference.set_state({name: np.asarray(value) for name, value in state_of(corner).items()})
    reference.coverage()
    before = reference.coverage()
    for action, chance in zip(corner.actions, chance_of(corner), strict=True):
        decider = reference.game.decider
        taken = np.zeros(2, np.int32)
        taken[decider] = action
        mask = reference.legal_actions().reshape(2, -1)
        assert mask[decider, action], f"action {action} is not legal"
        reference.step(taken, np.array(chance, np.uint32))
    reference.legal_actions()
    return {each for each, count in reference.coverage().items() if count > before[each]}


@pytest.mark.parametrize("corner", CORNERS, ids=lambda c: f"{c.seed}-{c.actions[0]}")
def test_corners_show_their_rules(corner: Corner) -> None:
    assert played(corner) >= set(corner.rules.split())


def test_coverage_of_lanes_adds_up() -> None:
    words = np.arange(4, dtype=np.uint32)
    lanes = [PocketReference(), PocketReference()]

    def total() -> dict[str, int]:
        told: list[dict[str, Any]] = [lane.coverage() for lane in lanes]
        return {each: sum(one[each] for one in told) for each in told[0]}

    before = total()
    for lane in lanes:
        lane.reset(0, words)
    after = total()
    assert after["S-1"] - before["S-1"] == len(lanes)
    assert total() == after
