"""The rules as Warp functions on the struct of a state: copied into the array ``b`` and back."""

# mypy: ignore-errors
# ruff: noqa: D103

from enum import IntEnum
from typing import Any

import warp as wp

from envlift.envs.pokemon.rules.gen1 import choices, ids, look, start, teams
from envlift.envs.pokemon.rules.gen1.memory import (
    PLACES,
    SIZE,
    STATE_SIZE,
    At,
    Battle,
    place_of,
    rule,
)
from envlift.targets import chance, warp_chance
from envlift.targets.warp_codegen import WARP_DTYPES, define

vec2 = wp.types.vector(length=2, dtype=wp.int32)
words4 = wp.types.vector(length=4, dtype=wp.uint32)

RESET = chance.RESET
ACTION = chance.ACTION


class Mode(IntEnum):
    """What ``play`` does."""

    STEP = 0
    BEGIN = 1  # with the teams and the seed in the state
    BEGIN_RANDOM = 2
    PLAY_ON = 3  # step, and begin with random teams where the battle has ended


def _kind(size: int | None, dtype: str) -> Any:
    scalar = WARP_DTYPES[dtype]
    return scalar if size is None else wp.types.vector(length=size, dtype=scalar)


def _make_struct() -> Any:
    annotations = {p.name: _kind(p.size, p.dtype) for p in PLACES}
    return wp.struct(type("BattleState", (), {"__annotations__": annotations}))


BattleState = _make_struct()
"""The fields of ``pokemon.state.State``, in the same order, flat."""

SEEN = ("observation", "int16", 2 * look.NUMBERS)


@wp.struct
class Seen:
    """What both players see, one behind the other."""

    observation: _kind(SEEN[2], SEEN[1])


def _accesses() -> dict[str, Any]:
    """Return functions that copy one field into ``b`` (``put_...``) and out of it (``get_...``)."""
    names = {}
    for _, dtype, size in (*((p.name, p.dtype, p.size) for p in PLACES), SEEN):
        scalar = "bool" if dtype == "bool" else f"wp::{dtype}"
        put, get = _access(_kind(size, dtype), size, scalar)
        names |= {f"put_{dtype}_{size or 0}": put, f"get_{dtype}_{size or 0}": get}
    return names


def _copies() -> tuple[Any, Any]:
    """Return functions that copy a state into ``b`` and out of it."""
    names, load, save = _accesses(), [], []
    for p in PLACES:
        key = f"{p.dtype}_{p.size or 0}"
        load.append(f"    put_{key}(b, {p.start}, state.{p.name})")
        save.append(f"    state.{p.name} = get_{key}(b, {p.start})")
    names |= {"BattleState": BattleState, "Battle": Battle}
    head = "(b: Battle, state: BattleState):"
    into = define("pokemon.gen1.load", "\n".join([f"def copy_in{head}", *load, ""]), names, ())
    out_of = define(
        "pokemon.gen1.save",
        "\n".join([f"def copy_out{head}", *save, "    return state", ""]),
        names,
        (),
    )
    for function in (into, out_of):
        function.__annotations__ = {"b": Battle, "state": BattleState}
    return wp.func(into), wp.func(out_of)


def _look() -> Any:
    """Return ``(seen, *fields of a state) -> seen``: its arguments are those of the state."""
    fields = [f"    put_{p.dtype}_{p.size or 0}(b, {p.start}, {p.name})" for p in PLACES]
    lines = [
        f"def see(seen: Seen, {', '.join(p.name for p in PLACES)}):",
        f"    numbers = wp.zeros(shape={SIZE}, dtype=wp.int32)",
        f"    shown = wp.zeros(shape={SEEN[2]}, dtype=wp.int32)",
        "    b = place_of(numbers)",
        "    out = place_of(shown)",
        *fields,
        "    players(b, out)",
        f"    seen.observation = get_{SEEN[1]}_{SEEN[2]}(out, 0)",
        "    return seen",
        "",
    ]
    names = {**_accesses(), "Seen": Seen, "place_of": place_of, "players": look.players}
    see = define("pokemon.gen1.see", "\n".join(lines), names, ())
    see.__annotations__ = {"seen": Seen, **{p.name: _kind(p.size, p.dtype) for p in PLACES}}
    return wp.func(see)


