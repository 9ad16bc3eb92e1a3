"""How fast other libraries step our environments: through our adapters, and without them.

    PYTHONPATH=src PYTHON scripts/adapter_speed.py FILE

PYTHON is what ``python tests/libraries/environment.py`` prints. Every side plays the same actions
from the same seeds; a first pass, not timed, hashes the observations, rewards and ends that each
shows, and they must be equal. Then the sides are timed in turn: the wall clock, and the processor
time of all threads, which says more on a machine that does other work too.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.vec_env import DummyVecEnv
from torchrl.envs import GymWrapper

import envlift
from envlift.adapters import sb3, torchrl
from envlift.adapters.gymnasium import make_single
from envlift.bench import machine
from envlift.bench.statistics import rate

RUNS = 15
OPTIONS = {"backend": "jax", "frameskip": 8}
SEED = 3
SIZES = ((16, 200), (1024, 200))
"""Environments, and steps of each."""
Play = Callable[[Any], Iterator[tuple[Any, Any, Any]]]
"""From actions [T, B] to observations, rewards and ends of every step."""


def same_step(num_envs: int) -> Play:
    """Gymnasium's interface alone, which SB3's adapter stands on."""
    venv = envlift.make_vec("pong", num_envs=num_envs, autoreset_mode="same_step", **OPTIONS)

    def play(actions: Any) -> Iterator[Any]:
        venv.reset(seed=SEED)
        for chosen in actions:
            seen, reward, terminated, truncated, _ = venv.step(chosen)
            yield seen, reward, terminated | truncated

    return play


def disabled(num_envs: int) -> Play:
    """The same with resets asked for, which TorchRL's adapter stands on."""
    venv = envlift.make_vec("pong", num_envs=num_envs, autoreset_mode="disabled", **OPTIONS)

    def play(actions: Any) -> Iterator[Any]:
        venv.reset(seed=SEED)
        for chosen in actions:
            seen, reward, terminated, truncated, _ = venv.step(chosen)
            ended = terminated | truncated
            if ended.any():
                seen, _ = venv.reset(options={"reset_mask": ended})
            yield seen, reward, ended

    return play


def stable_baselines(venv: Any) -> Play:
    """Any ``VecEnv`` of Stable-Baselines3."""

    def play(actions: Any) -> Iterator[Any]:
        venv.seed(SEED)
        venv.reset()
        for chosen in actions:
            seen, reward, ended, _ = venv.step(chosen)
            yield seen, reward, ended

    return play


def torch_rl(env: Any, wrapper: bool = False) -> Play:
    """Any environment of TorchRL; its wrapper resets in ``set_seed``, and takes one-hot actions."""

    def play(actions: Any) -> Iterator[Any]:
        env.set_seed(SEED)
        now = env.reset(seed=SEED) if wrapper else env.reset()
        for chosen in torch.from_numpy(actions):
            action = torch.nn.functional.one_hot(chosen, 3) if wrapper else chosen
            after, now = env.step_and_maybe_reset(now.set("action", action))
            told = after["next"]
            yield now["observation"], told["reward"][:, 0], told["done"][:, 0]

    return play


def sides(num_envs: int) -> dict[str, Play]:
    """Return what is compared."""
    wrapped = envlift.make_vec("pong", num_envs=num_envs, autoreset_mode="disabled", **OPTIONS)
    found = {
        "make_vec, same_step": same_step(num_envs),
        "adapters.sb3": stable_baselines(sb3.make("pong", num_envs=num_envs, **OPTIONS)),
        "make_vec, disabled": disabled(num_envs),
        "adapters.torchrl": torch_rl(torchrl.make("pong", num_envs=num_envs, **OPTIONS)),
        "TorchRL's GymWrapper of make_vec": torch_rl(GymWrapper(wrapped), wrapper=True),
    }
    if num_envs <= 16:
        apart = DummyVecEnv([lambda: make_single("pong", **OPTIONS) for _ in range(num_envs)])
        found["SB3's DummyVecEnv of single environments"] = stable_baselines(apart)
    return found


def checksum(play: Play, actions: Any) -> dict[str, int]:
    """Return a hash of all that a side shows, and how many episodes ended."""
    digest = ends = 0
    for shown in play(actions):
        for part, dtype in zip(shown, (np.float32, np.float32, np.bool_), strict=True):
            digest = zlib.crc32(np.ascontiguousarray(part, dtype=dtype).tobytes(), digest)
        ends += int(np.sum(np.asarray(shown[2])))
    return {"crc32": digest, "ends": ends}


def measure(num_envs: int, steps: int) -> list[dict[str, Any]]:
    """Return one row per side.

    Raises:
        SystemExit: if two sides did not show the same, or no episode ended.
    """
    actions = np.random.default_rng(0).integers(0, 3, (steps, num_envs))
    plays = sides(num_envs)
    sums = {name: checksum(play, actions) for name, play in plays.items()}
    first = sums["make_vec, same_step"]
    if any(found != first for found in sums.values()) or not first["ends"]:
        raise SystemExit(f"the sides did not do the same work, or no episode ended: {sums}")
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in plays}
    for _ in range(RUNS):
        for name, play in plays.items():
            began = time.perf_counter(), time.process_time()
            for _ in play(actions):
                pass
            times[name].append((time.perf_counter() - began[0], time.process_time() - began[1]))
    work = num_envs * steps
    return [
        {
            "side": name,
            "num_envs": num_envs,
            "steps": work,
            "seconds": [wall for wall, _ in pairs],
            "cpu_seconds": [cpu for _, cpu in pairs],
            "steps_per_second": dataclasses.asdict(rate(work, [wall for wall, _ in pairs])),
            "steps_per_cpu_second": dataclasses.asdict(rate(work, [cpu for _, cpu in pairs])),
            "checksum": sums[name],
        }
        for name, pairs in times.items()
    ]


def main(path: Path) -> None:
    """Measure and write."""
    libraries = ("stable-baselines3", "torchrl", "tensordict", "torch", "gymnasium")
    result: dict[str, Any] = {
        "schema_version": 1,
        "environment": "pong",
        "what": "adapters",
        "options": OPTIONS,
        "command": "scripts/adapter_speed.py",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": machine.cpu_name(),
        "cpus": len(machine.cpus()),
        "load_average_before": os.getloadavg()[0],
        "versions": machine.versions() | {name: version(name) for name in libraries},
        "measurements": [],
    }
    for num_envs, steps in SIZES:
        result["measurements"] += measure(num_envs, steps)
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for row in result["measurements"]:
        wall, cpu = row["steps_per_second"], row["steps_per_cpu_second"]
        print(
            f"{row['num_envs']:>5}  {row['side']:<42} {wall['median']:>11,.0f} "
            f"({wall['low']:,.0f} to {wall['high']:,.0f}), per CPU second {cpu['median']:,.0f}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
