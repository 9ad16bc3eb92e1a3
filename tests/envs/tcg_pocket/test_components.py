"""L1: the boards of every component make its rules happen, and both engines agree on them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from envlift.envs.tcg_pocket.env import TcgPocket
from envlift.envs.tcg_pocket.reference import rulebook
from envlift.envs.tcg_pocket.reference.host import PocketReference
from envlift.envs.tcg_pocket.reference.play import PocketPlayer
from envlift.envs.tcg_pocket.verification.components import COMPONENTS, GROUPS, judged_deck
from envlift.reference.lanes import Lanes
from envlift.verify.suite import Component

ROWS = 64
FIFTH = ROWS // 5
SEEN_ELSEWHERE = {"P-5": 1, "X-24": 1, "X-25": 1}
"""Rules of Abilities that are not used: some rows are enough."""


@functools.cache
def env() -> TcgPocket:
    return TcgPocket(autoreset="disabled")


def asked(component: Component) -> tuple[dict[str, Any], dict[str, Any], dict[str, int]]:
    """Rows, what the reference answers, and in how many rows each rule was applied."""
    assert component.rows is not None
    rows = dict(component.rows(np.random.default_rng(len(component.name)), ROWS))
    reference, answers = PocketReference(), []
    applied: dict[str, int] = {}
    for row in range(ROWS):
        before = dict(rulebook.APPLIED)
        given = {name: values[row] for name, values in rows.items()}
        answers.append(reference.find_component(component.name)(**given))
        for rule, count in rulebook.APPLIED.items():
            applied[rule] = applied.get(rule, 0) + (count > before.get(rule, 0))
    return rows, {k: np.stack([a[k] for a in answers]) for k in answers[0]}, applied


def mismatches(component: Component) -> list[str]:
    rows, plain, _ = asked(component)
    assert component.candidate is not None
    fast = component.candidate(env())(rows)
    names = [field.name for field in component.fields]
    assert set(names) == set(plain)
    return [name for name in names if not np.array_equal(plain[name], fast[name])]


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda c: c.name.replace(" ", "-"))
def test_both_engines_agree(component: Component) -> None:
    assert mismatches(component) == []


@pytest.mark.parametrize(
    "component", [c for c in COMPONENTS if c.name[0] == "X"], ids=lambda c: c.name.replace(" ", "-")
)
def test_boards_use_the_code(component: Component) -> None:
    rule = component.name.split()[0]
    assert asked(component)[2][rule] >= SEEN_ELSEWHERE.get(rule, FIFTH)


@pytest.mark.parametrize("name", GROUPS)
def test_boards_apply_the_rules_of_a_group(name: str) -> None:
    wanted = {
        "U C L end of the turn": ("U-1", "U-2", "U-3", "U-4", "U-5", "U-7", "L-3"),
        "K G W knock-outs": ("G-1", "G-3", "G-6", "W-1", "M-8"),
        "M damage": ("M-3", "M-4", "M-5", "M-6", "X-25"),
        "P-2 evolving": ("P-3",),
        "R retreating": ("R-5", "R-4"),
        "P H cards of the hand": ("P-4", "P-6"),
        "Z-4 attaching": ("Z-4",),
        "A Abilities": ("A-1", "A-2"),
        "P-8 fossils": ("P-8",),
        "K attacks": ("K-1", "K-4", "M-1"),
    }[name]
    (component,) = [c for c in COMPONENTS if c.name == name]
    applied = asked(component)[2]
    assert [rule for rule in wanted if not applied[rule]] == []


def test_a_fault_in_a_field_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    (component,) = [c for c in COMPONENTS if c.name == "X-14 HEAL"]
    real = PocketReference.get_state

    def hurt(self: PocketReference) -> Any:
        state = real(self)
        return {**state, "damage": state["damage"] + 10}

    monkeypatch.setattr(PocketReference, "get_state", hurt)
    assert mismatches(component) == ["state"]


def test_decks_break_each_rule_and_none() -> None:
    (component,) = [c for c in COMPONENTS if c.name == "D decks"]
    assert component.rows is not None
    rows = dict(component.rows(np.random.default_rng(0), 4 * ROWS))
    assert set(judged_deck(None)(rows)["broken"]) == {0, 1, 2, 3, 4}


def test_the_benchmarks_reference_answers_over_the_protocol() -> None:
    lanes = Lanes(PocketPlayer, 1, {})
    given = {"decisions": np.array([40], np.int64), "seed": np.array([3], np.int64)}
    first, second = (lanes.call("play", given) for _ in (0, 1))
    assert int(first["decisions"][0]) == 40
    assert int(first["turns"][0]) > 0
    assert int(first["checksum"][0]) == int(second["checksum"][0])
