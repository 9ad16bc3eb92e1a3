"""Small programs as ROMs, for comparing two emulators instruction by instruction.

Whoever compares gives bytes of code; what surrounds them is the same for both sides.
"""

from __future__ import annotations

START = 0x0150
#: Where a program's own code begins: before it two frames pass, after which PyBoy's LCD, which is
#: early when it was just switched on, runs as hardware's.
CODE = 0x0200
#: Programs end before here.
CODE_END = 0x0800
#: Addresses of the interrupt handlers: VBlank, STAT, timer, serial, joypad.
VECTORS = (0x40, 0x48, 0x50, 0x58, 0x60)
HANDLER_BYTES = 8
#: What of work RAM is filled before a program begins, and compared at its end.
WINDOW = range(0xC100, 0xC140)
HIGH_RAM = range(0xFF80, 0xFFA0)
#: Code of a single instruction lies here, so that it can be written between two.
SINGLE = 0xC000
REGISTERS = ("A", "F", "B", "C", "D", "E", "HL", "SP")
_WAIT_A_FRAME = bytes([0xAF, 0xE0, 0x0F, 0x76, 0x00])  # XOR A; LDH (IF),A; HALT; NOP
_PREAMBLE = (
    bytes([0x3E, 0x01, 0xE0, 0xFF])  # LD A,1; LDH (IE),A
    + _WAIT_A_FRAME * 2
    + bytes([0xAF, 0xE0, 0xFF, 0xE0, 0x0F, 0xC3, CODE & 0xFF, CODE >> 8])
)
#: What every bank but the first begins with: LD A,bank; RET, and from 0x4010 on the same behind
#: LD (HL),B, which may switch to another bank.
_TELL = bytes([0x3E, 0x00, 0xC9])
_SWITCH = 0x10
#: A ``JR`` to itself: what is behind a program.
_STAY = bytes([0x18, 0xFE])


def rom(code: bytes, vectors: bytes = b"", kind: int = 0, banks: int = 2, ram: int = 0) -> bytes:
    """Return a ROM that runs ``code`` at ``CODE`` after two frames.

    Args:
        code: the program.
        vectors: five times ``HANDLER_BYTES`` bytes, the interrupt handlers.
        kind, ram: bytes 0x147 and 0x149 of the header.
        banks: of 16 KiB; 2, 4, 8, ... Every bank from the second on is full of its own number,
            and has two routines at 0x4000 and 0x4010 that tell it.

    Raises:
        ValueError: if the program is too long.
    """
    if CODE + len(code) + len(_STAY) > CODE_END:
        raise ValueError(f"a program has {len(code)} bytes; it may have {CODE_END - CODE - 2}")
    image = bytearray(0x4000)
    for bank in range(1, banks):
        page = bytearray([bank & 0xFF] * 0x4000)
        for at, routine in ((0, _TELL), (_SWITCH, b"\x70" + _TELL)):
            page[at : at + len(routine)] = routine
            page[at + len(routine) - 2] = bank & 0xFF
        image += page
    image[0x100:0x104] = bytes([0x00, 0xC3, START & 0xFF, START >> 8])
    for number, address in enumerate(VECTORS):
        handler = vectors[number * HANDLER_BYTES :][:HANDLER_BYTES]
        image[address : address + HANDLER_BYTES] = handler.ljust(HANDLER_BYTES, b"\xd9")
    image[START : START + len(_PREAMBLE)] = _PREAMBLE
    image[CODE : CODE + len(code)] = code
    image[CODE + len(code) : CODE + len(code) + 2] = _STAY
    image[0x147], image[0x148], image[0x149] = kind, banks.bit_length() - 2, ram
    image[0x14D] = -sum(byte + 1 for byte in image[0x134:0x14D]) & 0xFF
    return bytes(image)
