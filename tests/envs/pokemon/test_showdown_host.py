"""Showdown as a reference: what is asked for, how battles end, what seeds decide."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from envlift.envs.pokemon.verification.teams import pool
from envlift.reference.client import ReferenceProcess
from envlift.reference.failure import ReferenceFailure
from tests.envs.pokemon.driving import ACTIONS, SIDES, chances, draw

WAIT, SWITCH = 0, 2


def test_battles_are_played_to_their_end_and_begin_anew(hosts: Any) -> None:
    host = hosts(4, seed=1)
    record = host.reset()
    ends = forced = waits = 0
    for _ in range(150):
        state, mask = record.state, record.legal_actions.reshape(-1, SIDES, ACTIONS)
        assert mask.any(-1).all()
        kinds = record.observation[..., 0]
        waits += (kinds == WAIT).sum()
        forced += (kinds == SWITCH).sum()
        assert (mask.argmax(-1)[kinds == WAIT] == 0).all()
        assert (mask[kinds == WAIT].sum(-1) == 1).all()
        # Who is asked for a switch has lost his active member; any living one may follow.
        alive = (state["hp"] > 0) & (state["species"] > 0)
        for lane, side in np.argwhere(kinds == SWITCH):
            assert not mask[lane, side, :4].any()
            assert (mask[lane, side, 4:] == alive[lane, side]).all()
        record = host.step(draw(host.rng, record.legal_actions))
        assert not record.info["illegal"].any()
        for lane in np.flatnonzero(record.terminated):
            final = {name: values[lane] for name, values in record.final_state.items()}
            dead = (final["hp"] == 0).all(-1)
            winner = int(final["winner"])
            assert record.reward[lane].tolist() == {0: [1, -1], 1: [-1, 1], 2: [0, 0]}[winner]
            assert dead.tolist() == {0: [False, True], 1: [True, False], 2: [True, True]}[winner]
            assert record.state["turn"][lane] == 1
            assert record.state["winner"][lane] == -1
            ends += 1
        going = ~record.terminated
        assert (record.final_state["seed"][going] == record.state["seed"][going]).all()
        assert (record.reward[going] == 0).all()
    assert ends > 3
    assert forced > 20
    assert waits > 20


def test_chance_and_actions_decide_everything(hosts: Any) -> None:
    two = [hosts(4, seed=5) for _ in range(2)]
    record, again = (host.reset() for host in two)
    for _ in range(40):
        for name, values in record.state.items():
            assert (values == again.state[name]).all(), name
        # The draws of the second driver are the same ones: its dice have the same seed.
        record, again = (
            host.step(draw(host.rng, one.legal_actions))
            for host, one in zip(two, (record, again), strict=True)
        )
    # The words of the battle's seed and those of the teams' are used apart.
    chance = np.array([[1, 2, 3, 4], [1, 2, 3, 5], [9, 2, 3, 4], [1, 2, 3, 4]], np.uint32)
    state = two[0].reset(chance).state
    teams = state["species"].reshape(4, -1)
    assert (teams[0] == teams[2]).all()
    assert (teams[0] != teams[1]).any()
    assert (state["seed"][0] == state["seed"][3]).all()
    assert (state["seed"][0] != state["seed"][2]).any()


def test_lanes_do_not_touch_each_other(hosts: Any) -> None:
    many, one = hosts(2, seed=6), hosts(1, seed=6)
    chance = chances(many.rng, 2)
    record = many.reset(chance)
    alone = one.reset(chance[1:2])
    for _ in range(40):
        actions = draw(many.rng, record.legal_actions)
        next_chance = chances(many.rng, 1, 2)
        record = many.step(actions, next_chance)
        alone = one.step(actions[1:2], next_chance[:, 1:2])
        for name, values in record.state.items():
            assert (values[1] == alone.state[name][0]).all(), name


def test_many_steps_in_one_message_are_the_same_steps(hosts: Any) -> None:
    one, other = hosts(2, seed=8), hosts(2, seed=8)
    record = one.reset()
    other.reset()
    actions, dice, wanted = [], [], []
    for _ in range(30):
        actions.append(draw(one.rng, record.legal_actions))
        dice.append(chances(one.rng, 1, 2))
        record = one.step(actions[-1], dice[-1])
        wanted.append(record.state["seed"])
    got = other.process.step(np.stack(actions), np.concatenate(dice))
    assert (got.state["seed"] == np.stack(wanted)).all()


def test_an_illegal_action_is_played_as_the_first_legal_one(hosts: Any) -> None:
    one, other = hosts(2, seed=9), hosts(2, seed=9)
    record, again = one.reset(), other.reset()
    for wrong in (-5, 4, 10, 2**31 - 1):  # member 0 is the active one
        actions = draw(one.rng, record.legal_actions)
        other.rng = np.random.default_rng(one.rng.integers(2**32))
        legal = actions.copy()
        legal[1, 0] = again.legal_actions[1, :ACTIONS].argmax()
        actions[1, 0] = wrong
        chance = chances(one.rng, 1, 2)
        record, again = one.step(actions, chance), other.step(legal, chance)
        assert record.info["illegal"].tolist() == [[False, False], [True, False]]
        assert not again.info["illegal"].any()
        assert (record.state["seed"] == again.state["seed"]).all()
        if record.legal_actions[1, 4]:
            return


def test_one_lane_keeps_showdowns_log_and_plays_the_same_battle(hosts: Any) -> None:
    logged, quiet = hosts(2, seed=10, log_lane=1), hosts(2, seed=10)
    record, again = logged.reset(), quiet.reset()
    for step in range(200):
        text = bytes(logged.process.call("log", {})["log"]).decode()
        assert f"|turn|{record.state['turn'][1]}\n" in f"{text}\n"
        actions, chance = draw(logged.rng, record.legal_actions), chances(logged.rng, 1, 2)
        record, again = logged.step(actions, chance), quiet.step(actions, chance)
        assert (record.state["seed"] == again.state["seed"]).all(), step
        if record.terminated[1]:
            break
    finished = bytes(logged.process.call("log", {})["finished"]).decode()
    names = ("Red", "Blue")
    assert finished.endswith(f"|win|{names[int(record.final_state['winner'][1])]}")
    assert "|t:|" not in finished


def test_given_teams_are_chosen_by_the_chance(hosts: Any) -> None:
    packed = "Starmie||||surf,recover||255,255,255,255,255,255||||50|]Ditto||||transform|||||||"
    mine = [{"species": 25, "level": 5, "moves": [85, 98], "ivs": [30] * 5, "evs": [0] * 5}]
    host = hosts(2, format="gen1ou", teams=[packed, mine])
    chance = np.array([[1, 2, 0, 1], [1, 2, 3, 2]], np.uint32)
    state = host.reset(chance).state
    assert state["species"][0].tolist() == [[121, 132, 0, 0, 0, 0], [25, 0, 0, 0, 0, 0]]
    assert state["species"][1].tolist() == [[25, 0, 0, 0, 0, 0], [121, 132, 0, 0, 0, 0]]
    assert state["level"][0, 0].tolist() == [50, 100, 0, 0, 0, 0]
    assert state["moves"][0, 1, 0].tolist() == [85, 98, 0, 0]
    # Stats of generation 1: floor((2 base + DVs + floor(EV / 4)) level / 100) + 5, HP + 10 + level.
    assert state["base_stored_stats"][0, 1, 0].tolist() == [12, 9, 15, 11]
    assert state["max_hp"][0, 1, 0] == 20
    assert state["order"][0, 1].tolist() == [0, -1, -1, -1, -1, -1]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"format": "gen9ou"}, 'format is "gen9ou"; known: gen1randombattle, gen1ou'),
        ({"format": "gen1ou"}, 'gen1ou needs "teams"'),
        ({"team": 1}, 'there is no option "team"; known: format, teams, log_lane'),
        ({"teams": []}, '"teams" is empty'),
        ({"teams": ["Chikorita||||tackle|||||||"]}, "Chikorita is no Pokémon of generation 1"),
        ({"teams": ["Pikachu||||moonblast|||||||"]}, "Pikachu needs 1 to 4 moves of generation 1"),
        ({"teams": [[{"species": 25, "moves": []}]]}, "Pikachu needs 1 to 4 moves"),
        ({"teams": [[]]}, "a team has 1 to 6 members"),
    ],
)
def test_what_it_cannot_play_is_refused(hosts: Any, config: Any, message: str) -> None:
    with pytest.raises(ReferenceFailure, match=message):
        hosts(1, **config)


def test_what_a_tie_is(hosts: Any) -> None:
    """Two last members that explode together: no winner, no reward."""
    boom = [{"species": 143, "moves": [153], "level": 100}]  # Snorlax, Explosion
    host = hosts(1, format="gen1customgame", teams=[boom])
    ties = 0
    for seed in range(20):
        host.reset(np.array([[seed, 0, 0, 0]], np.uint32))
        record = host.step(np.array([[0, 0]], np.int32))
        if record.terminated[0]:
            winner = int(record.final_state["winner"][0])
            ties += winner == 2
            assert record.reward[0].tolist() == {0: [1, -1], 1: [-1, 1], 2: [0, 0]}[winner]
    assert ties > 0


def test_bots_choose_legal_actions_and_are_ranked_as_expected(hosts: Any) -> None:
    host = hosts(4, seed=12)
    record = host.reset()
    for step in range(50):
        arguments = {"bots": np.array([step % 3, (step + 1) % 3]), "seed": np.array([step])}
        actions = host.process.call("bot_actions", arguments)["actions"]
        record = host.step(actions)
        assert not record.info["illegal"].any(), step
    arguments = {"battles": np.array([20]), "swap": np.array([1]), "seed": np.array([3])}
    for bots, least in (([1, 0], 18), ([2, 0], 18)):
        played = host.process.call("play", {**arguments, "bots": np.array(bots)})
        assert played["wins"][0] >= least
        assert played["wins"][0] + played["losses"][0] + played["ties"][0] == 20
        assert 20 < played["turns"][0] <= played["decisions"][0] <= played["choices"][0]


def test_the_module_serves_it(packages: None) -> None:
    words = [sys.executable, "-m", "envlift.envs.pokemon.reference"]
    with ReferenceProcess(words, num_lanes=1) as reference:
        assert reference.spec.pins["@pkmn/sim"] == "0.10.11"
        assert reference.spec.pins["@pkmn/randoms"] == "0.10.6"


def test_without_node_the_module_says_what_to_install(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    run = subprocess.run(
        [sys.executable, "-m", "envlift.envs.pokemon.reference"],
        input='{"id":0,"op":"spec","protocol":1,"num_lanes":1,"config":{}}\n',
        capture_output=True,
        text=True,
        check=False,
    )
    assert '"unavailable": true' in run.stdout
    assert "the program 'node' was not found in PATH" in run.stdout


def test_the_table_of_the_readme_is_the_spec(hosts: Any) -> None:
    from envlift.envs.pokemon.reference.showdown import FOLDER

    letters = {"P": 2, "M": 6, "K": 4}
    table = {}
    for line in (FOLDER.parent / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[1] in ("bool", "int8", "uint8", "int16", "int32", "uint32"):
            axes = cells[2].strip("[]").split(",")
            shape = tuple(letters.get(axis.strip()) or int(axis) for axis in axes if axis.strip())
            table[cells[0].strip("`")] = (cells[1], shape)
    spec = {name: (one.dtype, one.shape) for name, one in hosts(1).process.spec.state.items()}
    assert table == spec
    assert list(table) == list(spec)


def test_battles_of_many_moves_ask_in_many_ways(hosts: Any) -> None:
    pairs = 20
    host = hosts(6, seed=2, pairs=pairs, format="gen1customgame", teams=pool(1, pairs))
    record = host.reset()
    kinds = set()
    for _ in range(100):
        kinds |= set(record.observation[..., 0].ravel().tolist())
        record = host.step(draw(host.rng, record.legal_actions))
    assert {0, 1, 2, 3, 5} <= kinds
