"""PyBoy's interface, as far as training code uses it, on envlift's machine.

Names and behaviour are those of PyBoy 2.8.1 (its documentation of ``pyboy.PyBoy``); what is missing
raises ``NotImplementedError`` with a sentence.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from envlift.envs.gameboy.buttons import BUTTONS
from envlift.envs.gameboy.memory_view import MemoryView
from envlift.envs.gameboy.native import native
from envlift.envs.gameboy.tiles import Sprite, Tile, TileMap


class WindowEvent(enum.IntEnum):
    """The events of PyBoy that training code sends, with PyBoy's numbers."""

    QUIT = 0
    PRESS_ARROW_UP = 1
    PRESS_ARROW_DOWN = 2
    PRESS_ARROW_RIGHT = 3
    PRESS_ARROW_LEFT = 4
    PRESS_BUTTON_A = 5
    PRESS_BUTTON_B = 6
    PRESS_BUTTON_SELECT = 7
    PRESS_BUTTON_START = 8
    RELEASE_ARROW_UP = 9
    RELEASE_ARROW_DOWN = 10
    RELEASE_ARROW_RIGHT = 11
    RELEASE_ARROW_LEFT = 12
    RELEASE_BUTTON_A = 13
    RELEASE_BUTTON_B = 14
    RELEASE_BUTTON_SELECT = 15
    RELEASE_BUTTON_START = 16
    PASS = 22


#: Buttons in the order of the events that press, then release them.
_EVENT_BUTTONS = ("up", "down", "right", "left", "a", "b", "select", "start")


class Screen:
    """``pyboy.screen``: the picture as an array or an image."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        #: uint8 [144, 160, 4], RGBA; written anew after each tick that renders.
        self.ndarray: NDArray[np.uint8] = np.full((144, 160, 4), 0xFF, np.uint8)
        self.raw_buffer_dims = (144, 160)
        self.raw_buffer_format = "RGBA"

    @property
    def raw_buffer(self) -> memoryview:
        """The bytes of ``ndarray``."""
        return self.ndarray.data

    @property
    def image(self) -> Any:
        """A ``PIL.Image``, 160 x 144, RGBA.

        Raises:
            ImportError: if Pillow is not installed.
        """
        try:
            from PIL import Image
        except ModuleNotFoundError:
            raise ImportError("screen.image needs Pillow: pip install pillow") from None
        return Image.fromarray(self.ndarray)

    @property
    def tilemap_position_list(self) -> Any:
        """Refuse: it is not kept where each line was scrolled to.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("where each line was scrolled to: not offered here")

    def _update(self) -> None:
        self._machine.picture(self.ndarray)


class RegisterFile:
    """``pyboy.register_file``: A, F, B, C, D, E of eight bits, HL, SP, PC of sixteen."""

    _WIDE = ("HL", "SP", "PC")
    _NAMES = ("A", "F", "B", "C", "D", "E", *_WIDE)

    def __init__(self, machine: Any) -> None:
        object.__setattr__(self, "_held", [machine])

    def _of(self) -> Any:
        machine: Any = self.__dict__["_held"][0]
        return machine

    def __getattr__(self, name: str) -> int:
        if name not in self._NAMES:
            raise AttributeError(f"no register {name}; there are {', '.join(self._NAMES)}")
        registers = self._of().registers()
        # PyBoy leaves PC at the HALT until the machine goes on.
        is_early = name == "PC" and registers["halted"]
        return int(registers[name]) - int(is_early)

    def __setattr__(self, name: str, value: int) -> None:
        if name not in self._NAMES:
            raise AttributeError(f"no register {name}; there are {', '.join(self._NAMES)}")
        self._of().set_register(name, value & (0xFFFF if name in self._WIDE else 0xFF))


