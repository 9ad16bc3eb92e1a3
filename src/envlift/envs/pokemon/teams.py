"""Teams as people write them: Showdown's text and packed form, or the numbers of the tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envlift.envs.pokemon import tables

STATS = ("hp", "atk", "def", "spe", "spc")
_NAMES = {"hp": 0, "atk": 1, "def": 2, "spe": 3, "spc": 4, "spa": 4, "spd": 4}
_PACKED = (0, 1, 2, 4, 4, 3)  # Showdown's order: HP, Atk, Def, SpA, SpD, Spe


@dataclass(frozen=True)
class Member:
    """A member of a team.

    Attributes:
        species, level: numbers, level 1 to 100.
        moves: four numbers, 0 behind the last.
        ivs: of HP, Attack, Defense, Speed, Special, 0 to 30, even: twice the DV.
        evs: of the same, 0 to 255.
    """

    species: int
    level: int = 100
    moves: tuple[int, ...] = (0, 0, 0, 0)
    ivs: tuple[int, ...] = (30,) * 5
    evs: tuple[int, ...] = (255,) * 5


Team = tuple[Member, ...]


def team_of(given: Any) -> Team:
    """Read a team of one to six members.

    Args:
        given: Showdown's text (an entry for each Pokémon, with an empty line between two), its
            packed form (entries between ``]``), or a list of ``Member`` or of mappings of its
            fields.

    Raises:
        ValueError: for anything that cannot be played; names the member and what is wrong.
    """
    if isinstance(given, str):
        packed = "|" in given
        entries = given.split("]") if packed else re.split(r"\n\s*\n", given.strip())
        members = [(_packed if packed else _text)(entry.strip()) for entry in entries]
    else:
        members = [m if isinstance(m, Member) else _mapping(m) for m in given]
    if not 1 <= len(members) <= 6:
        raise ValueError(f"a team has 1 to 6 members, this one has {len(members)}")
    return tuple(_checked(member) for member in members)


BANNED = {
    "Uber": ("mewtwo", "mew"),
    "Dig is banned": ("dig",),
    "Fly is banned": ("fly",),
    "Evasion Moves Clause": ("minimize", "doubleteam"),
    "OHKO Clause": ("guillotine", "horndrill", "fissure"),
}
"""Rules of ``gen1ou``, by Showdown's names, and the Pokémon and moves that each forbids."""


def check_ou(team: Team) -> None:
    """Refuse what ``gen1ou`` forbids (``data/mods/gen1/rulesets.js``, Standard).

    Which moves a Pokémon can know comes from the table of species; that some cannot be had
    together, or below a level, is not looked at.

    Raises:
        ValueError: names the Pokémon and the rule.
    """
    for place, member in enumerate(team):
        about = _species(member.species)
        if any(other.species == member.species for other in team[:place]):
            raise ValueError(f"gen1ou forbids a second {about['name']}: Species Clause")
        known = [_move_id(move) for move in member.moves if move]
        for rule, names in BANNED.items():
            for name in {about["id"], *known} & set(names):
                raise ValueError(f"gen1ou forbids {name} ({about['name']}): {rule}")
        for move in known:
            if move not in about["moves"]:
                raise ValueError(f"gen1ou forbids {move}: {about['name']} cannot learn it")


def padded(team: Team) -> Team:
    """Return six members, species 0 behind the last."""
    return (*team, *[Member(0, 0, ivs=(0,) * 5, evs=(0,) * 5)] * (6 - len(team)))


def to_packed(team: Team) -> str:
    """Return Showdown's packed form."""
    return "]".join(map(_pack, team))


def to_text(team: Team) -> str:
    """Return Showdown's text."""
    entries = []
    for member in team:
        lines = [_species(member.species)["name"]]
        lines += [f"Level: {member.level}"] if member.level != 100 else []
        lines += _spread("EVs", member.evs, 255) + _spread("IVs", member.ivs, 30)
        lines += [f"- {_move_id(move)}" for move in member.moves if move]
        entries.append("\n".join(lines))
    return "\n\n".join(entries) + "\n"


def _spread(title: str, values: Sequence[int], full: int) -> list[str]:
    shown = ("HP", "Atk", "Def", "Spe", "Spc")
    parts = [f"{v} {n}" for v, n in zip(values, shown, strict=True) if v != full]
    return [f"{title}: {' / '.join(parts)}"] if parts else []


