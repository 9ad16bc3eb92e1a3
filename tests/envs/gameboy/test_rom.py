"""Bricks: the committed ROM is what its source gives."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

from envlift.envs.gameboy.rom import BRICKS, build

FOLDER = Path(build.__file__).parent


def test_the_rom_belongs_to_its_source() -> None:
    recorded = tomllib.loads((FOLDER / "SOURCE.toml").read_text())["sha256"]
    for name in ("bricks.c", "start.s", "bricks.gb"):
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == recorded[name], (
            f"{name} changed: python -m envlift.envs.gameboy.rom.build"
        )


def test_building_it_again_gives_the_same_bytes() -> None:
    missing = build.missing_tools()
    if missing:
        # Without sdcc the hashes above are all that can be held against the ROM.
        assert "sdcc" in missing
    else:
        assert build.build() == BRICKS.read_bytes()
