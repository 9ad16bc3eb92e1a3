"""What is compared, declared once per environment.

A suite says which fields are compared and how closely, which component functions stand against
each other, which policies play, and which features of the rules must have been reached before a
pass is believed. It holds no loops: the levels (``properties``, ``interactions``, ``rollouts``)
read it.

Shape letters: ``T`` steps, ``B`` lanes, ``N`` rows of generated input.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from envlift.reference.failure import PairError as PairError
from envlift.reference.types import Array, StateDict
from envlift.verify.suite.effort import check_numbers
from envlift.verify.suite.horizon_plan import Horizon as Horizon
from envlift.verify.suite.transfer_plan import Transfer as Transfer

Chance = Array
ReplaceState = Callable[[StateDict], StateDict]
Start = Literal["chance", "copy", "seed", "apart"]


@dataclass(frozen=True)
class Field:
    """One compared quantity.

    Attributes:
        name: the reference's name for it.
        atol, rtol: largest allowed ``|a - b|`` is ``atol + rtol * |reference|``.
        ulp: allowed distance in units in the last place of the reference's dtype; used alone.
        drift: how many times larger the tolerance is where many steps are played without
            re-synchronising, so that rounding has time to grow.
        reason: why it is not exact; required when a tolerance is given.
        labels: names of a vector's entries, for messages.
        any_integer: integers of any width on either side agree where their values do.
    """

    name: str
    atol: float = 0.0
    rtol: float = 0.0
    ulp: int = 0
    drift: float = 1.0
    reason: str = ""
    labels: tuple[str, ...] = ()
    exact_at: tuple[int, ...] = ()
    any_integer: bool = False

    def __post_init__(self) -> None:
        for what in ("atol", "rtol", "ulp", "drift"):
            value = getattr(self, what)
            if not isinstance(value, (int, float, np.number)) or not np.isfinite(value):
                raise ValueError(
                    f"field {self.name!r} has {what} = {value!r}; a number is wanted, not infinite"
                )
        loose = self.atol or self.rtol or self.ulp
        if loose and not self.reason:
            raise ValueError(
                f"field {self.name!r} has a tolerance without a reason; say why it is not exact"
            )
        if min(self.atol, self.rtol, self.ulp, self.drift) < 0:
            raise ValueError(f"field {self.name!r} has a negative tolerance; use 0 or more")

    @property
    def exact(self) -> bool:
        """Whether every bit of the value counts."""
        return not (self.atol or self.rtol or self.ulp)

    def drifted(self) -> Field:
        """Return the field with the tolerance of a rollout."""
        return replace(
            self,
            atol=self.atol * self.drift,
            rtol=self.rtol * self.drift,
            ulp=round(self.ulp * self.drift),
            drift=1.0,
        )


@dataclass(frozen=True)
class Trace:
    """What the reference did in ``T`` steps of ``B`` lanes; features and deviations read it.

    Attributes:
        before: state before each step, each field [T, B, ...].
        action: [T, B, ...].
        after: state after each step, resets applied.
        final: state after each step, before a reset.
        observation, reward, terminated, truncated: as in ``Record``.
        config: the reference's configuration.
    """

    before: StateDict
    action: Array
    after: StateDict
    observation: Array
    reward: Array
    terminated: Array
    truncated: Array
    config: Mapping[str, Any]
    final: StateDict = field(default_factory=dict)


@dataclass(frozen=True)
class Feature:
    """Something the rules can do that must have happened before a pass is believed.

    Attributes:
        name: for reports.
        reached: from a trace to a bool array [T, B].
        configs: names of the configurations in which it can happen; empty for all.
    """

    name: str
    reached: Callable[[Trace], Array]
    configs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """A place in the reference's program that its play must have come to, by its own counters.

    Attributes:
        name: for reports.
        key: what the reference's ``coverage`` calls it.
        configs: names of the configurations in which it can be reached; empty for all.
    """

    name: str
    key: str
    configs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """Who plays.

    Attributes:
        name: for reports.
        act: ``act(rng, observation [B, ...], state) -> actions [B, ...]``; None plays at random in
            the action space, within the legal actions. A parameter named ``legal_actions`` is given
            the mask, bool [B, A], or None.
        hold: how many steps each choice is held, which makes exchanges with the reference fewer.
        configs: names of the configurations it is meant for; empty for all.
    """

    name: str
    act: Callable[..., Array] | None = None
    hold: int = 1
    configs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Component:
    """One function of the reference and the function that should equal it.

    Attributes:
        name: what the reference's ``call`` knows it as.
        candidate: ``candidate(env) -> f``, where ``f(arguments) -> results`` maps named arrays
            [N, ...] to named arrays [N, ...]; ``env`` is the candidate's environment object. None
            asks the candidate's own ``call``.
        row: Hypothesis strategy of one row, ``{argument: number or list}``; None for a table
            (no arguments, compared once).
        rows: ``rows(rng, n) -> {argument: [n, ...]}`` instead, where a row is large: thousands are
            drawn and compared at once, and the first that differs is shown as it is.
        dtypes: dtype of each argument.
        fields: the results compared.
        configs: names of the configurations in which it is compared; empty for all. Two components
            of one name with other configurations have other tolerances.
        cost: how many times longer a row takes than one usually does; divides the number of rows
            that ``rows`` draws.
    """

    name: str
    fields: tuple[Field, ...]
    candidate: Callable[[Any], Callable[[dict[str, Array]], dict[str, Array]]] | None = None
    row: Any = None
    dtypes: Mapping[str, str] = field(default_factory=dict)
    configs: tuple[str, ...] = ()
    rows: Callable[[np.random.Generator, int], Mapping[str, Array]] | None = None
    cost: int = 1

    def __post_init__(self) -> None:
        if self.cost < 1:
            raise ValueError(f"component {self.name!r} has cost = {self.cost}; use 1 or more")
        if self.row is not None and self.rows is not None:
            raise ValueError(f"component {self.name!r} has both row and rows; give one of them")


@dataclass(frozen=True)
class Scenario:
    """A few steps from a chosen state, in which rules meet.

    Attributes:
        name: for reports.
        state: fields that differ from the state after a reset.
        actions: [T, ...].
        chance: [T, ...], or None.
        reaches: names of features that the reference must show here; otherwise the scenario
            itself is wrong and fails.
        configs: names of the configurations in which it is played; empty for all.
    """

    name: str
    state: Mapping[str, Any]
    actions: tuple[Any, ...]
    reaches: tuple[str, ...]
    chance: tuple[Any, ...] | None = None
    configs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.actions):
            raise ValueError(f"scenario {self.name!r} has no actions; give it one for each step")


Part = Feature | Place | Policy | Component | Scenario
"""What may belong to some configurations only."""


@dataclass(frozen=True)
class Config:
    """One variant under which the two sides are compared.

    Attributes:
        name: for reports.
        reference: configuration of the reference.
        candidate: options of the candidate.
        fields: what replaces the suite's state fields, observation and reward of the same names
            here, for example other tolerances in another precision.
        x64: the candidate computes in 64 bits: JAX's x64 mode is on while this configuration runs.
        resync: in lockstep the reference's state is copied into the candidate before every so
            many steps, for environments in which rounding grows; None never does. With 1 the
            fields' own tolerances hold, otherwise those of a rollout (``drift``).
        effort: how much is compared here, numbers of ``Effort`` by name, such as ``lanes``. With
            ``--quick`` they only make it less, and what the command line says stands above them.
        transfer_only: level 4 alone runs in it, and nothing else is compared.
    """

    name: str
    reference: Mapping[str, Any] = field(default_factory=dict)
    candidate: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()
    x64: bool = False
    resync: int | None = None
    effort: Mapping[str, int] = field(default_factory=dict)
    transfer_only: bool = False

    def __post_init__(self) -> None:
        if self.resync is not None and self.resync < 1:
            raise ValueError(
                f"configuration {self.name!r} has resync = {self.resync}; use None to never copy "
                "the reference's state within an episode, 1 to do so before every step"
            )
        check_numbers(self.effort, f"configuration {self.name!r}")


@dataclass(frozen=True)
class Deviation:
    """An allowed difference, kept in ``deviations.toml``.

    Attributes:
        id: short name.
        field: the field it concerns.
        condition: NumPy expression over the trace (``before``, ``after``, ``terminated``, ...)
            that is true where the difference is allowed.
        reason: why it is right to differ.
        link: where the reference's behaviour can be read.
    """

    id: str
    field: str
    condition: str
    reason: str
    link: str

    def allows(self, trace: Trace) -> Array:
        """Return a bool array [T, B], true where the field may differ."""
        names = {**vars(trace), "np": np}
        try:
            return np.asarray(eval(self.condition, {"__builtins__": {}}, names), dtype=bool)
        except Exception as error:
            raise ValueError(
                f"deviation {self.id!r}: the condition {self.condition!r} cannot be evaluated "
                f"({error}); it may use {', '.join(sorted(names))}"
            ) from None


def load_deviations(path: Path) -> tuple[Deviation, ...]:
    """Read ``[[deviation]]`` tables from a TOML file."""
    with path.open("rb") as stream:
        rows = tomllib.load(stream).get("deviation", [])
    return tuple(Deviation(**row) for row in rows)


@dataclass(frozen=True)
class Suite:
    """Everything ``envlift verify`` needs to know of one pair.

    Attributes:
        name: for reports.
        reference: launch string, see ``envlift.reference.launch``.
        candidate: launch string, see ``envlift.verify.sides.candidates``, or a callable that takes
            the candidate's options and returns an ``envlift.Env``.
        state: compared state fields. Fields of the reference that are not named here are listed
            as not compared in the report.
        observation: how closely observations agree.
        info: how closely the numbers of ``info`` agree that both sides give; None as observations
            do, and no closer than 1e-6 + 1e-5 relative.
        info_left_out: names of ``info`` that are not compared, and listed.
        out_of_range: continuous actions outside of their bounds are played where the reference
            clips them.
        reward: how closely rewards agree.
        start: how both sides start an episode: ``chance`` (both get the same drawn chance) or
            ``copy`` (the reference resets by seed and its state is copied into the candidate,
            once per episode, never within one), or ``seed`` (both draw for themselves, and equal
            seeds must give equal episodes), or ``apart`` (each draws for itself, and episodes are
            compared as distributions).
        draw_chance: ``draw_chance(rng, shape) -> chance [*shape, ...]`` for ``start="chance"``.
        chance_outcome: what of the chance matters, for the distribution check.
        to_candidate, to_reference: translate a state between the sides; default: same names.
        configs, policies, components, scenarios, features, places, deviations: see there.
        random_states: ``random_states(rng, n, config) -> state`` with fields [n, ...]: states
            that play rarely reaches, for single transitions; None for states of play alone.
        corpus: folder of recorded fixtures, or None.
        prepare: called before the reference starts, for what takes long once (a download, a
            compilation) and should show its progress; may raise ``ReferenceUnavailable``.
        not_verified: what a reader should know is not covered, one sentence each.
        transfer: level 4 and its margin; None where nobody has fixed one.
        horizon: how far the sides stay together when nothing is copied, reported as a number.
        described: whether somebody has described the pair; False for a default suite.
        restores: whether a state that was read brings the reference back when it is written; the
            reference is asked before anything is compared (``levels.asking.agreement``).
        repeats: whether equal seeds give equal episodes of the reference; likewise.
    """

    name: str
    reference: str
    candidate: str | Callable[..., Any]
    observation: Field = Field("observation")
    reward: Field = Field("reward")
    state: tuple[Field, ...] = ()
    start: Start = "copy"
    draw_chance: Callable[[np.random.Generator, tuple[int, ...]], Chance] | None = None
    chance_outcome: Callable[[Chance], Array] | None = None
    to_candidate: ReplaceState | None = None
    to_reference: ReplaceState | None = None
    configs: tuple[Config, ...] = (Config("default"),)
    policies: tuple[Policy, ...] = (Policy("random"),)
    components: tuple[Component, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    features: tuple[Feature, ...] = ()
    places: tuple[Place, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    random_states: Callable[[np.random.Generator, int, Config], StateDict] | None = None
    corpus: Path | None = None
    prepare: Callable[[], object] | None = None
    not_verified: tuple[str, ...] = ()
    transfer: Transfer | None = None
    horizon: Horizon | None = None
    info: Field | None = None
    info_left_out: tuple[str, ...] = ()
    out_of_range: bool = True
    described: bool = True
    restores: bool = True
    repeats: bool = True

    def __post_init__(self) -> None:
        self._check_kinds()
        if self.start == "chance" and self.draw_chance is None:
            raise ValueError(
                f"suite {self.name!r} starts episodes by chance but has no draw_chance; "
                "give one or use start='copy'"
            )
        known = {feature.name for feature in self.features}
        for scenario in self.scenarios:
            missing = set(scenario.reaches) - known
            if missing:
                raise ValueError(
                    f"scenario {scenario.name!r} reaches unknown features {sorted(missing)}; "
                    f"known: {sorted(known)}"
                )
        names = {config.name for config in self.configs}
        parts: tuple[Part, ...] = (
            *self.features,
            *self.places,
            *self.policies,
            *self.components,
            *self.scenarios,
        )
        for part in parts:
            _known(f"{type(part).__name__.lower()} {part.name!r}", part.configs, names)
        compared = {one.name for one in self.state}
        for config in self.configs:
            replaced = [one.name for one in config.fields]
            both = compared | {self.observation.name, self.reward.name}
            _known(f"configuration {config.name!r}", replaced, both, "fields")
        if self.horizon is not None:
            _known("the horizon", self.horizon.configs, names)
            _known("the horizon", self.horizon.fields, compared, "state fields")
        if self.transfer is not None and self.transfer.config not in names:
            raise ValueError(
                f"transfer names the unknown configuration {self.transfer.config!r}; "
                f"known: {sorted(names)}"
            )
        apart = [config.name for config in self.configs if config.transfer_only]
        if apart and (self.transfer is None or apart != [self.transfer.config]):
            raise ValueError(
                f"nothing is compared in the configurations {apart}: transfer_only is for the one "
                "that transfer names"
            )
        if apart and len(self.configs) == len(apart):
            raise ValueError(
                f"the only configuration, {apart[0]!r}, is transfer_only: its steps are compared "
                "nowhere; add one in which they are"
            )

    def _check_kinds(self) -> None:
        """Tell what a suite file easily mixes up, before it becomes an odd error elsewhere."""
        if not isinstance(self.reference, str):
            raise ValueError(
                f"suite {self.name!r} has reference = {self.reference!r}; a launch string is "
                "wanted, such as gymnasium:ID"
            )
        if self.start not in get_args(Start):
            known = ", ".join(get_args(Start))
            raise ValueError(f"suite {self.name!r} has start = {self.start!r}; known: {known}")
        kinds = {
            "state": Field,
            "configs": Config,
            "policies": Policy,
            "components": Component,
            "scenarios": Scenario,
            "features": Feature,
            "deviations": Deviation,
        }
        for what, kind in kinds.items():
            given = getattr(self, what)
            several = given if isinstance(given, (tuple, list)) else (given, None)
            wrong = [one for one in several if not isinstance(one, kind)]
            if wrong:
                shown = given if several is not given else wrong[0]
                raise ValueError(
                    f"suite {self.name!r} has {what} = {shown!r}; a tuple of {kind.__name__} is "
                    "wanted, with a comma after one alone"
                )
        names = [config.name for config in self.configs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"suite {self.name!r} has more than one configuration {twice[0]!r}")

    @property
    def writes_states(self) -> bool:
        """Whether a state of the reference can be given to both sides."""
        return self.restores and (self.described or self.start == "copy")

    def with_pair(self, reference: str | None, candidate: Any | None) -> Suite:
        """Return the suite for another reference or candidate."""
        changes: dict[str, Any] = {}
        if reference is not None:
            changes["reference"] = reference
        if candidate is not None:
            changes["candidate"] = candidate
        return replace(self, **changes)

    def of_config(self, config: Config) -> Suite:
        """Return the suite with the fields as a configuration has them."""
        own = {one.name: one for one in config.fields}
        return replace(
            self,
            state=tuple(own.get(one.name, one) for one in self.state),
            observation=own.get(self.observation.name, self.observation),
            reward=own.get(self.reward.name, self.reward),
        )

    def drifted(self) -> Suite:
        """Return the suite with the tolerances of a rollout."""
        return replace(
            self,
            state=tuple(field.drifted() for field in self.state),
            observation=self.observation.drifted(),
            reward=self.reward.drifted(),
            info=None if self.info is None else self.info.drifted(),
        )

    def candidate_state(self, state: StateDict) -> StateDict:
        """Translate a state of the reference for the candidate."""
        return self.to_candidate(state) if self.to_candidate else state

    def reference_state(self, state: StateDict) -> StateDict:
        """Translate a state of the candidate into the reference's fields."""
        return self.to_reference(state) if self.to_reference else state

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Chance | None:
        """Draw the chance both sides are given, None where each draws its own."""
        if self.start != "chance" or self.draw_chance is None:
            return None
        return self.draw_chance(rng, shape)


def _known(whose: str, names: Iterable[str], known: set[str], what: str = "configurations") -> None:
    unknown = set(names) - known
    if unknown:
        raise ValueError(f"{whose} names unknown {what} {sorted(unknown)}; known: {sorted(known)}")


def applies(part: Part | Horizon, config: Config) -> bool:
    """Whether a policy, feature, component, scenario or horizon belongs to a configuration."""
    return not part.configs or config.name in part.configs
