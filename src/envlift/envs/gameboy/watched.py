"""The vector environment with all of its machines in sight, for whoever compares it.

Shape letters: ``N`` environments, ``R`` rows of a component, ``S`` steps of a trace.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envlift.envs.gameboy import machine_code
from envlift.envs.gameboy.boot import BOOT_ROM
from envlift.envs.gameboy.machine_code import CODE, HIGH_RAM, REGISTERS, SINGLE, WINDOW
from envlift.envs.gameboy.native import native
from envlift.envs.gameboy.vector_env import GameBoyVectorEnv

NAMES = (*REGISTERS, "PC")
_IE = 0xFFFF
#: Frames that a machine runs with its buttons held before a saved state is loaded again.
_ASTRAY = 3
_MOST_FRAMES = 8


class Watched(GameBoyVectorEnv):
    """A ``GameBoyVectorEnv`` that was switched on with envlift's boot ROM and shows its state.

    Attributes ``registers`` int32 [N, 9], ``cycles`` int64 [N], ``wram`` and ``vram`` uint8
    [N, 8192], ``oam`` uint8 [N, 160], ``hram`` uint8 [N, 127].

    Args:
        saves: after every step each state is saved, the machine runs on with other buttons, and
            the state is loaded: nothing of that may be seen.
        options: as ``GameBoyVectorEnv``.
    """

    def __init__(self, *, saves: bool = False, **options: Any) -> None:
        self._saves = saves
        super().__init__(
            **{"autoreset_mode": "disabled", "boot_rom": BOOT_ROM, "model": "dmg", **options}
        )

    def step(self, actions: Any) -> Any:
        """Play a step; with ``saves`` every state is saved and loaded after it."""
        result = super().step(actions)
        if self._saves:
            for lane in range(self.num_envs):
                state = self.save_state(lane)
                self._batch.run_one(lane, 0xFF, _ASTRAY, render=True)
                self.load_state(lane, state)
            return (self._observation(), *result[1:])
        return result

    @property
    def registers(self) -> NDArray[np.int32]:
        """A, F, B, C, D, E, HL, SP and PC; PC is that of HALT while the CPU is halted."""
        rows = [self._batch.registers(lane) for lane in range(self.num_envs)]
        for row in rows:
            row["PC"] -= row["halted"]
        return np.array([[row[name] for name in NAMES] for row in rows], np.int32)

    @property
    def cycles(self) -> NDArray[np.int64]:
        """T-cycles since each machine was switched on."""
        return np.array([self._batch.cycles(lane) for lane in range(self.num_envs)], np.int64)

    @property
    def wram(self) -> NDArray[np.uint8]:
        """Work RAM."""
        return self._bytes("wram")

    @property
    def vram(self) -> NDArray[np.uint8]:
        """Video RAM."""
        return self._bytes("vram")

    @property
    def oam(self) -> NDArray[np.uint8]:
        """Sprite attributes."""
        return self._bytes("oam")

    @property
    def hram(self) -> NDArray[np.uint8]:
        """High RAM."""
        return self._bytes("hram")

    def _bytes(self, what: str) -> NDArray[np.uint8]:
        read = getattr(self._batch, what)
        return np.stack([np.frombuffer(read(lane), np.uint8) for lane in range(self.num_envs)])

    def instructions(self, **arguments: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Run one instruction a row, the LCD off and no interrupt enabled.

        Args:
            arguments: ``code`` uint8 [R, 3] at ``SINGLE``; ``registers`` int32 [R, 8], A, F, B, C,
                D, E, HL, SP; ``memory`` uint8 [R, 64], the bytes of ``WINDOW``; ``high_ram`` uint8
                [R, 32].

        Returns:
            ``registers`` int32 [R, 9] with PC, ``cycles`` int32 [R], ``memory``, ``high_ram``.
        """
        machine = _before_first_instruction(machine_code.rom(b""))
        machine.write(0xFF40, 0)
        machine.write(_IE, 0)
        start = machine.save_state()
        rows: dict[str, list[Any]] = {n: [] for n in ("registers", "cycles", "memory", "high_ram")}
        for code, registers, memory, high_ram in zip(
            *(arguments[n] for n in ("code", "registers", "memory", "high_ram")), strict=True
        ):
            machine.load_state(start)
            for name, value in zip(REGISTERS, registers.tolist(), strict=True):
                machine.set_register(name, value)
            machine.set_register("PC", SINGLE)
            for at, values in ((SINGLE, code), (WINDOW.start, memory), (HIGH_RAM.start, high_ram)):
                for address, value in enumerate(values.tolist(), at):
                    machine.write(address, value)
            before = machine.cycles
            machine.step()
            after = machine.registers()
            rows["registers"].append([after[name] for name in NAMES])
            rows["cycles"].append(machine.cycles - before)
            rows["memory"].append(_read(machine, WINDOW))
            rows["high_ram"].append(_read(machine, HIGH_RAM))
        return {
            "registers": np.array(rows["registers"], np.int32),
            "cycles": np.array(rows["cycles"], np.int32),
            "memory": np.stack(rows["memory"]),
            "high_ram": np.stack(rows["high_ram"]),
        }

    def programs(self, **arguments: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Trace a program a row.

        Args:
            arguments: ``code`` uint8 [R, C], ``vectors`` uint8 [R, 40], ``kind``, ``banks`` and
                ``ram`` int32 [R], see ``machine_code.rom``; ``steps`` int32 [R], S in all rows.

        Returns:
            ``trace`` int32 [R, S, 10]: A, F, B, C, D, E, HL, SP, PC and cycles before each of the
            first S instructions; ``memory`` uint8 [R, 64], the bytes of ``WINDOW`` after them;
            ``oam`` uint8 [R, 160] likewise.
        """
        steps = int(arguments["steps"][0])
        traces, windows, sprites = [], [], []
        for code, vectors, kind, banks, ram in zip(
            *(arguments[n] for n in ("code", "vectors", "kind", "banks", "ram")), strict=True
        ):
            machine = _before_first_instruction(
                machine_code.rom(code.tobytes(), vectors.tobytes(), int(kind), int(banks), int(ram))
            )
            trace: list[list[int]] = []
            while len(trace) < steps:
                row = machine.registers()
                if not row["halted"] and not row["dispatches"]:
                    trace.append([*(row[name] for name in NAMES), machine.cycles])
                machine.step()
            traces.append(trace)
            windows.append(_read(machine, WINDOW))
            sprites.append(np.frombuffer(machine.oam(), np.uint8))
        return {
            "trace": np.array(traces, np.int32),
            "memory": np.stack(windows),
            "oam": np.stack(sprites),
        }

    programs_timer = programs_interrupts = programs_banks = programs


def _before_first_instruction(image: bytes) -> Any:
    machine = native().GameBoy(image, "dmg", BOOT_ROM)
    for _ in range(_MOST_FRAMES):
        if machine.run_frame_until(False, [(0, CODE)], False) is not None:
            machine.set_divider(0)
            return machine
    raise ValueError(f"the machine did not reach {CODE:#06x} in {_MOST_FRAMES} frames")


def _read(machine: Any, where: range) -> NDArray[np.uint8]:
    return np.frombuffer(machine.read_range(where.start, len(where)), np.uint8)
