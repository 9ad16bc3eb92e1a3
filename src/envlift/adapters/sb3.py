"""Fast environments as a Stable-Baselines3 ``VecEnv``: a batch stays one array.

Stable-Baselines3's own ``DummyVecEnv`` steps single environments one after the other in Python.
Here all of them are stepped by one call. Shape letter: ``B`` is the number of environments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from envlift.adapters.gymnasium import VectorEnv
from envlift.adapters.lanes import Array
from envlift.extras import install
from envlift.registry import make as make_env

try:
    from stable_baselines3.common.vec_env import VecEnv
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"Stable-Baselines3 cannot be imported ({error}): {install('sb3')}"
    ) from None

Indices = int | Iterable[int] | None


class SB3VecEnv(VecEnv):
    """A Gymnasium ``VectorEnv`` as Stable-Baselines3's ``VecEnv``.

    ``step`` gives observations [B, ...], rewards float32 [B], dones bool [B] and a list of B
    dictionaries. That of an environment whose episode ended holds ``terminal_observation`` and
    ``TimeLimit.truncated``, which is False where the episode terminated in the same step; its row
    of the observations begins the next episode. ``VecMonitor`` counts returns and lengths.

    Where the batch says which actions are legal, sb3-contrib's ``MaskablePPO`` finds them.

    Args:
        venv: in autoreset mode ``same_step``, such as ``envlift.make_vec`` makes.

    Raises:
        ValueError: for another autoreset mode.
    """

    def __init__(self, venv: gymnasium.vector.VectorEnv[Any, Any, Any]) -> None:
        mode = venv.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.SAME_STEP:
            raise ValueError(
                f"Stable-Baselines3 expects the next episode in the step that ended one, but "
                f"{venv!r} has autoreset_mode {mode}; make it with autoreset_mode='same_step'"
            )
        self.venv = venv
        self._actions: Any = None
        self._masks: Array | None = None
        super().__init__(venv.num_envs, venv.single_observation_space, venv.single_action_space)

    def reset(self) -> Any:
        """Start an episode everywhere, with the seeds of the last ``seed`` if there was one.

        Returns:
            Observations [B, ...].

        Raises:
            ValueError: if ``set_options`` was given any: a batch takes none.
        """
        if any(self._options):
            raise ValueError(
                f"options {self._options} cannot be given to the resets of a batch; give them to "
                "the constructor"
            )
        seeds = None if all(seed is None for seed in self._seeds) else self._seeds
        observations, infos = self.venv.reset(seed=seeds)
        self._masks = infos.get("action_mask")
        self._reset_seeds()
        return observations

    def step_async(self, actions: Array) -> None:
        """Take the actions [B, ...] of the next ``step_wait``."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, Array, Array, list[dict[str, Any]]]:
        """Play one step in every environment.

        Returns:
            Observations, rewards, dones and infos; see the class.

        Raises:
            ResetNeeded: before the first ``reset``.
            TypeError, ValueError: for actions that are not in the action space.
        """
        observations, rewards, terminated, truncated, infos = self.venv.step(self._actions)
        self._masks = infos.get("action_mask")
        dones = np.asarray(terminated) | np.asarray(truncated)
        # Dictionaries of their own, because Stable-Baselines3's wrappers write into them.
        told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for lane in np.flatnonzero(dones):
            told[lane]["terminal_observation"] = infos["final_obs"][lane]
            told[lane]["TimeLimit.truncated"] = bool(truncated[lane] and not terminated[lane])
        return observations, np.asarray(rewards, np.float32), dones, told

    def close(self) -> None:
        """Close the batch."""
        self.venv.close()

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """Return ``render_mode``, or the function ``action_masks``, of each environment.

        Raises:
            AttributeError: for any other name: the environments of a batch are no objects.
        """
        chosen = self._get_indices(indices)
        if attr_name == "render_mode":
            return [self.venv.render_mode for _ in chosen]
        if attr_name == "action_masks" and self._masks is not None:
            return [partial(self._mask_of, lane) for lane in chosen]
        raise AttributeError(
            f"the environments of a batch have no attribute {attr_name!r} of their own; the batch "
            "itself is .venv"
        )

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Raise AttributeError: the environments of a batch are no objects."""
        raise AttributeError(
            f"{attr_name!r} cannot be set to {value!r} for single environments of a batch; give "
            "it to the constructor"
        )

    def env_method(
        self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call ``action_masks`` of each environment: int8 [A], 1 where an action is legal.

        Raises:
            AttributeError: for any other name.
        """
        methods = self.get_attr(method_name, indices)
        return [method(*method_args, **method_kwargs) for method in methods]

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: Indices = None
    ) -> list[bool]:
        """Return False for each environment: a batch has no wrappers around its members."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[Array | None]:
        """Return what the batch renders, uint8 [H, W, 3] each; None each if it does not."""
        images: Any = self.venv.render()
        return [None] * self.num_envs if images is None else list(images)

    def _mask_of(self, lane: int) -> Array:
        assert self._masks is not None
        return np.array(self._masks[lane])


def make(
    name: str,
    *,
    num_envs: int,
    seed: int | None = 0,
    render_mode: str | None = None,
    **options: Any,
) -> SB3VecEnv:
    """Make a registered environment as Stable-Baselines3's ``VecEnv``.

    Args:
        name: one of ``envlift.list_envs()``.
        num_envs: how many environments step together, B.
        seed: of the first ``reset``, unless ``seed`` was called before it.
        render_mode: ``rgb_array`` if ``render`` shall draw.
        options: as for ``envlift.make``.

    Raises:
        ValueError, TypeError: as ``envlift.make_vec``.
    """
    env = make_env(name, autoreset="disabled", **options)
    mode = AutoresetMode.SAME_STEP
    return SB3VecEnv(
        VectorEnv(env, num_envs=num_envs, autoreset_mode=mode, seed=seed, render_mode=render_mode)
    )
