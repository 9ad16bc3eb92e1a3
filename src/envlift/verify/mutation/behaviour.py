"""Faults that no change of one expression makes: they show in rare states, late, in large batches.

They are planted around the contract's functions, whatever the rules are written in: a few lines
behind the environment's class replace a method. Conditions are about the state's own fields, at
values that random play comes to seldom; so they are known once the environment has been played.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import jax
import numpy as np

from envlift.registry import make
from envlift.verify.mutation.operators import Mutant

LANES, STEPS = 64, 2048
SMALL = 1e-3
"""A field that stays below holds digits that the others cannot; half of it is no fault to see."""

LATE = 100
"""An integer that gets so far in random play counts; four times as far is a long history."""

PLANT = """

# One planted fault.
def _plant():
    import dataclasses

    import jax
    import jax.numpy as jnp

    cls = {cls}
{body}

_plant()
"""

OWN_STEP = """    if "step" in vars(cls):
        cls.step = super(cls, cls).step
"""
"""A target's own fast ``step`` must not go without the fault."""

TRANSITION = (
    """    original = cls.transition

    def transition(self, state, action, draws, params=None):
        nxt = original(self, state, action, draws, params)
        {change}

    cls.transition = transition
"""
    + OWN_STEP
)

KEY = """    original = cls.{name}

    def {name}(self, key, {arguments}):
        {change}

    cls.{name} = {name}
"""

SPOIL = """    @jax.custom_batching.custom_vmap
    def spoil(x):
        return x

    @spoil.def_vmap
    def _(size, batched, x):
        lanes = jnp.arange(size).reshape((-1,) + (1,) * (x.ndim - 1))
        return jnp.where({lanes}, x[:1], x), batched[0]

"""
"""Only a batching rule knows of lanes: those that it spoils show what lane 0 shows."""

ONE = """    @jax.custom_batching.custom_vmap
    def spoil(x):
        return x

    @spoil.def_vmap
    def _(size, batched, x):
        return (x + 1 if size == 1 else x), batched[0]

"""


@dataclass(frozen=True)
class Leaf:
    """One number of a state, and how far random play takes it.

    Attributes:
        field: of the state.
        index: within the field, None for a field of one number.
        whole: whether it is an integer.
        low, high: beyond which one in a thousand lies; for integers the least and the largest.
        below, above: whether anything lies beyond them.
        quarter: a quarter of all values lies above.
        size: the largest absolute value.
    """

    field: str
    index: int | None
    whole: bool
    low: float
    high: float
    below: bool
    above: bool
    quarter: float
    size: float

    @property
    def code(self) -> str:
        """How rules name it, of ``state``."""
        return f"state.{self.field}" + ("" if self.index is None else f"[..., {self.index}]")


def behaviour_mutants(name: str, backend: str, package: Path) -> list[Mutant]:
    """Return the faults of one environment; empty if its ``env.py`` holds no such class.

    Args:
        name: a registered environment.
        backend: its target, in which it is played to learn what is rare.
        package: source folder of the package.
    """
    file = f"envs/{name}/env.py"
    source = (package / file).read_text()
    cls = _class_of(source)
    if cls is None:
        return []
    leaves, draws = _play(name, backend)
    found = []
    for kind, words, body in _faults(leaves, draws):
        planted = source + PLANT.format(cls=cls, body=body)
        found.append(Mutant(file, source.count("\n") + 1, kind, planted, f"+{cls}: {words}"))
    return found


def _class_of(source: str) -> str | None:
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            for base in node.bases:
                named = base.value if isinstance(base, ast.Subscript) else base
                if isinstance(named, ast.Name) and named.id in ("Env", "Game"):
                    return node.name
    return None


