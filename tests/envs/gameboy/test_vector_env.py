"""The vector environment: Gymnasium's rules, seeds, ends, states, and what is refused."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import envlift
from envlift.envs.gameboy import game as games
from envlift.envs.gameboy.rom import BRICKS
from envlift.envs.gameboy.vector_env import GameBoyVectorEnv

LEFT, RIGHT = 1, 2


def make(**options: object) -> GameBoyVectorEnv:
    env = envlift.make_vec("gameboy", **{"num_envs": 2, "observation": "memory", **options})
    assert isinstance(env, GameBoyVectorEnv)
    return env


def play(env: GameBoyVectorEnv, steps: int, seed: int = 0) -> list[np.ndarray]:
    """Random play; every observation and reward."""
    rng = np.random.default_rng(seed)
    shown = [env.reset(seed=7)[0]]
    for _ in range(steps):
        observation, reward, *_ = env.step(rng.integers(0, 3, env.num_envs))
        shown += [observation, reward]
    return shown


def test_it_is_listed_and_cannot_be_made_as_rules() -> None:
    assert "gameboy" in envlift.list_vector_envs()
    assert "gameboy" not in envlift.list_envs()
    with pytest.raises(ValueError, match="make_vec"):
        envlift.make("gameboy")


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"observation": "screen"}, (144, 160, 1)),
        ({"observation": "screen", "color": True, "downscale": 2}, (72, 80, 3)),
        ({"observation": "ram"}, (8192,)),
        ({"observation": "memory"}, (9,)),
    ],
)
def test_observations_fit_their_space(options: dict[str, object], shape: tuple[int, ...]) -> None:
    env = make(**options)
    observation, _ = env.reset(seed=0)
    assert env.single_observation_space.shape == shape
    assert env.observation_space.contains(observation)
    observation, reward, terminated, truncated, _ = env.step(np.array([LEFT, RIGHT]))
    assert env.observation_space.contains(observation)
    assert reward.dtype == np.float64
    assert terminated.dtype == truncated.dtype == np.bool_


def test_a_downscaled_picture_is_the_mean_of_the_whole_one() -> None:
    whole, _ = make(observation="screen").reset(seed=3)
    small, _ = make(observation="screen", downscale=4).reset(seed=3)
    means = whole[..., 0].reshape(2, 36, 4, 40, 4).mean((2, 4))
    assert len(np.unique(whole)) > 1
    assert np.abs(small[..., 0] - means).max() <= 0.5


def test_the_paddle_moves_with_its_buttons() -> None:
    env = make()
    env.reset(seed=0)
    start = env.values()["paddle_x"].copy()
    env.step(np.array([LEFT, RIGHT]))
    assert (env.values()["paddle_x"] - start).tolist() == [-12, 12]


def test_buttons_are_held_for_part_of_a_step() -> None:
    env = make(hold=1)
    env.reset(seed=0)
    start = env.values()["paddle_x"].copy()
    env.step(np.array([LEFT, RIGHT]))
    assert (env.values()["paddle_x"] - start).tolist() == [-3, 3]


def test_seeds_repeat_episodes_and_lanes_differ() -> None:
    first, second = play(make(), 60), play(make(), 60)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0][0], first[0][1])


def test_a_lane_is_the_same_in_any_batch_and_with_any_threads() -> None:
    alone, many = make(num_envs=1, threads=1), make(num_envs=5, threads=2)
    shown, _ = alone.reset(seed=11)
    crowd, _ = many.reset(seed=[9, 8, 11, 7, 6])
    for step in range(80):
        assert np.array_equal(shown[0], crowd[2]), step
        action = step // 5 % 3
        shown = alone.step(np.array([action]))[0]
        crowd = many.step(np.array([1, 2, action, 0, 1]))[0]


def test_the_reward_is_the_score_and_losing_three_balls_ends() -> None:
    env = make(num_envs=4, autoreset_mode="disabled")
    env.reset(seed=1)
    total, steps = np.zeros(4), 0
    ended = np.zeros(4, np.bool_)
    while not ended.all():
        score = env.values()["score"].astype(float)
        # First to the ball, then away from it: an idle paddle may return a ball for ever.
        is_right = env.values()["ball_x"] > env.values()["paddle_x"] + 10
        _, reward, terminated, _, _ = env.step(np.where(is_right == (steps < 150), RIGHT, LEFT))
        live = ~ended
        assert np.array_equal(reward[live], (env.values()["score"] - score)[live])
        total += reward
        ended |= terminated
        steps += 1
        assert steps < 2000
    assert total.min() >= 0
    assert total.max() > 0


def test_next_step_resets_in_the_step_after_the_end() -> None:
    env = make(max_steps=5)
    env.reset(seed=0)
    for _ in range(4):
        assert not env.step(np.zeros(2, np.int64))[3].any()
    assert env.step(np.array([LEFT, LEFT]))[3].all()
    observation, reward, terminated, truncated, _ = env.step(np.array([LEFT, LEFT]))
    assert not (terminated | truncated).any()
    assert not reward.any()
    assert (observation[:, 3] == 68).all()


def test_same_step_gives_the_last_observation_beside_the_first() -> None:
    env = make(max_steps=3, autoreset_mode=AutoresetMode.SAME_STEP)
    env.reset(seed=0)
    for _ in range(2):
        env.step(np.array([LEFT, LEFT]))
    observation, _, _, truncated, info = env.step(np.array([LEFT, LEFT]))
    assert truncated.all()
    assert (observation[:, 3] == 68).all()
    assert [final[3] for final in info["final_obs"]] == [68 - 36, 68 - 36]


def test_disabled_resets_what_the_mask_names() -> None:
    env = make(autoreset_mode="disabled")
    env.reset(seed=0)
    env.step(np.array([LEFT, LEFT]))
    observation, _ = env.reset(options={"reset_mask": np.array([True, False])})
    assert observation[:, 3].tolist() == [68, 56]


def test_a_saved_run_goes_on_as_if_it_had_not_stopped() -> None:
    env, other = make(max_steps=30), make(max_steps=30)
    play(env, 20)
    saved = env.save()
    other.restore(saved)
    for step in range(60):
        actions = np.array([step % 3, step // 2 % 3])
        for mine, yours in zip(env.step(actions), other.step(actions), strict=True):
            if not isinstance(mine, dict):
                assert np.array_equal(mine, yours), step


def test_states_that_are_not_ours_are_refused_and_change_nothing() -> None:
    env = make()
    env.reset(seed=0)
    state = env.save_state(0)
    for wrong, message in [
        (b"", "no saved state"),
        (b"x" * 100, "no saved state"),
        (state[:-1], "cut off"),
        (state[:8] + b"\xff\0\0\0" + state[12:], "version 255"),
        (state[:5000] + bytes([state[5000] ^ 1]) + state[5001:], "checksum"),
    ]:
        with pytest.raises(ValueError, match=message):
            env.load_state(0, wrong)
        assert env.save_state(0) == state


def test_a_state_of_another_rom_is_refused() -> None:
    env = make()
    env.reset(seed=0)
    rom = bytearray(BRICKS.read_bytes())
    rom[0x7FFF] ^= 1
    other = make(rom=bytes(rom), game="bricks")
    other.reset(seed=0)
    with pytest.raises(ValueError, match="another ROM"):
        other.load_state(0, env.save_state(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"observation": "smell"}, "screen, memory, ram"),
        ({"action": "gesture"}, "discrete, buttons"),
        ({"frame_skip": 0}, "1 or more"),
        ({"downscale": 0}, "downscale is 0"),
        ({"autoreset_mode": "never"}, "next_step, same_step"),
        ({"rom": b"short"}, "32768 bytes"),
        ({"rom": bytes(0x147) + b"\xfe" + bytes(0x8000)}, "0xFE"),
        ({"rom": bytes(0x8000)}, "needs a game file"),
        ({"model": "snes"}, "auto"),
    ],
)
def test_what_cannot_be_made_is_said(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_wrong_actions_are_refused() -> None:
    env = make()
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(2, np.int64))
    env.reset(seed=0)
    for actions in (np.array([0, 3]), np.array([0, -1]), np.zeros(3, np.int64), np.zeros(2)):
        with pytest.raises(ValueError, match="actions"):
            env.step(actions)


def test_a_game_file_for_another_rom_is_refused() -> None:
    with pytest.raises(games.GameFileError, match="SHA-1 ea9bcae6"):
        make(rom=BRICKS, game="pokemon_red")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("titel = 'x'", "titel is unknown"),
        ("[memory]\nx = { address = 70000 }", "memory.x: address is 0x11170"),
        ("[memory]\nx = { address = 1, type = 'u9' }", "type is 'u9'"),
        ("[[reward]]\nmemory = 'score'", "names 'score'; known: none"),
        ("[memory]\nx = { address = 1 }\n[[end]]\nmemory = 'x'", "name one of equals"),
        ("actions = [['jump']]", "no button is named 'jump'"),
        ("[start]\nnoop_frames = -1", "choose 0 or more"),
        ("[memory", "Expected"),
    ],
)
def test_wrong_game_files_say_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "game.toml"
    path.write_text(text)
    with pytest.raises(games.GameFileError, match=message):
        games.load(path)


def test_variables_of_all_types() -> None:
    raw = np.array([[0x12, 0x34, 0x56]], np.uint8)
    expected = {
        "u8": 0x12, "u16le": 0x3412, "u16be": 0x1234, "u24be": 0x123456, "bcd": 12, "bcd2": 1234,
        "bcd3": 123456,
    }  # fmt: skip
    for kind, value in expected.items():
        variable = games.Variable("x", 0, kind, 0xFF, "")
        assert variable.read(raw[:, : games.TYPES[kind]]).tolist() == [value], kind
    assert games.Variable("x", 0, "i8", 0xFF, "").read(np.array([[0xFE]], np.uint8)) == [-2]
    assert games.Variable("x", 0, "u8", 0x0F, "").read(np.array([[0xFE]], np.uint8)) == [14]
