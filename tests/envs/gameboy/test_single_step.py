"""Single-step cases of the SM83, in the form in which they are exchanged."""

from __future__ import annotations

from typing import Any

from envlift.envs.gameboy.native import native

REGISTERS = {"sp": 0xDFF0, "a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 0, "h": 0xD0, "l": 0}


def step(code: list[int], **changed: int) -> dict[str, Any]:
    ram = [[0xC000 + offset, byte] for offset, byte in enumerate(code)]
    case = {"pc": 0xC000, **REGISTERS, "ime": 0, **changed, "ram": [*ram, [0xD000, 0xFF]]}
    return dict(native().single_step(case))


def test_an_increment_in_memory_reads_then_writes() -> None:
    after = step([0x34])
    assert after["cycles"] == [(0xC000, 0x34, "r-m"), (0xD000, 0xFF, "r-m"), (0xD000, 0, "-wm")]
    assert (0xD000, 0) in after["ram"]
    assert (after["f"], after["pc"]) == (0xA0, 0xC001)


def test_a_call_has_one_cycle_without_the_bus() -> None:
    after = step([0xCD, 0x34, 0x12])
    assert [kind for _, _, kind in after["cycles"]] == ["r-m", "r-m", "r-m", "---", "-wm", "-wm"]
    assert (after["pc"], after["sp"]) == (0x1234, 0xDFEE)


def test_ei_takes_effect_one_instruction_later() -> None:
    after = step([0xFB])
    assert (after["ime"], after["ei"]) == (0, 1)
