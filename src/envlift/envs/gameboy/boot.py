"""A boot ROM of our own, 256 bytes: what two emulators both run before a comparison begins.

It sets the stack, a palette and the LCD as a real one leaves them, and hands over at 0x0100. Real
boot ROMs are not ours to give away, and PyBoy's waits for lines with its own timing.
"""

from __future__ import annotations

_START = bytes(
    [
        *(0x31, 0xFE, 0xFF),  # LD SP,$FFFE
        *(0x3E, 0xFC, 0xE0, 0x47),  # LD A,$FC; LDH (BGP),A
        *(0x3E, 0x91, 0xE0, 0x40),  # LD A,$91; LDH (LCDC),A
        *(0xC3, 0xFC, 0x00),  # JP $00FC
    ]
)
_END = bytes([0x3E, 0x01, 0xE0, 0x50])  # LD A,1; LDH ($FF50),A: the cartridge appears

BOOT_ROM = _START.ljust(0x100 - len(_END), b"\0") + _END
