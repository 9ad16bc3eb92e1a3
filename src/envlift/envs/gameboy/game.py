"""Game files: what addresses of a ROM's memory mean, and what of it is reward, end and start.

A game file is TOML. ``games/bricks.toml`` is a short one, with a comment on each part.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envlift.envs.gameboy.buttons import mask_of

#: Bytes of each type.
TYPES = {"u8": 1, "i8": 1, "u16le": 2, "u16be": 2, "u24be": 3, "bcd": 1, "bcd2": 2, "bcd3": 3}
_REWARDS = ("increase", "decrease", "change", "value")
_COMPARISONS = ("equals", "not_equals", "at_least", "at_most")
GAMES = Path(__file__).with_name("games")


class GameFileError(ValueError):
    """A game file that does not say what it should; the message names the file and the place."""


@dataclass(frozen=True)
class Variable:
    """A value in memory.

    Attributes:
        name: as the game file calls it.
        address: of its first byte, 0 to 0xFFFF.
        type: one of ``TYPES``; ``bcd`` types hold two decimal digits a byte, the highest first.
        bits: mask of the bits that count, for types of one byte.
        meaning: one line for people.
    """

    name: str
    address: int
    type: str
    bits: int
    meaning: str

    def addresses(self) -> list[int]:
        """Return the addresses of its bytes, in order."""
        return [self.address + offset for offset in range(TYPES[self.type])]

    def read(self, raw: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the values, int64 [N], from its bytes, uint8 [N, bytes]."""
        columns = raw.astype(np.int64)
        if self.type in ("u8", "i8"):
            value = columns[:, 0] & self.bits
            return np.where(value > 127, value - 256, value) if self.type == "i8" else value
        if self.type.startswith("bcd"):
            columns = 10 * (columns >> 4) + (columns & 15)
            base = 100
        else:
            base = 256
        if self.type.endswith("le"):
            columns = columns[:, ::-1]
        value = np.zeros(len(raw), np.int64)
        for column in columns.T:
            value = base * value + column
        return value


