"""``envlift gameboy``: what the command line offers for the Game Boy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_command(commands: Any) -> None:
    """Add ``gameboy`` to the commands of ``envlift``."""
    gameboy = commands.add_parser("gameboy", help="the Game Boy: run test ROMs")
    actions = gameboy.add_subparsers(dest="action", required=True, metavar="ACTION")
    roms = actions.add_parser(
        "roms",
        help="run a folder of test ROMs and print their verdicts",
        description=(
            "Runs every .gb and .gbc file below DIR and reads its verdict in the ROM's own "
            "way: text on the serial port, registers at LD B,B, memory at 0xA000, or a picture "
            "NAME.png beside it. Exits with 1 if one failed, with 2 if there is none."
        ),
    )
    roms.add_argument("folder", type=Path, metavar="DIR")
    roms.add_argument("--frames", type=int, default=3600, help="of each ROM at most (3600)")
    roms.set_defaults(run=_roms)


def _roms(options: argparse.Namespace) -> int:
    from envlift.envs.gameboy.roms import run_folder

    return run_folder(options.folder, options.frames)
