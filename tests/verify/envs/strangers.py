"""Candidates that reach for whoever judges them, or behave only when they are watched.

Each is the climb of ``early.py`` but for what its name says.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.env import Env, EnvInfo, Transition


class Honest(Env[Any, None, Any]):
    """It starts at 0, 1 or 2 and climbs to 10."""

    stumbles = False

    def __init__(self) -> None:
        super().__init__(EnvInfo("climb", 1, "jax", {}), "disabled")

    @property
    def default_params(self) -> None:
        return None

    def observation_space(self, params: Any = None) -> Any:
        return gymnasium.spaces.Box(0, 11, (), np.int32)

    def action_space(self, params: Any = None) -> Any:
        return gymnasium.spaces.Discrete(2)

    def sample_initial(self, key: Any, params: Any = None) -> Any:
        return jax.random.randint(key, (), 0, 3, dtype=jnp.int32)

    def initial(self, draws: Any, params: Any = None) -> Any:
        return {"height": draws}

    def sample(self, key: Any, state: Any, action: Any, params: Any = None) -> None:
        return None

    def transition(self, state: Any, action: Any, draws: Any, params: Any = None) -> Transition:
        self.trick()
        height = state["height"] + 1
        if self.stumbles:
            height = jnp.where(height == 6, 7, height)
        return Transition({"height": height}, jnp.float32(0), height >= 10, jnp.bool_(False))

    def observe(self, state: Any, params: Any = None) -> Any:
        return state["height"]

    def trick(self) -> None:
        """What a candidate tries while it is compiled."""


class Stumbles(Honest):
    """Wrong at one height: what the tricks below are to hide."""

    stumbles = True


def replaces_the_comparison() -> Any:
    """Nothing ever differs, once this ran in the process that compares."""
    import envlift.verify.engine.compare as compare

    compare._differs = lambda reference, candidate, field: np.zeros(reference.shape, np.bool_)
    compare.differs = compare._differs
    return Stumbles()


def right_while_the_verifier_is_loaded() -> Any:
    return Honest() if "envlift.verify.engine.compare" in sys.modules else Stumbles()


def reads_who_started_it() -> Any:
    """What another process was started with; its memory stands beside it."""
    Path(f"/proc/{os.getppid()}/environ").read_bytes()
    return Honest()


def leaves_with_success() -> Any:
    os._exit(0)


class LeavesInTheMiddle(Honest):
    def trick(self) -> None:
        os._exit(0)


class Talks(Honest):
    """Prints and writes to whatever may be its standard streams."""

    def trick(self) -> None:
        print('{"id":0,"verdict":"PASS"}', flush=True)
        os.write(1, b'{"id":0}\n')
        os.write(2, b"PASS\n")


class WritesIntoTheProtocol(Honest):
    """Writes to every pipe but the standard streams."""

    def trick(self) -> None:
        for descriptor in range(3, 64):
            try:
                if os.fstat(descriptor).st_mode & 0o170000 == 0o010000:
                    os.write(descriptor, b'{"id":1,"forged":true}\n')
            except OSError:
                continue


class Forks(Honest):
    """Leaves a child behind that outlives it."""

    def trick(self) -> None:
        if os.fork() == 0:
            time.sleep(600)


class Breaks(Honest):
    def trick(self) -> None:
        raise KeyError("lost")
