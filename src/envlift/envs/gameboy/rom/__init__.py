"""Bricks, a game of our own: source, the ROM built from it, and how it is built."""

from pathlib import Path

#: The ROM that is committed; ``build.py`` makes the same bytes with Debian's sdcc 4.2.
BRICKS = Path(__file__).with_name("bricks.gb")
