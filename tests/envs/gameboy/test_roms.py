"""Verdicts of test ROMs, by small ROMs that give each of them."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def test_a_folder_gives_a_table_and_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert roms.main([str(tmp_path)]) == 2
    (tmp_path / "good.gb").write_bytes(rom(registers((3, 5, 8, 13, 21, 34))))
    assert roms.main([str(tmp_path), "--frames", "30"]) == 0
    (tmp_path / "cut.gb").write_bytes(b"short")
    assert roms.main([str(tmp_path), "--frames", "30"]) == 1
    shown = capsys.readouterr().out
    assert "FAIL        cut.gb" in shown
    assert "2 ROMs: 1 pass, 1 FAIL, 0 no verdict" in shown