class PyBoy:
    """A Game Boy with PyBoy's interface.

    Differences: there is no window, no sound and no emulation speed; without ``bootrom`` the
    machine starts where a boot ROM ends; states are written in envlift's form, and read in PyBoy's
    as well.

    Args:
        gamerom: path of a ROM.
        window: only ``"null"``.
        bootrom: path of a boot ROM, or None.
        cgb: True or False for a Game Boy Color or the original; None for what the ROM asks for.
        options: of PyBoy's that change nothing here (sound, speed, log level, debugging) are taken
            and left alone.

    Raises:
        ImportError: if the compiled package is not installed.
        FileNotFoundError: if there is no ROM.
        ValueError: for a ROM that cannot be run.
    """

    _IGNORED = frozenset(
        {
            "sound", "sound_emulated", "sound_volume", "sound_sample_rate", "log_level", "debug",
            "no_input", "scale", "symbols", "title_status", "color_palette", "cgb_color_palette",
            "ram_file", "rtc_file", "autopause",
        }
    )  # fmt: skip

    def __init__(
        self,
        gamerom: str | Path,
        *,
        window: str = "null",
        bootrom: str | Path | None = None,
        cgb: bool | None = None,
        **options: Any,
    ) -> None:
        if window != "null":
            raise NotImplementedError(f"window={window!r}: there is no window here, use 'null'")
        unknown = options.keys() - self._IGNORED
        if unknown:
            raise TypeError(f"PyBoy here has no option {', '.join(sorted(unknown))}")
        self.gamerom = str(gamerom)
        rom = Path(gamerom).read_bytes()
        boot = None if bootrom is None else Path(bootrom).read_bytes()
        model = {None: "auto", True: "cgb", False: "dmg"}[cgb]
        self._machine = native().GameBoy(rom, model, boot)
        self.cartridge_title: str = native().rom_info(rom)["title"]
        self.frame_count = 0
        self.paused = False
        self.screen = Screen(self._machine)
        self.register_file = RegisterFile(self._machine)
        self.memory = MemoryView(self._machine, len(rom) // 0x4000)
        self.tilemap_background = TileMap(self, 0x08)
        self.tilemap_window = TileMap(self, 0x40)
        self._later: list[tuple[int, int, bool]] = []
        self._hooks: dict[tuple[int, int], tuple[Callable[[Any], None], Any]] = {}
        self._stopped = False

    # --- running ----------------------------------------------------------------------------

    def tick(self, count: int = 1, render: bool = True, sound: bool = True) -> bool:
        """Run ``count`` frames; the last one is drawn if ``render``. Answers whether it goes on."""
        if self._stopped:
            return False
        if not self._later and not self._hooks:
            self._machine.run_frames(count, render)
            self.frame_count += count
        else:
            for left in range(count - 1, -1, -1):
                self._apply_later()
                self._run_frame(render and left == 0)
                self.frame_count += 1
        if render and count > 0:
            self.screen._update()
        return not self._stopped

    def _apply_later(self) -> None:
        due = [event for event in self._later if event[0] <= self.frame_count]
        self._later = [event for event in self._later if event[0] > self.frame_count]
        for _, bit, is_pressed in due:
            self._set(bit, is_pressed)

    def _run_frame(self, render: bool) -> None:
        places = list(self._hooks)
        goes_on = False
        while True:
            found = self._machine.run_frame_until(render, places, goes_on)
            if found is None:
                return
            callback, context = self._hooks[places[found]]
            callback(context)
            places = list(self._hooks)
            goes_on = True

    def stop(self, save: bool = True, ram_file: IO[bytes] | None = None, **_: Any) -> None:
        """End; with ``ram_file`` the cartridge's RAM is written there first."""
        if ram_file is not None:
            ram_file.write(self._machine.cartridge_ram())
        self._stopped = True

    def __enter__(self) -> PyBoy:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(save=False)

    def set_emulation_speed(self, target_speed: float) -> None:
        """Do nothing: it always runs as fast as it can."""

    # --- buttons ----------------------------------------------------------------------------

    def _set(self, bit: int, is_pressed: bool) -> None:
        held = self._machine.buttons
        self._machine.buttons = held | bit if is_pressed else held & ~bit

    @staticmethod
    def _bit(button: str) -> int:
        try:
            return BUTTONS[button.lower()]
        except KeyError:
            raise ValueError(
                f"no button is named {button!r}; known: {', '.join(BUTTONS)}"
            ) from None

    def button(self, input: str, delay: int = 1) -> None:
        """Press a button now and release it after ``delay`` frames."""
        bit = self._bit(input)
        self._set(bit, True)
        self._later.append((self.frame_count + delay, bit, False))

    def button_press(self, input: str) -> None:
        """Press a button."""
        self._set(self._bit(input), True)

    def button_release(self, input: str) -> None:
        """Release a button."""
        self._set(self._bit(input), False)

    def send_input(self, event: int, delay: int = 0) -> None:
        """Press or release a button, as ``WindowEvent`` says, after ``delay`` frames.

        Raises:
            NotImplementedError: for an event that is about a window.
        """
        number = int(event)
        if number == WindowEvent.PASS:
            return
        if number == WindowEvent.QUIT:
            self.stop(save=False)
            return
        if not 1 <= number <= 16:
            raise NotImplementedError(
                f"event {number}: only buttons, PASS and QUIT are there, the rest is about a window"
            )
        bit = BUTTONS[_EVENT_BUTTONS[(number - 1) % 8]]
        is_pressed = number <= 8
        if delay:
            self._later.append((self.frame_count + delay, bit, is_pressed))
        else:
            self._set(bit, is_pressed)

    # --- states -----------------------------------------------------------------------------

    def save_state(self, file_like_object: IO[bytes]) -> None:
        """Write the state into an open binary file."""
        file_like_object.write(self._machine.save_state())

    def load_state(self, file_like_object: IO[bytes]) -> None:
        """Take over a state that ``save_state`` wrote, here or in a release of PyBoy 2.

        States of PyBoy's do not say which ROM they belong to: that is for the caller to know.

        Raises:
            ValueError: if it is damaged, of another version, of another ROM or of another model.
        """
        state = file_like_object.read()
        self._machine.load_state(state)
        self._machine.picture(self.screen.ndarray)

    # --- hooks ------------------------------------------------------------------------------

    def hook_register(
        self, bank: int, addr: int, callback: Callable[[Any], None], context: Any
    ) -> None:
        """Call ``callback(context)`` before the instruction at a place is executed.

        Raises:
            ValueError: if there is a hook at that place.
            NotImplementedError: for symbols, and for the boot ROM (bank -1).
        """
        if not isinstance(bank, int) or bank < 0:
            raise NotImplementedError(
                f"hook in bank {bank!r}: give the number of a ROM bank and an address"
            )
        if (bank, addr) in self._hooks:
            raise ValueError(f"a hook at {bank:02X}:{addr:04X} is there already; deregister it")
        self._hooks[bank, addr] = (callback, context)

    def hook_deregister(self, bank: int, addr: int) -> None:
        """Remove a hook.

        Raises:
            ValueError: if there is none.
        """
        if self._hooks.pop((bank, addr), None) is None:
            raise ValueError(f"there is no hook at {bank:02X}:{addr:04X}")

    # --- what is on the screen --------------------------------------------------------------

    def get_sprite(self, sprite_index: int) -> Sprite:
        """Return sprite 0 to 39."""
        return Sprite(self, sprite_index)

    def get_sprite_by_tile_identifier(
        self, tile_identifiers: list[Any], on_screen: bool = True
    ) -> list[list[int]]:
        """Return for each tile (or list of tiles) the numbers of the sprites that show it."""
        found: list[list[int]] = []
        for wanted in tile_identifiers:
            tiles = wanted if isinstance(wanted, list) else [wanted]
            sprites = [self.get_sprite(number) for number in range(40)]
            found.append(
                [
                    number
                    for number, sprite in enumerate(sprites)
                    if sprite.tile_identifier in tiles and (sprite.on_screen or not on_screen)
                ]
            )
        return found

    def get_tile(self, identifier: int) -> Tile:
        """Return tile 0 to 383."""
        return Tile(self, identifier)

    def __getattr__(self, name: str) -> Any:
        missing = {
            "game_wrapper": "game wrappers",
            "game_area": "the game area",
            "sound": "sound",
            "gameshark": "cheats",
            "symbol_lookup": "symbol files",
            "set_color_palette": "other colours",
        }
        if name in missing:
            raise NotImplementedError(f"{missing[name]}: not offered here (PyBoy.{name})")
        raise AttributeError(f"PyBoy has no attribute {name!r}")