def _play(name: str, backend: str) -> tuple[list[Leaf], bool]:
    """Play at random; return the numbers of the state and whether a step draws chance."""
    env = make(name, backend=backend)
    space: Any = env.action_space()
    keys = jax.random.split(jax.random.key(0), LANES)
    _, state = jax.jit(jax.vmap(env.reset))(keys)
    rng = np.random.default_rng(0)
    if hasattr(space, "nvec"):
        # A game says what is played instead of what is not legal.
        actions = rng.integers(0, space.nvec, (STEPS, LANES, *space.shape)).astype(np.int32)
    elif hasattr(space, "n"):
        actions = rng.integers(0, int(space.n), (STEPS, LANES)).astype(np.int32)
    else:
        drawn = rng.uniform(
            np.maximum(space.low, -1), np.minimum(space.high, 1), (STEPS, LANES, *space.shape)
        )
        actions = drawn.astype(space.dtype)

    def body(carry: Any, action: Any) -> Any:
        keys, state = carry
        both = jax.vmap(jax.random.split)(keys)
        _, state, *_ = jax.vmap(env.step)(both[:, 0], state, action)
        return (both[:, 1], state), state

    (_, after), seen = jax.jit(lambda c, a: jax.lax.scan(body, c, a))((keys, state), actions)
    one = jax.tree.map(lambda leaf: leaf[0], after)
    draws = jax.eval_shape(env.sample, keys[0], one, actions[0, 0])
    leaves = [
        leaf for field in fields(seen) for leaf in _leaves(field.name, getattr(seen, field.name))
    ]
    return leaves, bool(jax.tree.leaves(draws))


