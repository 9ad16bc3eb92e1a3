"""Make the tables of A1 and P-A from the card facts: ``python -m ...tables.build FOLDER``.

The folder holds ``cards.jsonl`` (facts of all sets), ``effects_a1.jsonl`` (effect codes by card)
and ``decks.jsonl``. Only facts enter: names, numbers, types and effect codes, never the wording of
a card.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from envlift.envs.tcg_pocket.tables import HERE

SETS = ("A1", "P-A")
KINDS = {"Item": "item", "Supporter": "supporter"}
STAGES = {"Basic": 0, "Stage1": 1, "Stage2": 2}


def read(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file, one a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def card(index: int, facts: Mapping[str, Any], numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return the row of one card; ``tables.Card`` says what its entries mean."""
    row: dict[str, Any] = {"index": index, "id": facts["id"], "name": facts["name"]}
    trainer = facts["category"] == "Trainer"
    fossil = trainer and bool(facts["fossil"])
    row["kind"] = KINDS[facts["trainer_kind"]] if trainer else "pokemon"
    row["fossil"] = fossil
    row["functional"] = numbers[facts["functional"]]
    if not trainer or fossil:
        row["type"] = facts["type"]
        row["stage"] = STAGES[facts["stage"]]
        row["evolves_from"] = facts.get("evolves_from")
        row["hp"] = facts["hp"]
        row["retreat"] = facts["retreat"] or 0
        row["weakness"] = facts.get("weakness")
        row["ex"] = bool(facts.get("ex"))
        row["ability"] = facts.get("ability")
        row["attacks"] = [
            {"name": a["name"], "cost": a["cost"], "damage": a["damage"]}
            for a in facts.get("attacks") or []
        ]
    return row


def tables(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of all tables by the name of their file."""
    facts = [f for f in read(folder / "cards.jsonl") if f["set"] in SETS]
    facts.sort(key=lambda f: (SETS.index(f["set"]), int(f["number"])))
    numbers = {f["id"]: index for index, f in enumerate(facts, start=1)}
    effects = [
        {"card": numbers[e["id"]], "effects": e["effects"]}
        for e in read(folder / "effects_a1.jsonl")
        if e["effects"] and e["functional"] == e["id"]
    ]
    decks = [
        {"name": d["name"], "energy": d["energy"], "cards": d["cards"], "source": d["source"]}
        for d in read(folder / "decks.jsonl")
    ]
    return {
        "cards.jsonl": [card(index, f, numbers) for index, f in enumerate(facts, start=1)],
        "effects.jsonl": sorted(effects, key=lambda e: int(e["card"])),
        "decks.jsonl": decks,
    }


def write(rows: Iterable[Mapping[str, Any]], path: Path) -> str:
    """Write one record a line and return the SHA-256 of the file."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def main(arguments: Sequence[str]) -> None:
    """Write the tables and print their hashes, for ``SOURCE.toml``."""
    if len(arguments) != 1:
        raise SystemExit("usage: python -m envlift.envs.tcg_pocket.tables.build FOLDER")
    for name, rows in tables(Path(arguments[0])).items():
        print(f'"{name}" = "{write(rows, HERE / name)}"')


if __name__ == "__main__":
    main(sys.argv[1:])
