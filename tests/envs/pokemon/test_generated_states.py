"""States that the suite draws are states of Showdown's, and hold what they are drawn for."""

from __future__ import annotations

from typing import Any

import numpy as np

from envlift.envs.pokemon import tables
from envlift.envs.pokemon.verification.states import random_states
from envlift.envs.pokemon.verification.teams import pool

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
