"""One reproducible case: a start, a few actions, and what the reference answered.

A case is what a failure is minimised to and what a corpus holds. Its recorded answers let it run
where the reference is not at hand.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from envlift.reference.types import Array, Record, Side, SideSpec, StateDict
from envlift.verify.engine.lockstep import Exchange, exchange
from envlift.verify.run.result import Divergence, plain
from envlift.verify.suite import Config, Suite

FORMAT = 1

UNNAMED = "<a Python function>"
"""Stands in a case for a candidate that has no launch string."""


@dataclass(frozen=True)
class Case:
    """A start and what is played from it, on one lane.

    Attributes:
        suite: registered environment or path of a suite file, for ``envlift repro``.
        config: name of the configuration.
        actions: [T, ...].
        chance: [T, ...], or None.
        state: start state in the reference's fields; None starts from a reset.
        seed, start_chance: of the reset, used where ``state`` is None.
        reset_seeds: [T], of the episode that follows an end at each step, where the case holds
            more than one episode; None for ``seed`` throughout.
        resets: how often both sides are reset before, where a difference needs sides that are no
            longer new.
        reference, candidate: launch strings, where they are not the suite's own.
        options: options of the candidate beside the configuration's, for example a backend.
        start: how episodes were started, where that was found out in the run; empty for what the
            suite says.
        recorded: the reference's answers: ``observation``, ``reward``, ... and ``state``, each
            with a leading step axis.
        note: what the case shows.
        features: features that the reference shows in this case.
    """

    suite: str
    config: str
    actions: Any
    chance: Any = None
    state: dict[str, Any] | None = None
    seed: int = 0
    start_chance: Any = None
    reference: str | None = None
    candidate: str | None = None
    recorded: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    features: tuple[str, ...] = ()
    reset_seeds: list[int] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    start: Literal["", "chance", "copy", "seed", "apart"] = ""
    resets: int = 0

    @property
    def steps(self) -> int:
        """Number of steps played."""
        return len(self.actions)

    def digest(self) -> str:
        """Return a short name that depends on the start and what is played."""
        what = [self.suite, self.config, self.actions, self.chance, self.state, self.seed]
        if self.reset_seeds is not None:
            what.append(self.reset_seeds)
        if self.resets:
            what.append(self.resets)
        return hashlib.sha256(json.dumps(plain(what)).encode()).hexdigest()[:8]

    def line(self) -> str:
        """Return the case as one line of JSON."""
        return json.dumps({"format": FORMAT, **plain(asdict(self))}, separators=(",", ":"))


def read_cases(path: Path) -> list[Case]:
    """Read a ``.jsonl`` file of cases.

    Raises:
        ValueError: for what is no file, or naming the file and line that is not a case.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as a file of cases: {error}") from None
    return [_read_case(path, number, line) for number, line in enumerate(text.splitlines(), 1)]


def _read_case(path: Path, number: int, line: str) -> Case:
    try:
        data = json.loads(line)
        if not isinstance(data, dict):
            raise ValueError(f"it is no JSON object but a {type(data).__name__}")
        if data.pop("format", None) != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        case = Case(**{**data, "features": tuple(data.get("features", ()))})
        if not isinstance(case.actions, list) or not case.actions:
            raise ValueError("it has no list of actions")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}:{number} is not a recorded case: {error}") from None
    return case


LONGEST_NAME = 120
"""Characters of a file's name: field names may be long, and file systems allow some 250 bytes."""


