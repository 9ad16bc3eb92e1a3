"""Are an environment's answers on a GPU those of the CPU? One JSON file says so, for each target.

    python scripts/gpu_truth.py FILE [--only NAME] [--quick]

Each environment is played on both devices of one machine from equal states, keys and actions, in
several forms (stacked by ``scan``, one call per step, nested ``vmap``, ``random_rollout``) and
batch sizes, and every number is compared, to the last bit. Needs a CUDA build of JAX beside its CPU
(``JAX_PLATFORMS=cuda,cpu``). ``--device cpu`` compares the CPU with itself, to try the program.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from warp import __version__ as warp_version  # noqa: E402

import envlift  # noqa: E402
from envlift.registry import registration  # noqa: E402

# Form, environments, steps.
CASES = (
    ("scan", 1, 32),
    ("scan", 7, 32),
    ("scan", 1000, 32),
    ("scan", 65_553, 16),
    ("loop", 1000, 8),
    ("nest", 64, 16),
    ("rollout", 1000, 16),
)
QUICK = (("scan", 7, 8), ("loop", 7, 2), ("nest", 4, 4))


def step(env: Any, key: Any, state: Any, action: Any) -> Any:
    """Return the state and all that a step shows."""
    seen, state, reward, terminated, truncated, info = env.step(key, state, action)
    return state, (seen, reward, terminated, truncated, info)


def program(env: Any, form: str) -> Any:
    """Return a function of (state, keys [T, B], actions [T, B]); all is stacked over the steps."""
    batched = jax.vmap(lambda *given: step(env, *given))

    def nested(*given: Any) -> Any:
        folded = jax.tree.map(lambda x: x.reshape(2, x.shape[0] // 2, *x.shape[1:]), given)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), jax.vmap(batched)(*folded))

    def body(state: Any, given: Any) -> Any:
        return (nested if form == "nest" else batched)(given[0], state, given[1])

    if form == "rollout":
        return jax.jit(
            lambda state, keys, actions: env.random_rollout(
                keys[0, 0], state, actions.shape[0], keep_observations=True
            )
        )
    if form == "loop":
        once = jax.jit(body)

        def loop(state: Any, keys: Any, actions: Any) -> Any:
            shown = []
            for t in range(actions.shape[0]):
                state, seen = once(state, (keys[t], actions[t]))
                shown.append(seen)
            return state, jax.tree.map(lambda *x: jnp.stack(x), *shown)

        return loop
    return jax.jit(lambda state, keys, actions: jax.lax.scan(body, state, (keys, actions)))


def inputs(env: Any, lanes: int, steps: int) -> Any:
    """Return states, keys and actions."""
    space = env.action_space()
    draw = np.random.default_rng(lanes)
    _, state = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(lanes), lanes))
    if hasattr(space, "n"):
        actions = draw.integers(0, space.n, (steps, lanes)).astype(np.int32)
    else:
        actions = draw.uniform(space.low, space.high, (steps, lanes, *space.shape))
        actions = actions.astype(space.dtype)
    return state, jax.random.split(jax.random.key(lanes + 1), (steps, lanes)), actions


def compare(wanted: Any, found: Any) -> dict[str, Any]:
    """Return how many numbers differ, and the worst of each array that does."""
    different, numbers, worst = {}, 0, 0.0
    pairs = zip(jax.tree.leaves_with_path(wanted), jax.tree.leaves(found), strict=True)
    for (path, want), got in pairs:
        want, got, name = np.asarray(want), np.asarray(got), jax.tree_util.keystr(path)
        numbers += want.size
        if want.dtype != got.dtype or want.shape != got.shape:
            different[name] = f"{want.dtype}{want.shape}, {got.dtype}{got.shape}"
            continue
        unlike = ~((want == got) | ((want != want) & (got != got)))
        if unlike.any():
            gaps = np.abs(want.astype(np.float64) - got.astype(np.float64))
            worst = max(worst, float(np.nan_to_num(gaps, nan=np.inf).max()))
            different[name] = f"{int(unlike.sum())} of {want.size} numbers"
    return {"equal": not different, "numbers": numbers, "largest": worst, "different": different}


def main() -> int:
    """Compare; return 0 if all is equal."""
    parser = argparse.ArgumentParser(description="A GPU's answers beside the CPU's.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", help="one environment")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    there, here = jax.devices(options.device)[0], jax.devices("cpu")[0]
    result: dict[str, Any] = {
        "about": "an environment on a GPU beside the same target on the CPU of that machine",
        "platform": options.device,
        "device": there.device_kind,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": {
            "envlift": envlift.__version__,
            "jax": jax.__version__,
            "warp": warp_version,
        },
        "cases": [],
    }
    for name in [options.only] if options.only else envlift.list_envs():
        for target in registration(name).verified_on or {}:
            for form, lanes, steps in QUICK if options.quick else CASES:
                case: dict[str, Any] = {"environment": name, "target": target, "form": form}
                case |= {"environments": lanes, "steps": steps}
                began = time.monotonic()
                try:
                    with jax.default_device(here):
                        env = envlift.make(name, backend=target)
                        given = inputs(env, lanes, steps)
                        wanted = jax.device_get(program(env, form)(*given))
                    with jax.default_device(there):
                        run = program(env, form)
                        found = jax.device_get(run(*jax.device_put(given, there)))
                    case |= compare(wanted, found)
                except Exception as error:
                    case |= {"equal": False, "error": f"{type(error).__name__}: {error}"[:500]}
                case["seconds"] = round(time.monotonic() - began, 1)
                result["cases"].append(case)
                # At once: the machine may be gone before the next is done.
                options.file.write_text(json.dumps(result, indent=1) + os.linesep)
                print(json.dumps(case), flush=True)
    equal = all(case["equal"] for case in result["cases"]) and result["cases"]
    print("ALL EQUAL" if equal else "NOT EQUAL")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
