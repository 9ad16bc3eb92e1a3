"""Playing a candidate for speed, in a process of its own; who asks holds the clock.

A JAX environment plays inside one program and keeps every observation. A vector environment is
stepped from Python with actions drawn beforehand. ``call`` of ``play`` plays once more and answers
when everything is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from envlift.candidate.env_side import env_of
from envlift.candidate.host import CandidateServer
from envlift.candidate.opening import open_here
from envlift.reference.host import run
from envlift.reference.types import Array, Side


class SpeedServer(CandidateServer):
    """Opens a candidate to be played for speed."""

    def open(self, config: Mapping[str, Any], num_lanes: int) -> Side:
        """Open it once to describe it; each batch size opens it again."""

        def make(batch: int) -> Any:
            return open_here(config["target"], config["options"], batch)

        side: Any = SpeedSide(make)
        return side


class SpeedSide:
    """A candidate that plays as fast as it can.

    Args:
        make: opens it with so many lanes.
    """

    def __init__(self, make: Callable[[int], Any]) -> None:
        self._make = make
        self._side = make(1)
        self._plays: dict[tuple[int, int], Callable[[], object]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._side, name)

    def call(self, component: str, arguments: dict[str, Array]) -> dict[str, Array]:
        """Play once: ``batch`` environments, ``steps`` steps each."""
        batch, steps = (int(arguments[name]) for name in ("batch", "steps"))
        if (batch, steps) not in self._plays:
            side = self._make(batch)
            env = env_of(side)
            play = _compiled(env, batch, steps) if env else _stepped(side, batch, steps)
            self._plays[batch, steps] = play
        self._plays[batch, steps]()
        return {"played": np.ones(1, np.int64)}


def _compiled(env: Any, batch: int, steps: int) -> Callable[[], object]:
    import gymnasium
    import jax

    space = env.action_space()

    def draw(key: Any) -> Any:
        if isinstance(space, gymnasium.spaces.Discrete):
            return jax.random.randint(key, (batch,), 0, int(space.n))
        low, high = space.low, space.high
        return jax.random.uniform(key, (batch, *space.shape), minval=low, maxval=high)

    def step(state: Any, key: Any) -> Any:
        play, choose = jax.random.split(key)
        keys = jax.random.split(play, batch)
        obs, state, reward, *_ = jax.vmap(env.step)(keys, state, draw(choose))
        return state, (obs, reward)

    run = jax.jit(lambda state, key: jax.lax.scan(step, state, jax.random.split(key, steps)))
    _, state = jax.vmap(env.reset)(jax.random.split(jax.random.key(0), batch))
    return lambda: jax.tree.map(lambda a: a.block_until_ready(), run(state, jax.random.key(1)))


def _stepped(side: Side, batch: int, steps: int) -> Callable[[], object]:
    side.reset(np.arange(batch, dtype=np.int64))
    actions = actions_of(side, steps, batch)
    env: Any = getattr(side, "env", None)
    if env is None:
        return lambda: side.step(actions)

    def play() -> None:
        for row in actions:
            *_, terminated, truncated, _ = env.step(row)
            ended = terminated | truncated
            if ended.any() and "SAME_STEP" not in str(env.metadata.get("autoreset_mode")):
                env.reset(options={"reset_mask": ended})

    return play


def actions_of(side: Side, steps: int, batch: int) -> Any:
    """Return random actions, [T, B, ...], the same every time."""
    rng = np.random.default_rng(0)
    spec = side.spec
    if spec.num_actions is not None:
        return rng.integers(spec.num_actions, size=(steps, batch)).astype(spec.action.dtype)
    low = np.nan_to_num(spec.action_low or -1.0, neginf=-1.0)
    high = np.nan_to_num(spec.action_high or 1.0, posinf=1.0)
    flat = rng.uniform(low, high, size=(steps, batch, int(np.prod(spec.action.shape))))
    return flat.reshape(steps, batch, *spec.action.shape).astype(spec.action.dtype)


def main() -> None:
    """Run the host."""
    run(SpeedServer())


if __name__ == "__main__":
    main()
