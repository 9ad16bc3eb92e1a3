"""The fast rules behind the contract, and beside the plain Python ones, decision for decision."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envlift
from envlift.env import Game
from envlift.envs.tcg_pocket import observation, observation_table, render
from envlift.envs.tcg_pocket.decks import deck_of
from envlift.envs.tcg_pocket.env import Draws, TcgPocket
from envlift.envs.tcg_pocket.reference import fields
from envlift.envs.tcg_pocket.reference.host import PocketReference
from envlift.envs.tcg_pocket.rules.data import ROWS
from envlift.envs.tcg_pocket.rules.ids import Decision, Phase
from envlift.envs.tcg_pocket.state import FIELDS, State
from envlift.envs.tcg_pocket.tables import decks, standard
from envlift.envs.tcg_pocket.verification.pool import pool
from envlift.envs.tcg_pocket.verification.states import random_states
from tests.envs.tcg_pocket import table

LANES, STEPS = 8, 90
OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {"decks": pool(5)},
    "others": {
        "decks": pool(6),
        "max_turns": 12,
        "opening": "swap",
        "retreat_energy": "random",
        "zone_trigger": "z4_only",
    },
    "a Basic first": {"decks": pool(7), "opening": "basic_first"},
}


@functools.cache
def env(name: str) -> TcgPocket:
    return TcgPocket(autoreset="disabled", **OPTIONS[name])


@functools.cache
def played(name: str) -> Any:
    """A few games on both sides: what differs, and the last states."""
    fast, rng = env(name), np.random.default_rng(len(name))
    plain = [PocketReference(**OPTIONS[name]) for _ in range(LANES)]

    @jax.jit
    @jax.vmap
    def begin(words: Any) -> Any:
        return fast.initial(Draws(words))

    @jax.jit
    @jax.vmap
    def play(state: Any, action: Any, words: Any) -> Any:
        return fast.transition(state, action, Draws(words))

    @jax.jit
    @jax.vmap
    def look(state: Any) -> Any:
        return fast.legal_actions(state), fast.observe(state), fast.to_act(state)

    def draw() -> np.ndarray[Any, Any]:
        return rng.integers(0, 2**32, (LANES, 4), dtype=np.uint32)

    words = draw()
    state, wrong, seen, ends = begin(words), [], set(), 0
    for lane, one in enumerate(plain):
        one.reset(0, words[lane])
    for step in range(STEPS):
        masks, shown, to_act = map(np.asarray, look(state))
        fields = {f.name: np.asarray(getattr(state, f.name)) for f in FIELDS}
        for lane, one in enumerate(plain):
            expected = {**one.get_state(), "mask": one.legal_actions(), "seen": one.observation()}
            found = {name: a[lane] for name, a in fields.items()}
            found |= {"mask": masks[lane].reshape(-1), "seen": shown[lane]}
            wrong += [
                (step, lane, name, found[name], expected[name])
                for name in expected
                if not np.array_equal(found[name], expected[name])
            ]
        seen |= set(fields["decision"].tolist())
        assert (masks.any(axis=-1)).all()
        assert (to_act.sum(axis=-1) == (fields["phase"] != Phase.OVER)).all()
        # Attacking and attaching where one may, so that games end by knock-outs.
        weights = rng.random(masks.shape) * masks
        weights[..., 23:25] += masks[..., 23:25] * (rng.random(masks.shape[:2]) < 0.6)[..., None]
        weights[..., 1:20] += masks[..., 1:20] * (rng.random(masks.shape[:2]) < 0.7)[..., None]
        action, words = weights.argmax(-1).astype(np.int32), draw()
        state, reward, terminated, truncated = play(state, action, words)
        for lane, one in enumerate(plain):
            _, expected_reward, over, _ = one.step(action[lane], words[lane])
            if not np.array_equal(reward[lane], expected_reward) or over != terminated[lane]:
                wrong.append((step, lane, "reward", reward[lane], expected_reward))
            ends += bool(np.abs(expected_reward).sum())
        assert not np.asarray(truncated).any()
    return wrong, seen, ends, state


@pytest.mark.parametrize("name", OPTIONS)
def test_both_readings_of_the_rules_play_the_same_games(name: str) -> None:
    wrong, _, _, _ = played(name)
    assert not wrong, wrong[:3]


def test_the_compared_games_meet_enough_to_say_something() -> None:
    decisions = set().union(*(played(name)[1] for name in OPTIONS))
    assert sum(played(name)[2] for name in OPTIONS) > 0, "no game was won"
    points = [np.asarray(played(name)[3].points).sum() for name in OPTIONS]
    assert sum(points) > 10, f"hardly a Pokémon was knocked out: {points}"
    asked = {Decision.SETUP_ACTIVE, Decision.MAIN, Decision.ATTACH, Decision.PROMOTE}
    asked |= {Decision.RETREAT, Decision.EVOLVE, Decision.SWITCH}
    assert asked <= decisions


def test_single_steps_from_boards_that_play_rarely_reaches_are_the_same() -> None:
    fast, rng, count = env("defaults"), np.random.default_rng(11), 400
    boards = random_states(rng, count, max_turns=30)
    words = rng.integers(0, 2**32, (count, 4), dtype=np.uint32)
    look = jax.jit(jax.vmap(lambda s: (fast.legal_actions(s), fast.observe(s))))
    play = jax.jit(jax.vmap(lambda s, a, w: fast.transition(s, a, Draws(w))))
    masks = np.asarray(look(State(**boards))[0])
    weights = rng.random(masks.shape) * masks
    weights[..., 23:25] += masks[..., 23:25] * (rng.random(masks.shape[:2]) < 0.6)[..., None]
    action = weights.argmax(-1).astype(np.int32)
    nxt = play(State(**boards), action, words)
    after, seen = look(nxt.state)
    plain, wrong, changed = PocketReference(**OPTIONS["defaults"]), [], set()
    for k in range(count):
        before = {name: field[k] for name, field in boards.items()}
        plain.set_state(before)
        if not np.array_equal(plain.legal_actions(), masks[k].reshape(-1)):
            wrong.append((k, "mask before", masks[k], plain.legal_actions()))
        _, reward, over, _ = plain.step(action[k], words[k])
        expected = plain.get_state()
        changed |= {n for n, value in expected.items() if not np.array_equal(value, before[n])}
        found = {f.name: np.asarray(getattr(nxt.state, f.name))[k] for f in FIELDS}
        found |= {"mask": np.asarray(after)[k].reshape(-1), "seen": np.asarray(seen)[k]}
        found |= {"reward": np.asarray(nxt.reward)[k], "over": np.asarray(nxt.terminated)[k]}
        expected |= {"mask": plain.legal_actions(), "seen": plain.observation()}
        expected |= {"reward": reward, "over": over}
        wrong += [
            (k, name, int(action[k].max()), found[name], expected[name])
            for name in expected
            if not np.array_equal(found[name], expected[name])
        ]
    assert not wrong, wrong[:3]
    assert {"winner", "points", "damage", "condition", "deals_less", "hand_known"} <= changed
    decisions = set(np.asarray(nxt.state.decision).tolist())
    assert {Decision.NONE, Decision.MAIN, Decision.HIT, Decision.PROMOTE} <= decisions


def test_a_trainer_is_in_the_pile_when_who_was_knocked_out_is_replaced() -> None:
    """P-7, G-1, G-6: no real Trainer knocks out, so somebody on the board is down already."""
    own, other = [table.BULBASAUR, "A1-074", "A1-074"], [table.BULBASAUR] * 3
    game = table.board(own, other, hand=[table.MISTY])
    table.play(game, table.MISTY)
    written = fields.write(game)
    written["damage"][1][0] = 200
    board = {f.name: np.asarray(written[f.name], f.dtype) for f in fields.FIELDS}
    action, words = np.array([27, 0], np.int32), np.arange(4, dtype=np.uint32)
    plain, fast = PocketReference(**OPTIONS["defaults"]), env("defaults")
    plain.set_state(board)
    plain.step(action, words)
    expected = plain.get_state()
    found = jax.jit(fast.transition)(State(**board), action, Draws(words)).state
    for name, value in expected.items():
        np.testing.assert_array_equal(np.asarray(getattr(found, name)), value, name)
    assert expected["decision"] == Decision.PROMOTE
    assert standard().by_id[table.MISTY].index in expected["discard"][0]


def test_an_action_that_is_not_legal_is_played_as_the_lowest_legal_one() -> None:
    fast = env("defaults")
    keys = jax.random.split(jax.random.key(3), LANES)
    state = jax.jit(jax.vmap(fast.reset))(keys)[1]
    masks = np.asarray(jax.jit(jax.vmap(fast.legal_actions))(state))
    words = np.arange(LANES * 4, dtype=np.uint32).reshape(LANES, 4)
    play = jax.jit(jax.vmap(lambda s, a, w: fast.transition(s, a, Draws(w)).state))
    lowest = masks.argmax(-1).astype(np.int32)
    for wrong in (-1, 49, 50):
        assert not masks[..., 49].any()
        one = play(state, np.full((LANES, 2), wrong, np.int32), words)
        other = play(state, lowest, words)
        for f in FIELDS:
            np.testing.assert_array_equal(getattr(one, f.name), getattr(other, f.name), f.name)


def test_open_decklists_show_the_other_list_and_nothing_else_does() -> None:
    place = observation.PLACES["foe_deck_list_0"]
    keys = jax.random.split(jax.random.key(1), LANES)
    for shown in (False, True):
        fast = TcgPocket(decks=OPTIONS["defaults"]["decks"], open_decklists=shown)
        seen, state = jax.jit(jax.vmap(fast.reset))(keys)
        lists = np.asarray(state.deck_list)[:, ::-1]
        found = np.asarray(seen)[:, :, place : place + 20]
        assert (found == lists * shown).all()
        assert (lists > 0).all()


def test_the_page_has_the_table_of_observations() -> None:
    page = Path(__file__).parents[3] / "docs" / "tcg-pocket.md"
    assert observation_table.table() in page.read_text(encoding="utf-8")
    assert len(observation.NAMES) == PocketReference().spec()["observation"]["shape"][1]


def evolutions() -> str:
    """Twenty cards, two of a name, none of them a Basic Pokémon."""
    cards = {card.name: card for card in standard().cards[1:] if card.stage == 1}
    return "\n".join(f"2 {card.name} {card.id}" for card in list(cards.values())[:10])


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("2 Bulbasaur A1-001\n2 Ivysaur A1-002", "D-1"),
        ("3 Bulbasaur A1-001\n17 Ivysaur A1-002", "D-2"),
        (evolutions(), "D-3"),
        (pool(5)[0].partition("Energy")[0] + "Energy: GRWL", "D-4"),
        (pool(5)[0].partition("Energy")[0] + "Energy: X", "D-4"),
    ],
)
def test_a_deck_that_breaks_a_rule_is_refused_with_its_name(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=f"rule {rule}"):
        deck_of(text)


def test_a_deck_list_is_read_as_the_reference_reads_it() -> None:
    from envlift.envs.tcg_pocket.reference import decks as plain

    for text in pool(9)[:20]:
        ours, theirs = deck_of(text), plain.deck_of(text)
        assert (sorted(ours.cards), sorted(ours.energy)) == (
            sorted(theirs.cards),
            sorted(theirs.energy),
        )
    with pytest.raises(ValueError, match="choose one of"):
        deck_of("No such deck")
    assert deck_of("pikachu EX") == next(d for d in decks() if d.name == "Pikachu ex")


def test_an_effect_code_that_the_rules_do_not_know_is_refused() -> None:
    with pytest.raises(KeyError, match="EXPLODE"):
        ROWS.op_row("EXPLODE", {})
    with pytest.raises(ValueError, match="colour"):
        ROWS.op_row("DRAW", {"n": 1, "colour": "red"})


def test_a_picture_shows_what_lies_on_the_table() -> None:
    state = jax.tree.map(lambda leaf: np.asarray(leaf)[0], played("defaults")[3])
    picture = render.svg(state)
    names = [card.name for p in (0, 1) for card in map(render._card, state.card[p]) if card.index]
    assert names
    assert all(name.split()[0] in picture for name in names)
    assert render.frame(state, 0.5).shape == (280, 320, 3)
    moved = jax.tree.map(np.copy, state)
    moved.damage[...] += 10
    assert render.svg(moved) != picture


def test_a_step_is_the_contracts_step_also_from_a_game_that_is_over() -> None:
    """A new game is begun inside the rules; who has won before is not paid again."""
    env = envlift.make("tcg_pocket")
    plain = envlift.make("tcg_pocket", autoreset="disabled")
    _, states = jax.jit(jax.vmap(plain.reset))(jax.random.split(jax.random.key(4), 32))
    # Whoever wins at the moment has won.
    winner = jnp.arange(32) % 4 - 1
    over = winner >= 0
    states = dataclasses.replace(
        states,
        winner=jnp.where(over, winner, states.winner).astype(states.winner.dtype),
        phase=jnp.where(over, int(Phase.OVER), states.phase).astype(states.phase.dtype),
        decider=jnp.where(over, -1, states.decider).astype(states.decider.dtype),
    )
    keys, actions = jax.random.split(jax.random.key(5), 32), jnp.full((32, 2), 25, jnp.int32)
    fast = jax.jit(jax.vmap(env.step))(keys, states, actions)
    general = jax.jit(jax.vmap(lambda *given: Game.step(env, *given)))(keys, states, actions)
    assert (np.asarray(fast[3]) == np.asarray(over)).all()
    assert (np.asarray(fast[2])[np.asarray(over)] == 0).all()
    for one, other in zip(jax.tree.leaves(fast), jax.tree.leaves(general), strict=True):
        assert np.array_equal(one, other)
