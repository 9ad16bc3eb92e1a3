"""MJX and Brax: physics in JAX, as one compiled program of many steps.

``python:envlift.envs.half_cheetah.baselines.on_jax:Mjx`` and ``...:Brax``.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from envlift.envs.half_cheetah.baselines.base import (
    ACTIONS,
    FRAME_SKIP,
    Baseline,
    answer,
    number,
    rounds,
)
from envlift.envs.half_cheetah.baselines.rollout import first_states, model
from envlift.envs.half_cheetah.reference.model import quiet_mujoco
from envlift.reference.failure import ReferenceUnavailable
from envlift.reference.lanes import component
from envlift.reference.types import Array


class OnJax(Baseline):
    """``vmap`` of a step in ``lax.scan`` under ``jit``; actions are drawn inside.

    Args:
        num_lanes: ignored.
        device: ``cpu`` or ``gpu``.

    Raises:
        ReferenceUnavailable: if JAX does not run on that device here.
    """

    def __init__(self, num_lanes: int, *, device: str = "cpu") -> None:
        super().__init__(num_lanes)
        if device == "cpu":
            os.environ["JAX_PLATFORMS"] = "cpu"
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        import jax

        found = jax.default_backend()
        if found != device:
            raise ReferenceUnavailable(
                f"its JAX runs on {found}, not on {device}; name a Python whose JAX does: "
                "envlift bench half_cheetah --python VENV"
            )
        self._programs: dict[tuple[int, int], tuple[Any, float]] = {}

    @component
    def play(self, batch: Array, steps: Array, seed: Array, length: Array) -> dict[str, Array]:
        """Play random actions; see ``base``.

        Args:
            batch: int [1], environments.
            steps: int [1], over all of them.
            seed: int [1].
            length: int [1], steps of one call of the program; the next call goes on from there.
        """
        import jax

        size = number(batch), number(length)
        count = rounds(number(steps), *size)
        state = jax.block_until_ready(self._start(number(seed), size[0]))
        keys = list(jax.random.split(jax.random.key(number(seed)), count))
        if size not in self._programs:
            began = time.perf_counter()
            compiled = jax.jit(self._scan, static_argnums=2).lower(state, keys[0], size[1])
            self._programs[size] = compiled.compile(), time.perf_counter() - began
        program, compile_seconds = self._programs[size]
        kept = []
        started = time.perf_counter()
        for key in keys:
            state, observations = program(state, key)
            kept.append(observations)
        jax.block_until_ready(kept)
        seconds = time.perf_counter() - started
        # A GPU adds in any order, and a last bit grows to another run.
        repeatable = jax.default_backend() == "cpu"
        return answer(seconds, [np.asarray(o) for o in kept], compile_seconds, repeatable)

    def _scan(self, state: Any, key: Any, length: int) -> Any:
        import jax

        def body(state: Any, key: Any) -> Any:
            batch = jax.tree.leaves(state)[0].shape[0]
            actions = jax.random.uniform(key, (batch, ACTIONS), minval=-1.0, maxval=1.0)
            return jax.vmap(self._step)(state, actions)

        return jax.lax.scan(body, state, jax.random.split(key, length))

    def _start(self, seed: int, batch: int) -> Any:
        """Return a batch of first states."""
        raise NotImplementedError

    def _step(self, state: Any, action: Any) -> tuple[Any, Any]:
        """Return the next state of one environment, and its observation [17]."""
        raise NotImplementedError


class Mjx(OnJax):
    """MJX on Gymnasium's model, with the model's own solver settings; rewards are not computed.

    Args:
        num_lanes: ignored.
        device: ``cpu`` or ``gpu``.
        impl: ``jax``, or ``warp`` for MuJoCo Warp, on a GPU.
    """

    name = "MJX"
    packages = ("mujoco-mjx", "mujoco", "jax", "jaxlib")

    def __init__(self, num_lanes: int, *, device: str = "cpu", impl: str = "jax") -> None:
        super().__init__(num_lanes, device=device)
        try:
            from mujoco import mjx

            self._mjx, self._c = mjx, model()
            self._model = mjx.put_model(self._c, impl=impl)
            self._data = mjx.make_data(self._c, impl=impl)
        except (ImportError, RuntimeError) as error:
            raise ReferenceUnavailable(f"MJX with impl={impl!r} cannot be had: {error}") from None

    def _start(self, seed: int, batch: int) -> Any:
        import jax
        import jax.numpy as jnp

        qpos, qvel = first_states(np.random.default_rng(seed), self._c.qpos0, batch)
        # Every array gets a leading axis, not only the two that differ.
        return jax.vmap(lambda q, v: self._data.replace(qpos=q, qvel=v))(
            jnp.asarray(qpos, jnp.float32), jnp.asarray(qvel, jnp.float32)
        )

    def _step(self, state: Any, action: Any) -> tuple[Any, Any]:
        import jax
        import jax.numpy as jnp

        def substep(data: Any, _: None) -> tuple[Any, None]:
            return self._mjx.step(self._model, data), None

        state = state.replace(ctrl=action)
        state, _ = jax.lax.scan(substep, state, None, length=FRAME_SKIP)
        return state, jnp.concatenate([state.qpos[1:], state.qvel])


class Brax(OnJax):
    """Brax's own ``halfcheetah``: another environment (other gears, contacts and timesteps).

    Args:
        num_lanes: ignored.
        device: ``cpu`` or ``gpu``.
        physics: ``spring``, ``positional`` or ``generalized``.
    """

    packages = ("brax", "jax", "jaxlib")

    def __init__(self, num_lanes: int, *, device: str = "cpu", physics: str = "spring") -> None:
        super().__init__(num_lanes, device=device)
        try:
            import jax
            from brax import envs
        except ImportError as error:
            raise ReferenceUnavailable(f"Brax cannot be had: {error}") from None
        quiet_mujoco()
        self.name = f"Brax {physics}"
        self._env = envs.get_environment("halfcheetah", backend=physics)
        self._reset = jax.jit(jax.vmap(self._env.reset))

    def _start(self, seed: int, batch: int) -> Any:
        import jax

        return self._reset(jax.random.split(jax.random.key(seed), batch))

    def _step(self, state: Any, action: Any) -> tuple[Any, Any]:
        state = self._env.step(state, action)
        return state, state.obs
