"""Looking at a reference before it is translated: what it is, and what can be compared.

Everything here is seen in a running reference: whether states can be set and whether equal states
give equal steps is tried, not believed. Shapes: ``T`` steps, ``B`` lanes.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from envlift.reference.client import ReferenceProcess
from envlift.reference.failure import ReferenceFailure
from envlift.reference.launch import choose_interpreter, open_reference
from envlift.reference.types import Array, Record, SideSpec, StateDict
from envlift.translate.init.assigned import assigned
from envlift.translate.project.file import ProjectError
from envlift.verify.engine.actions import random_actions

LANES = 4
STEPS = 200
SHORT = 32
BEFORE = 7
ROUNDED = 100
SECONDS = 120.0
WORST_DRIFT = 1e4


@dataclass(frozen=True)
class Closeness:
    """How far rounding its state to float32 carried a field of the reference itself.

    Attributes:
        once: usual difference after one step.
        later: difference within ``ROUNDED`` steps, rounded after each; the largest 2 % left out.
    """

    once: float
    later: float

    @property
    def atol(self) -> float:
        """Ten times what was seen, one digit, at least 1e-6."""
        return max(1e-6, 10.0 ** math.ceil(math.log10(10 * self.once))) if self.once else 1e-6

    @property
    def drift(self) -> float:
        """How much more was seen later, a power of ten from 10 to ``WORST_DRIFT``."""
        ratio = self.later * 10 / self.atol if self.later else 1.0
        return float(min(WORST_DRIFT, max(10.0, 10.0 ** math.ceil(math.log10(ratio)))))


@dataclass(frozen=True)
class Probe:
    """What a reference showed.

    Attributes:
        spec: what it says of itself.
        steps_per_second: of ``LANES`` lanes together, through the pipe.
        episode: mean length of the episodes that ended, None if none did.
        settable: its state can be read and written.
        repeats: equal states and actions gave equal steps; None where states cannot be set.
        seeded: equal seeds and actions gave equal episodes.
        whole_rewards: every reward that was seen is a float32 number exactly.
        close: field -> what rounding did to it, of fields that hold floats.
        source: file that defines it, where that is known.
        attributes: state attributes that were found and taken.
        seldom: those of them that no step of random play changed, but that its methods assign.
        left_out: attribute -> why it was not taken.
        max_episode_steps: the time limit that Gymnasium adds, None without one.
        lines: of the class in ``source``, from and to.
        dice: words of a tape that one step takes at most, 0 where it draws nothing.
        tape: words that a tape of all its dice needs; 0 where there can be none.
        tape_trouble: why there can be none.
    """

    spec: SideSpec
    steps_per_second: float
    episode: float | None
    settable: bool
    repeats: bool | None
    seeded: bool
    whole_rewards: bool
    close: Mapping[str, Closeness] = field(default_factory=dict)
    source: Path | None = None
    attributes: tuple[str, ...] = ()
    seldom: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    max_episode_steps: int | None = None
    lines: tuple[int, int] = (0, 0)
    dice: int = 0
    tape: int = 0
    tape_trouble: str = ""


def look(launch: str, config: Mapping[str, Any], where: Path | None = None) -> Probe:
    """Start a reference, play with it, and say what it is.

    Attributes of a Gymnasium environment that look like its state are taken as its state, unless
    ``config`` names them.

    Raises:
        ReferenceFailure, ValueError: it does not start, or breaks; the message says why.
    """
    options = dict(config)
    form, _, target = launch.partition(":")
    inside = inspect(form, target, options)
    attributes = tuple(inside.get("attributes", ()))
    if form == "gymnasium" and "state_attributes" not in options and attributes:
        options["state_attributes"] = list(attributes)
    else:
        attributes = ()
    if form == "gymnasium" and inside.get("dice") and "tape" not in options:
        # Its dice are given to it: both sides of every comparison then get the same.
        options["tape"] = inside["tape"]
    seldom = _seldom(inside, attributes) if attributes else ()
    probe, seldom = _opened(launch, options, where, seldom)
    source = inside.get("file")
    return replace(
        probe,
        source=Path(source) if source else None,
        attributes=(*attributes, *seldom),
        seldom=seldom,
        left_out=inside.get("left_out", {}),
        max_episode_steps=inside.get("max_episode_steps"),
        lines=(inside.get("first", 0), inside.get("last", 0)),
        dice=int(inside.get("dice", 0)),
        tape=int(inside.get("tape", 0)),
        tape_trouble=str(inside.get("tape_trouble", "")),
    )


def _seldom(inside: Mapping[str, Any], attributes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the attributes that the class assigns while it plays and play did not change."""
    try:
        text = Path(inside["file"]).read_text(encoding="utf-8")
    except (KeyError, OSError, UnicodeDecodeError):
        return ()
    known = {*attributes, *inside.get("left_out", {})}
    names = assigned(text, inside.get("first", 0), inside.get("last", 0))
    return tuple(name for name in names if name not in known)


