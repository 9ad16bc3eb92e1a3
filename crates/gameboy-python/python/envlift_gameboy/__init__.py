"""The compiled part of envlift's Game Boy: one machine, or many side by side."""

from envlift_gameboy._native import Batch, GameBoy, disassemble, rom_info, single_step

__all__ = ["Batch", "GameBoy", "disassemble", "rom_info", "single_step"]
