"""Teams as people write them."""

from __future__ import annotations

import numpy as np
import pytest

from envlift.envs.pokemon import teams
from envlift.envs.pokemon.verification.suite import NUM_TEAMS, TEAMS, draw_chance
from envlift.envs.pokemon.verification.teams import mixed, pool

TEXT = """
Lefty (Tauros) @ Leftovers
Level: 68
EVs: 252 HP / 0 Atk / 4 Spc
IVs: 2 Atk
- Body Slam
- Hyper Beam

Nidoran-F
- Double Kick
"""


def test_text() -> None:
    tauros, nidoran = teams.team_of(TEXT)
    assert (tauros.species, tauros.level) == (128, 68)
    assert tauros.moves == (34, 63, 0, 0)
    assert tauros.evs == (252, 0, 255, 255, 4)
    assert tauros.ivs == (30, 2, 30, 30, 30)
    assert (nidoran.species, nidoran.moves) == (29, (24, 0, 0, 0))


def test_packed() -> None:
    (mew,) = teams.team_of("Mimi|mew|||psychic,softboiled||1,2,3,4,4,5||31,,29,28,28,3||50|")
    assert (mew.species, mew.level, mew.moves) == (151, 50, (94, 135, 0, 0))
    assert mew.evs == (1, 2, 3, 5, 4)
    assert mew.ivs == (30, 30, 28, 2, 28)
    (plain,) = teams.team_of("Mew||||psychic|||||||")
    assert (plain.level, plain.evs, plain.ivs) == (100, (0,) * 5, (30,) * 5)


def test_what_is_written_is_read() -> None:
    for given in pool(3, 20):
        team = teams.team_of(given)
        assert teams.team_of(teams.to_packed(team)) == team
        assert teams.team_of(teams.to_text(team)) == team
    assert len({m.evs for given in pool(3, 20) for m in teams.team_of(given)}) > 10


WRONG = {
    "Missingno||||psychic|||||||": "'Missingno' is no Pokémon of generation 1; near it: ",
    "Mew||||psychick|||||||": "'psychick' is no move of generation 1; near it: .*psychic",
    "Mew|||||||||||": "Mew needs 1 to 4 moves, 1 to 165; it has",
    "Mew||||psychic,psychic|||||||": "Mew has a move twice",
    "Mew||||psychic||||||101|": "Mew has level 101; it must be 1 to 100",
    "Mew||||psychic||256,,,,,|||||": "Mew has the EVs .*give five from 0 to 255",
    "]".join(["Mew||||psychic|||||||"] * 7): "a team has 1 to 6 members, this one has 7",
}


@pytest.mark.parametrize("text", sorted(WRONG))
def test_what_cannot_be_played(text: str) -> None:
    with pytest.raises(ValueError, match=WRONG[text]):
        teams.team_of(text)


FORBIDDEN = {
    "Mewtwo||||psychic|||||||": "mewtwo .Mewtwo.: Uber",
    "Jynx||||psychic|||||||]Jynx||||bite|||||||": "a second Jynx: Species Clause",
    "Jynx||||surf|||||||": "surf: Jynx cannot learn it",
    "Tauros||||horndrill|||||||": "horndrill .Tauros.: OHKO Clause",
    "Starmie||||minimize|||||||": "minimize .Starmie.: Evasion Moves Clause",
    "Golem||||dig|||||||": "dig .Golem.: Dig is banned",
}


@pytest.mark.parametrize("text", sorted(FORBIDDEN))
def test_what_gen1ou_forbids(text: str) -> None:
    with pytest.raises(ValueError, match=f"gen1ou forbids {FORBIDDEN[text]}"):
        teams.check_ou(teams.team_of(text))
    teams.check_ou(teams.team_of("Jynx||||psychic,lovelykiss|||||||]Tauros||||bodyslam|||||||"))


def test_members_by_numbers() -> None:
    (one,) = teams.team_of([{"species": 1, "moves": [1], "ivs": np.full(5, 31), "level": 7}])
    assert (one.species, one.level, one.ivs) == (1, 7, (30,) * 5)
    with pytest.raises(ValueError, match="a member has evs, ivs, level, moves, species; this one"):
        teams.team_of([{"species": 1, "item": 3}])


def test_the_suite_chooses_teams_as_the_environment_does() -> None:
    """Each side any team: a preference for some pairs made right starts look wrong."""
    words = draw_chance(np.random.default_rng(3), (40_000,))
    sides = words[:, 2:].astype(np.int64) % NUM_TEAMS
    expected = len(sides) / NUM_TEAMS
    for side in sides.T:
        counts = np.bincount(side, minlength=NUM_TEAMS)
        assert np.abs(counts - expected).max() < 6 * expected**0.5
    pairs = np.bincount((sides[:, 0] - sides[:, 1]) % NUM_TEAMS, minlength=NUM_TEAMS)
    assert np.abs(pairs - expected).max() < 6 * expected**0.5


def test_teams_that_meet_often_have_the_same_species() -> None:
    species = [tuple(one["species"] for one in team) for team in TEAMS]
    assert len(TEAMS) == NUM_TEAMS
    same = sum(one[:1] == other[:1] for one in species for other in species)
    assert 0.1 < same / NUM_TEAMS**2 < 0.2
    assert len({one for team in TEAMS for member in team for one in member["moves"]}) == 164
    assert mixed(1, 8) == mixed(1, 8)
