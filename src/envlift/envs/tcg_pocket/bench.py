"""What of the game is measured, and beside what: uniform legal play on both sides.

A step is one decision of one player; some 70 of them make a game of the built-in decks.
"""

from __future__ import annotations

from typing import Any

from envlift.bench.benchmark import Bars, Benchmark, Form, ReferenceLoop, Sizes


def rollout(env: Any, key: Any, state: Any, num_steps: int) -> Any:
    """Play inside one program; see ``TcgPocket.random_rollout``."""
    state, seen = env.random_rollout(key, state, num_steps)
    return state.decision, seen.games, seen.turns