def write_case(folder: Path, case: Case, field_name: str) -> Path:
    """Write one case into a folder under a name made of its suite, field and digest.

    Raises:
        OSError: where the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = Path(case.suite).stem if case.suite.endswith(".py") else case.suite
    name = f"{stem}-{case.config}-{field_name}"
    safe = "".join(c if c.isascii() and c.isalnum() else "-" for c in name)[:LONGEST_NAME]
    path = folder / f"{safe.strip('-')}-{case.digest()}.jsonl"
    path.write_text(case.line() + "\n")
    return path


@dataclass(frozen=True)
class Played:
    """What came of a case: the first difference, and what the reference answered."""

    divergence: Divergence | None
    reference: Record
    candidate: Record
    features: tuple[str, ...]


def play(suite: Suite, config: Config, reference: Side, candidate: Side, case: Case) -> Played:
    """Play a case on two one-lane sides; the candidate moves first."""
    actions = np.asarray(case.actions, dtype=reference.spec.action.dtype)[:, None]
    chance = None
    if case.chance is not None and reference.spec.chance is not None:
        chance = np.asarray(case.chance, dtype=reference.spec.chance.dtype)[:, None]
    seeds = np.full((case.steps, 1), case.seed, dtype=np.int64)
    if case.reset_seeds is not None:
        seeds = np.asarray(case.reset_seeds, dtype=np.int64)[:, None]
    state = start(suite, reference, candidate, case)
    suite = suite if case.steps == 1 else suite.drifted()
    # Where state is copied, an episode that follows an end has to be brought to the reference's.
    single = case.reset_seeds is not None and suite.start == "copy" and bool(state)
    length = 1 if single else case.steps
    played: list[Exchange] = []
    for first in range(0, case.steps, length):
        part = slice(first, first + length)
        given = None if chance is None else chance[part]
        sides = (suite, config, reference, candidate)
        both = exchange(*sides, state, actions[part], given, seeds[part], {})
        played.append(both)
        if both.found:
            break
        state = {name: values[-1] for name, values in both.reference.state.items()}
        if single and (both.trace.terminated | both.trace.truncated).any():
            candidate.set_state(suite.candidate_state(state))
    features = tuple(
        f.name
        for f in suite.features
        if any(np.asarray(f.reached(both.trace)).any() for both in played)
    )
    divergence = None
    if played[-1].found:
        done = length * (len(played) - 1)
        last = done + played[-1].first()[0] + 1
        divergence = played[-1].divergence(done, actions[:last, 0].tolist())
    return Played(
        divergence,
        joined([both.reference for both in played]),
        joined([both.candidate for both in played]),
        features,
    )


def joined(records: list[Record]) -> Record:
    """Return records of one side, one after the other, as one."""
    if len(records) == 1:
        return records[0]

    def whole(name: str) -> Any:
        values = [getattr(record, name) for record in records]
        if any(value is None for value in values):
            return None
        if isinstance(values[0], dict):
            return {key: np.concatenate([value[key] for value in values]) for key in values[0]}
        return np.concatenate(values)

    return Record(**{one.name: whole(one.name) for one in fields(Record)})


def start(suite: Suite, reference: Side, candidate: Side, case: Case) -> StateDict:
    """Bring both sides to the start of a case; return the reference's state there, [B, ...]."""
    seeds = np.full(1, case.seed, dtype=np.int64)
    chance = chance_of_start(suite, reference, case.start_chance)
    for _ in range(case.resets):
        candidate.reset(seeds, chance)
        reference.reset(seeds, chance)
    candidate.reset(seeds, chance)
    state = reference.reset(seeds, chance).state
    if case.state is not None:
        spec = reference.spec.state
        state = {
            name: np.asarray(value, dtype=spec[name].dtype)[None]
            for name, value in case.state.items()
        }
        candidate.set_state(suite.candidate_state(state))
        reference.set_state(state)
    elif suite.start == "copy" and state:
        candidate.set_state(suite.candidate_state(state))
    return state


def chance_of_start(suite: Suite, reference: Side, value: Any) -> Array | None:
    """Return the chance of a one-lane reset, [1, ...]; None where the reference takes none.

    Args:
        suite: says whether resets are given their chance.
        reference: the side that takes it.
        value: what it was; None stands for 0, where the state that follows is replaced anyway.
    """
    spec = reference.spec.chance
    if suite.start != "chance" or spec is None:
        return None
    given = np.asarray(0 if value is None else value, dtype=spec.dtype)
    return np.broadcast_to(given, (1, *spec.shape))


def record(case: Case, played: Played) -> Case:
    """Return the case with the reference's answers in it."""
    answers = played.reference
    told: dict[str, Any] = {
        "observation": answers.observation[:, 0],
        "reward": answers.reward if answers.reward is None else answers.reward[:, 0],
        "terminated": answers.terminated
        if answers.terminated is None
        else answers.terminated[:, 0],
        "truncated": answers.truncated if answers.truncated is None else answers.truncated[:, 0],
        "state": {name: values[:, 0] for name, values in answers.state.items()},
    }
    return replace(case, recorded=plain(told), features=played.features)


class RecordedSide:
    """A reference that is not at hand: it answers what was recorded, whatever it is asked.

    Args:
        spec: what the reference said of itself when the case was recorded, or the candidate's
            own shapes where the suite uses the same fields.
        case: the recorded case.
    """

    num_lanes = 1

    def __init__(self, spec: SideSpec, case: Case) -> None:
        if not case.recorded:
            raise ValueError("this case holds no recorded answers; it needs the reference itself")
        self.spec = spec
        self._case = case

    def reset(self, seeds: Array, chance: Array | None = None) -> Record:
        """Return the start, of which only the state may be known."""
        state = {
            name: np.asarray(value, dtype=self.spec.state[name].dtype)[None]
            for name, value in (self._case.state or {}).items()
        }
        return Record(observation=np.zeros((1, *self.spec.observation.shape)), state=state)

    def step(
        self, actions: Array, chance: Array | None = None, reset_seeds: Array | None = None
    ) -> Record:
        """Return all recorded answers."""
        told = self._case.recorded

        def lane(values: Any, dtype: str) -> Array:
            return np.asarray(values, dtype=dtype)[:, None]

        return Record(
            observation=lane(told["observation"], self.spec.observation.dtype),
            reward=lane(told["reward"], self.spec.reward.dtype),
            terminated=lane(told["terminated"], "bool"),
            truncated=lane(told["truncated"], "bool"),
            state={n: lane(v, self.spec.state[n].dtype) for n, v in told["state"].items()},
        )

    def get_state(self) -> StateDict:
        """Nothing but the start is known."""
        return self.reset(np.zeros(1, dtype=np.int64)).state

    def set_state(self, state: StateDict) -> None:
        """The start is the case's own."""

    def call(self, component: str, arguments: dict[str, Array]) -> dict[str, Array]:
        """Components are not recorded."""
        raise RuntimeError(f"a recorded case cannot answer call({component!r})")

    def coverage(self) -> dict[str, int]:
        """Nothing was counted."""
        return {}

    def close(self) -> None:
        """Nothing to release."""
