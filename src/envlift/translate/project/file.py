"""The project file, ``envlift.toml``: what is translated, into what, and at what price.

Everything that a person decides stands in this one file; ``envlift init`` writes it, and the loop
only ever adds the modules that a person did not name.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

FILE = "envlift.toml"
FORMAT = 1

Target = Literal["warp", "jax", "rust"]

NAME = re.compile(r"[a-z][a-z0-9_]*")


class ProjectError(ValueError):
    """The project file says something that makes no sense; the message says what to write."""


@dataclass(frozen=True)
class Tolerance:
    """How far a float may be from the reference's: ``atol + rtol * |reference|``.

    Attributes:
        drift: how many times larger where many steps are played without re-synchronising.
        reason: why the value is not exact; required.
    """

    reason: str
    atol: float = 0.0
    rtol: float = 0.0
    drift: float = 1.0


@dataclass(frozen=True)
class Module:
    """One unit of translation.

    Attributes:
        name: short, ``[a-z][a-z0-9_]*``.
        file: what the agent writes, relative to the project folder.
        sources: files of the reference that hold it, relative to the project folder; a range of
            lines may follow after a colon (``reference/taxi.py:120-260``).
        contract: signatures, types, shapes; what other modules may rely on.
        constraints: what this module must heed beyond the rules of the target.
        needs: names of modules that it builds on.
        components: components of the suite (level 1) that it implements.
        rules: numbers of the specification's rules that it implements.
    """

    name: str
    file: str
    sources: tuple[str, ...] = ()
    contract: str = ""
    constraints: str = ""
    needs: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reference:
    """What is trusted: a running implementation, numbered rules, or an implementation of such.

    Attributes:
        launch: see ``envlift.reference.launch``; empty where only rules are written.
        config: the reference's own options.
        specification: path of a text with numbered rules, relative to the project folder.
        sources: files whose text the agent is shown, relative to the project folder.
        observation: the parts of a composite observation (``map: int8 [10, 10], 0 to 7``), in the
            order in which they are compared; none where it is one array.
    """

    launch: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    specification: str = ""
    sources: tuple[str, ...] = ()
    observation: tuple[str, ...] = ()


@dataclass(frozen=True)
class Budget:
    """Where the loop stops and asks for a person.

    Attributes:
        dollars: for all turns together; None without a cap.
        turns: of the agent.
        hours: wall time of agents and judging, over all sessions.
        iterations: turns at one level (of one module), the recipe's T.
        optimise: turns that may try to make it faster once it is right.
        turn_minutes: wall time of one turn.
        dollars_per_turn: declared cost of a turn whose real cost nobody can tell; None refuses such
            an agent.
    """

    dollars: float | None = None
    turns: int = 200
    hours: float = 24.0
    iterations: int = 50
    optimise: int = 0
    turn_minutes: float = 60.0
    dollars_per_turn: float | None = None


@dataclass(frozen=True)
class Verification:
    """How much is compared; None leaves it to ``envlift verify``.

    Attributes:
        quick: compare less, in seconds, and measure speed in fewer steps: for trying things out.
        lanes, max_steps, min_ends: as the options of ``envlift verify``.
        timeout: seconds that the reference may take for one answer.
        minutes: wall time of one judgement; a candidate that takes longer has failed.
    """

    quick: bool = False
    lanes: int | None = None
    max_steps: int | None = None
    min_ends: int | None = None
    timeout: float = 60.0
    minutes: float = 60.0


@dataclass(frozen=True)
class Project:
    """A read project file.

    Attributes:
        folder: where it stands; also the workspace's git repository.
        name: short, ``[a-z][a-z0-9_]*``; also the name of the Python package that is written.
        target: what the environment is translated into.
        reference, budget, verification: see there.
        candidate: launch string by which the verifier opens the result.
        build: command words run in the workspace before judging; empty for none.
        suite: file that defines ``SUITE``, relative to the folder.
        tolerances: of ``observation``, ``reward``, ``state`` (every float field) and single fields
            ``state.NAME``.
        modules: in dependency order; empty until somebody has named them.
        protected: paths, beside the suite, the reference and the fixtures, that no agent may
            change.
        agent: ``command``, ``api``, ``manual``, ``replay`` or the name of an entry point.
        agent_options: for its factory.
        sandbox: ``none`` or ``bubblewrap``.
        pass_environment: names of environment variables that the agent may see besides the usual
            harmless ones.
    """

    folder: Path
    name: str
    target: Target
    reference: Reference
    candidate: str
    suite: str = "suite.py"
    build: tuple[str, ...] = ()
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)
    modules: tuple[Module, ...] = ()
    budget: Budget = Budget()
    verification: Verification = Verification()
    protected: tuple[str, ...] = ()
    agent: str = "manual"
    agent_options: Mapping[str, Any] = field(default_factory=dict)
    sandbox: Literal["none", "bubblewrap"] = "none"
    pass_environment: tuple[str, ...] = ()

    def module(self, name: str) -> Module:
        """Return a module by name.

        Raises:
            ProjectError: if there is none; the message lists them.
        """
        for module in self.modules:
            if module.name == name:
                return module
        known = ", ".join(module.name for module in self.modules) or "none yet"
        raise ProjectError(f"{self.name} has no module {name!r}; it has: {known}")


def load_project(folder: str | Path) -> Project:
    """Read the project file of a folder.

    Raises:
        ProjectError: naming the file, the key and what may stand there.
    """
    folder = Path(folder).resolve()
    path = folder / FILE
    if not path.is_file():
        raise ProjectError(f"there is no {FILE} in {folder}; `envlift init` writes one")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path} is not TOML: {error}") from None
    try:
        return parse(data, folder)
    except ProjectError as error:
        raise ProjectError(f"{path}: {error}") from None


def parse(data: dict[str, Any], folder: Path) -> Project:
    """Make a project of the file's tables.

    Raises:
        ProjectError: naming the key.
    """
    rest = dict(data)
    version = rest.pop("format", None)
    if version != FORMAT:
        raise ProjectError(f"format = {version!r} is not known; write format = {FORMAT}")
    name = rest.get("name", "")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ProjectError(f"name = {name!r} is no name; use small letters, digits and _")
    target = rest.get("target")
    if target not in get_args(Target):
        raise ProjectError(f"target = {target!r} is not known; use {_words(get_args(Target))}")
    reference = _table(Reference, rest.pop("reference", {}), "reference")
    if not (reference.launch or reference.specification):
        raise ProjectError(
            "[reference] needs 'launch' (how the trusted implementation is started), "
            "'specification' (a text with numbered rules), or both"
        )
    agent = dict(_mapping(rest.pop("agent", {}), "agent"))
    changes: dict[str, Any] = {
        "reference": reference,
        "budget": _table(Budget, rest.pop("budget", {}), "budget"),
        "verification": _table(Verification, rest.pop("verification", {}), "verification"),
        "tolerances": _tolerances(rest.pop("tolerances", {})),
        "modules": _modules(rest.pop("module", [])),
        "agent": _text(agent.pop("kind", "manual"), "[agent] kind"),
        "agent_options": _mapping(agent.pop("options", {}), "[agent] options"),
        "sandbox": agent.pop("sandbox", "none"),
        "pass_environment": _strings(agent.pop("pass_environment", ()), "[agent] pass_environment"),
    }
    _refuse("agent", agent, ("kind", "options", "sandbox", "pass_environment"))
    if changes["sandbox"] not in ("none", "bubblewrap"):
        raise ProjectError(
            f"sandbox = {changes['sandbox']!r} is not known; use 'none' or 'bubblewrap'"
        )
    allowed = ("name", "target", "candidate", "suite", "build", "protected")
    tables = ("reference", "budget", "verification", "tolerances", "module", "agent")
    _refuse("", rest, ("format", *allowed, *tables))
    for key in ("build", "protected"):
        rest[key] = _strings(rest.get(key, ()), key)
    rest.setdefault("candidate", f"env:{name}.env:make")
    rest.setdefault("suite", "suite.py")
    for key in ("candidate", "suite"):
        _text(rest[key], key)
    compiled = [module.file for module in changes["modules"] if module.file.endswith(".rs")]
    if compiled and not rest["build"]:
        raise ProjectError(
            f"{compiled[0]} has to be compiled before it is judged; write the command, for example "
            'build = ["cargo", "build", "--release"]'
        )
    for path in (rest["suite"], *rest["protected"], *_paths(reference, changes["modules"])):
        _inside(folder, path)
    return Project(folder=folder, **rest, **changes)


def order(modules: Iterable[Module]) -> tuple[Module, ...]:
    """Return modules so that each follows those it needs, else in the given order.

    Raises:
        ProjectError: for a cycle or an unknown name.
    """
    waiting = list(modules)
    known = {module.name for module in waiting}
    for module in waiting:
        missing = set(module.needs) - known
        if missing:
            raise ProjectError(
                f"module {module.name!r} needs {_words(sorted(missing))}, which is no module; "
                f"known: {_words(sorted(known))}"
            )
    done: list[Module] = []
    while waiting:
        names = {module.name for module in done}
        ready = next((m for m in waiting if set(m.needs) <= names), None)
        if ready is None:
            raise ProjectError(
                f"modules {_words([m.name for m in waiting])} need one another in a circle; "
                "take one of the needs out"
            )
        waiting.remove(ready)
        done.append(ready)
    return tuple(done)


def _modules(tables: list[dict[str, Any]]) -> tuple[Module, ...]:
    if not isinstance(tables, list):
        raise ProjectError(f"module = {tables!r} is no list of tables; write [[module]] above each")
    modules = [
        _table(Module, table, f"module {_mapping(table, f'module {number}').get('name', number)}")
        for number, table in enumerate(tables, start=1)
    ]
    for module in modules:
        if not NAME.fullmatch(module.name):
            raise ProjectError(f"a module is named {module.name!r}; use small letters, digits, _")
        if not module.file:
            raise ProjectError(f"module {module.name!r} needs 'file': what the agent writes")
    for what in ("name", "file"):
        seen = [getattr(module, what) for module in modules]
        twice = sorted({value for value in seen if seen.count(value) > 1})
        if twice:
            raise ProjectError(f"two modules have the {what} {twice[0]!r}; each needs its own")
    return order(modules)


def _tolerances(tables: Mapping[str, Any]) -> dict[str, Tolerance]:
    """Read ``[tolerances.observation]``, ``[tolerances.state]`` and ``[tolerances.state.NAME]``."""
    _refuse("tolerances", _mapping(tables, "tolerances"), ("observation", "reward", "state"))
    found: dict[str, Tolerance] = {}
    for name, table in tables.items():
        _mapping(table, f"tolerances.{name}")
        own = {key: value for key, value in table.items() if not isinstance(value, dict)}
        if own:
            found[name] = _table(Tolerance, own, f"tolerances.{name}")
        for part, inner in table.items():
            if isinstance(inner, dict):
                key = f"{name}.{part}"
                found[key] = _table(Tolerance, inner, f"tolerances.{key}")
    for name, tolerance in found.items():
        if not tolerance.reason:
            raise ProjectError(f"[tolerances.{name}] needs a reason: why is it not exact?")
    return found


def _table(kind: type[Any], table: Mapping[str, Any], place: str) -> Any:
    """Make a dataclass of a table; lists become tuples, wrong types and names are refused."""
    _mapping(table, place)
    known = {entry.name: str(entry.type) for entry in fields(kind)}
    _refuse(place, table, tuple(known))
    values = {}
    for key, value in table.items():
        wanted = known[key]
        if wanted.startswith("tuple"):
            value = _strings(value, f"{place}.{key}")
        elif wanted.startswith("float") and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if wanted.startswith("Mapping"):
            _mapping(value, f"[{place}] {key}")
        if not _fits(value, wanted):
            raise ProjectError(f"[{place}] {key} = {value!r} is no {wanted.split(' |')[0]}")
        if isinstance(value, (int, float)) and not (math.isfinite(value) and value >= 0):
            low = "is below 0" if value < 0 else "is no finite number"
            raise ProjectError(f"[{place}] {key} = {value!r} {low}")
        values[key] = value
    try:
        return kind(**values)
    except TypeError as error:
        raise ProjectError(f"[{place}]: {str(error).partition(') ')[2] or error}") from None


def _fits(value: Any, wanted: str) -> bool:
    kinds: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool}
    kind = kinds.get(wanted.partition(" ")[0])
    if kind is None:
        return True
    if isinstance(value, bool) and kind is not bool:
        return False
    return isinstance(value, kind)


def _strings(value: Any, place: str) -> tuple[str, ...]:
    listed = isinstance(value, (list, tuple))
    if not listed or not all(isinstance(item, str) for item in value):
        raise ProjectError(f"{place} = {value!r} is no list of texts")
    return tuple(value)


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ProjectError(f"{place} = {value!r} is no table")
    return value


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise ProjectError(f"{place} = {value!r} is no text")
    return value


def _refuse(place: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {_words(known)}"
            where = f"[{place}] " if place else ""
            raise ProjectError(f"{where}{key!r} is not known{hint}")


def _paths(reference: Reference, modules: Iterable[Module]) -> list[str]:
    found = [reference.specification or "."]
    sources = [*reference.sources]
    for module in modules:
        found.append(module.file)
        sources += module.sources
    return found + [source.partition(":")[0] for source in sources]


def _inside(folder: Path, path: str) -> None:
    place = (folder / path).resolve()
    if Path(path).is_absolute() or not place.is_relative_to(folder):
        raise ProjectError(f"the path {path!r} leads out of the project folder; copy the file in")


def _words(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
