"""The programs that speed is measured on: Bricks, and two that spend their time differently."""

from __future__ import annotations

from envlift.envs.gameboy.buttons import BUTTONS
from envlift.envs.gameboy.machine_code import rom as assembled
from envlift.envs.gameboy.rom import BRICKS

#: Button masks that a step may hold. START begins a game of Bricks, and another after its end.
PRESSED = (0, BUTTONS["left"], BUTTONS["right"], BUTTONS["start"])
#: Counts in work RAM as fast as it can; the loop changes memory, so that nobody can skip it.
_BUSY = bytes(
    [
        *(0x21, 0x00, 0xC1),  # LD HL,$C100
        *(0x34,),  # loop: INC (HL)
        *(0x7E, 0x80, 0x47),  # LD A,(HL); ADD A,B; LD B,A
        *(0x2C,),  # INC L
        *(0x20, 0xF9),  # JR NZ,loop
        *(0x18, 0xF7),  # JR loop
    ]
)
#: Waits for VBlank in HALT and counts frames.
_HALT = bytes(
    [
        *(0x3E, 0x01, 0xE0, 0xFF, 0xFB),  # LD A,1; LDH (IE),A; EI
        *(0x21, 0x00, 0xC1),  # LD HL,$C100
        *(0x76, 0x00),  # loop: HALT; NOP
        *(0x34,),  # INC (HL)
        *(0x18, 0xFB),  # JR loop
    ]
)


def rom(name: str) -> bytes:
    """Return the ROM of a case: ``bricks``, ``busy`` or ``halt``."""
    if name == "bricks":
        return BRICKS.read_bytes()
    return assembled({"busy": _BUSY, "halt": _HALT}[name])


def start() -> tuple[tuple[int, int], ...]:
    """Return what is pressed, and for how many frames, before anything is timed."""
    return ((0, 20), (BUTTONS["start"], 4), (0, 4))