def _leaves(field: str, values: Any) -> Iterator[Leaf]:
    values = np.asarray(values)
    flat = values.reshape(STEPS * LANES, -1)
    width = flat.shape[1]
    chosen = sorted({0, width // 2, width - 1}) if values.ndim > 2 else [0]
    for index in chosen:
        column = flat[:, index].astype(np.float64)
        whole = not np.issubdtype(values.dtype, np.floating)
        share = 0.0 if whole else 0.001
        low, quarter, high = (_short(np.quantile(column, q)) for q in (share, 0.75, 1 - share))
        size = float(np.abs(column).max())
        if size >= SMALL and low < high and values.ndim <= 3:
            at = index if values.ndim > 2 else None
            below, above = bool((column < low).any()), bool((column > high).any())
            yield Leaf(field, at, whole, low, high, below, above, quarter, size)


def _short(value: float) -> float:
    """Three digits: what is printed, and the name of the fault, are the same on every machine."""
    return float(f"{value:.3g}")


def _faults(leaves: list[Leaf], draws: bool) -> Iterator[tuple[str, str, str]]:
    """Yield kind, words and code of every fault."""
    for number, leaf in enumerate(leaves):
        for kind, condition in _conditions(leaf):
            yield _changed(kind, condition, leaves[(number + 1) % len(leaves)])
    for number in range(min(len(leaves), 8)):
        yield _changed("rare", *_meeting(leaves, number))
    if leaves:
        yield from _ends(leaves[0])
        yield from _batches(leaves)
    yield from _seeds(draws, leaves)


def _conditions(leaf: Leaf) -> Iterator[tuple[str, str]]:
    if not leaf.whole:
        if leaf.above:
            yield "rare", f"{leaf.code} > {leaf.high!r}"
        if leaf.below:
            yield "rare", f"{leaf.code} < {leaf.low!r}"
        return
    low, high = int(leaf.low), int(leaf.high)
    if high > low:
        yield "rare", f"{leaf.code} == {high}"
    if high > LATE:
        yield "history", f"{leaf.code} > {high // 2}"
        yield "history", f"{leaf.code} > {high * 4}"


def _meeting(leaves: list[Leaf], number: int) -> tuple[str, Leaf]:
    """Three things at once, each of a quarter of all states; and what goes wrong then."""
    draw = hashlib.sha256(f"{number}".encode()).digest()
    chosen = [leaves[byte % len(leaves)] for byte in draw[:4]]
    terms = dict.fromkeys(f"({leaf.code} >= {leaf.quarter!r})" for leaf in chosen[:3])
    return " & ".join(terms), chosen[3]


def _changed(kind: str, condition: str, leaf: Leaf) -> tuple[str, str, str]:
    new = "x + 1" if leaf.whole else "-2 * x"
    if leaf.index is not None:
        new = f"x.at[..., {leaf.index}].set(-2 * x[..., {leaf.index}])"
        if leaf.whole:
            new = f"x.at[..., {leaf.index}].add(1)"
    change = (
        f"x = nxt.state.{leaf.field}\n"
        f"        wrong = jnp.where({condition}, {new}, x)\n"
        f"        return nxt._replace(state=dataclasses.replace(nxt.state, {leaf.field}=wrong))"
    )
    words = f"where {condition}, {leaf.field} becomes {new}"
    return kind, words, TRANSITION.format(change=change)


def _ends(leaf: Leaf) -> Iterator[tuple[str, str, str]]:
    ended = "jnp.logical_or(nxt.terminated, nxt.truncated)"
    change = f"return nxt._replace(reward=jnp.where({ended}, nxt.reward + 1, nxt.reward))"
    yield "end", "the last reward of an episode is 1 too much", TRANSITION.format(change=change)
    change = (
        f"x = nxt.state.{leaf.field}\n"
        f"        wrong = jnp.where({ended}, x + 1, x)\n"
        f"        return nxt._replace(state=dataclasses.replace(nxt.state, {leaf.field}=wrong))"
    )
    yield "end", f"{leaf.field} of the last state is 1 too much", TRANSITION.format(change=change)
    body = """    original = cls.step

    def step(self, key, state, action, params=None):
        *others, info = original(self, key, state, action, params)
        wrong = jax.tree.map(jnp.zeros_like, info["final_observation"])
        return (*others, info | {"final_observation": wrong})

    cls.step = step
"""
    yield "end", "the final observation of step is all zeros", body


LANES_SPOILT = {
    "lanes from 4,096": "lanes >= 4096",
    "lanes from 16,384": "lanes >= 16384",
    "the last lane of an odd batch": "(lanes == size - 1) & (size % 2 == 1) & (size > 1)",
    "the last lane of a batch of more than 64": "(lanes == size - 1) & (size > 64)",
}


def _batches(leaves: list[Leaf]) -> Iterator[tuple[str, str, str]]:
    for number, (words, lanes) in enumerate(LANES_SPOILT.items()):
        field = leaves[number % len(leaves)].field
        change = (
            f"x = spoil(nxt.state.{field})\n"
            f"        return nxt._replace(state=dataclasses.replace(nxt.state, {field}=x))"
        )
        body = SPOIL.replace("{lanes}", lanes) + TRANSITION.format(change=change)
        yield "batch", f"{words} get {field} of lane 0", body
    body = ONE + TRANSITION.format(change="return nxt._replace(reward=spoil(nxt.reward))")
    yield "batch", "in a batch of one the reward is 1 too much", body


CONSTANT = "key = jax.random.split(jax.random.key(7), 2)[0]"
ONE_WORD = (
    "data = jax.random.key_data(key)\n"
    "        key = jax.random.wrap_key_data(data & jnp.array([0, 15], data.dtype))"
)


def _seeds(draws: bool, leaves: list[Leaf]) -> Iterator[tuple[str, str, str]]:
    def of(name: str, arguments: str, first: str, given: str = "") -> str:
        given = given or arguments.replace("=None", "")
        change = f"{first}\n        return original(self, key, {given})"
        return KEY.format(name=name, arguments=arguments, change=change) + OWN_STEP

    initial = "params=None"
    yield "seed", "every episode starts from one key", of("sample_initial", initial, CONSTANT)
    yield "seed", "episodes start from one of 16 keys", of("sample_initial", initial, ONE_WORD)
    split = f"{CONSTANT}\n        return original(self, given)[0], key"
    body = KEY.format(name="split_key", arguments="", change=f"given = key\n        {split}")
    yield "seed", "every reset after an end has one key", body + OWN_STEP
    if not draws:
        return
    step = "state, action, params=None"
    yield "seed", "every step has one key", of("sample", step, CONSTANT)
    yield "seed", "steps draw from one of 16 keys", of("sample", step, ONE_WORD)
    for words, condition in (
        ("the action is not 0", "jnp.any(action != 0)"),
        (f"{leaves[0].code} is high", f"{leaves[0].code} >= {leaves[0].quarter!r}"),
    ):
        change = (
            f"{CONSTANT.replace('key =', 'fixed =', 1)}\n"
            "        one = original(self, fixed, state, action, params)\n"
            "        drawn = original(self, key, state, action, params)\n"
            f"        bad = {condition}\n"
            "        return jax.tree.map(lambda a, b: jnp.where(bad, a, b), one, drawn)"
        )
        body = KEY.format(name="sample", arguments=step, change=change) + OWN_STEP
        yield "seed", f"where {words}, every step has one key", body
