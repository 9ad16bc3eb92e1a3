"""How fast the JAX API of the targets is on a GPU: one JSON file, written as it grows.

    python scripts/gpu_speed.py FILE

``jit(scan(vmap(env.step)))`` with random actions, every observation, reward and end kept. Both
targets of Pong do the same work with the same keys in the same run; the checksum (the sum of the
last step's observations) and the share of zeros say so. Compilation is not in the times.
"""

from __future__ import annotations

import datetime
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from warp import __version__ as warp_version  # noqa: E402

import envlift  # noqa: E402
from envlift.targets import chance  # noqa: E402

RUNS = 7
# Environment, target, environments, steps.
CASES = (
    ("pong", "jax", 65_536, 128),
    ("pong", "warp", 65_536, 128),
    ("pong", "jax", 1_048_576, 32),
    ("pong", "warp", 1_048_576, 32),
    ("half_cheetah", "warp", 32_768, 16),
    ("half_cheetah", "warp", 131_072, 16),
)


def random_action(env: Any, key: jax.Array) -> jax.Array:
    """Draw an action."""
    space = env.action_space()
    if hasattr(space, "n"):
        return chance.below(chance.bits(chance.stream(key, chance.ACTION)), int(space.n))
    words = [chance.bits(chance.stream(key, 7 + number)) for number in range(space.shape[0])]
    return jnp.stack([2.0 * chance.unit(word) - 1.0 for word in words])


def measure(name: str, target: str, lanes: int, steps: int) -> dict[str, Any]:
    """Return the times of one case."""
    env = envlift.make(name, backend=target)
    _, state = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(lanes), lanes))
    keys = chance.lane_keys(jax.random.key(5), lanes)

    def body(state: Any, step: jax.Array) -> Any:
        key = chance.at_step(keys, step)
        actions = jax.vmap(lambda key: random_action(env, key))(key)
        seen, state, reward, terminated, _, _ = jax.vmap(env.step)(key, state, actions)
        return state, (seen, reward, terminated)

    play = jax.jit(lambda state: jax.lax.scan(body, state, jnp.arange(steps, dtype=jnp.uint32)))
    began = time.perf_counter()
    _, shown = jax.block_until_ready(play(state))
    first = time.perf_counter() - began
    checksum, zeros = float(jnp.sum(shown[0][-1])), float(jnp.mean(shown[0] == 0))
    del shown  # else the runs would not find its memory
    seconds = []
    for _ in range(RUNS):
        began = time.perf_counter()
        jax.block_until_ready(play(state))
        seconds.append(time.perf_counter() - began)
    median = statistics.median(seconds)
    return {
        "steps_per_second": lanes * steps / median,
        "lowest": lanes * steps / max(seconds),
        "highest": lanes * steps / min(seconds),
        "microseconds_per_step": 1e6 * median / steps,
        "first_seconds": first,
        "checksum": checksum,
        "share_of_zeros": zeros,
    }


def main() -> None:
    """Measure all cases."""
    result: dict[str, Any] = {
        "about": "jit(scan(vmap(env.step))), every observation kept; median of runs",
        "device": jax.devices()[0].device_kind,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": {"envlift": envlift.__version__, "jax": jax.__version__, "warp": warp_version},
        "runs": RUNS,
        "flags": os.environ.get("XLA_FLAGS", ""),
        "speeds": [],
    }
    for name, target, lanes, steps in CASES:
        case: dict[str, Any] = {"environment": name, "target": target}
        case |= {"environments": lanes, "steps": steps}
        try:
            case |= measure(name, target, lanes, steps)
        except Exception as error:
            case |= {"error": f"{type(error).__name__}: {error}"[:500]}
        result["speeds"].append(case)
        Path(sys.argv[1]).write_text(json.dumps(result, indent=1) + "\n")
        print(json.dumps(case), flush=True)


if __name__ == "__main__":
    main()
