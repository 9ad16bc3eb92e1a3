"""Random teams, draw for draw as the generator of ``@pkmn/randoms`` (``src/gen1.ts``) makes them.

The generator's own seed stands in the battle's place for it while teams are made.
"""

# mypy: ignore-errors
# ruff: noqa: D103, SIM102
# Warp evaluates both sides of ``and``, so nested ``if``s are not the same.

from enum import IntEnum

import warp as wp

from envlift.envs.pokemon import tables
from envlift.envs.pokemon.rules.gen1.parts import data, ids, prng
from envlift.envs.pokemon.rules.gen1.parts.ids import Stat
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, Numbers, place_of, rule
from envlift.targets.warp_numbers import constant_array

MOVES, COMBO, EXCLUSIVE, ESSENTIAL = 9, 4, 9, 3
"""How many moves of each kind the longest set names."""

Set = IntEnum(  # a row: each list begins with its length
    "Set",
    {
        "SPECIES": 0,
        "LEVEL": 1,
        "MOVES": 2,
        "COMBO": 3 + MOVES,
        "EXCLUSIVE": 4 + MOVES + COMBO,
        "ESSENTIAL": 5 + MOVES + COMBO + EXCLUSIVE,
        "END": 6 + MOVES + COMBO + EXCLUSIVE + ESSENTIAL,
    },
)


def set_rows() -> list[list[int]]:
    """Return the rows of all sets, in the generator's order."""
    moves, species = tables.numbers("gen1", "moves"), tables.numbers("gen1", "species")
    rows = []
    for record in tables.records("gen1", "random_sets"):
        row = [species[record["id"]], record["level"]]
        for kind, size in (
            ("moves", MOVES),
            ("combo_moves", COMBO),
            ("exclusive_moves", EXCLUSIVE),
            ("essential_moves", ESSENTIAL),
        ):
            listed = [moves[name] for name in record[kind]]
            row += [len(listed), *listed, *[0] * (size - len(listed))]
        rows.append(row)
    return rows


def uses_attack() -> list[int]:
    """Return for each move whether a Pokémon with it wants its Attack."""
    fixed = ("FIXED_DAMAGE", "LEVEL_DAMAGE", "SUPER_FANG", "PSYWAVE", "COUNTER")
    wanted = [0] * (len(tables.records("gen1", "moves")) + 1)
    for move in tables.records("gen1", "moves"):
        strikes = move["category"] == "Physical" and move["effect"] not in fixed
        wanted[move["num"]] = int(strikes or move["effect"] in ("MIMIC", "TRANSFORM"))
    return wanted


NUM_SETS = len(set_rows())
SET_COLUMNS = int(Set.END)
NUM_WEAKNESSES = 6
SUBSTITUTE = tables.numbers("gen1", "moves")["substitute"]
DITTO = tables.numbers("gen1", "species")["ditto"]
WEAKNESSES = [
    int(ids.Type[name]) for name in ("ELECTRIC", "PSYCHIC", "WATER", "ICE", "GROUND", "FIRE")
]

# The generator's lists, behind one another.
POOL, REJECTED, TYPE_COUNT = 0, NUM_SETS, 2 * NUM_SETS
WEAK_COUNT = TYPE_COUNT + len(ids.TYPES) + 1
MOVE_POOL = WEAK_COUNT + NUM_WEAKNESSES
LISTS_SIZE = MOVE_POOL + MOVES


@wp.func_native(f"{constant_array(set_rows())} return table[row * {SET_COLUMNS} + column];")
def of_set(row: wp.int32, column: wp.int32) -> wp.int32: ...


@wp.func_native(f"{constant_array([uses_attack()])} return table[move];")
def wants_attack(move: wp.int32) -> wp.int32: ...


@wp.func_native(f"{constant_array([WEAKNESSES])} return table[index];")
def weakness(index: wp.int32) -> wp.int32: ...


