"""Look into a reference written in Python: where its source stands, what its state may be.

A program for a process of its own, ``inspect_python.py gymnasium ID OPTIONS`` or
``... python module:Class OPTIONS`` (options as JSON); its last line of output is JSON. It needs
NumPy, and Gymnasium for Gymnasium's environments, not envlift.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

STEPS = 600
LONGEST_TAPE = 1 << 14
"""Words of a call, beyond which nobody would hand them over at every step."""
GENERATORS = ("np_random", "_np_random", "_np_random_seed")


def main(arguments: list[str]) -> int:
    """Print what was found."""
    form, target, options = arguments[0], arguments[1], json.loads(arguments[2])
    warnings.simplefilter("ignore")
    if form == "gymnasium":
        found = look_at_gymnasium(target, options)
    else:
        module, _, name = target.rpartition(":")
        found = describe(getattr(importlib.import_module(module), name))
    print()
    print(json.dumps(found))
    return 0


def describe(kind: type) -> dict[str, Any]:
    """Return the file that defines a class, its lines, and the names of its functions."""
    try:
        file = inspect.getsourcefile(kind)
        lines, first = inspect.getsourcelines(kind)
    except (OSError, TypeError):
        return {"file": None, "first": 0, "last": 0}
    return {"file": file, "first": first, "last": first + len(lines) - 1}


def look_at_gymnasium(id: str, options: dict[str, Any]) -> dict[str, Any]:
    """Play at random and note which numeric attributes change."""

    env = _beside("classes").made(id, {"disable_env_checker": True, **options})
    env.action_space.seed(0)
    seen: dict[str, list[Any]] = {}
    present: dict[str, int] = {}
    looks = 0

    def note() -> None:
        nonlocal looks
        looks += 1
        for name, value in vars(env.unwrapped).items():
            if name in GENERATORS:
                continue
            kept = seen.setdefault(name, [])
            array = numeric(value)
            if array is not None:
                present[name] = present.get(name, 0) + 1
                kept.append((array.copy(), array.shape, array.dtype.kind))

    env.reset(seed=0)
    for step in range(STEPS):
        note()
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated or step % 97 == 96:
            note()
            env.reset(seed=step)
    attributes, left_out = [], {}
    for name, shown in seen.items():
        if not shown or all(np.array_equal(shown[0][0], one[0]) for one in shown):
            continue
        if len({one[1:] for one in shown}) > 1:
            left_out[name] = "its shape or type changes"
        elif present[name] < looks:
            left_out[name] = "it is not always a number"
        else:
            attributes.append(name)
    found = describe(type(env.unwrapped))
    # Registered with the id; it stands in no source that anybody would read.
    found["max_episode_steps"] = env.spec.max_episode_steps if env.spec else None
    found |= tape_of(env)
    env.close()
    return {**found, "attributes": attributes, "left_out": left_out}


def tape_of(env: Any) -> dict[str, Any]:
    """Give the environment its dice on a tape; return how many words a call takes at most.

    Where calls take different numbers of words, twice as many are proposed as were seen.
    """
    tape_module = _beside("tape")
    tape, rng = tape_module.Tape(), np.random.default_rng(0)
    counts: list[list[int]] = [[], []]

    def call(function: Any, *given: Any, steps: bool) -> Any:
        tape.rewind(rng.integers(0, 2**32, LONGEST_TAPE, np.uint32))
        with tape_module.played(tape, env.unwrapped):
            answer = function(*given)
        counts[steps].append(tape.used)
        return answer

    try:
        env.reset(seed=0)
        call(env.reset, steps=False)
        for step in range(STEPS):
            _, _, terminated, truncated, _ = call(env.step, env.action_space.sample(), steps=True)
            if terminated or truncated or step % 97 == 96:
                call(env.reset, steps=False)
    except Exception as error:  # whatever an environment does with its dice
        return {"tape_trouble": f"{type(error).__name__}: {error}"}
    proposed = max(max(kind) * (1 if len(set(kind)) == 1 else 2) for kind in counts)
    return {"tape": proposed, "dice": max(counts[True])}


def _beside(name: str) -> Any:
    """Import a module of the bridge by its path: envlift need not be installed here."""
    path = Path(__file__).resolve().parents[1] / "bridge" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"envlift_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def numeric(value: Any) -> Any:
    """Return a number, an array, or a list of numbers as an array; None for anything else."""
    if isinstance(value, (str, bytes, dict, set)) or value is None:
        return None
    plain = isinstance(value, (bool, int, float, np.generic, np.ndarray))
    if not plain and not (isinstance(value, (list, tuple)) and len(value) < 100_000):
        return None
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    return array if array.dtype.kind in "biuf" and array.dtype.name != "float16" else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
