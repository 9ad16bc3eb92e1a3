"""``pyboy.memory``: the address space, with slices and banks, as PyBoy 2.8 offers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class MemoryView:
    """Memory by address: ``m[0xC000]``, ``m[0xC000:0xC010]``, ``m[2, 0x4000]`` (bank, address).

    Reading a slice gives a list. A number written to a slice fills it. Banks of ROM, video RAM,
    cartridge RAM and work RAM can be read, not written.
    """

    def __init__(self, machine: Any, rom_banks: int) -> None:
        self._machine = machine
        self._rom_banks = rom_banks

    def __len__(self) -> int:
        raise TypeError("memory has no length: addresses run from 0x0000 to 0xFFFF")

    @staticmethod
    def _range(address: int | slice) -> range:
        if isinstance(address, int):
            if not 0 <= address <= 0xFFFF:
                raise IndexError(f"address {address:#x} is not in 0x0000 to 0xFFFF")
            return range(address, address + 1)
        if address.start is None or address.stop is None:
            raise ValueError("a slice of memory needs a start and a stop")
        places = range(address.start, address.stop, address.step or 1)
        if places.step < 0 or address.start > address.stop:
            raise ValueError("a slice of memory runs from a lower to a higher address")
        if address.start < 0 or address.stop > 0x10000:
            raise IndexError(f"{address.start:#x} to {address.stop:#x} is not in 0x0000 to 0x10000")
        return places

    def __getitem__(self, key: int | slice | tuple[int, int | slice]) -> Any:
        if isinstance(key, tuple):
            bank, address = key
            values = [self._banked(bank, at) for at in self._range(address)]
        else:
            address = key
            places = self._range(address)
            if places.step == 1:
                values = list(self._machine.read_range(places.start, len(places)))
            else:
                values = [self._machine.read(at) for at in places]
        return values[0] if isinstance(address, int) else values

    def _banked(self, bank: int, address: int) -> int:
        """Return a byte of a bank, whatever is mapped now."""
        if address < 0x8000:
            if not 0 <= bank < self._rom_banks:
                raise IndexError(f"ROM bank {bank} of {self._rom_banks}")
            return int(self._machine.rom_at(bank, address))
        if address < 0xA000:
            name, held, size, first = "video RAM", self._machine.vram(), 0x2000, 0x8000
        elif address < 0xC000:
            name, held, size, first = "cartridge RAM", self._machine.cartridge_ram(), 0x2000, 0xA000
        elif address < 0xE000:
            # Bank 0 lies at 0xC000, all others at 0xD000.
            name, held, size = "work RAM", self._machine.wram(), 0x1000
            first = 0xC000 if bank == 0 else 0xD000
        else:
            raise IndexError(f"address {address:#06x} has no banks; leave the bank out")
        offset = address - first
        if not 0 <= offset < size or not 0 <= bank * size + offset < len(held):
            raise IndexError(f"address {address:#06x} is not in bank {bank} of the {name}")
        return int(held[bank * size + offset])

    def __setitem__(self, key: int | slice | tuple[int, int], value: int | Sequence[int]) -> None:
        if isinstance(key, tuple):
            raise NotImplementedError("a bank cannot be written to; write to the address alone")
        places = self._range(key)
        values = [value] * len(places) if isinstance(value, int) else list(value)
        if len(values) != len(places):
            raise ValueError(f"{len(values)} values for {len(places)} addresses")
        for at, byte in zip(places, values, strict=True):
            if not 0 <= byte <= 0xFF:
                raise ValueError(f"{byte} is no byte")
            self._machine.write(at, byte)
