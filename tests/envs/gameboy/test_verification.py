"""The Game Boy beside PyBoy: equal machines pass, planted faults are found."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envlift.envs.gameboy import machine_code
from envlift.envs.gameboy.machine_code import CODE, HIGH_RAM, WINDOW
from envlift.envs.gameboy.verification import components, programs
from envlift.envs.gameboy.watched import Watched
from envlift.registry import entry
from envlift.verify import verify
from envlift.verify.levels.steps.properties import ROWS
from envlift.verify.run.context import QUICK
from envlift.verify.run.result import Report, Verdict

FAULTS = "vector:tests.envs.gameboy.faults"


def run(tmp_path: Path, candidate: str | None = None, **more: Any) -> Report:
    name = "gameboy" if candidate is None else entry("gameboy").reference
    pair: dict[str, Any] = {}
    if candidate is not None:
        from envlift.envs.gameboy.verification.suite import SUITE

        name, pair = SUITE.reference, {"candidate": candidate, "suite": "gameboy"}
    assert name is not None
    return verify(
        name,
        **pair,
        quick=True,
        seed=7,
        lanes=1,
        max_steps=60,
        fixtures=tmp_path,
        **more,
    )


def test_whole_games_are_those_of_pyboy(tmp_path: Path) -> None:
    report = run(tmp_path, configs=("held",), levels=("L3",))
    (check,) = [c for c in report.checks if c.level == "L3" and "random" in c.name]
    assert check.verdict is Verdict.PASS, check.detail
    assert check.counts["episodes"] >= 1
    assert report.verdict is not Verdict.FAIL


def test_a_byte_that_differs_is_found(tmp_path: Path) -> None:
    report = run(tmp_path, f"{FAULTS}:LosesAByte", configs=("held",), levels=("L3",))
    assert report.verdict is Verdict.FAIL
    assert any("wram" in c.detail for c in report.checks if c.verdict is Verdict.FAIL)


def test_instructions_and_programs_are_those_of_pyboy(tmp_path: Path) -> None:
    report = run(tmp_path, configs=("frames",), levels=("L1",))
    told = {c.name: (c.verdict, c.detail) for c in report.checks if c.level == "L1"}
    assert len(told) == 2 + len(programs.KINDS)
    assert {verdict for verdict, _ in told.values()} == {Verdict.PASS}, told


def test_a_wrong_duration_of_an_instruction_is_found(tmp_path: Path) -> None:
    report = run(tmp_path, f"{FAULTS}:RunsACycleMore", configs=("frames",), levels=("L1",))
    failed = {c.name: c.detail for c in report.checks if c.verdict is Verdict.FAIL}
    assert next(iter(failed)) == "instructions [frames]"
    assert failed["instructions [frames]"].startswith("cycles differs")
    # Rows that cost ten times as much are a tenth as many.
    rows = {c.name: c.counts.get("rows") for c in report.checks}
    assert rows["programs_timer [frames]"] == QUICK.examples * ROWS // 2 // 10


def test_every_opcode_is_drawn_and_its_addresses_are_compared() -> None:
    rows = components.instructions(np.random.default_rng(0), 1024)
    drawn = {
        tuple(code) if code[0] == 0xCB else (code[0],) for code in rows["code"][:, :2].tolist()
    }
    assert len(drawn) == 256 - len(components.LEFT_OUT) + 256
    assert (
        (rows["registers"][:, 7] >= WINDOW.start) & (rows["registers"][:, 7] < WINDOW.stop)
    ).all()
    writes = np.isin(rows["code"][:, 0], (0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x77))
    pointer = rows["registers"][writes, 6]
    assert writes.any()
    assert ((pointer >= WINDOW.start) & (pointer < WINDOW.stop)).all()
    high = rows["code"][rows["code"][:, 0] == 0xE0, 1]
    assert ((high >= HIGH_RAM.start & 0xFF) & (high < HIGH_RAM.stop & 0xFF)).all()


def test_a_program_is_traced_before_each_instruction() -> None:
    code = np.zeros((1, programs.CODE_BYTES), np.uint8)
    code[0, :4] = [0x3C, 0x18, 0x00, 0x00]  # INC A; JR +0; NOP
    answer = Watched(num_envs=1).programs(
        code=code,
        vectors=np.zeros((1, 40), np.uint8),
        kind=np.zeros(1),
        banks=np.array([2]),
        ram=np.zeros(1),
        steps=np.array([4]),
    )
    trace = answer["trace"][0]
    assert trace[:, 8].tolist() == [CODE, CODE + 1, CODE + 3, CODE + 4]
    assert np.diff(trace[:, 9]).tolist() == [4, 12, 4]
    assert trace[1, 0] == trace[0, 0] + 1


@pytest.mark.parametrize("kind", list(programs.KINDS))
def test_programs_fit_and_differ(kind: str) -> None:
    rows = programs.draw(programs.KINDS[kind], np.random.default_rng(1), 64)
    assert set(rows) == set(programs.DTYPES)
    assert len({code.tobytes() for code in rows["code"]}) == 64


def test_a_rom_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="may have"):
        machine_code.rom(bytes(0x800))


def test_saving_and_loading_between_steps_is_not_seen() -> None:
    plain, saved = (
        Watched(num_envs=2, frame_skip=4, observation="memory", saves=saves)
        for saves in (False, True)
    )
    first = [env.reset(seed=3)[0] for env in (plain, saved)]
    assert np.array_equal(*first)
    for action in range(12):
        actions = np.array([action % 3, 1])
        seen = [env.step(actions)[0] for env in (plain, saved)]
        assert np.array_equal(*seen)
        assert np.array_equal(plain.cycles, saved.cycles)
        assert np.array_equal(plain.wram, saved.wram)
    assert len(np.unique(plain.wram)) > 1


def test_each_deviation_stands_on_the_card_with_its_source() -> None:
    folder = Path(components.__file__).parent
    rows = tomllib.loads((folder / "deviations.toml").read_text())["deviation"]
    card = (folder.parent / "CARD.md").read_text()
    assert len(rows) > 10
    for row in rows:
        assert set(row) == {"what", "when", "why", "source", "seen"}
        assert all(row.values())
        assert f"**{row['what']}**: {row['when']}." in card
        assert f"Source: {row['source']}; seen" in card