@dataclass(frozen=True)
class RewardTerm:
    """A part of the reward: ``weight`` times the rise, fall or change of a variable, or itself."""

    variable: str
    kind: str
    weight: float

    def of(self, before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return this term, float64 [N], of a step between two readings of the variable."""
        change = after - before
        amount = {
            "increase": np.maximum(change, 0),
            "decrease": np.maximum(-change, 0),
            "change": change,
            "value": after,
        }[self.kind]
        return self.weight * amount


@dataclass(frozen=True)
class Condition:
    """A comparison of a variable with a number."""

    variable: str
    comparison: str
    number: int

    def holds(self, value: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return where it holds, bool [N]."""
        return np.asarray(
            {
                "equals": value == self.number,
                "not_equals": value != self.number,
                "at_least": value >= self.number,
                "at_most": value <= self.number,
            }[self.comparison]
        )


@dataclass(frozen=True)
class Press:
    """Buttons held for some frames, then none for some; in frames."""

    mask: int
    hold: int
    wait: int


@dataclass(frozen=True)
class Start:
    """How an episode begins.

    Attributes:
        presses: what is pressed after the machine was switched on, once, before any episode.
        noop_frames: each episode waits 0 to this many frames first, drawn by its seed.
        divider: the divider register, where games take chance from, is drawn by the seed.
        begin: what is pressed then, in each episode, before its first observation.
    """

    presses: tuple[Press, ...]
    noop_frames: int
    divider: bool
    begin: tuple[Press, ...]


@dataclass(frozen=True)
class Game:
    """What a game file says."""

    title: str
    rom: Path | None
    sha1: str | None
    variables: Mapping[str, Variable]
    rewards: tuple[RewardTerm, ...]
    ends: tuple[Condition, ...]
    actions: tuple[int, ...]
    start: Start

    def check(self, rom: bytes) -> None:
        """Refuse a ROM that this file was not made for.

        Raises:
            GameFileError: if the file names a SHA-1 and the ROM has another.
        """
        found = hashlib.sha1(rom, usedforsecurity=False).hexdigest()
        if self.sha1 is not None and found != self.sha1:
            raise GameFileError(
                f"the game file of {self.title} is for the ROM with SHA-1 {self.sha1}, this one "
                f"has {found}; its addresses would mean something else"
            )


def known_games() -> list[str]:
    """Return the names of the game files that come with envlift."""
    return sorted(path.stem for path in GAMES.glob("*.toml"))


def load(game: str | Path) -> Game:
    """Read a game file, by its path or by the name of one that comes with envlift.

    Raises:
        GameFileError: if there is none, or it does not say what it should.
    """
    path = Path(game)
    if str(game) in known_games():
        path = GAMES / f"{game}.toml"
    try:
        text = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GameFileError(
            f"no game file {str(game)!r}: {error.strerror}; there are {', '.join(known_games())}, "
            "or give the path of a TOML file"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GameFileError(f"{path}: {error}") from None
    return _Reader(path).game(text)


class _Reader:
    """Takes a game file apart; each error says where it is."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, where: str, what: str) -> GameFileError:
        return GameFileError(f"{self.path}, {where}: {what}")

    def take(self, table: Any, where: str, name: str, kind: type, default: Any = ...) -> Any:
        value = table.get(name, default)
        if value is ...:
            raise self.fail(where, f"{name} is missing")
        is_wrong = not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)
        if value is not default and is_wrong:
            raise self.fail(where, f"{name} is {value!r}, not of type {kind.__name__}")
        return value

    def only(self, table: Mapping[str, Any], where: str, *names: str) -> None:
        for name in table:
            if name not in names:
                raise self.fail(where, f"{name} is unknown; known: {', '.join(names)}")

    def game(self, text: dict[str, Any]) -> Game:
        top = "top"
        self.only(text, top, "title", "rom", "sha1", "memory", "reward", "end", "actions", "start")
        rom = self.take(text, top, "rom", str, None)
        memory = self.take(text, top, "memory", dict, {})
        variables = {name: self.variable(name, row) for name, row in memory.items()}
        actions = self.take(text, top, "actions", list, [[], ["a"], ["b"], ["up"], ["down"]])
        return Game(
            title=self.take(text, top, "title", str, self.path.stem),
            rom=None if rom is None else self.path.parent / rom,
            sha1=self.take(text, top, "sha1", str, None),
            variables=variables,
            rewards=tuple(
                self.reward(row, number, variables)
                for number, row in enumerate(self.take(text, top, "reward", list, []), 1)
            ),
            ends=tuple(
                self.condition(row, number, variables)
                for number, row in enumerate(self.take(text, top, "end", list, []), 1)
            ),
            actions=tuple(self.buttons(names, "actions") for names in actions),
            start=self.start(self.take(text, top, "start", dict, {})),
        )

    def buttons(self, names: Any, where: str) -> int:
        if not isinstance(names, list):
            raise self.fail(where, f"{names!r} is not a list of buttons")
        try:
            return mask_of(names)
        except (ValueError, TypeError) as error:
            raise self.fail(where, str(error)) from None

    def variable(self, name: str, row: Any) -> Variable:
        where = f"memory.{name}"
        if not isinstance(row, dict):
            raise self.fail(where, "is no table")
        self.only(row, where, "address", "type", "bits", "meaning")
        kind = self.take(row, where, "type", str, "u8")
        if kind not in TYPES:
            raise self.fail(where, f"type is {kind!r}; known: {', '.join(TYPES)}")
        address = self.take(row, where, "address", int)
        if not 0 <= address <= 0x10000 - TYPES[kind]:
            raise self.fail(where, f"address is {address:#x}, not in 0x0000 to 0xFFFF")
        bits = self.take(row, where, "bits", int, 0xFF)
        if not 0 < bits <= 0xFF:
            raise self.fail(where, f"bits is {bits:#x}, not in 0x01 to 0xFF")
        return Variable(name, address, kind, bits, self.take(row, where, "meaning", str, ""))

    def named(self, row: Any, where: str, variables: Mapping[str, Variable]) -> str:
        name: str = self.take(row, where, "memory", str)
        if name not in variables:
            known = ", ".join(variables) or "none"
            raise self.fail(where, f"memory names {name!r}; known: {known}")
        return name

    def reward(self, row: Any, number: int, variables: Mapping[str, Variable]) -> RewardTerm:
        where = f"reward {number}"
        self.only(row, where, "memory", "kind", "weight")
        kind = self.take(row, where, "kind", str, "increase")
        if kind not in _REWARDS:
            raise self.fail(where, f"kind is {kind!r}; known: {', '.join(_REWARDS)}")
        weight = row.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise self.fail(where, f"weight is {weight!r}, not a number")
        return RewardTerm(self.named(row, where, variables), kind, float(weight))

    def condition(self, row: Any, number: int, variables: Mapping[str, Variable]) -> Condition:
        where = f"end {number}"
        self.only(row, where, "memory", *_COMPARISONS)
        given = [name for name in _COMPARISONS if name in row]
        if len(given) != 1:
            raise self.fail(where, f"name one of {', '.join(_COMPARISONS)}")
        return Condition(
            self.named(row, where, variables), given[0], self.take(row, where, given[0], int)
        )

    def start(self, row: dict[str, Any]) -> Start:
        where = "start"
        self.only(row, where, "press", "noop_frames", "divider", "begin")
        noop_frames = self.take(row, where, "noop_frames", int, 0)
        if noop_frames < 0:
            raise self.fail(where, f"noop_frames is {noop_frames}; choose 0 or more")
        divider = self.take(row, where, "divider", bool, False)
        presses, begin = (self.presses(row, where, name) for name in ("press", "begin"))
        return Start(presses, noop_frames, divider, begin)

    def presses(self, row: dict[str, Any], where: str, name: str) -> tuple[Press, ...]:
        presses = []
        for number, press in enumerate(self.take(row, where, name, list, []), 1):
            at = f"{where}.{name} {number}"
            if not isinstance(press, dict):
                raise self.fail(at, "is no table")
            self.only(press, at, "buttons", "hold", "wait")
            mask = self.buttons(press.get("buttons", []), at)
            frames = [self.take(press, at, part, int, 0) for part in ("hold", "wait")]
            if min(frames) < 0:
                raise self.fail(at, "hold and wait are numbers of frames, 0 or more")
            presses.append(Press(mask, *frames))
        return tuple(presses)
