"""The batch as TorchRL sees it is what single environments show, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from tests.libraries.toys import TOYS, Free, Toy, actions, leaves, singles, vector

pytestmark = pytest.mark.libraries

B, STEPS = 5, 60


@pytest.fixture
def adapter() -> Any:
    from envlift.adapters import torchrl

    return torchrl


def observation(tensordict: Any, name: str, lane: int) -> Any:
    if name == "named":
        return {key: tensordict[key][lane].numpy() for key in ("state", "time")}
    return tensordict["observation"][lane].numpy()


@pytest.mark.parametrize("name", TOYS)
def test_equals_single_environments(adapter: Any, name: str) -> None:
    import torch

    make = TOYS[name]
    env = adapter.TorchRLEnv(vector(make(), B, "disabled"))
    apart = singles(make, B)
    env.set_seed(7)
    now = env.reset()
    for lane, single in enumerate(apart):
        seen, _ = single.reset(seed=7 + lane)
        assert_equal(observation(now, name, lane), seen)
    ends = {"terminated": 0, "truncated": 0}
    for chosen in actions(make(), STEPS, B):
        after, now = env.step_and_maybe_reset(now.set("action", torch.from_numpy(chosen)))
        for lane, single in enumerate(apart):
            seen, reward, terminated, truncated, _ = single.step(chosen[lane])
            told = after["next"][lane]
            assert_equal(observation(after["next"], name, lane), seen)
            assert told["reward"].tolist() == [reward]
            assert told["terminated"].tolist() == [terminated]
            assert told["truncated"].tolist() == [truncated]
            assert told["done"].tolist() == [terminated or truncated]
            ends["terminated"] += terminated
            ends["truncated"] += truncated
            if terminated or truncated:
                seen, _ = single.reset()
            assert_equal(observation(now, name, lane), seen)
    assert min(ends.values()) > 0


def assert_equal(found: Any, expected: Any) -> None:
    for one, other in zip(leaves(found), leaves(expected), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@pytest.mark.parametrize("name", TOYS)
def test_specs_are_torchrls(adapter: Any, name: str) -> None:
    from torchrl.envs import check_env_specs

    env = adapter.TorchRLEnv(vector(TOYS[name](), B, "disabled"))
    check_env_specs(env, seed=0)
    assert env.batch_size == (B,)
    played = env.rollout(STEPS, break_when_any_done=False)
    assert played.shape == (B, STEPS)
    assert played["next", "done"].any()


def test_the_same_seed_plays_the_same(adapter: Any) -> None:
    import torch

    env = adapter.make("pong", num_envs=2, backend="jax", seed=4)

    def seen() -> Any:
        torch.manual_seed(0)
        return env.rollout(200, break_when_any_done=False)["next", "observation"]

    first = seen()
    assert not torch.equal(first, seen())
    env.set_seed(4)
    assert torch.equal(first, seen())


def test_masks_reach_torchrl(adapter: Any) -> None:
    from torchrl.envs import ActionMask, TransformedEnv

    env = adapter.TorchRLEnv(vector(Toy(autoreset="disabled"), B, "disabled"))
    played = TransformedEnv(env, ActionMask()).rollout(STEPS, break_when_any_done=False)
    mask = played["action_mask"]
    assert not mask.all()
    assert mask.gather(-1, played["action"][..., None]).all()
    free = adapter.TorchRLEnv(vector(Free(autoreset="disabled"), B, "disabled"))
    assert "action_mask" not in free.reset().keys()  # noqa: SIM118


def test_a_step_changes_nothing_that_was_shown(adapter: Any) -> None:
    env = adapter.TorchRLEnv(vector(Toy(autoreset="disabled"), B, "disabled"))
    first = env.rollout(3)
    before = first.clone()
    env.rollout(3)
    assert (first == before).all()


def test_pixels(adapter: Any) -> None:
    """Of the batch, and of TorchRL's own wrapper around one environment."""
    from torchrl.envs import GymWrapper, check_env_specs

    from envlift.adapters.gymnasium import make_single

    env = adapter.make("pong", num_envs=2, backend="jax", from_pixels=True)
    check_env_specs(env, seed=0)
    env.set_seed(3)
    shown = env.rollout(8)["pixels"]
    single = make_single("pong", render_mode="rgb_array", backend="jax")
    single.reset(seed=3)
    np.testing.assert_array_equal(shown[0, 0].numpy(), single.render())
    assert (shown[:, 0] != shown[:, -1]).any()
    wrapped = GymWrapper(single, from_pixels=True, pixels_only=False)
    assert wrapped.rollout(3)["pixels"].shape[1:] == shown.shape[2:]


class TestErrors:
    """They say what was wrong, which value, and what to do."""

    def test_pixels_without_a_renderer(self, adapter: Any) -> None:
        with pytest.raises(ValueError, match=r"render_mode=None; make it with render_mode='rgb"):
            adapter.TorchRLEnv(vector(Toy(autoreset="disabled"), 2, "disabled"), from_pixels=True)

    @pytest.mark.parametrize("mode", ["next_step", "same_step"])
    def test_another_autoreset(self, adapter: Any, mode: str) -> None:
        with pytest.raises(ValueError, match=r"autoreset_mode='disabled'"):
            adapter.TorchRLEnv(vector(Toy(autoreset="disabled"), B, mode))

    def test_a_step_after_the_end(self, adapter: Any) -> None:
        import torch

        env = adapter.TorchRLEnv(vector(Toy(autoreset="disabled", horizon=1), 2, "disabled"))
        stand = env.reset().set("action", torch.ones(2, dtype=torch.int64))
        env.step(stand)
        with pytest.raises(ResetNeeded, match=r"environments \[0, 1\] are over"):
            env.step(stand)

    def test_an_action_outside(self, adapter: Any) -> None:
        import torch

        env = adapter.TorchRLEnv(vector(Toy(autoreset="disabled"), 2, "disabled"))
        with pytest.raises(ValueError, match="action 9 of environment 1"):
            env.step(env.reset().set("action", torch.tensor([0, 9])))
