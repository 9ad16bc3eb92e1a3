"""The tables of generation 1 and the rows that the rules look up."""

from __future__ import annotations

import hashlib
import tomllib

import pytest

from envlift.envs.pokemon import tables
from envlift.envs.pokemon.rules.gen1.parts import data, ids, teams
from envlift.envs.pokemon.rules.gen1.parts.data import Move

FOLDER = tables.HERE / "gen1"
SOURCE = tomllib.loads((FOLDER / "SOURCE.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(p.name for p in FOLDER.glob("*.jsonl")))
def test_a_table_is_the_one_its_source_names(name: str) -> None:
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    assert digest == SOURCE["sha256"][name]


def test_all_moves_species_and_sets_are_there() -> None:
    assert len(data.move_rows()) == 167
    assert len(data.species_rows()) == 152
    assert len(data.metronome_moves()) == len(set(data.metronome_moves())) == 163
    assert len(teams.set_rows()) == 146
    assert len(ids.EFFECTS) == 48


def test_rows_are_as_wide_as_their_columns() -> None:
    assert {len(row) for row in data.move_rows()} == {data.MOVE_COLUMNS}
    assert {len(row) for row in data.species_rows()} == {data.SPECIES_COLUMNS}
    assert {len(row) for row in data.type_rows()} == {data.TYPE_COLUMNS}
    assert {len(row) for row in teams.set_rows()} == {teams.SET_COLUMNS}


@pytest.mark.parametrize(
    ("move", "column", "number"),
    [
        ("psychic", "BOOST_STAT", ids.Stat.SPC),
        ("psychic", "BOOST_AMOUNT", -1),
        ("psychic", "CHANCE", 85),
        ("doubleedge", "RECOIL", 4),
        ("struggle", "RECOIL", 2),
        ("megadrain", "DRAIN", 2),
        ("pinmissile", "HITS", 5),
        ("twineedle", "HITS", 2),
        ("swift", "ACCURACY", 0),
        ("swift", "HITS_INVULNERABLE", 1),
        ("bide", "TYPE", ids.Type.NONE),
        ("counter", "PRIORITY", -1),
    ],
)
def test_a_row_says_what_the_record_says(move: str, column: str, number: int) -> None:
    row = data.move_rows()[tables.numbers("gen1", "moves")[move]]
    assert row[Move[column]] == number


def test_a_fraction_that_no_divisor_gives_is_refused() -> None:
    with pytest.raises(ValueError, match="2/3 of the damage"):
        data.move_row(tables.records("gen1", "moves")[0] | {"params": {"recoil": [2, 3]}})
