"""Whole games beside PyBoy: screen, memory, registers and cycles of every frame.

``python -m envlift.envs.gameboy.verification.lockstep --episodes 100`` plays Bricks in both, with
random and with purposeful input, and prints the first difference. Nothing is copied from one to
the other. PyBoy reads the divider up to two M-cycles early (``deviations.toml``), so now and then a
serve is not the same: both are then switched off and on again, and the serve is counted.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from envlift.envs.gameboy.boot import BOOT_ROM
from envlift.envs.gameboy.buttons import BUTTONS
from envlift.envs.gameboy.native import native
from envlift.envs.gameboy.rom import BRICKS
from envlift.reference.launch import open_reference

REFERENCE = "python:envlift.envs.gameboy.reference.pyboy:PyBoyReference"
REQUIREMENTS = "envlift.envs.gameboy.reference:requirements.txt"
REGISTERS = ("A", "F", "B", "C", "D", "E", "HL", "SP", "PC")
TITLE, PLAYING, SERVING, OVER = range(4)
STATE, PADDLE_X, BALL_X, PAUSE = 0xC000, 0xC004, 0xC005, 0xC00A
#: ``PAUSE`` in the frame in which a ball is served.
SERVED = 32
#: Frames of a title that pass before START is pressed.
PATIENCE = 12
#: Frames that PyBoy runs in one message; ours is ahead of it by so many.
CHUNK = 120
#: PyBoy's first frame after switching on shows nothing at all, not even white.
UNSEEN_FRAMES = 1


@dataclass
class Result:
    """What a run compared.

    Attributes:
        frames, episodes, states_saved: how many.
        serves_apart: serves whose chance PyBoy read from a divider that had not moved on yet.
        difference: the first one, or None.
    """

    frames: int = 0
    episodes: int = 0
    states_saved: int = 0
    serves_apart: int = 0
    difference: str | None = None


class Player:
    """Decides which buttons are held in the next frame, from the machine's memory alone."""

    def __init__(self, seed: int, purposeful: bool) -> None:
        self._rng = random.Random(seed)
        self._purposeful = purposeful
        self._held = 0
        self._last, self._waited = TITLE, 0

    def __call__(self, machine: Any) -> int:
        """Return the button mask."""
        state = machine.read(STATE)
        if state in (TITLE, OVER):
            # START has to be seen to be pressed: it is let go in between. It is not pressed in the
            # first frames after the LCD was switched on, where PyBoy is early (deviations.toml).
            self._waited = self._waited + 1 if state == self._last else 0
            self._last = state
            is_pressed = self._waited > PATIENCE and self._rng.random() < 0.3
            self._held = BUTTONS["start"] if is_pressed else 0
            return self._held
        self._last = state
        if self._purposeful and self._rng.random() < 0.9:
            ball, paddle = machine.read(BALL_X) + 2, machine.read(PADDLE_X) + 12
            if abs(ball - paddle) < 4:
                self._held = 0
            else:
                self._held = BUTTONS["left" if ball < paddle else "right"]
        elif self._rng.random() < 0.2:
            self._held = self._rng.choice([0, *BUTTONS.values()])
        return self._held


def compared(machine: Any) -> dict[str, Any]:
    """Return what is compared of one of ours, as PyBoy's reference names it, and where it is."""
    registers = machine.registers()
    # PyBoy leaves PC at a HALT until the machine goes on.
    registers["PC"] -= registers["halted"]
    screen = np.zeros((144, 160, 1), np.uint8)
    machine.picture(screen)
    return {
        "registers": [registers[name] for name in REGISTERS],
        "cycles": machine.cycles,
        "wram": machine.wram(),
        "vram": machine.vram(),
        "oam": machine.oam(),
        "hram": machine.hram(),
        "screen": screen[:, :, 0],
        "state": machine.read(STATE),
        "pause": machine.read(PAUSE),
    }


def difference(ours: dict[str, Any], reference: dict[str, Any]) -> str | None:
    """Return the fields that differ, each with its first place, or None."""
    found = []
    for name, value in ours.items():
        mine = np.frombuffer(value, np.uint8) if isinstance(value, bytes) else np.asarray(value)
        other = np.asarray(reference[name])
        if mine.shape != other.shape or not np.array_equal(mine, other):
            at = np.argwhere(np.atleast_1d(mine != other))[0].tolist()
            place = tuple(at) if mine.ndim else ()
            found.append(f"{name}{at}: PyBoy {other[place]}, ours {mine[place]}")
    return "; ".join(found) or None


def run(
    rom: Path, episodes: int, seed: int, frames: int = 100_000, interpreter: str | None = None
) -> Result:
    """Play ``episodes`` games, half of them to some purpose, or ``frames`` frames.

    The machine of ours is saved and loaded again now and then: that must change nothing.

    Args:
        rom: path of a ROM whose memory is that of Bricks.
        episodes, frames: where to stop, whichever comes first.
        seed: of the players.
        interpreter: a Python that has PyBoy; None makes an environment in the user's cache.
    """
    result = Result()
    rng = random.Random(seed)
    python = {"interpreter": interpreter} if interpreter else {"requirements": REQUIREMENTS}
    config = {"rom": str(rom), **python}
    with open_reference(REFERENCE, num_lanes=1, config=config) as reference:
        while result.difference is None and result.episodes < episodes and result.frames < frames:
            _play(reference, rom.read_bytes(), rng, result, episodes, frames)
    return result


def _play(
    reference: Any, rom: bytes, rng: random.Random, result: Result, episodes: int, frames: int
) -> None:
    """Play from switching on to the end, a difference, or a serve that is not the same."""
    machine = native().GameBoy(rom, "dmg", BOOT_ROM)
    reference.reset(np.zeros(1, np.int64))
    player = Player(rng.randrange(2**31), purposeful=result.episodes % 2 == 1)
    before, last, played = TITLE, TITLE, 0
    while result.frames < frames and result.episodes < episodes:
        held, ours = [], []
        for _ in range(CHUNK):
            held.append(player(machine))
            machine.buttons = held[-1]
            machine.run_frames(1, True)
            ours.append(compared(machine))
            if ours[-1]["state"] == OVER and before != OVER:
                player = Player(rng.randrange(2**31), purposeful=rng.random() < 0.5)
            before = ours[-1]["state"]
            if rng.random() < 0.002:
                machine.load_state(machine.save_state())
                result.states_saved += 1
        record = reference.step(np.array(held, np.int32)[:, None])
        for number, frame in enumerate(ours):
            theirs = {name: value[number, 0] for name, value in record.state.items()}
            theirs["screen"] = record.observation[number, 0]
            state, pause = frame.pop("state"), frame.pop("pause")
            played += 1
            result.frames += 1
            if played <= UNSEEN_FRAMES:
                del frame["screen"]
            found = difference(frame, theirs)
            if found is not None and pause == SERVED and found.startswith("wram"):
                result.serves_apart += 1
                return
            if found is not None:
                result.difference = f"frame {played}: {found}"
                return
            result.episodes += int(state == OVER and last != OVER)
            last = state


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line: 0 if nothing differs, else 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rom", type=Path, default=BRICKS)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--interpreter", help="a Python that has PyBoy 2.8.1")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(2**31) if options.seed is None else options.seed
    result = run(options.rom, options.episodes, seed, options.frames, options.interpreter)
    print(
        f"seed {seed}: {result.frames} frames, {result.episodes} episodes, "
        f"{result.states_saved} states saved and loaded, {result.serves_apart} serves apart: "
        f"{result.difference or 'no difference'}"
    )
    return 0 if result.difference is None else 1


if __name__ == "__main__":
    sys.exit(main())
