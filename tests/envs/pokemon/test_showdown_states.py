"""A state that is written into a live battle goes on as the battle it was read from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envlift.envs.pokemon.verification.teams import pool
from envlift.reference.failure import ReferenceFailure
from tests.envs.pokemon.driving import chances, draw

PAIRS = 40
LANES = 24


def assert_same(left: dict[str, Any], right: dict[str, Any], where: str) -> None:
    for name, values in left.items():
        differ = np.argwhere(values != right[name])
        assert not len(differ), f"{where}: {name}{differ[0]}: {values} and {right[name]}"


@pytest.mark.parametrize("format", ["gen1ou", "gen1customgame"])
def test_a_written_state_goes_on_like_the_battle_it_was_read_from(hosts: Any, format: str) -> None:
    teams = pool(7, PAIRS)
    one, other = (hosts(LANES, seed=3, pairs=PAIRS, format=format, teams=teams) for _ in range(2))
    record = one.reset()
    for _ in range(25):
        record = one.step(draw(one.rng, record.legal_actions))
    written = one.process.get_state()
    # Each lane stands somewhere else, and the states are worth writing.
    assert len(np.unique(written["turn"])) > 3
    for name in ("status", "boosts", "last_selected_move", "confusion_time", "substitute_hp"):
        assert written[name].any(), name
    other.process.set_state(written)
    assert_same(written, other.process.get_state(), "as written")
    assert (other.process.legal_actions() == one.process.legal_actions()).all()
    ended = 0
    for step in range(40):
        actions = draw(one.rng, record.legal_actions)
        chance = chances(one.rng, 1, LANES, pairs=PAIRS)
        record, again = one.step(actions, chance), other.step(actions, chance)
        assert_same(record.state, again.state, f"step {step}")
        assert_same(record.final_state or {}, again.final_state or {}, f"end in step {step}")
        for name in ("observation", "legal_actions", "reward", "terminated"):
            assert (getattr(record, name) == getattr(again, name)).all(), f"{name}, step {step}"
        ended += record.terminated.sum()
    assert ended > 0


def test_what_is_written_is_played(hosts: Any) -> None:
    """A flinch, which random play rarely leaves at a decision, and a last damage to counter."""
    snorlax = [{"species": 143, "moves": [33, 68]}]  # Tackle, Counter
    host = hosts(2, format="gen1customgame", teams=[snorlax])
    host.reset()
    state = {field: values.copy() for field, values in host.process.get_state().items()}
    full = state["pp"][0, 0, 0, :2].tolist()
    state["flinch"][0, 0] = True
    # Lane 1: side 0 counters what side 1, asleep, is said to have done.
    state["status"][1, 1, 0], state["sleep_time"][1, 1, 0] = 5, 3
    state["last_move"][1, 1] = state["last_selected_move"][1, 1] = 33
    state["last_damage"][1] = 77
    host.process.set_state(state)
    after = host.step(np.array([[0, 1], [1, 0]], np.int32)).final_state
    assert after["pp"][0, 0, 0, :2].tolist() == full
    assert after["pp"][0, 1, 0, :2].tolist() == [full[0], full[1] - 1]
    assert not after["flinch"][0, 0]
    assert state["hp"][1, 1, 0] - after["hp"][1, 1, 0] == 154
    assert after["sleep_time"][1, 1, 0] == 2


CHANGES = [
    ("hp", (0, 0), 900, "hp.0, 0. is 900, it must be 0 to max_hp"),
    ("base_stored_stats", (1, 2, 0), 999, "out of reach of any IV and EV"),
    ("base_stored_stats", (1, 2, 2), 1, "not what spe_iv and spe_ev give"),
    ("order", (0, 1), 0, "order.0. does not name each of the 6 members once"),
    ("request", (0,), 2, "request is .2,1. while winner is -1"),
    ("request", (0,), 0, "request is .0,1. while winner is -1"),
    ("active_pp", (0, 0), 1, "active_own.0, 0. is set, but"),
    ("moves", (0, 0), 0, "moves.0, 0. holds no move"),
    ("species", (0, 0), 152, "no species has the code 152; known: 1 to 151"),
]


@pytest.mark.parametrize(("name", "place", "value", "message"), CHANGES)
def test_a_state_that_no_battle_can_be_in_is_refused(
    hosts: Any, name: str, place: tuple[int, ...], value: int, message: str
) -> None:
    host = hosts(2)
    host.reset()
    state = {field: values.copy() for field, values in host.process.get_state().items()}
    state[name][(1, *place)] = value
    with pytest.raises(ReferenceFailure, match=message) as caught:
        host.process.set_state(state)
    assert caught.value.lane == 1
