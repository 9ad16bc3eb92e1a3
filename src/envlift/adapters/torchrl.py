"""Fast environments as a TorchRL environment: a batch stays one tensor.

Shape letter: ``B`` is the number of environments.
"""

from __future__ import annotations

import copy
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from envlift.adapters.gymnasium import VectorEnv
from envlift.env import Env
from envlift.extras import install
from envlift.registry import make as make_env

try:
    import torch
    from tensordict import TensorDict
    from torchrl.data import Binary, Bounded, Composite, Unbounded
    from torchrl.envs import EnvBase
    from torchrl.envs.libs.gym import _gym_to_torchrl_spec_transform
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"TorchRL cannot be imported ({error}): {install('torchrl')}"
    ) from None


class TorchRLEnv(EnvBase):
    """A Gymnasium ``VectorEnv`` as TorchRL's environment of batch size [B].

    It writes ``observation`` (or the keys of a Dict space), ``reward`` float32 [B, 1],
    ``terminated``, ``truncated`` and ``done`` bool [B, 1]. Discrete actions are int64 [B], not
    one-hot. An environment that forbids actions also writes ``action_mask``, bool [B, A], which
    TorchRL's ``ActionMask`` reads. TorchRL itself resets the environments whose episode ended.

    Args:
        venv: in autoreset mode ``disabled``, such as ``envlift.make_vec`` makes.
        device: where TorchRL gets its tensors; the environments run where JAX runs.
        from_pixels: also draw every environment in every step, ``pixels`` uint8 [B, H, W, 3].

    Raises:
        ValueError: for another autoreset mode; for ``from_pixels`` without a render mode.
    """

    def __init__(
        self,
        venv: gymnasium.vector.VectorEnv[Any, Any, Any],
        *,
        device: Any = "cpu",
        from_pixels: bool = False,
    ) -> None:
        mode = venv.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.DISABLED:
            raise ValueError(
                f"TorchRL resets environments itself, but {venv!r} has autoreset_mode {mode}; "
                "make it with autoreset_mode='disabled'"
            )
        batch = torch.Size([venv.num_envs])
        super().__init__(device=torch.device(device), batch_size=batch)
        self.venv = venv
        self._seed: int | None = None
        self._shown: Any = None
        space = venv.single_observation_space
        self._nested = isinstance(space, gymnasium.spaces.Dict)
        observation = self._spec(space)
        if not self._nested:
            observation = Composite(observation=observation, shape=batch)
        self._masked = _forbids_actions(venv)
        if self._masked:
            count = int(venv.single_action_space.n)  # type: ignore[attr-defined]
            observation["action_mask"] = Binary(count, (*batch, count), self.device, torch.bool)
        self._drawn = from_pixels
        if from_pixels:
            shape = _picture_shape(venv)
            observation["pixels"] = Bounded(0, 255, (*batch, *shape), self.device, torch.uint8)
        self.observation_spec = observation
        self.action_spec = self._spec(venv.single_action_space)
        self.reward_spec = Unbounded((*batch, 1), device=self.device, dtype=torch.float32)
        flag = Binary(1, (*batch, 1), self.device, torch.bool)
        self.done_spec = Composite(
            {name: flag.clone() for name in ("done", "terminated", "truncated")}, shape=batch
        )

    def _spec(self, space: gymnasium.Space[Any]) -> Any:
        single = _gym_to_torchrl_spec_transform(
            space,
            device=self.device,
            categorical_action_encoding=True,
            remap_state_to_observation=False,
        )
        return single.expand((*self.batch_size, *single.shape))

    def _reset(self, tensordict: Any = None, **_: Any) -> Any:
        chosen = None if tensordict is None else tensordict.get("_reset", None)
        if chosen is None or self._shown is None:
            seen, infos = self.venv.reset(seed=self._seed)
            self._seed = None
            self._shown = self._observed(seen, infos)
        elif bool(chosen.any()):
            mask = chosen.reshape(self.batch_size).cpu()
            fresh = self._observed(*self.venv.reset(options={"reset_mask": mask.numpy()}))
            if self._masked:  # Gymnasium's infos say nothing of the others
                legal = torch.where(mask[:, None], fresh["action_mask"], self._shown["action_mask"])
                fresh["action_mask"] = legal
            self._shown = fresh
        return TensorDict(self._shown, self.batch_size, device=self.device)

    def _step(self, tensordict: Any) -> Any:
        actions = tensordict.get("action").cpu().numpy()
        seen, reward, terminated, truncated, infos = self.venv.step(actions)
        self._shown = self._observed(seen, infos)
        ends = {
            "terminated": terminated,
            "truncated": truncated,
            "done": np.asarray(terminated) | np.asarray(truncated),
        }
        columns = {"reward": np.asarray(reward, np.float32), **ends}
        return TensorDict(
            self._shown | {name: _tensor(column)[:, None] for name, column in columns.items()},
            self.batch_size,
            device=self.device,
        )

    def _set_seed(self, seed: int | None) -> None:
        """Environment i of the next full reset gets the seed ``seed + i``."""
        self._seed = seed

    def _observed(self, seen: Any, infos: dict[str, Any]) -> dict[str, Any]:
        observed = _tensors(seen) if self._nested else {"observation": _tensor(seen)}
        if self._masked:
            observed["action_mask"] = _tensor(infos["action_mask"]).bool()
        if self._drawn:
            observed["pixels"] = _tensor(np.stack(self.venv.render()))  # type: ignore[arg-type]
        return observed


def _tensor(array: Any) -> Any:
    """Return a tensor over the memory of an array, which nobody else writes into."""
    return torch.from_numpy(np.asarray(array))


def _tensors(tree: Any) -> Any:
    return {
        name: _tensors(part) if isinstance(part, dict) else _tensor(part)
        for name, part in tree.items()
    }


def _picture_shape(venv: gymnasium.vector.VectorEnv[Any, Any, Any]) -> tuple[int, ...]:
    if venv.render_mode != "rgb_array":
        raise ValueError(
            f"from_pixels needs pictures, but {venv!r} has render_mode={venv.render_mode!r}; make "
            "it with render_mode='rgb_array'"
        )
    # A copy, so that the first reset is still to come.
    twin = copy.deepcopy(venv)
    twin.reset(seed=0)
    pictures: Any = twin.render()
    return tuple(pictures[0].shape)


def _forbids_actions(venv: gymnasium.vector.VectorEnv[Any, Any, Any]) -> bool:
    env = getattr(venv, "env", None)
    discrete = isinstance(venv.single_action_space, gymnasium.spaces.Discrete)
    return discrete and isinstance(env, Env) and type(env).legal_actions is not Env.legal_actions


def make(
    name: str,
    *,
    num_envs: int,
    seed: int | None = 0,
    device: Any = "cpu",
    from_pixels: bool = False,
    **options: Any,
) -> TorchRLEnv:
    """Make a registered environment as TorchRL's environment.

    Args:
        name: one of ``envlift.list_envs()``.
        num_envs: how many environments step together, B.
        seed: of the first reset, unless ``set_seed`` was called before it.
        device, from_pixels: as for ``TorchRLEnv``.
        options: as for ``envlift.make``.

    Raises:
        ValueError, TypeError: as ``envlift.make_vec``.
    """
    env = make_env(name, autoreset="disabled", **options)
    venv = VectorEnv(
        env,
        num_envs=num_envs,
        autoreset_mode=AutoresetMode.DISABLED,
        seed=seed,
        render_mode="rgb_array" if from_pixels else None,
    )
    return TorchRLEnv(venv, device=device, from_pixels=from_pixels)
