"""The divider of PyBoy: set at a start, and read when hardware reads it.

``LDH A,(DIV)`` takes three M-cycles and reads in the last (mooneye, ``div_timing``). PyBoy reads at
the end of the first, so that about three serves of Bricks in a hundred would not be those of
hardware (``verification/deviations.toml``). After the instruction ``A`` is put right here, from
PyBoy's own cycle count; nothing else of PyBoy is changed.
"""

from __future__ import annotations

import io
from typing import Any

_READ = b"\xf0\x04"  # LDH A,(DIV)
_TIMA, _TMA = 0xFF05, 0xFF06
#: The order in ``Timer.save_state``: DIV, TIMA, DIV_counter, TIMA_counter, TMA, TAC,
#: tima_reload_state, last_cycles.
_DIV, _COUNTER, _TMA_AFTER, _LAST = -1, 1, 5, 8
#: ``cycles`` after version, boot ROM, key0, key1, speed, colour, six registers, HL, SP, PC and the
#: seven flags of ``CPU.save_state``.
_CYCLES = 25


class Divider:
    """The divider of one machine.

    Args:
        machine: a ``pyboy.PyBoy`` without colour.
        rom: its ROM.

    Raises:
        ValueError: if states are not laid out as in PyBoy 2.8.1, or the ROM reads DIV at other
            places than one in its first bank.
    """

    def __init__(self, machine: Any, rom: bytes) -> None:
        self._machine = machine
        self._base = 0
        self._tima = self._find_timer()
        if rom.count(_READ) != 1 or rom.index(_READ) >= 0x4000:
            raise ValueError(
                f"LDH A,(DIV) appears {rom.count(_READ)} times in the ROM; it is put right only "
                "where it appears once, in the first bank"
            )
        machine.hook_register(0, rom.index(_READ) + len(_READ), self._correct, None)

    def _find_timer(self) -> int:
        """Return where TIMA stands in a state: it and TMA alone change, five bytes apart."""
        machine = self._machine
        old = [machine.memory[_TIMA], machine.memory[_TMA]]
        before = _saved(machine)
        machine.memory[_TIMA], machine.memory[_TMA] = 0xA5, 0x5A
        after = _saved(machine)
        machine.memory[_TIMA], machine.memory[_TMA] = old
        machine.load_state(io.BytesIO(before))
        found = [
            at
            for at in range(len(after) - _TMA_AFTER)
            if (after[at], after[at + _TMA_AFTER]) == (0xA5, 0x5A)
            and (before[at], before[at + _TMA_AFTER]) != (0xA5, 0x5A)
        ]
        if len(found) != 1 or _number(before, _CYCLES, 8) != machine._cycles():
            raise ValueError("PyBoy's states are not laid out as those of version 2.8.1")
        return found[0]

    def put(self, state: bytes, counter: int) -> bytes:
        """Return a state in which the counter, whose high byte is DIV, is this, 0 to 65535."""
        cycles = _number(state, _CYCLES, 8)
        late = cycles - _number(state, self._tima + _LAST, 8)
        self._base = counter - cycles
        then = (counter - late) & 0xFFFF
        changed = bytearray(state)
        changed[self._tima + _DIV] = then >> 8
        at = self._tima + _COUNTER
        changed[at : at + 2] = then.to_bytes(2, "little")
        return bytes(changed)

    def _correct(self, _: object) -> None:
        # The read is the last thing that the instruction does.
        counter = self._base + self._machine._cycles()
        self._machine.register_file.A = counter >> 8 & 0xFF


def _saved(machine: Any) -> bytes:
    state = io.BytesIO()
    machine.save_state(state)
    return state.getvalue()


def _number(state: bytes, at: int, count: int) -> int:
    return int.from_bytes(state[at : at + count], "little")
