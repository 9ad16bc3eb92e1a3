"""Run the test ROMs of the emulation community and read their verdicts.

``envlift gameboy roms DIR`` runs every .gb and .gbc file below DIR, prints a table.
Verdicts are given in the ROMs' own ways: text on the serial port and memory at 0xA000 (blargg),
registers that hold Fibonacci numbers at ``LD B,B`` (mooneye), or a picture ``NAME.png`` beside the
ROM (acid2).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envlift.envs.gameboy.native import native

PASS, FAIL, NONE = "pass", "FAIL", "no verdict"
_FIBONACCI = (3, 5, 8, 13, 21, 34)
_FAILED = (0x42,) * 6
_SIGNATURE = bytes([0xDE, 0xB0, 0x61])
_LD_B_B = 0x40
#: ``LD B,B`` stands at most this far before a place of the loop that follows it.
_LOOP = 4
#: A file name with one of these is for a Game Boy Color, whatever its header says.
_COLOR_NAMES = ("cgb", "-c.", "_c.")


def registers_verdict(machine: Any) -> str:
    """Return what B, C, D, E, H and L say by mooneye's convention.

    They count where the program has ended: in a loop behind ``LD B,B``.
    """
    registers = machine.registers()
    high, low = divmod(registers["HL"], 256)
    found = (*(registers[name] for name in "BCDE"), high, low)
    verdict = PASS if found == _FIBONACCI else FAIL if found == _FAILED else NONE
    behind = range(registers["PC"] - _LOOP, registers["PC"] + 1)
    ended = any(machine.read(at & 0xFFFF) == _LD_B_B for at in behind)
    return verdict if ended else NONE


def serial_verdict(machine: Any) -> str:
    """Return what was sent over the serial port: blargg's words, or mooneye's numbers."""
    sent = bytes(machine.serial_output())
    if b"Passed" in sent or bytes(_FIBONACCI) in sent:
        return PASS
    return FAIL if b"Failed" in sent or bytes(_FAILED) in sent else NONE


def memory_verdict(machine: Any) -> str:
    """Return the status that blargg's later ROMs keep at 0xA000."""
    ram = bytes(machine.cartridge_ram()[:4])
    if ram[1:] != _SIGNATURE or ram[0] == 0x80:
        return NONE
    return PASS if ram[0] == 0 else FAIL


def picture_verdict(machine: Any, picture: NDArray[np.uint8]) -> str:
    """Compare the screen with a picture, uint8 [144, 160, 3].

    Greys are compared by their order, colours by their five bits: every emulator has its own.
    """
    screen = np.zeros((144, 160, 3), np.uint8)
    machine.picture(screen)
    if picture.shape != screen.shape:
        return FAIL
    if machine.is_color:
        return PASS if np.array_equal(screen >> 3, picture >> 3) else FAIL
    ranks = [np.unique(image[..., 0], return_inverse=True)[1] for image in (screen, picture)]
    return PASS if np.array_equal(ranks[0], ranks[1]) else FAIL


def run(rom: Path, frames: int = 3600, picture: NDArray[np.uint8] | None = None) -> str:
    """Run a test ROM until it gives a verdict, or for ``frames`` frames.

    Raises:
        ValueError: if the ROM cannot be run.
    """
    is_color = any(part in rom.name.lower() for part in _COLOR_NAMES)
    machine = native().GameBoy(rom.read_bytes(), "cgb" if is_color else "auto")
    for _ in range(0, frames, 10):
        machine.run_frames(10, picture is not None)
        for verdict in (serial_verdict, memory_verdict, registers_verdict):
            found = verdict(machine)
            if found != NONE:
                return found
        if picture is not None and picture_verdict(machine, picture) == PASS:
            return PASS
    return NONE if picture is None else FAIL


def _picture_beside(rom: Path) -> NDArray[np.uint8] | None:
    path = rom.with_suffix(".png")
    if not path.is_file():
        return None
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise ImportError(f"reading {path} needs Pillow: pip install pillow") from None
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def run_folder(folder: Path, frames: int) -> int:
    """Run every ROM below ``folder`` and print a table.

    Returns 0 if no ROM failed, 1 if one did, 2 if there is none.

    Raises:
        NotADirectoryError: if ``folder`` is none.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder; name one with .gb or .gbc files")
    roms = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".gb", ".gbc"))
    if not roms:
        print(f"there is no .gb or .gbc file below {folder}", file=sys.stderr)
        return 2
    counts = {PASS: 0, FAIL: 0, NONE: 0}
    for rom in roms:
        try:
            verdict = run(rom, frames, _picture_beside(rom))
            note = ""
        except ValueError as error:
            verdict, note = FAIL, f"  ({error})"
        counts[verdict] += 1
        print(f"{verdict:10}  {rom.relative_to(folder)}{note}", flush=True)
    print(f"{len(roms)} ROMs: " + ", ".join(f"{counts[v]} {v}" for v in counts))
    return int(counts[FAIL] > 0)
