"""The table of observations in ``docs/pokemon.md``: ``python -m ...pokemon.observation_table``."""

from __future__ import annotations

from collections.abc import Sequence

from envlift.envs.pokemon import observation as o

MEANINGS = {
    "turn": "from 1; 1,001 after the limit",
    "own_request": "0 waits, 1 chooses a move or a switch, 2 a replacement",
    "foe_request": "the same of the foe",
    "foe_team_size": "how many members the foe's team has",
    "species": "national number, 0 for no member or one not yet seen; of the active one changed by "
    "Transform",
    "level": "1 to 100",
    "hp": "0 to 703",
    "max_hp": "1 to 703",
    "hp_percent": "rounded up; 100 for all HP alone",
    "status": "0 none, 1 burned, 2 frozen, 3 paralysed, 4 poisoned, 5 asleep, 6 badly poisoned, "
    "7 fainted",
    "active": "1 for the one in front",
    "atk": "unmodified Attack",
    "def": "unmodified Defense",
    "spe": "unmodified Speed",
    "spc": "unmodified Special",
    "move": "number of a move, 0 for none; the foe's only once seen, in the order of numbers",
    "pp": "PP left",
    "type": "0 to 14 in alphabetical order, 15 for no second one",
    "boost": "stage, -6 to 6",
    "last_move": "the move used last, 0 for none since it came in",
    "two_turn_move": "the move that it charges, 0 for none",
    "locked_move": "Thrash or Petal Dance while it goes on, else 0",
    "disable_move": "the move that is disabled, 0 for none",
    "active_move": "moves as they are now, changed by Mimic and Transform",
    "active_pp": "their PP",
}

FLAG = "1 if so"


def meaning(name: str) -> str:
    """Return what a number is, by the name of its entry."""
    if name in o.FLAGS:
        return FLAG
    whole = name.rstrip("0123456789").rstrip("_")
    stem = "boost" if name.startswith("boost_") else whole
    return MEANINGS[stem]


def rows() -> list[tuple[str, str, str]]:
    """Return ``(index, name, meaning)``; ``m`` counts the members of a team."""
    found: list[tuple[str, str, str]] = []
    place = 0

    def block(names: Sequence[str], prefix: str, members: int = 1) -> None:
        nonlocal place
        for k, name in enumerate(names):
            index = f"{place + k}" if members == 1 else f"{place + k} + {len(names)} m"
            shown = f"{prefix}m_{name}" if members > 1 else f"{prefix}{name}"
            found.append((index, shown, meaning(name)))
        place += len(names) * members

    block(o.BATTLE, "")
    block(o.OWN_MEMBER, "own_", 6)
    block(o.ACTIVE, "own_active_")
    block(o.OWN_SLOTS, "own_")
    block(o.FOE_MEMBER, "foe_", 6)
    block(o.ACTIVE, "foe_active_")
    if place != o.SIZE:
        raise AssertionError(f"the table ends at {place}, observations at {o.SIZE}")
    return found


def table() -> str:
    """Return the table as Markdown."""
    lines = ["| index | name | meaning |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {a} | `{b}` | {c} |" for a, b, c in rows())])


if __name__ == "__main__":
    print(table())
