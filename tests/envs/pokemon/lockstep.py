"""Play recorded Showdown battles in the Warp rules and report the first difference of each.

    node record.js fields.json out.bin 1 200 random gen1ou 0
    python lockstep.py out.bin --clauses

``python lockstep.py --fields fields.json`` writes what ``record.js`` needs.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import json
import sys
import time
from collections import Counter
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from envlift.envs.pokemon.rules.gen1 import batched
from envlift.envs.pokemon.rules.gen1.parts.memory import PLACES, STATE_SIZE
from envlift.envs.pokemon.state import FIELDS, State

NOT_SHOWDOWNS = ("revealed", "revealed_moves")
COMPARED = np.concatenate([np.full(p.size or 1, p.name not in NOT_SHOWDOWNS) for p in PLACES])
LABELS = [f"{p.name}[{k}]" if p.size else p.name for p in PLACES for k in range(p.size or 1)]
GAVE_UP = -99


@dataclasses.dataclass
class Record:
    """One battle.

    Attributes:
        seeds: int32 [4], words of the battle's and the generator's (0 for given teams).
        states: int32 [T, S]. actions: int32 [T, 2].
        written: by step, the state that was written over Showdown's before the actions.
    """

    seeds: np.ndarray
    states: np.ndarray
    actions: np.ndarray
    written: dict[int, np.ndarray]


def read(path: Path) -> list[Record]:
    """Read what ``record.js`` wrote, perhaps packed by gzip."""
    data = path.read_bytes()
    numbers = np.frombuffer(gzip.decompress(data) if path.suffix == ".gz" else data, "<i4")
    records, at = [], 0
    while at < len(numbers):
        count, seeds, at = int(numbers[at]), numbers[at + 1 : at + 5], at + 5
        states, actions, written = [], [], {}
        for t in range(count):
            states.append(numbers[at : at + STATE_SIZE])
            at += STATE_SIZE
            actions.append(numbers[at : at + 2])
            disturbed, at = numbers[at + 2] == 1, at + 3
            if disturbed:
                written[t] = numbers[at : at + STATE_SIZE]
                at += STATE_SIZE
        records.append(Record(seeds, np.array(states), np.array(actions), written))
    return records


def to_state(numbers: np.ndarray) -> State:
    """Return the state of rows of numbers, int32 [B, S]."""
    fields = []
    for p, f in zip(PLACES, FIELDS, strict=True):
        part = numbers[:, p.start : p.start + (p.size or 1)]
        shape = (len(numbers), *f.shape)
        fields.append(jnp.asarray(part.astype(p.dtype).reshape(shape)))
    return State(*fields)


def to_numbers(state: State) -> np.ndarray:
    """Return the rows of a batch of states, int32 [B, S]."""
    parts = []
    for f in FIELDS:
        array = np.asarray(getattr(state, f.name))
        parts.append(array.reshape(len(array), -1).astype(np.int64).astype(np.int32))
    return np.concatenate(parts, axis=1)


def opening(records: list[Record]) -> np.ndarray:
    """Return the states before the start: teams and seeds alone."""
    kept = ("species", "level", "max_hp", "base_stored_stats", "spe_iv", "spe_ev", "moves", "pp")
    rows = np.zeros((len(records), STATE_SIZE), np.int32)
    for p in PLACES:
        if p.name in kept:
            span = slice(p.start, p.start + (p.size or 1))
            rows[:, span] = [r.states[0][span] for r in records]
    rows[:, :2] = [r.seeds[:2] for r in records]
    return rows


def compare(records: list[Record], clauses: bool, verbose: int = 0) -> Counter[str]:
    """Play the records in lockstep; print and count the first difference of each battle."""
    found: Counter[str] = Counter()
    begin = jax.jit(jax.vmap(batched.begin, in_axes=(0, None)))
    step = jax.jit(jax.vmap(batched.step, in_axes=(0, 0, None)))
    now = to_numbers(begin(to_state(opening(records)), clauses))
    live = np.ones(len(records), bool)
    lengths = np.array([len(r.states) for r in records])
    for t in range(lengths.max()):
        actions = np.zeros((len(records), 2), np.int32)
        for k in np.flatnonzero(live):
            want = records[k].states[t]
            if want[2] == GAVE_UP:
                found["Showdown gave up"] += 1
                live[k] = False
                continue
            wrong = np.flatnonzero((now[k] != want) & COMPARED)
            if len(wrong):
                live[k] = False
                found["battles that differ"] += 1
                found[f"first: {LABELS[wrong[0]].split('[')[0]}"] += 1
                if found["battles that differ"] <= verbose:
                    before = records[k].states[max(t - 1, 0)]
                    print(f"battle {k}, state {t}, turn {want[2]}")
                    print(f"  actions {records[k].actions[max(t - 1, 0)]}")
                    for w in wrong[:12]:
                        print(f"  {LABELS[w]}: Showdown {want[w]}, Warp {now[k][w]},", end=" ")
                        print(f"before {before[w]}")
                    _show(before)
                continue
            found["states"] += 1
            if t + 1 >= lengths[k]:
                live[k] = False
                found["battles to the end"] += 1
                found[f"winner {want[LABELS.index('winner')]}"] += 1
                continue
            actions[k] = records[k].actions[t]
            if t in records[k].written:
                now[k] = records[k].written[t]
                found["states written"] += 1
        if not live.any():
            break
        now = to_numbers(step(to_state(now), jnp.asarray(actions), clauses))
    return found


def _show(row: np.ndarray) -> None:
    names = ("last_selected_move", "last_selected_slot", "last_move", "active_moves", "hp", "order")
    for p in PLACES:
        part = row[p.start : p.start + (p.size or 1)]
        if p.name in names or (p.size == 2 and part.any()):
            print(f"    {p.name}: {part.tolist()}")


def main() -> int:
    """Return 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("record", nargs="?", type=Path)
    parser.add_argument("--clauses", action="store_true")
    parser.add_argument("--verbose", type=int, default=2)
    parser.add_argument("--fields", type=Path)
    given = parser.parse_args()
    if given.fields:
        given.fields.write_text(json.dumps([[p.name, p.size or 1] for p in PLACES]))
        return 0
    start = time.perf_counter()
    records = read(given.record)
    found = compare(records, given.clauses, given.verbose)
    print(dict(found), f"{time.perf_counter() - start:.1f} s")
    return 1 if found["battles that differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
