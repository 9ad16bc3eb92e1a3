"""PyBoy's interface on our machine."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from envlift.envs.gameboy.rom import BRICKS
from envlift.gameboy import PyBoy, WindowEvent


@pytest.fixture
def game() -> PyBoy:
    pyboy = PyBoy(BRICKS, window="null", sound_emulated=False)
    pyboy.tick(20, False)
    pyboy.button("start", 3)
    pyboy.tick(10)
    return pyboy


def test_a_button_is_released_by_itself(game: PyBoy) -> None:
    assert game.memory[0xC000] == 2
    assert game._machine.buttons == 0
    assert game.frame_count == 30


def test_events_move_the_paddle(game: PyBoy) -> None:
    start = game.memory[0xC004]
    game.send_input(WindowEvent.PRESS_ARROW_LEFT)
    game.tick(4)
    game.send_input(WindowEvent.RELEASE_ARROW_LEFT)
    game.tick(4)
    assert game.memory[0xC004] == start - 12
    with pytest.raises(NotImplementedError, match="window"):
        game.send_input(24)


def test_memory_is_read_and_written_in_slices(game: PyBoy) -> None:
    game.memory[0xC200:0xC204] = [1, 2, 3, 4]
    game.memory[0xC204:0xC206] = 9
    assert game.memory[0xC200:0xC206] == [1, 2, 3, 4, 9, 9]
    assert game.memory[0xC200:0xC206:2] == [1, 3, 9]
    assert game.memory[1, 0x4000:0x4003] == list(BRICKS.read_bytes()[0x4000:0x4003])
    for wrong in (slice(None, 4), slice(4, 2)):
        with pytest.raises(ValueError, match="slice"):
            game.memory[wrong]
    with pytest.raises(IndexError, match="0x10000"):
        game.memory[0x10000]


def test_the_screen_is_rgba_and_drawn_when_asked_for(game: PyBoy) -> None:
    game.tick(1, True)
    before = game.screen.ndarray.copy()
    assert before.shape == (144, 160, 4)
    assert set(np.unique(before[..., :3])) == {0, 255}
    game.button_press("left")
    game.tick(5, False)
    assert np.array_equal(game.screen.ndarray, before)
    game.tick(1, True)
    assert not np.array_equal(game.screen.ndarray, before)


def test_states_come_back(game: PyBoy) -> None:
    state = io.BytesIO()
    game.save_state(state)
    game.tick(100, False)
    later = game.memory[0xC005:0xC00C]
    state.seek(0)
    game.load_state(state)
    game.tick(100, False)
    assert game.memory[0xC005:0xC00C] == later
    with pytest.raises(ValueError, match="nor of PyBoy"):
        game.load_state(io.BytesIO(bytes(40_000)))


def test_hooks_are_called_before_their_instruction(game: PyBoy) -> None:
    seen: list[int] = []
    # The interrupt handler of VBlank: once a frame.
    game.hook_register(0, 0x0040, lambda context: context.append(game.register_file.PC), seen)
    game.tick(5)
    assert seen == [0x40] * 5
    game.hook_deregister(0, 0x0040)
    game.tick(5)
    assert len(seen) == 5


def test_registers_are_read_and_written(game: PyBoy) -> None:
    game.register_file.HL = 0x1234
    game.register_file.F = 0xFF
    assert game.register_file.HL == 0x1234
    assert game.register_file.F == 0xF0
    with pytest.raises(AttributeError, match="there are A, F"):
        _ = game.register_file.X


def test_tiles_and_sprites(game: PyBoy) -> None:
    assert game.tilemap_background[0, 3] == 1
    assert game.tilemap_background[0:4, 3] == [1, 2, 1, 2]
    paddle = game.get_sprite(1)
    assert (paddle.x, paddle.y) == (game.memory[0xC004], 136)
    assert paddle.on_screen
    assert game.get_sprite_by_tile_identifier([4]) == [[1, 2, 3]]
    assert game.get_tile(4).ndarray()[0, :, 0].tolist() == [0] * 8


def test_what_is_not_offered_is_said(game: PyBoy, tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="window"):
        PyBoy(BRICKS, window="SDL2")
    with pytest.raises(NotImplementedError, match="game wrappers"):
        _ = game.game_wrapper
    with pytest.raises(TypeError, match="speed_of_light"):
        PyBoy(BRICKS, speed_of_light=1)
    with pytest.raises(FileNotFoundError):
        PyBoy(tmp_path / "none.gb")