@rule
def sample_no_replace(b: Battle, lists: Numbers, start: wp.int32, count: wp.int32) -> wp.int32:
    """Draw one of ``count`` numbers; the last takes its place."""
    drawn = start + prng.random(b, count)
    taken = wp.int32(lists[drawn])
    lists[drawn] = lists[start + count - 1]
    return taken


@rule
def add_move(b: Battle, m: wp.int32, count: wp.int32, move: wp.int32) -> wp.int32:
    """Add a move that is not there yet; return how many there are."""
    i = wp.int32(0)
    while i < count:
        if b[At.MOVES + m * 4 + i] == move:
            return count
        i += 1
    b[At.MOVES + m * 4 + count] = move
    return count + 1


@rule
def add_listed(b: Battle, m: wp.int32, count: wp.int32, row: wp.int32, at: wp.int32) -> wp.int32:
    """Add the moves of a list until there are four."""
    i = wp.int32(0)
    while i < of_set(row, at) and count < 4:
        count = add_move(b, m, count, of_set(row, at + 1 + i))
        i += 1
    return count


@rule
def draw_moves(b: Battle, lists: Numbers, m: wp.int32, row: wp.int32) -> wp.int32:
    """Draw a set's moves; return how many."""
    count = wp.int32(0)
    if of_set(row, Set.COMBO) > 0:
        if prng.random(b, 2) < 1:
            count = add_listed(b, m, count, row, Set.COMBO)
    if count < 4 and of_set(row, Set.EXCLUSIVE) > 0:
        drawn = prng.random(b, of_set(row, Set.EXCLUSIVE))
        count = add_move(b, m, count, of_set(row, Set.EXCLUSIVE + 1 + drawn))
    count = add_listed(b, m, count, row, Set.ESSENTIAL)
    left = of_set(row, Set.MOVES)
    i = wp.int32(0)
    while i < left:
        lists[MOVE_POOL + i] = of_set(row, Set.MOVES + 1 + i)
        i += 1
    while count < 4 and left > 0:
        count = add_move(b, m, count, sample_no_replace(b, lists, MOVE_POOL, left))
        left -= 1
    return count


@rule
def shuffle_moves(b: Battle, m: wp.int32, count: wp.int32):
    i = wp.int32(0)
    while i < count - 1:
        first = At.MOVES + m * 4 + i
        second = first + prng.random(b, count - i)
        held = wp.int32(b[first])
        b[first] = b[second]
        b[second] = held
        i += 1


@rule
def stat(base: wp.int32, iv: wp.int32, ev: wp.int32, level: wp.int32) -> wp.int32:
    return (2 * base + iv + ev / 4) * level / 100 + 5


@rule
def hp_stat(base: wp.int32, iv: wp.int32, ev: wp.int32, level: wp.int32) -> wp.int32:
    return (2 * base + iv + ev / 4 + 100) * level / 100 + 10


@rule
def draw_set(b: Battle, lists: Numbers, m: wp.int32, row: wp.int32):
    """Make a team's member: moves, level, and stats that serve them."""
    count = draw_moves(b, lists, m, row)
    species, level = of_set(row, Set.SPECIES), of_set(row, Set.LEVEL)
    strikes = wp.int32(0)
    hides = wp.bool(False)
    i = wp.int32(0)
    while i < count:
        strikes = strikes + wants_attack(b[At.MOVES + m * 4 + i])
        hides = hides or b[At.MOVES + m * 4 + i] == SUBSTITUTE
        i += 1
    # Four Substitutes leave something: cut the HP until a quarter is not whole.
    ev = wp.int32(255)
    hp = hp_stat(data.of_species(species, data.Species.HP), 30, ev, level)
    while hides and ev > 3 and hp % 4 == 0:
        ev = ev - 4
        hp = hp_stat(data.of_species(species, data.Species.HP), 30, ev, level)
    shuffle_moves(b, m, count)
    b[At.SPECIES + m] = species
    b[At.LEVEL + m] = level
    b[At.MAX_HP + m] = hp
    b[At.SPE_IV + m] = 30
    b[At.SPE_EV + m] = 255
    stats = At.BASE_STORED_STATS + m * 4
    b[stats + Stat.ATK] = stat(data.of_species(species, data.Species.ATK), 2, 0, level)
    if strikes > 0:
        b[stats + Stat.ATK] = stat(data.of_species(species, data.Species.ATK), 30, 255, level)
    b[stats + Stat.DEF] = stat(data.of_species(species, data.Species.DEF), 30, 255, level)
    b[stats + Stat.SPE] = stat(data.of_species(species, data.Species.SPE), 30, 255, level)
    b[stats + Stat.SPC] = stat(data.of_species(species, data.Species.SPC), 30, 255, level)
    i = wp.int32(0)
    while i < 4:
        b[At.PP + m * 4 + i] = data.of_move(b[At.MOVES + m * 4 + i], data.Move.MAX_PP)
        i += 1


