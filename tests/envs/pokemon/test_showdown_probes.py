"""What the probes answer is what an independent reading of generation 1 computes.

Formulas are written here from the mechanics, not from Showdown's code; N is the number of rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envlift.reference.failure import ReferenceFailure

N = 3000
NO_TYPE, NORMAL, FIRE, GHOST, DRAGON = 15, 10, 4, 6, 1
STAGES = (25, 28, 33, 40, 50, 66, 100, 150, 200, 250, 300, 350, 400)
EXPLOSIONS = {120, 153}


class Lcg:
    """The generator: x <- x * a + c modulo 2^64, its upper half is the draw."""

    def __init__(self, high: int, low: int) -> None:
        self.x = (int(high) << 32) | int(low)

    def draw(self, start: int, stop: int) -> int:
        self.x = (self.x * 0x5D588B656C078965 + 0x269EC3) % 2**64
        return start + ((self.x >> 32) * (stop - start) >> 32)


@pytest.fixture
def call(hosts: Any) -> Any:
    process = hosts(1).process
    return lambda name, **arguments: process.call(name, arguments)


def seeds(rng: np.random.Generator, rows: int = N) -> Any:
    return rng.integers(0, 2**32, (rows, 2), dtype=np.uint32)


def test_the_generator_is_the_one_of_the_seeds(call: Any) -> None:
    rng = np.random.default_rng(1)
    start, width = rng.integers(0, 300, N), rng.integers(1, 300, N)
    seed = seeds(rng)
    answer = call("random", seed=seed, **{"from": start, "to": start + width})
    for row in range(N):
        lcg = Lcg(*seed[row])
        assert answer["value"][row] == lcg.draw(start[row], start[row] + width[row])
        assert (int(answer["seed"][row][0]) << 32) | int(answer["seed"][row][1]) == lcg.x


def expected_damage(
    row: dict[str, Any], move: dict[str, Any], speed: int, chart: Any
) -> tuple[int, bool, int]:
    lcg = Lcg(*row["seed"])
    rate = speed // 2 // 2 if row["focus_energy"] else min(255, max(1, speed // 2 * 2))
    rate = min(255, max(1, rate * 4)) if move["crit_ratio"] == 2 else rate // 2
    critical = rate > 0 and lcg.draw(0, 256) < rate
    level, attack, defense = row["level"], row["attack"], row["defense"]
    if row["screen"]:
        defense *= 2
    if critical:
        level, attack, defense = level * 2, row["base_attack"], row["base_defense"]
    if attack >= 256 or defense >= 256:
        attack, defense = max(1, attack // 4 % 256), max(1, defense // 4 % 256)
    if move["num"] in EXPLOSIONS:
        defense = max(1, defense // 2)
    damage = min(997, (level * 2 // 5 + 2) * move["power"] * attack // defense // 50) + 2
    if move["type"] in row["attacker_types"]:
        damage += damage // 2
    for one in row["defender_types"]:
        if one != NO_TYPE:
            damage = damage * chart[move["type"], one] // 10
    if damage > 1:
        damage = damage * lcg.draw(217, 256) // 255
    return damage, critical, lcg.x


def test_damage_is_the_formula_to_the_last_point(call: Any) -> None:
    rng = np.random.default_rng(2)
    moves, chart = call("moves"), call("type_chart")["effectiveness"]
    speeds = call("species")["base_stats"][:, 3]
    plain = (moves["power"] > 1) & (moves["callbacks"] == 0) & (moves["fixed_damage"] == 0)
    plain &= (moves["ohko"] == 0) & (moves["self_volatile"] == 0) & (moves["type"] != NO_TYPE)
    usable = moves["num"][plain]
    assert len(usable) > 60
    edges = np.array([1, 2, 3, 255, 256, 257, 511, 512, 513, 998, 999])

    def stat() -> Any:
        return np.where(rng.random(N) < 0.4, rng.choice(edges, N), rng.integers(1, 1000, N))

    def types() -> Any:
        pair = rng.integers(0, NO_TYPE, (N, 2))
        pair[rng.random(N) < 0.4, 1] = NO_TYPE
        pair[pair[:, 0] == pair[:, 1], 1] = NO_TYPE
        return pair

    rows = {
        "seed": seeds(rng),
        "move": rng.choice(usable, N),
        "level": rng.integers(1, 101, N),
        "species": rng.integers(1, 152, N),
        "attacker_types": types(),
        "defender_types": types(),
        "attack": stat(),
        "base_attack": stat(),
        "defense": stat(),
        "base_defense": stat(),
        "defender_hp": np.full(N, 300),
        "focus_energy": rng.integers(0, 2, N),
        "screen": rng.integers(0, 2, N),
    }
    answer = call("damage", **rows)
    immune = criticals = 0
    for at in range(N):
        row = {name: values[at] for name, values in rows.items()}
        row = {n: v if n.endswith("types") or n == "seed" else int(v) for n, v in row.items()}
        move = {n: int(moves[n][row["move"] - 1]) for n in ("num", "type", "power", "crit_ratio")}
        defended = [one for one in row["defender_types"] if one != NO_TYPE]
        if any(chart[move["type"], one] == 0 for one in defended):
            assert answer["damage"][at] == -1, row
            immune += 1
            continue
        wanted, critical, x = expected_damage(row, move, int(speeds[row["species"] - 1]), chart)
        assert (answer["damage"][at], answer["critical"][at]) == (wanted, critical), row
        assert (int(answer["seed"][at][0]) << 32) | int(answer["seed"][at][1]) == x, row
        criticals += critical
    assert immune > 20
    assert criticals > 200


@pytest.mark.parametrize(
    ("move", "wanted"), [(69, 55), (49, 20), (82, 40), (162, 150), (90, 65535), (101, 55), (45, -2)]
)
def test_fixed_damage(call: Any, move: int, wanted: int) -> None:
    one = np.ones(1, np.int64)
    row = dict.fromkeys(("species", "attack", "base_attack", "defense", "base_defense"), one)
    row |= {"move": one * move, "level": one * 55, "defender_hp": one * 300}
    row |= {"screen": one * 0, "focus_energy": one * 0, "seed": np.array([[1, 2]], np.uint32)}
    row["attacker_types"] = np.array([[FIRE, NO_TYPE]])
    row["defender_types"] = np.array([[DRAGON, NO_TYPE]])
    assert call("damage", **row)["damage"][0] == wanted


def test_accuracy_is_256_at_both_stages(call: Any) -> None:
    rng = np.random.default_rng(3)
    moves = call("moves")
    # Without those that are immune or fail before, and without Bide, which has no accuracy.
    usable = moves["num"][moves["ohko"] == 0]
    rows = {
        "move": rng.choice(usable, N),
        "accuracy_stage": rng.integers(-6, 7, N),
        "evasion_stage": rng.integers(-6, 7, N),
        "locked_move_accuracy": np.where(rng.random(N) < 0.2, rng.integers(1, 256, N), 0),
        "rage_accuracy": np.where(rng.random(N) < 0.2, rng.integers(1, 256, N), 0),
        "target_recharges": rng.random(N) < 0.2,
        "target_trapped": rng.random(N) < 0.1,
    }
    answer = call("accuracy", **rows)
    drawn = 0
    for at in range(N):
        row = {name: int(values[at]) for name, values in rows.items()}
        move = row["move"] - 1
        percent = int(moves["accuracy"][move])
        sure = percent == 0 or (moves["status"][move] == 5 and row["target_recharges"])
        thrash, rage = row["locked_move_accuracy"], row["rage_accuracy"]
        if moves["self_volatile"][move] == 5 and not thrash:
            thrash = 255
        threshold = -1
        if not sure:
            threshold = rage or thrash or percent * 255 // 100
            threshold = threshold * STAGES[row["accuracy_stage"] + 6] // 100
            threshold = threshold * STAGES[6 - row["evasion_stage"]] // 100
            threshold = min(255, max(1, threshold))
            thrash = thrash and threshold
            rage = rage and threshold
        threshold = -1 if row["target_trapped"] else threshold
        assert answer["threshold"][at] == threshold, (row, percent)
        assert answer["locked_move_accuracy"][at] == thrash, row
        assert answer["rage_accuracy"][at] == rage, row
        drawn += threshold > 0
    assert drawn > 1000


def test_critical_hits_come_from_the_base_speed(call: Any) -> None:
    speeds = call("species")["base_stats"][:, 3]
    species = np.repeat(np.arange(1, 152), 4)
    # Slash is one of the moves with a high rate, Tackle is not.
    move, focus = np.tile([163, 163, 33, 33], 151), np.tile([0, 1, 0, 1], 151)
    answer = call("critical_rate", move=move, species=species, focus_energy=focus)["threshold"]
    for speed, rates in zip(speeds, answer.reshape(151, 4), strict=True):
        half = int(speed) // 2
        high, focused = min(255, min(255, half * 2) * 4), min(255, max(1, half // 2 * 4))
        # A rate of 0 asks for no draw.
        normal, weak = min(255, half * 2) // 2, half // 2 // 2
        assert rates.tolist() == [high, focused, normal, weak or -1]


def test_a_stage_recomputes_the_stat_from_the_stored_one(call: Any) -> None:
    rng = np.random.default_rng(4)
    limits = np.array([1, 2, 249, 250, 332, 333, 998, 999])
    rows = {
        "stat": rng.integers(0, 6, N),
        "stored": np.where(rng.random(N) < 0.3, rng.choice(limits, N), rng.integers(1, 1000, N)),
        "modified": np.where(rng.random(N) < 0.5, rng.choice(limits, N), rng.integers(1, 1000, N)),
        "stage": rng.integers(-6, 7, N),
        "delta": rng.choice([-2, -1, 1, 2], N),
    }
    answer = call("stat_change", **rows)
    seen = set()
    for at in range(N):
        row = {name: int(values[at]) for name, values in rows.items()}
        stage, delta = row["stage"], row["delta"]
        modified, changed, after = row["modified"], 1, max(-6, min(6, stage + delta))
        limit = 999 if delta > 0 else 1
        if abs(stage) == 6 and stage * delta > 0:
            changed, after = -1, stage
        elif row["stat"] < 4 and modified == limit:
            changed, after = 0, after - (1 if delta > 0 else -1)
        elif row["stat"] < 4:
            modified = max(1, row["stored"] * STAGES[after + 6] // 100)
            modified = min(999, modified) if delta > 0 else modified
        got = [int(answer[name][at]) for name in ("modified", "stage", "changed")]
        assert got == [modified, after, changed], row
        seen.add(changed)
    assert seen == {-1, 0, 1}


def test_tables_hold_what_everybody_knows(call: Any) -> None:
    chart = call("type_chart")["effectiveness"]
    assert chart[GHOST, 12] == 0  # generation 1: Ghost does nothing to Psychic
    assert chart[9, FIRE] == 10  # and Fire does not resist Ice
    assert (chart != 10).sum() == 82
    immune = call("status_immunity")["immune"]
    assert immune[11].tolist() == [False, False, False, False, True, False, True, False]
    species, moves = call("species"), call("moves")
    assert species["num"].tolist() == list(range(1, 152))
    assert species["base_stats"][149].tolist() == [106, 110, 90, 130, 154]  # Mewtwo
    assert moves["num"].tolist() == list(range(1, 166))
    assert moves["accuracy"][58] == 90  # Blizzard
    assert moves["pp"][164] == 10  # Struggle


def test_an_unknown_component_lists_the_known_ones(call: Any) -> None:
    with pytest.raises(ReferenceFailure, match='no component "dammage"; known: damage, accuracy'):
        call("dammage")


def test_teams_of_a_seed(call: Any) -> None:
    seed = seeds(np.random.default_rng(5), 20)
    teams, again = call("teams", seed=seed), call("teams", seed=seed)
    for name, values in teams.items():
        assert (values == again[name]).all(), name
    assert ((teams["species"] > 0) & (teams["species"] <= 151)).all()
    assert ((teams["level"] >= 60) & (teams["level"] <= 100)).all()
    assert len(np.unique(teams["species"].reshape(40, 6), axis=0)) == 40
