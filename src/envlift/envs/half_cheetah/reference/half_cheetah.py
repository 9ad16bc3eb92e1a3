"""Gymnasium's HalfCheetah-v5 as a batched reference for the Python host.

``python:envlift.envs.half_cheetah.reference.half_cheetah:HalfCheetahReference`` with
``requirements`` set to ``envlift.envs.half_cheetah.reference:requirements.txt``
(docs/reference-protocol.md). Shapes: ``T`` steps, ``B`` lanes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import numpy as np

from envlift.envs.half_cheetah.reference.model import quiet_mujoco
from envlift.envs.half_cheetah.reference.stages import Stages
from envlift.reference.lanes import LaneError, find_component
from envlift.reference.types import Array, ArraySpec, SideSpec

ID = "HalfCheetah-v5"
STATE = {
    "qpos": ArraySpec((9,), "float64"),
    "qvel": ArraySpec((9,), "float64"),
    "elapsed_steps": ArraySpec((), "int32"),
}


class HalfCheetahReference:
    """B environments as ``gymnasium.make`` makes them, but for its checker of environments.

    A state that was set is all there is: time, controls and the solver's warm start are those of a
    new ``MjData``. Between steps the warm start is MuJoCo's own, so a lane that goes on differs
    from one that was set to the same state by rounding within the solver's tolerance.

    Args:
        num_lanes: B.
        frame_skip: MuJoCo steps in one step.
        forward_reward_weight: see Gymnasium.
        ctrl_cost_weight: see Gymnasium.
        reset_noise_scale: see Gymnasium.
        exclude_current_positions_from_observation: leave ``qpos[0]`` out of the observation.
        max_episode_steps: the time limit.
        solver_tolerance: MuJoCo's own option; None for the model's 1e-8, with which its solver
            stops a little early now and then. The stages are always computed with 0.
    """

    batched = True

    def __init__(
        self,
        num_lanes: int,
        *,
        frame_skip: int = 5,
        forward_reward_weight: float = 1.0,
        ctrl_cost_weight: float = 0.1,
        reset_noise_scale: float = 0.1,
        exclude_current_positions_from_observation: bool = True,
        max_episode_steps: int = 1000,
        solver_tolerance: float | None = None,
    ) -> None:
        quiet_mujoco()
        options: dict[str, Any] = {
            "frame_skip": frame_skip,
            "forward_reward_weight": forward_reward_weight,
            "ctrl_cost_weight": ctrl_cost_weight,
            "reset_noise_scale": reset_noise_scale,
            "exclude_current_positions_from_observation": (
                exclude_current_positions_from_observation
            ),
            "max_episode_steps": max_episode_steps,
            "disable_env_checker": True,
        }
        self._envs: list[Any] = [gymnasium.make(ID, **options) for _ in range(num_lanes)]
        for lane, env in enumerate(self._envs):
            if not isinstance(env, gymnasium.wrappers.TimeLimit):
                raise TypeError(
                    f"gymnasium.make({ID!r}) gave {env}, whose outermost wrapper should"
                    " be TimeLimit"
                )
            # A state may be set before the first reset.
            env.reset(seed=lane)
        stages = gymnasium.make(ID, **options).unwrapped
        if solver_tolerance is not None:
            for made in (stages, *(env.unwrapped for env in self._envs)):
                made.model.opt.tolerance = solver_tolerance
        self._stages = Stages(stages)
        self._size = self._envs[0].observation_space.shape

    def spec(self) -> SideSpec:
        """Describe the environment."""
        env = self._envs[0]
        model = Path(env.unwrapped.fullpath)
        return SideSpec(
            name=f"Gymnasium {gymnasium.__version__} {ID} (MuJoCo {mujoco.__version__})",
            observation=ArraySpec(self._size, env.observation_space.dtype.name),
            action=ArraySpec(env.action_space.shape, env.action_space.dtype.name),
            action_low=tuple(env.action_space.low.tolist()),
            action_high=tuple(env.action_space.high.tolist()),
            state=STATE,
            pins={
                "mujoco": mujoco.__version__,
                "gymnasium": gymnasium.__version__,
                "numpy": np.__version__,
                f"{model.name} sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
            },
        )

    def reset(self, seeds: Array, chance: Array | None, returns: Sequence[str]) -> dict[str, Any]:
        """Start an episode in every lane; the seed is Gymnasium's."""
        pairs = zip(self._envs, seeds.tolist(), strict=True)
        record: dict[str, Any] = {
            "observation": np.array([env.reset(seed=seed)[0] for env, seed in pairs])
        }
        return {**record, "state": self.get_state()} if "state" in returns else record

    def step(
        self,
        actions: Array,
        chance: Array | None,
        reset_seeds: Array | None,
        returns: Sequence[str],
    ) -> dict[str, Any]:
        """Play T steps: actions float32 [T, B, 6].

        Raises:
            LaneError: if a reward is not finite, because the action was not.
        """
        axes = actions.shape[:2]
        record: dict[str, Any] = {
            "observation": np.zeros((*axes, *self._size)),
            "reward": np.zeros(axes),
            "terminated": np.zeros(axes, np.bool_),
            "truncated": np.zeros(axes, np.bool_),
            "final_observation": np.zeros((*axes, *self._size)),
        }
        states = {
            name: {
                field: np.zeros((*axes, *spec.shape), spec.dtype) for field, spec in STATE.items()
            }
            for name in ("state", "final_state")
            if name in returns
        }
        for at in np.ndindex(axes):
            env = self._envs[at[1]]
            observation, reward, terminated, truncated, _ = env.step(actions[at])
            if not np.isfinite(reward):
                # Answered as an error: the lanes are still good for a reset or a new state.
                raise LaneError(at[1], at[0]) from ValueError(
                    f"the reward is {reward} for the action {actions[at].tolist()}"
                )
            record["reward"][at] = reward
            record["terminated"][at], record["truncated"][at] = terminated, truncated
            record["final_observation"][at] = observation
            if "final_state" in states:
                _read(env, states["final_state"], at)
            if terminated or truncated:
                if reset_seeds is None:
                    raise ValueError("an episode ended and the message has no 'reset_seeds'")
                observation, _ = env.reset(seed=int(reset_seeds[at]))
            record["observation"][at] = observation
            if "state" in states:
                _read(env, states["state"], at)
        return {**record, **states}

    def get_state(self) -> dict[str, Array]:
        """Return ``qpos`` and ``qvel`` [B, 9] and ``elapsed_steps`` [B]."""
        state = {
            name: np.zeros((len(self._envs), *spec.shape), spec.dtype)
            for name, spec in STATE.items()
        }
        for lane, env in enumerate(self._envs):
            _read(env, state, (lane,))
        return state

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Set every lane, to nothing but this state.

        Raises:
            LaneError: for NaN and infinity, which MuJoCo would replace at the next step.
        """
        for lane in range(len(self._envs)):
            for name in ("qpos", "qvel"):
                if not np.isfinite(state[name][lane]).all():
                    raise LaneError(lane) from ValueError(
                        f"{name} is {state[name][lane].tolist()}; a state must be finite (the "
                        "component mj_Euler shows what MuJoCo does otherwise)"
                    )
        for lane, env in enumerate(self._envs):
            inner = env.unwrapped
            # With the rest it clears the solver's warm start, which mj_forward does not set.
            mujoco.mj_resetData(inner.model, inner.data)
            inner.set_state(state["qpos"][lane], state["qvel"][lane])
            env._elapsed_steps = int(state["elapsed_steps"][lane])

    def find_component(self, name: str) -> Any:
        """Return one of MuJoCo's stages; see ``stages.Stages``."""
        return find_component(self._stages, name)[0]

    def close(self) -> None:
        """Release every environment."""
        for env in self._envs:
            env.close()
        self._stages.close()


def _read(env: Any, state: Mapping[str, Array], at: tuple[int, ...]) -> None:
    data = env.unwrapped.data
    state["qpos"][at], state["qvel"][at] = data.qpos, data.qvel
    state["elapsed_steps"][at] = env._elapsed_steps
