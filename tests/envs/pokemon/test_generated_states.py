"""States that the suite draws are states of Showdown's, and hold what they are drawn for."""

from __future__ import annotations

from typing import Any

import numpy as np

from envlift.envs.pokemon import tables
from envlift.envs.pokemon.state import FIELDS
from envlift.envs.pokemon.verification.features import FEATURES
from envlift.envs.pokemon.verification.scenarios import SCENARIOS
from envlift.envs.pokemon.verification.states import random_states
from envlift.envs.pokemon.verification.teams import pool
from envlift.verify.suite import Trace

LANES = 256
TEAMS = pool(7, 40)


def test_what_is_drawn_is_read_back_and_offers_what_showdown_offers(hosts: Any) -> None:
    host = hosts(LANES, format="gen1customgame", teams=TEAMS)
    host.reset()
    drawn = random_states(np.random.default_rng(5), LANES, TEAMS)
    host.process.set_state(drawn)
    read = host.process.get_state()
    for name, values in drawn.items():
        differ = np.argwhere(values != read[name])
        assert not len(differ), (
            f"{name}{differ[0]}: {values[differ[0][0]]}, {read[name][differ[0][0]]}"
        )


def test_everything_that_lasts_and_every_move_is_drawn() -> None:
    drawn = random_states(np.random.default_rng(5), 4096, TEAMS)
    lasting = [name for name in drawn if name.endswith(("_time", "_duration", "_accuracy"))]
    lasting += ["two_turn_move", "invulnerability", "substitute_hp", "transformed", "mist"]
    assert len(lasting) > 12
    assert [name for name in lasting if not drawn[name].any()] == []
    numbers = {m["num"] for m in tables.records("gen1", "moves") if m["id"] != "struggle"}
    selected = np.take_along_axis(
        drawn["active_moves"], drawn["last_selected_move_slot"][..., None].astype(int), -1
    )
    assert numbers <= set(selected.flatten().tolist())


def test_scenarios_are_states_of_showdown_and_reach_what_they_say(hosts: Any) -> None:
    host = hosts(len(SCENARIOS), format="gen1customgame", teams=TEAMS)
    host.reset()
    state = {
        field.name: np.array([s.state[field.name] for s in SCENARIOS], field.dtype)
        for field in FIELDS
    }
    host.process.set_state(state)
    read = host.process.get_state()
    for name, values in state.items():
        wrong = [
            s.name for s, a, b in zip(SCENARIOS, values, read[name], strict=True) if (a != b).any()
        ]
        assert not wrong, f"{name}: {wrong}"
    actions = np.array([s.actions[0] for s in SCENARIOS], np.int32)
    chance = np.array([s.chance for s in SCENARIOS], np.uint32)
    assert chance.shape == (len(SCENARIOS), 1, 4)
    record = host.step(actions, chance.swapaxes(0, 1))
    assert not record.info["illegal"].any()
    trace = Trace(
        *({n: v[None] for n, v in state.items()}, actions[None], {}, record.observation[None]),
        *(x[None] for x in (record.reward, record.terminated, record.truncated)),
        {},
        {n: v[None] for n, v in record.final_state.items()},
    )
    by_name = {feature.name: feature for feature in FEATURES}
    for lane, one in enumerate(SCENARIOS):
        for name in one.reaches:
            assert by_name[name].reached(trace)[0, lane], f"{one.name} does not reach {name}"
