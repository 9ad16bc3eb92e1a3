"""The rules as Warp functions on the struct of a state: copied into the array ``b`` and back."""

# mypy: ignore-errors
# ruff: noqa: D103

from typing import Any

import warp as wp

from envlift.envs.pokemon.rules.gen1 import choices, start
from envlift.envs.pokemon.rules.gen1.memory import PLACES, SIZE, At, Battle
from envlift.targets.warp_codegen import WARP_DTYPES, define

vec2 = wp.types.vector(length=2, dtype=wp.int32)


def _kind(size: int | None, dtype: str) -> Any:
    scalar = WARP_DTYPES[dtype]
    return scalar if size is None else wp.types.vector(length=size, dtype=scalar)


def _make_struct() -> Any:
    annotations = {p.name: _kind(p.size, p.dtype) for p in PLACES}
    return wp.struct(type("BattleState", (), {"__annotations__": annotations}))


BattleState = _make_struct()
"""The fields of ``pokemon.state.State``, in the same order, flat."""


def _copies() -> tuple[Any, Any]:
    """Return functions that copy a state into ``b`` and out of it."""
    names, load, save = {}, [], []
    for p in PLACES:
        kind = _kind(p.size, p.dtype)
        dtype = "wp::uint32" if p.dtype == "uint32" else "wp::int32"
        scalar = "bool" if p.dtype == "bool" else f"wp::{p.dtype}"
        key = f"{p.dtype}_{p.size or 0}"
        if f"put_{key}" not in names:
            put, get = _access(kind, p.size, scalar, dtype)
            names |= {f"put_{key}": put, f"get_{key}": get}
        load.append(f"    put_{key}(b, {p.start}, state.{p.name})")
        save.append(f"    state.{p.name} = get_{key}(b, {p.start})")
    names |= {"BattleState": BattleState, "Battle": Battle}
    head = "(b: Battle, state: BattleState):"
    into = define("pokemon.gen1.load", "\n".join([f"def copy_in{head}", *load, ""]), names, ())
    out_of = define(
        "pokemon.gen1.save", "\n".join([f"def copy_out{head}", *save, "    return state", ""]), names, ()
    )
    for function in (into, out_of):
        function.__annotations__ = {"b": Battle, "state": BattleState}
    return wp.func(into), wp.func(out_of)


def _access(kind: Any, size: int | None, scalar: str, word: str) -> tuple[Any, Any]:
    each = f"for (int k = 0; k < {size}; ++k)"
    convert = f"({scalar})b.data[place + k]"
    if size is None:
        put_text = "b.data[place] = (wp::int32)value;"
        get_text = f"return ({scalar})b.data[place];"
    else:
        put_text = f"{each} b.data[place + k] = (wp::int32)value.c[k];"
        get_text = f"wp::vec_t<{size}, {scalar}> read; {each} read.c[k] = {convert}; return read;"

    @wp.func_native(put_text)
    def put(b: Battle, place: wp.int32, value: kind): ...

    @wp.func_native(get_text)
    def get(b: Battle, place: wp.int32) -> kind: ...

    return put, get


copy_in, copy_out = _copies()


@wp.func
def step(state: BattleState, actions: vec2, clauses: wp.bool):
    """Play from one request to the next."""
    b = wp.zeros(shape=SIZE, dtype=wp.int32)
    copy_in(b, state)
    b[At.CLAUSES] = wp.where(clauses, 1, 0)
    choices.step(b, actions[0], actions[1])
    state = copy_out(b, state)
    return state


@wp.func
def begin(state: BattleState, clauses: wp.bool):
    """Begin a battle."""
    b = wp.zeros(shape=SIZE, dtype=wp.int32)
    copy_in(b, state)
    b[At.CLAUSES] = wp.where(clauses, 1, 0)
    start.start(b)
    state = copy_out(b, state)
    return state
