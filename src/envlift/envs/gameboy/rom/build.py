"""Build bricks.gb with Debian's sdcc: ``python -m envlift.envs.gameboy.rom.build``."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from envlift.envs.gameboy.rom import BRICKS

_SOURCE = Path(__file__).parent
_LINK = ("sdldgb", "-n", "-i", "-b", "_CODE=0x0200", "-b", "_DATA=0xC200")
_TOOLS = ("sdasgb", "sdcc", "sdldgb", "makebin")


def missing_tools() -> list[str]:
    """Return the programs that are needed and not there."""
    return [tool for tool in _TOOLS if shutil.which(tool) is None]


def build() -> bytes:
    """Return the ROM, 32768 bytes, built from the sources beside this file.

    Raises:
        RuntimeError: if sdcc is not installed, or a tool fails; with what it said.
    """
    missing = missing_tools()
    if missing:
        raise RuntimeError(f"not found: {', '.join(missing)}; on Debian: apt-get install sdcc")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("start.s", "bricks.c"):
            shutil.copy(_SOURCE / name, folder)
        for command in (
            ["sdasgb", "-o", "start.rel", "start.s"],
            ["sdcc", "-msm83", "--std-c11", "-c", "-o", "bricks.rel", "bricks.c"],
            [*_LINK, "bricks.ihx", "start.rel", "bricks.rel"],
            # The logo of the maker is left out: it is not ours, and no emulator asks for it.
            ["makebin", "-Z", "-yN", "-yn", "BRICKS", "bricks.ihx", "bricks.gb"],
        ):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
        return (Path(folder) / "bricks.gb").read_bytes()


def record() -> None:
    """Write the hashes of the sources and of the ROM into ``SOURCE.toml``."""
    lines = ["# Written by build.py: the ROM that stands here was built from these sources.", ""]
    lines += ['tool = "sdcc 4.2.0 (Debian)"', "", "[sha256]"]
    for path in (_SOURCE / "bricks.c", _SOURCE / "start.s", BRICKS):
        lines.append(f'"{path.name}" = "{hashlib.sha256(path.read_bytes()).hexdigest()}"')
    (_SOURCE / "SOURCE.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        BRICKS.write_bytes(build())
        record()
    except RuntimeError as error:
        sys.exit(f"bricks.gb was not built: {error}")
    print(f"{BRICKS} was built.")