def _access(kind: Any, size: int | None, scalar: str) -> tuple[Any, Any]:
    each = f"for (int k = 0; k < {size}; ++k)"
    convert = f"({scalar})((int*)b)[place + k]"
    if size is None:
        put_text = "((int*)b)[place] = (wp::int32)value;"
        get_text = f"return ({scalar})((int*)b)[place];"
    else:
        put_text = f"{each} ((int*)b)[place + k] = (wp::int32)value.c[k];"
        get_text = f"wp::vec_t<{size}, {scalar}> read; {each} read.c[k] = {convert}; return read;"

    @wp.func_native(put_text)
    def put(b: Battle, place: wp.int32, value: kind): ...

    @wp.func_native(get_text)
    def get(b: Battle, place: wp.int32) -> kind: ...

    return put, get


copy_in, copy_out = _copies()
see = _look()


@rule
def unpack(b: Battle):
    """Work out what the state does not hold."""
    m = wp.int32(0)
    while m < 12:
        b[At.FAINTED + m] = wp.where(b[At.HP + m] == 0, 1, 0)
        m += 1


@rule
def seed_with(b: Battle, high: wp.uint32, low: wp.uint32):
    b[At.SEED] = wp.int32(high)
    b[At.SEED + 1] = wp.int32(low)


@rule
def begin_random(b: Battle, seeds: words4):
    """Begin a battle of random teams, with the seed of the battle and that of the generator."""
    i = wp.int32(0)
    while i < STATE_SIZE:
        b[i] = 0
        i += 1
    seed_with(b, seeds[2], seeds[3])
    ditto = teams.random_team(b, 0, False)
    teams.random_team(b, 1, ditto)
    seed_with(b, seeds[0], seeds[1])
    start.start(b)


@rule
def run(b: Battle, mode: wp.int32, actions: vec2, seeds: words4) -> wp.int32:
    """Do what a mode asks for; all in one kernel, since a kernel takes long to compile.

    Returns:
        Who won, before another battle began.
    """
    winner = wp.int32(ids.GOING_ON)
    if mode == Mode.BEGIN:
        start.start(b)
    elif mode != Mode.BEGIN_RANDOM:
        choices.step(b, actions[0], actions[1])
        winner = b[At.WINNER]
    if mode == Mode.BEGIN_RANDOM or (mode == Mode.PLAY_ON and winner != ids.GOING_ON):
        begin_random(b, seeds)
    return winner


@rule
def play(state: BattleState, actions: vec2, seeds: words4, mode: wp.int32, clauses: wp.bool):
    """Step, or begin a battle; see ``Mode``."""
    numbers = wp.zeros(shape=SIZE, dtype=wp.int32)
    b = place_of(numbers)
    copy_in(b, state)
    unpack(b)
    b[At.CLAUSES] = wp.where(clauses, 1, 0)
    winner = run(b, mode, actions, seeds)
    state = copy_out(b, state)
    return state, winner


@rule
def draw_action(bits: wp.int32, word: wp.uint32) -> wp.int32:
    """Return a uniform one of the actions whose bits are set."""
    count = wp.int32(0)
    i = wp.int32(0)
    while i < choices.NUM_ACTIONS:
        count = count + ((bits >> i) & 1)
        i += 1
    skip = wp.int32(warp_chance.below(word, wp.uint32(count)))
    i = wp.int32(0)
    while skip > 0 or ((bits >> i) & 1) == 0:
        skip = skip - ((bits >> i) & 1)
        i += 1
    return i


@rule
def drawn_word(word_0: wp.uint32, word_1: wp.uint32, label: wp.int32) -> wp.uint32:
    return warp_chance.bits(warp_chance.stream(word_0, wp.uint32(label)), word_1)


@rule
def play_random(state: BattleState, word_0: wp.uint32, word_1: wp.uint32, clauses: wp.bool):
    """Step with uniform legal actions; an ended battle is followed by one of new random teams."""
    numbers = wp.zeros(shape=SIZE, dtype=wp.int32)
    b = place_of(numbers)
    copy_in(b, state)
    unpack(b)
    b[At.CLAUSES] = wp.where(clauses, 1, 0)
    turn = b[At.TURN] + 0
    first = draw_action(b[At.LEGAL], drawn_word(word_0, word_1, ACTION))
    second = draw_action(b[At.LEGAL + 1], drawn_word(word_0, word_1, ACTION + 32))
    choices.step(b, first, second)
    turns = b[At.TURN] - turn
    ended = b[At.WINNER] != ids.GOING_ON
    if ended:
        seeds = words4()
        for i in range(4):
            seeds[i] = drawn_word(word_0, word_1, RESET + 64 + i)
        begin_random(b, seeds)
    state = copy_out(b, state)
    return state, ended, turns
