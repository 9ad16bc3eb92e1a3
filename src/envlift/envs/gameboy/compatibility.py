"""What of PyBoy's interface ``envlift.gameboy.PyBoy`` offers, found by calling both.

``python compatibility.py MODULE ROM STATE`` makes each call of ``CALLS`` on ``MODULE.PyBoy``, from
the state in the file STATE, and prints what came out as JSON. It runs in PyBoy's own interpreter
too, so it imports nothing of envlift. If there is no file STATE, the state is made and written
there: by PyBoy, whose states both read. ``table`` puts the answers of both side by side;
``docs/gameboy.md`` holds the result.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: A call as a person writes it, and the call. Each begins from the same state.
CALLS: dict[str, Callable[[Any], Any]] = {
    "tick()": lambda p: p.tick(),
    "tick(5, render=False)": lambda p: (p.tick(5, False), p.memory[0xC000:0xE000]),
    "button('left')": lambda p: (p.button("left"), p.tick(4), p.memory[0xC004]),
    "button('left', delay=3)": lambda p: (p.button("left", 3), p.tick(9), p.memory[0xC004]),
    "button_press, button_release": lambda p: (
        p.button_press("right"), p.tick(3), p.button_release("right"), p.tick(), p.memory[0xC004],
    ),
    "send_input(1..16)": lambda p: (p.send_input(4), p.tick(3), p.send_input(12), p.memory[0xC004]),
    "memory[0xC000:0xC010]": lambda p: p.memory[0xC000:0xC010],
    "memory[0xC000:0xC010:2]": lambda p: p.memory[0xC000:0xC010:2],
    "memory[1, 0x4000:0x4010]": lambda p: p.memory[1, 0x4000:0x4010],
    "memory[0xC100] = 7": lambda p: (p.memory.__setitem__(0xC100, 7), p.memory[0xC100]),
    "memory[0xC100:0xC103] = [1, 2, 3]": lambda p: (
        p.memory.__setitem__(slice(0xC100, 0xC103), [1, 2, 3]), p.memory[0xC100:0xC103],
    ),
    "memory[0, 0x8010:0x8030] (banks of video RAM)": lambda p: p.memory[0, 0x8010:0x8030],
    "memory[0, 0xC000:0xC010] (banks of work RAM)": lambda p: p.memory[0, 0xC000:0xC010],
    "memory[0, 0x0100] = 1 (patching the ROM)": lambda p: p.memory.__setitem__((0, 0x0100), 1),
    "register_file.A, ..., PC": lambda p: [
        getattr(p.register_file, name) for name in ("A", "F", "B", "C", "D", "E", "HL", "SP", "PC")
    ],
    "register_file.HL = 0x1234": lambda p: (
        p.register_file.__setattr__("HL", 0x1234), p.register_file.HL,
    ),
    "screen.ndarray": lambda p: (p.tick(), p.screen.ndarray),
    "screen.image": lambda p: (p.tick(), p.screen.image),
    "screen.raw_buffer": lambda p: (p.tick(), bytes(p.screen.raw_buffer)),
    "screen.raw_buffer_dims, raw_buffer_format": lambda p: (
        p.screen.raw_buffer_dims, p.screen.raw_buffer_format,
    ),
    "screen.tilemap_position_list": lambda p: (p.tick(), p.screen.tilemap_position_list),
    "tilemap_background[0:20, 0:18]": lambda p: (p.tick(), p.tilemap_background[0:20, 0:18]),
    "tilemap_background.tile_identifier(2, 3)": lambda p: (
        p.tick(), p.tilemap_background.tile_identifier(2, 3),
    ),
    "tilemap_window[0, 0]": lambda p: (p.tick(), p.tilemap_window[0, 0]),
    "get_tile(1).ndarray()": lambda p: p.get_tile(1).ndarray(),
    "get_tile(1).image()": lambda p: p.get_tile(1).image(),
    "get_sprite(1)": lambda p: [
        getattr(p.get_sprite(1), name)
        for name in ("x", "y", "tile_identifier", "attr_x_flip", "attr_y_flip", "on_screen")
    ],
    "get_sprite_by_tile_identifier([4])": lambda p: p.get_sprite_by_tile_identifier([4]),
    "hook_register(0, 0x40, ...)": lambda p: _hooked(p),
    "hook_register(None, 'symbol', ...)": lambda p: p.hook_register(None, "Main", print, None),
    "save_state, load_state": lambda p: _saved(p),
    "set_emulation_speed(0)": lambda p: p.set_emulation_speed(0),
    "cartridge_title": lambda p: p.cartridge_title,
    "frame_count": lambda p: (p.frame_count >= 0,),
    "game_wrapper": lambda p: p.game_wrapper.__class__.__name__,
    "game_area()": lambda p: p.game_area(),
    "sound.ndarray": lambda p: p.sound.ndarray.shape,
    "gameshark": lambda p: p.gameshark.__class__.__name__,
    "symbol_lookup('Main')": lambda p: p.symbol_lookup("Main"),
    "stop(save=False)": lambda p: p.stop(save=False),
}  # fmt: skip


def _hooked(pyboy: Any) -> list[int]:
    seen: list[int] = []
    pyboy.hook_register(0, 0x40, lambda context: context.append(pyboy.register_file.PC), seen)
    pyboy.tick(3)
    pyboy.hook_deregister(0, 0x40)
    pyboy.tick(3)
    return seen


def _saved(pyboy: Any) -> Any:
    state = io.BytesIO()
    pyboy.save_state(state)
    pyboy.tick(30)
    first = pyboy.memory[0xC000:0xC010]
    state.seek(0)
    pyboy.load_state(state)
    pyboy.tick(30)
    return first, pyboy.memory[0xC000:0xC010]


def plain(value: Any) -> Any:
    """Return ``value`` as JSON can hold it: numbers and text as they are, the rest as a hash."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return round(value, 6)
    if hasattr(value, "tobytes"):
        size = list(getattr(value, "shape", None) or value.size)
        return [size, hashlib.sha256(value.tobytes()).hexdigest()]
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    return str(value)


def answers(module: str, rom: str, state: Path) -> dict[str, Any]:
    """Make each call on ``module.PyBoy``; an exception is an answer too."""
    maker = importlib.import_module(module).PyBoy
    found: dict[str, Any] = {}
    for text, call in CALLS.items():
        pyboy = maker(rom, window="null", log_level="CRITICAL")
        if not state.exists():
            pyboy.tick(200, False)
            pyboy.button("start")
            pyboy.tick(60, False)
            with state.open("wb") as file:
                pyboy.save_state(file)
        with state.open("rb") as file:
            pyboy.load_state(file)
        try:
            found[text] = {"gives": plain(call(pyboy))}
        except Exception as error:
            found[text] = {"raises": type(error).__name__, "says": str(error)}
        pyboy.stop(save=False)
    return found


def table(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
    """Return a table in Markdown: each call, and what it does here beside PyBoy."""
    lines = ["| call | beside PyBoy 2.8.1 |", "|---|---|"]
    for text, own in ours.items():
        other = theirs[text]
        if own == other:
            verdict = "the same"
        elif "raises" in own and "raises" in other:
            verdict = f"both raise ({own['raises']}, {other['raises']})"
        elif "raises" in own:
            verdict = f"{own['raises']}: {own['says']}"
        elif "raises" in other:
            verdict = f"offered; PyBoy itself raised {other['raises']}: {other['says']}"
        else:
            verdict = "differs"
        lines.append(f"| `{text}` | {verdict} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(json.dumps(answers(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
