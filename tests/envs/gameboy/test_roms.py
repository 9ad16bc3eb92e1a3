"""Verdicts of test ROMs, by small ROMs that give each of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from envlift.cli import main
from envlift.envs.gameboy import roms

#: LD B,n; LD C,n; LD D,n; LD E,n; LD H,n; LD L,n.
LOADS = (0x06, 0x0E, 0x16, 0x1E, 0x26, 0x2E)
STAY = (0x18, 0xFE)


def rom(code: list[int], kind: int = 0, ram: int = 0) -> bytes:
    data = bytearray(0x8000)
    data[0x100:0x104] = bytes([0, 0xC3, 0x50, 0x01])
    data[0x150 : 0x150 + len(code)] = bytes(code)
    data[0x147], data[0x149] = kind, ram
    return bytes(data)


def registers(values: tuple[int, ...]) -> list[int]:
    loads = [byte for pair in zip(LOADS, values, strict=True) for byte in pair]
    return [*loads, 0x40, *STAY]


def serial(text: bytes) -> list[int]:
    code: list[int] = []
    for letter in text:
        code += [0x3E, letter, 0xE0, 0x01, 0x3E, 0x81, 0xE0, 0x02]
    return [*code, *STAY]


def status(value: int) -> list[int]:
    code = [0x3E, 0x0A, 0xEA, 0x00, 0x00]
    for place, byte in enumerate([value, 0xDE, 0xB0, 0x61]):
        code += [0x3E, byte, 0xEA, place, 0xA0]
    return [*code, *STAY]


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (rom(registers((3, 5, 8, 13, 21, 34))), roms.PASS),
        (rom(registers((0x42,) * 6)), roms.FAIL),
        (rom(registers((3, 5, 8, 13, 21, 35))), roms.NONE),
        (rom(serial(b"all Passed")), roms.PASS),
        (rom(serial(b"Failed 3")), roms.FAIL),
        (rom(status(0), kind=3, ram=2), roms.PASS),
        (rom(status(4), kind=3, ram=2), roms.FAIL),
        (rom(status(0x80), kind=3, ram=2), roms.NONE),
    ],
)
def test_verdicts(tmp_path: Path, data: bytes, verdict: str) -> None:
    path = tmp_path / "test.gb"
    path.write_bytes(data)
    assert roms.run(path, frames=30) == verdict


def test_registers_count_only_where_the_program_has_ended(tmp_path: Path) -> None:
    code = registers((3, 5, 8, 13, 21, 34))
    code.remove(0x40)
    path = tmp_path / "still-running.gb"
    path.write_bytes(rom([*code[:-2], *STAY]))
    assert roms.run(path, frames=30) == roms.NONE


def _drawn(model: str) -> tuple[bytes, np.ndarray]:
    """A ROM that shows stripes, in shades or colours, and its picture."""
    code = [0xF0, 0x44, 0xFE, 0x91, 0x20, 0xFA, 0xAF, 0xE0, 0x40]  # LCD off in VBlank
    if model == "cgb":
        code += [0x3E, 0x80, 0xE0, 0x68]  # BCPS
        for byte in (0x1F, 0x00, 0xE0, 0x03):  # red, green
            code += [0x3E, byte, 0xE0, 0x69]
    code += [0x3E, 0xF0, 0xEA, 0x00, 0x80, 0x3E, 0xE4, 0xE0, 0x47]  # a row of tile 0, BGP
    code += [0x3E, 0x91, 0xE0, 0x40, *STAY]
    data = bytearray(rom(code))
    data[0x143] = 0x80 if model == "cgb" else 0
    picture = np.full((144, 160, 3), (0xFF, 0xFF, 0xFF), np.uint8)
    set_color, other = (
        ((0, 0xFF, 0), (0xFF, 0, 0)) if model == "cgb" else ((0xAA,) * 3, (0xFF,) * 3)
    )
    picture[:] = other
    for row in range(0, 144, 8):
        for column in range(0, 160, 8):
            picture[row, column : column + 4] = set_color
    return bytes(data), picture


@pytest.mark.parametrize("model", ["dmg", "cgb"])
def test_a_picture_beside_the_rom_is_what_the_screen_must_show(tmp_path: Path, model: str) -> None:
    data, picture = _drawn(model)
    path = tmp_path / "stripes.gb"
    path.write_bytes(data)
    Image.fromarray(picture).save(tmp_path / "stripes.png")
    assert roms.run_folder(tmp_path, 30) == 0
    picture[9, 9] = (0, 0, 0xFF)
    Image.fromarray(picture).save(tmp_path / "stripes.png")
    assert roms.run_folder(tmp_path, 30) == 1


def test_a_folder_gives_a_table_and_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gameboy", "roms", str(tmp_path)]) == 2
    (tmp_path / "good.gb").write_bytes(rom(registers((3, 5, 8, 13, 21, 34))))
    assert main(["gameboy", "roms", str(tmp_path), "--frames", "30"]) == 0
    (tmp_path / "cut.gb").write_bytes(b"short")
    assert main(["gameboy", "roms", str(tmp_path), "--frames", "30"]) == 1
    shown = capsys.readouterr().out
    assert "FAIL        cut.gb" in shown
    assert "2 ROMs: 1 pass, 1 FAIL, 0 no verdict" in shown
