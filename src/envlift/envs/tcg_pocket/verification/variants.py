"""Compare both engines on variants of the game: ``python -m ...verification.variants SEED ...``.

Each seed gets a process of its own, and there a short lockstep: games from their start under
``attacks`` and at random, and one decision from generated boards. Every field, both masks, both
observations, rewards and ends are compared. ``--write`` keeps the results in ``variants.jsonl``.
The whole of ``envlift verify`` runs on a variant by

    TCG_POCKET_VARIANT=7 envlift verify src/envlift/envs/tcg_pocket/verification/variant_suite.py
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).with_name("variants.jsonl")
LANES = 32
STEPS, BOARDS = 200, 2_048
QUICK_STEPS, QUICK_BOARDS = 60, 128
DIFFERS = 4
"""Fields that are named of a difference."""


class Sides:
    """Both engines, a batch of games side by side.

    Attributes:
        seed: of the variant.
    """

    def __init__(self, seed: int) -> None:
        """Compile the fast one."""
        from envlift.envs.tcg_pocket.tables.variants import choose

        choose(seed)  # before the rules are imported
        import jax

        from envlift.envs.tcg_pocket.env import Draws, TcgPocket
        from envlift.envs.tcg_pocket.reference.host import PocketReference
        from envlift.envs.tcg_pocket.verification.pool import pool

        decks = pool(seed, seed)
        fast = TcgPocket(variant=seed, decks=decks, autoreset="disabled")
        self.seed = seed
        self.plain = [PocketReference(decks=decks, variant=seed) for _ in range(LANES)]

        def shown(state: Any) -> Any:
            return state, fast.observe(state), fast.legal_actions(state)

        def play(state: Any, action: Any, words: Any) -> Any:
            moved = fast.transition(state, action, Draws(words))
            return (*shown(moved.state), moved.reward, moved.terminated)

        self.begin = jax.jit(jax.vmap(lambda words: shown(fast.initial(Draws(words)))))
        self.step = jax.jit(jax.vmap(play))

    def differences(self, lane: int, fast: Sequence[Any]) -> list[str]:
        """Name what differs in a lane: ``fast`` is state, observation and mask."""
        from envlift.envs.tcg_pocket.state import FIELDS

        plain = self.plain[lane]
        ours = plain.get_state()
        found = [
            f.name
            for f in FIELDS
            if not np.array_equal(ours[f.name], np.asarray(getattr(fast[0], f.name))[lane])
        ]
        if not np.array_equal(plain.observation(), np.asarray(fast[1])[lane]):
            found.append("observation")
        if not np.array_equal(plain.legal_actions(), np.asarray(fast[2])[lane].reshape(-1)):
            found.append("legal_actions")
        return found


def compare(seed: int, steps: int, boards: int) -> dict[str, Any]:
    """Compare a variant in this process; return what was compared and the first difference."""
    from envlift.envs.tcg_pocket.verification.policies import attacks
    from envlift.envs.tcg_pocket.verification.states import random_states

    sides, rng = Sides(seed), np.random.default_rng(seed)
    found: dict[str, Any] = {"variant": seed, "decisions": 0, "games": 0, "boards": 0}

    def draw() -> Any:
        return rng.integers(0, 2**32, (LANES, 4), dtype=np.uint32)

    def chosen(masks: Any, state: Any) -> Any:
        drawn = (rng.random(masks.shape) * masks).argmax(-1)
        if state is None:
            return drawn.astype(np.int32)
        named = {n: np.asarray(getattr(state, n)) for n in ("card", "energy", "decision")}
        fights = attacks(rng, np.zeros(0), named, masks)
        return np.where((np.arange(LANES) % 2 == 0)[:, None], fights, drawn).astype(np.int32)

    def differs(fast: Sequence[Any], where: str) -> bool:
        for lane in range(LANES):
            wrong = sides.differences(lane, fast)
            if wrong:
                found["differs"] = f"{where}, lane {lane}: {', '.join(wrong[:DIFFERS])}"
                return True
        return False

    def exchange(fast: Any, words: Any, actions: Any, where: str) -> Any:
        now = sides.step(fast, actions, words)
        for lane, plain in enumerate(sides.plain):
            _, reward, over, _ = plain.step(actions[lane], words[lane])
            same = np.array_equal(reward, np.asarray(now[3])[lane]) and over == bool(now[4][lane])
            if not same:
                found["differs"] = f"{where}, lane {lane}: reward or end"
        return None if "differs" in found or differs(now, where) else now

    fast: Any = None
    for step in range(steps):
        if fast is None or bool(np.asarray(fast[0].winner >= 0).all()):
            words = draw()
            for lane, plain in enumerate(sides.plain):
                plain.reset(0, words[lane])
            fast = sides.begin(words)
            if differs(fast, f"start at step {step}"):
                return found
        going = int(np.asarray(fast[0].winner < 0).sum())
        actions = chosen(np.asarray(fast[2]), fast[0])
        fast = exchange(fast[0], draw(), actions, f"step {step}")
        if fast is None:
            return found
        found["decisions"] += going
        found["games"] += going - int(np.asarray(fast[0].winner < 0).sum())
    for first in range(0, boards, LANES):
        drawn = random_states(rng, LANES, 30, seed)
        for lane, plain in enumerate(sides.plain):
            plain.set_state({name: values[lane] for name, values in drawn.items()})
        masks = np.array([p.legal_actions().reshape(2, -1) for p in sides.plain])
        state = type(fast[0])(**drawn)
        if exchange(state, draw(), chosen(masks, None), f"board {first}") is None:
            return found
        found["boards"] += LANES
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare variants; 1 if one differs."""
    parser = argparse.ArgumentParser(description="Do both engines agree on other games?")
    parser.add_argument("seeds", nargs="+", type=int, help="seeds of variants, from 1 on")
    parser.add_argument("--write", action="store_true", help=f"keep the results in {RESULTS.name}")
    parser.add_argument("--quick", action="store_true", help="compare a few thousand decisions")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.here:
        much = (QUICK_STEPS, QUICK_BOARDS) if options.quick else (STEPS, BOARDS)
        print(json.dumps(compare(options.seeds[0], *much)))
        return 0
    wrong = 0
    for seed in options.seeds:
        command = [sys.executable, "-m", __spec__.name, "--here", str(seed)]
        command += ["--quick"] if options.quick else []
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        line = told.strip().splitlines()[-1]
        print(line, flush=True)
        wrong += "differs" in json.loads(line)
        if options.write:
            keep(line)
    return int(wrong > 0)


def keep(line: str) -> None:
    """Put a result into the file, in the place of an older one of its seed."""
    lines = RESULTS.read_text("utf-8").splitlines() if RESULTS.exists() else []
    rows = {json.loads(one)["variant"]: one for one in [*lines, line]}
    RESULTS.write_text("".join(f"{rows[k]}\n" for k in sorted(rows)), "utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
