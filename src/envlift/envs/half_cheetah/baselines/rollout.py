"""``mujoco.rollout``: MuJoCo's own batched stepping in C++ threads.

``python:envlift.envs.half_cheetah.baselines.rollout:MujocoRollout``.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from envlift.envs.half_cheetah.baselines.base import (
    FRAME_SKIP,
    Baseline,
    answer,
    number,
    random_actions,
    rounds,
    threads,
)
from envlift.envs.half_cheetah.reference.model import quiet_mujoco
from envlift.reference.lanes import component
from envlift.reference.types import Array


def model() -> Any:
    """Return the model of Gymnasium's HalfCheetah, compiled."""
    import gymnasium
    import mujoco

    quiet_mujoco()
    assets = Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets"
    return mujoco.MjModel.from_xml_path(str(assets / "half_cheetah.xml"))


def first_states(rng: np.random.Generator, qpos0: Array, batch: int) -> tuple[Array, Array]:
    """Return ``qpos [B, 9], qvel [B, 9]`` as Gymnasium's reset draws them."""
    size = (batch, qpos0.size)
    return qpos0 + rng.uniform(-0.1, 0.1, size), 0.1 * rng.standard_normal(size)


class MujocoRollout(Baseline):
    """Rollouts in a pool of threads that lives as long as this process.

    A state is time, qpos and qvel; the observation is the state without its first two numbers. It
    is written after every substep: ``mujoco.rollout`` has no other choice. Rewards are not
    computed.
    """

    name = "mujoco.rollout"
    packages = ("mujoco", "gymnasium")

    def __init__(self, num_lanes: int) -> None:
        import mujoco
        from mujoco import rollout

        super().__init__(num_lanes)
        self._model = model()
        self._pool = rollout.Rollout(nthread=threads())
        self._data = [mujoco.MjData(self._model) for _ in range(threads())]
        self._size = mujoco.mj_stateSize(self._model, mujoco.mjtState.mjSTATE_FULLPHYSICS)
        nq, nv = self._model.nq, self._model.nv
        if self._size != 1 + nq + nv:
            raise ValueError(f"a state has {self._size} numbers, not time, {nq} qpos, {nv} qvel")

    @component
    def play(
        self, batch: Array, steps: Array, seed: Array, length: Array, chunk: Array
    ) -> dict[str, Array]:
        """Play random actions; see ``base``.

        Args:
            batch: int [1], environments.
            steps: int [1], over all of them.
            seed: int [1].
            length: int [1], steps of a rollout; each begins at a reset.
            chunk: int [1], rollouts that a thread takes at once; 0 leaves it to MuJoCo.
        """
        count = rounds(number(steps), number(batch), number(length))
        rng = np.random.default_rng(number(seed))
        size = number(batch), number(length)
        inputs = []
        for index in range(count):
            qpos, qvel = first_states(rng, self._model.qpos0, size[0])
            inputs.append((qpos, qvel, random_actions(number(seed) + index, *size)))
        buffers = [self._buffers(*size) for _ in inputs]
        work = [
            (self._state(qpos, qvel), np.repeat(actions, FRAME_SKIP, axis=1), *buffer)
            for (qpos, qvel, actions), buffer in zip(inputs, buffers, strict=True)
        ]
        started = time.perf_counter()
        for arguments in work:
            self._roll(*arguments, chunk=number(chunk) or None)
        seconds = time.perf_counter() - started
        return answer(seconds, [_observations(states) for states, _ in buffers])

    @component
    def trajectory(self, qpos: Array, qvel: Array, actions: Array) -> Array:
        """Return the observations [B, T, 17] of actions [B, T, 6] from given states [B, 9]."""
        buffer = self._buffers(*actions.shape[:2])
        controls = np.repeat(actions, FRAME_SKIP, axis=1)
        self._roll(self._state(qpos, qvel), controls, *buffer, chunk=None)
        return _observations(buffer[0])

    def _state(self, qpos: Array, qvel: Array) -> Array:
        return np.concatenate([np.zeros((len(qpos), 1)), qpos, qvel], axis=1)

    def _buffers(self, batch: int, length: int) -> tuple[Array, Array]:
        axes = batch, length * FRAME_SKIP
        # Zeros, written: fresh pages from the system would be timed otherwise.
        states = np.full((*axes, self._size), 0.0)
        return states, np.full((*axes, self._model.nsensordata), 0.0)

    def _roll(
        self, first: Array, controls: Array, states: Array, sensors: Array, chunk: int | None
    ) -> None:
        self._pool.rollout(
            self._model,
            self._data,
            first,
            controls,
            nstep=controls.shape[1],
            state=states,
            sensordata=sensors,
            chunk_size=chunk,
        )

    def close(self) -> None:
        """End the threads."""
        self._pool.close()


def _observations(states: Array) -> Array:
    """Return [B, T, 17] of the states [B, 5 T, 19] of all substeps."""
    return states[:, FRAME_SKIP - 1 :: FRAME_SKIP, 2:]