def _id(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _species(number: int) -> Mapping[str, Any]:
    return next(s for s in tables.records("gen1", "species") if s["num"] == number)


def _move_id(number: int) -> str:
    return next(str(m["id"]) for m in tables.records("gen1", "moves") if m["num"] == number)


def _number(table: str, name: str, what: str) -> int:
    known = tables.numbers("gen1", table)
    if _id(name) not in known:
        near = [one for one in known if one[:3] == _id(name)[:3]] or list(known)[:3]
        raise ValueError(f"{name!r} is no {what} of generation 1; near it: {', '.join(near[:5])}")
    return known[_id(name)]


def _moves(names: Sequence[str]) -> tuple[int, ...]:
    return tuple(_number("moves", name, "move") for name in names if name.strip())


def _text(entry: str) -> Member:
    lines = [line.strip() for line in entry.splitlines() if line.strip()]
    if not lines:
        raise ValueError("an entry of the team is empty")
    head = re.sub(r"\((M|F|N)\)|@.*", "", lines[0]).strip()
    nickname = re.search(r"\(([^)]+)\)$", head)
    species = _number("species", nickname.group(1) if nickname else head, "Pokémon")
    level = 100
    moves: list[str] = []
    spreads = {"ivs": [30] * 5, "evs": [255] * 5}
    for line in lines[1:]:
        title, _, rest = line.partition(":")
        if line.startswith("-"):
            moves.append(line[1:])
        elif title == "Level":
            level = int(rest)
        elif title in ("EVs", "IVs"):
            for part in rest.split("/"):
                value, stat = part.split()
                if stat.lower() not in _NAMES:
                    raise ValueError(f"{stat!r} is no stat; known: {', '.join(STATS)}")
                spreads[title.lower()][_NAMES[stat.lower()]] = int(value)
    return Member(species, level, _moves(moves), tuple(spreads["ivs"]), tuple(spreads["evs"]))


def _packed(entry: str) -> Member:
    parts = entry.split("|") + [""] * 12
    name, species, _, _, moves, _, evs, _, ivs, _, level = parts[:11]
    return Member(
        _number("species", species or name, "Pokémon"),
        int(level or 100),
        _moves(moves.split(",")),
        # As Showdown reads it: IVs that are left out are full, EVs are 0.
        _spread_of(ivs, 30),
        _spread_of(evs, 0),
    )


def _spread_of(text: str, left_out: int) -> tuple[int, ...]:
    values = [left_out] * 5
    if text:
        for place, part in zip(_PACKED, text.split(","), strict=True):
            values[place] = int(part) if part else left_out
    return tuple(values)


def _pack(member: Member) -> str:
    ivs = ",".join(str(member.ivs[k]) for k in _PACKED)
    evs = ",".join(str(member.evs[k]) for k in _PACKED)
    moves = ",".join(_move_id(move) for move in member.moves if move)
    level = "" if member.level == 100 else str(member.level)
    return f"{_species(member.species)['name']}||||{moves}||{evs}||{ivs}||{level}|"


def _mapping(given: Mapping[str, Any]) -> Member:
    known = {"species", "level", "moves", "ivs", "evs"}
    unknown = sorted(set(given) - known)
    if unknown or "species" not in given:
        raise ValueError(
            f"a member has {', '.join(sorted(known))}; this one has {', '.join(sorted(given))}"
        )
    listed = {
        name: tuple(int(n) for n in given[name])
        for name in ("moves", "ivs", "evs")
        if name in given
    }
    return Member(int(given["species"]), int(given.get("level", 100)), **listed)


def _checked(member: Member) -> Member:
    """Return the member with four moves.

    Raises:
        ValueError: if it cannot be played.
    """
    if not 1 <= member.species <= 151:
        raise ValueError(f"no species has the number {member.species}; known: 1 to 151")
    name = _species(member.species)["name"]
    moves = tuple(move for move in member.moves if move)
    if not 1 <= len(moves) <= 4 or not all(1 <= move <= 165 for move in moves):
        raise ValueError(f"{name} needs 1 to 4 moves, 1 to 165; it has {list(moves)}")
    if len(set(moves)) < len(moves):
        raise ValueError(f"{name} has a move twice: {[_move_id(move) for move in moves]}")
    if not 1 <= member.level <= 100:
        raise ValueError(f"{name} has level {member.level}; it must be 1 to 100")
    for what, values, most in (("IV", member.ivs, 31), ("EV", member.evs, 255)):
        if len(values) != 5 or not all(0 <= value <= most for value in values):
            raise ValueError(f"{name} has the {what}s {list(values)}; give five from 0 to {most}")
    even = tuple(value & ~1 for value in member.ivs)
    return Member(
        member.species, member.level, (*moves, *(0,) * (4 - len(moves))), even, member.evs
    )