def _opened(
    launch: str, options: dict[str, Any], where: Path | None, seldom: tuple[str, ...]
) -> tuple[Probe, tuple[str, ...]]:
    """Open the reference and play with it; return what it showed, and which were taken.

    Not everything that a method assigns is a number of fixed shape: one that the reference refuses
    is not taken.
    """
    taken = list(options.get("state_attributes", ()))
    while True:
        wanted = {**options, "state_attributes": [*taken, *seldom]} if seldom else options
        try:
            with contextlib.closing(
                open_reference(launch, num_lanes=LANES, config=wanted, cwd=where, timeout=SECONDS)
            ) as reference:
                return _play(reference), seldom
        except (ReferenceFailure, ProjectError) as error:
            if not seldom:
                raise
            # Without those that the error names; without all of them where it names none.
            named = [name for name in seldom if re.search(rf"\b{name}\b", str(error))]
            seldom = tuple(name for name in seldom if named and name not in named)


def inspect(form: str, target: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Look into a Python reference; nothing is found in what is not Python.

    It runs in a process of its own, as the reference does: what it imports stays there.
    """
    place = target.rpartition(":")[0]
    if form == "python" and place.endswith(".py"):
        return {"file": str(Path(place).resolve())}
    if form not in ("gymnasium", "python"):
        return {}
    rest = dict(options)
    try:
        interpreter = choose_interpreter(rest) or Path(sys.executable)
    except (ValueError, ReferenceFailure):
        return {}
    rest.pop("state_attributes", None)
    spec = importlib.util.find_spec("envlift.reference.processes.inspect_python")
    assert spec is not None
    # Not by path alone: the folder of the script has a types.py, which must not hide Python's.
    run = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    words = [str(interpreter), "-c", run, str(spec.origin), form, target, json.dumps(rest)]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        found = json.loads(done.stdout.strip().rpartition("\n")[2])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        # What is wrong with it, the reference itself will say better.
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Given:
    """A reference that is given the same chance by every call of equal length.

    Attributes:
        side: the reference.
        chance: uint32 [T, B, K], None for one that draws for itself.
    """

    side: ReferenceProcess
    chance: Array | None

    def reset(self, seeds: Array) -> Record:
        """Reset, by the first of the chance."""
        return self.side.reset(seeds, None if self.chance is None else self.chance[0])

    def step(self, actions: Array, reset_seeds: Array, first: int = 0) -> Record:
        """Step, by as much of the chance as there are steps, from the ``first`` on."""
        chance = None if self.chance is None else self.chance[first : first + len(actions)]
        return self.side.step(actions, chance, reset_seeds)

    def get_state(self) -> StateDict:
        """Read the state."""
        return self.side.get_state()

    def set_state(self, state: StateDict) -> None:
        """Write the state."""
        self.side.set_state(state)


def _play(reference: ReferenceProcess) -> Probe:
    spec, rng = reference.spec, np.random.default_rng(0)
    chance = None
    if spec.chance is not None and spec.chance.dtype == "uint32":
        chance = rng.integers(0, 2**32, (STEPS, LANES, *spec.chance.shape), np.uint32)
    elif spec.chance is not None:
        raise ProjectError(
            f"{spec.name} takes its chance from outside, which `envlift init` cannot draw for it; "
            "write the suite by hand with start='chance' and draw_chance (docs/verify.md)"
        )
    seeds = np.arange(LANES, dtype=np.int64)
    actions = random_actions(spec, rng, (STEPS, LANES))
    resets = rng.integers(0, 2**31, (STEPS, LANES))
    begin = None if chance is None else chance[0]
    reference.reset(seeds, begin)
    started = time.perf_counter()
    first = reference.step(actions, chance, resets)
    seconds = time.perf_counter() - started
    reference.reset(seeds, begin)
    seeded = _equal(first, reference.step(actions, chance, resets))
    assert first.terminated is not None
    assert first.truncated is not None
    assert first.reward is not None
    ended = int((first.terminated | first.truncated).sum())
    rewards = np.asarray(first.reward, dtype=np.float64)
    settable, repeats, close = False, None, {}
    if spec.state:
        try:
            repeats = _repeats(Given(reference, chance), actions[:SHORT], resets[:SHORT])
            settable = True
            close = (
                _close(Given(reference, chance), actions[:ROUNDED], resets[:ROUNDED])
                if repeats
                else {}
            )
        except ReferenceFailure:
            raise
        except Exception as error:  # pragma: no cover - a reference may refuse in any way
            raise ProjectError(f"the state of {spec.name} cannot be set: {error}") from error
    return Probe(
        spec=spec,
        steps_per_second=STEPS * LANES / max(seconds, 1e-9),
        episode=STEPS * LANES / ended if ended else None,
        settable=settable,
        repeats=repeats,
        seeded=seeded,
        whole_rewards=bool((rewards == rewards.astype(np.float32)).all()),
        close=close,
    )


def _repeats(reference: Given, actions: Array, resets: Array) -> bool:
    """Play from a state, play elsewhere, put the state back and play again."""
    seeds = np.arange(LANES, dtype=np.int64)
    reference.reset(seeds)
    reference.step(actions[: SHORT // 2], reset_seeds=resets[: SHORT // 2])
    state = reference.get_state()
    first = reference.step(actions, reset_seeds=resets)
    reference.reset(seeds + 1000)
    reference.step(actions[::-1], reset_seeds=resets)
    reference.set_state(state)
    return _equal(first, reference.step(actions, reset_seeds=resets))


def _close(reference: Given, actions: Array, resets: Array) -> dict[str, Closeness]:
    """Round the state after every step, as float32 would, and see what becomes of it.

    It begins within an episode: a first state is often a float32 number as it is.
    """
    seeds = np.arange(LANES, dtype=np.int64) + 2000
    reference.reset(seeds)
    reference.step(actions[:BEFORE], reset_seeds=resets[:BEFORE])
    state = reference.get_state()
    exact = reference.step(actions, reset_seeds=resets)
    moved = []
    for step in range(len(actions)):
        reference.set_state({name: _rounded(value) for name, value in state.items()})
        here = slice(step, step + 1)
        moved.append(reference.step(actions[here], resets[here], step))
        state = reference.get_state()
    pairs = {"observation": (exact.observation, [one.observation for one in moved])}
    assert exact.reward is not None
    pairs["reward"] = (exact.reward, [np.asarray(one.reward) for one in moved])
    for name, values in exact.state.items():
        pairs[f"state.{name}"] = (values, [one.state[name] for one in moved])
    assert exact.terminated is not None
    assert exact.truncated is not None
    going_on = ~np.logical_or.accumulate(exact.terminated | exact.truncated)
    found = {}
    for name, (one, rows) in pairs.items():
        if one.dtype.kind != "f" or not going_on[0].any():
            continue
        apart = np.abs(one.astype(np.float64) - np.concatenate(rows).astype(np.float64))
        apart = np.nan_to_num(apart.reshape(*apart.shape[:2], -1).max(axis=-1, initial=0.0))
        # Not the largest: an angle that is wrapped one step later is off by a whole turn.
        later = np.quantile(apart[going_on], 0.98)
        found[name] = Closeness(float(np.median(apart[0])), float(later))
    return found


def _rounded(value: Array) -> Array:
    if value.dtype == np.float64:
        return value.astype(np.float32).astype(np.float64)
    if value.dtype == np.float32:
        return np.nextafter(value, np.float32(np.inf), dtype=np.float32)
    return value


def _equal(one: Record, other: Record) -> bool:
    names = ("observation", "reward", "terminated", "truncated")
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    pairs += [(one.state[name], other.state[name]) for name in one.state]
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)