@rule
def is_weak_to(species: wp.int32, kind: wp.int32) -> wp.bool:
    """Return whether a type is super effective on the whole, and nothing shuts it out."""
    first = data.multiplier10(kind, data.of_species(species, data.Species.TYPE_1))
    second = data.multiplier10(kind, data.of_species(species, data.Species.TYPE_2))
    if first == 0 or second == 0:
        return False
    # Double beside half is 100, as neutral is: one cancels the other.
    return first * second > 100


@rule
def fits(lists: Numbers, species: wp.int32, level: wp.int32, max_levels: wp.int32) -> wp.bool:
    """Return whether a team bears it: two of a type, two weak to one, one of level 100."""
    first = data.of_species(species, data.Species.TYPE_1)
    second = data.of_species(species, data.Species.TYPE_2)
    if lists[TYPE_COUNT + first] >= 2:
        return False
    if second != ids.Type.NONE and lists[TYPE_COUNT + second] >= 2:
        return False
    i = wp.int32(0)
    while i < NUM_WEAKNESSES:
        if is_weak_to(species, weakness(i)) and lists[WEAK_COUNT + i] >= 2:
            return False
        i += 1
    return level != 100 or max_levels == 0


@rule
def count_in(lists: Numbers, species: wp.int32):
    first = TYPE_COUNT + data.of_species(species, data.Species.TYPE_1)
    second = TYPE_COUNT + data.of_species(species, data.Species.TYPE_2)
    lists[first] = lists[first] + 1
    lists[second] = lists[second] + 1
    i = wp.int32(0)
    while i < NUM_WEAKNESSES:
        if is_weak_to(species, weakness(i)):
            lists[WEAK_COUNT + i] = lists[WEAK_COUNT + i] + 1
        i += 1


@rule
def random_team(b: Battle, s: wp.int32, had_ditto: wp.bool) -> wp.bool:
    """Make the team of a side with the seed in ``b``; return whether there was a Ditto by now."""
    numbers = wp.zeros(shape=LISTS_SIZE, dtype=wp.int32)
    lists = place_of(numbers)
    prng.shuffle(b, 2)  # a type for teams of one type, drawn in any case
    pool = wp.int32(0)
    while pool < NUM_SETS:
        lists[POOL + pool] = pool
        pool += 1
    rejected = wp.int32(0)
    members = wp.int32(0)
    max_levels = wp.int32(0)
    ditto = wp.bool(had_ditto)
    while pool > 0 and members < 6:
        row = sample_no_replace(b, lists, POOL, pool)
        pool -= 1
        species, level = of_set(row, Set.SPECIES), of_set(row, Set.LEVEL)
        if species != DITTO or not ditto:
            if fits(lists, species, level, max_levels):
                draw_set(b, lists, s * 6 + members, row)
                count_in(lists, species)
                members += 1
                max_levels = max_levels + wp.where(level == 100, 1, 0)
                ditto = ditto or species == DITTO
            else:
                lists[REJECTED + rejected] = row
                rejected += 1
    while rejected > 0 and members < 6:
        draw_set(b, lists, s * 6 + members, sample_no_replace(b, lists, REJECTED, rejected))
        rejected -= 1
        members += 1
    return ditto
