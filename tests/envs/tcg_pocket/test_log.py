"""A game as text."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import envlift
from envlift.cli import main
from envlift.envs.tcg_pocket.render import happened, told
from envlift.envs.tcg_pocket.rules import batched
from envlift.envs.tcg_pocket.rules.ids import Action
from envlift.envs.tcg_pocket.tables import standard

PLAY = ["play", "tcg_pocket", "--random", "--option", "opponent=attach_and_attack"]


def test_playing_leaves_a_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It begins in set-up and ends with who has won, which the return says too."""
    log = tmp_path / "game.log"
    assert main([*PLAY, "--option", "seat=0", "--log", str(log)]) == 0
    said = capsys.readouterr().out
    lines = log.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("turn 0, player ")
    returned = {"  player 0 has won": "+1.00", "  player 1 has won": "-1.00", "  a tie": "+0.00"}
    assert f"episode 1: return {returned[lines[-1]]}" in said
    # A line for every step.
    steps = int(said.partition(" steps")[0].rpartition(" ")[2])
    assert sum(not line.startswith(" ") for line in lines) == steps


@pytest.fixture
def state() -> Any:
    """Bulbasaur of each player in the Active Spot, in turn 3 of player 0."""
    blank = jax.device_get(batched.zeros())
    card = np.zeros((2, 4), np.uint16)
    card[:, 0] = standard().by_id["A1-001"].index
    return dataclasses.replace(
        blank,
        card=card,
        turn=np.int16(3),
        decider=np.int8(0),
        winner=np.int8(-1),
        phase=np.uint8(1),
    )


def changed(state: Any, field: str, place: tuple[int, ...], value: int) -> Any:
    array = getattr(state, field).copy()
    array[place] = value
    return dataclasses.replace(state, **{field: array})


def test_what_an_action_did(state: Any) -> None:
    hurt = changed(state, "damage", (1, 0), 30)
    name, hp = "Bulbasaur (Active Spot)", standard().by_id["A1-001"].hp
    assert list(happened(state, hurt)) == [f"player 1, {name}: 30 damage, {hp - 30} HP left"]
    assert list(happened(hurt, state)) == [f"player 1, {name}: 30 healed, {hp} HP left"]
    assert list(happened(hurt, hurt)) == []
    # A retreat for another one of that name.
    two = changed(hurt, "card", (1, 2), int(hurt.card[1, 0]))
    assert (
        list(happened(two, changed(changed(two, "damage", (1, 0), 0), "damage", (1, 2), 30))) == []
    )
    poisoned = changed(state, "poisoned", (0,), 1)
    assert list(happened(state, poisoned)) == [f"player 0, {name}: poisoned"]
    gone = changed(changed(hurt, "card", (1, 0), 0), "points", (0,), 1)
    assert list(happened(hurt, gone)) == [
        "player 1, Bulbasaur: knocked out",
        "player 0: 1 point more, 1 in all",
    ]
    for winner, text in ((0, "player 0 has won"), (1, "player 1 has won"), (2, "a tie")):
        over = dataclasses.replace(state, winner=np.int8(winner))
        assert list(happened(state, over)) == [text]


def test_what_an_action_means(state: Any) -> None:
    assert told(state, Action.ATTACK) == "turn 3, player 0: Bulbasaur attacks with Vine Whip"
    assert told(state, Action.RETREAT) == "turn 3, player 0: retreats Bulbasaur"


def test_every_legal_action_has_words() -> None:
    """In a hundred games of random play none is without."""
    env = envlift.make("tcg_pocket", autoreset="disabled")
    keys = jax.random.split(jax.random.key(2), 100)
    _, states = jax.jit(jax.vmap(env.reset))(keys)
    step = jax.jit(jax.vmap(env.step))
    rng, seen = np.random.default_rng(1), set()
    for number in range(60):
        masks = np.asarray(jax.vmap(env.legal_actions)(states))
        games = jax.device_get(states)
        joint = np.argmax(masks * rng.random(masks.shape), axis=-1)
        for lane in range(100):
            one = jax.tree.map(lambda leaf, lane=lane: leaf[lane], games)
            if int(one.winner) < 0:
                line = told(one, int(joint[lane, int(one.decider)]))
                assert line.startswith("turn "), line
                seen.add(int(joint[lane, int(one.decider)]))
        fresh = jax.random.split(jax.random.key(number), 100)
        _, states, *_ = step(fresh, states, joint)
    assert {int(Action.ATTACH), int(Action.ATTACK), int(Action.END), int(Action.RETREAT)} <= seen
