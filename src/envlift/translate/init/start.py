"""``envlift init``: from a reference to a folder in which a translation can begin."""

from __future__ import annotations

import contextlib
import importlib.util
import keyword
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from envlift.reference.bridge import tape
from envlift.reference.launch import open_reference
from envlift.translate.init import files, suite
from envlift.translate.init.advice import Advice, advise, count, facts_of
from envlift.translate.init.files import Answers
from envlift.translate.init.probe import Probe, inspect, look
from envlift.translate.project.file import NAME, Project, ProjectError, Target, load_project
from envlift.translate.project.material import LANGUAGES
from envlift.translate.rules.book import read_book

FORMS = ("gymnasium", "python", "process")

TAPE = Path(tape.__file__)

OURS = ("data", "envlift", "fixtures", "prompts", "reference", "src", "suite", "target", "tests")


@dataclass(frozen=True)
class Wanted:
    """What a person asked for; see ``envlift init --help``."""

    name: str
    folder: Path
    reference: str = ""
    specification: Path | None = None
    data: Path | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[Path, ...] = ()
    agent: str = "manual"
    dollars: float | None = None
    turns: int | None = None
    iterations: int | None = None


@dataclass(frozen=True)
class Found:
    """What was learnt of the reference before anything is written.

    Attributes:
        probe: of a running reference; None for written rules.
        config: the options, with the state attributes that were found.
        files: what is copied into ``reference/``.
        advice: of all targets, best first.
        functions: what the reference's ``call`` may know.
    """

    probe: Probe | None
    config: Mapping[str, Any]
    files: tuple[Path, ...]
    advice: tuple[Advice, ...]
    functions: tuple[str, ...] = ()


def with_form(reference: str, config: Mapping[str, Any]) -> str:
    """Return a launch string; ``file.py:Class`` and ``module:Class`` get the form that fits.

    A class of Gymnasium's kind is played as one, any other speaks the reference protocol.
    """
    form, colon, _ = reference.partition(":")
    if not colon or form in FORMS:
        return reference
    found = inspect("gymnasium", reference, config)
    return f"{'gymnasium' if found else 'python'}:{reference}"


def check(wanted: Wanted) -> None:
    """Refuse what cannot become a project, before anything takes time.

    Raises:
        ProjectError, RulesError: saying which name, path or rule is in the way.
    """
    name = wanted.name
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ProjectError(
            f"{name!r} cannot be the name of a Python package; use small letters, digits and _, "
            "a letter first, and no word of the language"
        )
    if name in OURS:
        raise ProjectError(f"{name!r} is a folder or file of every project; choose another name")
    if name in sys.stdlib_module_names or _installed(name):
        raise ProjectError(
            f"{name!r} is a Python module already, and would hide it or be hidden; choose another "
            f"name, for example {name}_fast"
        )
    folder = wanted.folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError(f"{folder} exists and is not empty; choose another one with --into")
    if bool(wanted.reference) == (wanted.specification is not None):
        raise ProjectError("give either --reference or --specification")
    for path in (*wanted.sources, *filter(None, [wanted.specification])):
        if not path.is_file():
            raise ProjectError(f"there is no file {path}")
    if wanted.specification is not None:
        read_book(wanted.specification)
    elif wanted.data is not None:
        raise ProjectError("--data belongs to written rules; give --specification FILE as well")
    if wanted.data is not None and not wanted.data.is_dir():
        raise ProjectError(f"there is no folder {wanted.data}")
    if shutil.which("git") is None:
        raise ProjectError("there is no git on this machine; a project is a git repository")
    files.toml(wanted.config)


def explore(wanted: Wanted) -> Found:
    """Start the reference and look at it.

    Raises:
        ProjectError: see ``check``.
        ReferenceFailure, ValueError: the reference does not start; the message says why.
    """
    check(wanted)
    if wanted.specification is not None:
        given = (wanted.specification, *wanted.sources)
        return Found(None, {}, given, advise(count([])))
    probe = look(wanted.reference, wanted.config)
    sources, part = wanted.sources, (0, 0)
    form = wanted.reference.partition(":")[0]
    if not sources:
        sources = tuple(filter(None, [probe.source, *_named_files(wanted.reference)]))
        part = probe.lines
    config = dict(wanted.config)
    if probe.max_episode_steps is not None:
        # What it would be anyway, but here it can be seen, also by an agent.
        config.setdefault("max_episode_steps", probe.max_episode_steps)
    beside: tuple[Path, ...] = ()
    if probe.spec.chance is not None:
        config.setdefault("tape", probe.tape)
        # Which draw takes which words, for whoever writes the fast one; no part of its rules.
        beside = (TAPE,)
    if probe.attributes:
        config["state_attributes"] = list(probe.attributes)
    texts = [(LANGUAGES.get(path.suffix, ""), _read(path)) for path in dict.fromkeys(sources)]
    facts = facts_of(probe.spec, count(texts))
    functions = [
        name
        for language, text in texts
        if language == "python" and form == "gymnasium"
        for name in suite.functions_of(text, *part)
    ]
    unique = tuple(dict.fromkeys((*sources, *beside)))
    return Found(probe, config, unique, advise(facts), tuple(functions))


def write(wanted: Wanted, found: Found, target: Target) -> Project:
    """Write the project, commit it, and open its reference from there once.

    The folder appears whole or not at all.

    Raises:
        ProjectError: two sources have one name, or git refuses.
        ReferenceFailure: the reference does not start from the project folder.
    """
    names = [path.name for path in found.files]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ProjectError(f"two sources are named {twice[0]}; rename one, reference/ is flat")
    copied = tuple(f"reference/{name}" for name in names)
    written = wanted.specification is not None
    answers = Answers(
        name=wanted.name,
        target=target,
        launch=_from_project(wanted.reference),
        config=found.config,
        specification=copied[0] if written else "",
        sources=copied[1:] if written else copied,
        agent=wanted.agent,
        advice=found.advice,
        dollars=wanted.dollars,
        turns=wanted.turns,
        iterations=wanted.iterations,
        probe=found.probe,
    )
    final = wanted.folder.resolve()
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{final.name}-", dir=final.parent) as scratch:
        folder = Path(scratch) / final.name
        _files(folder, answers, found)
        if wanted.data is not None:
            shutil.copytree(wanted.data, folder / "data")
        project = load_project(folder)
        if answers.launch:
            _opens(answers, folder)
        _commit(folder)
        if final.exists():
            final.rmdir()
        folder.rename(final)
    return replace(project, folder=final)


def git_root(folder: Path) -> Path | None:
    """Return the repository that a folder would lie in, None if there is none."""
    for place in folder.resolve().parents:
        if (place / ".git").exists():
            return place
    return None


def _files(folder: Path, answers: Answers, found: Found) -> None:
    texts = {
        "envlift.toml": files.project_file(answers),
        "suite.py": suite.suite_file(answers, found.functions),
        "README.md": files.readme(answers),
        ".gitignore": files.IGNORED,
        f"{answers.name}/__init__.py": f'"""{answers.name}, the fast one."""\n',
        "tests/.gitkeep": "",
        "fixtures/.gitkeep": "",
    }
    if not answers.launch:
        texts["reference/rules.py"] = suite.RULES
        texts["reference/test_rules.py"] = suite.RULE_TESTS
    if answers.target == "rust":
        texts |= files.crate(answers.name)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "reference").mkdir(exist_ok=True)
    for path in found.files:
        (folder / "reference" / path.name).write_bytes(path.read_bytes())


def _commit(folder: Path) -> None:
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "add", "--all")
    identity = []
    if not (_setting(folder, "user.name") and _setting(folder, "user.email")):
        # For this one commit only: nobody's settings are touched.
        identity = ["-c", "user.name=envlift", "-c", "user.email=envlift@localhost"]
    plain = ["-c", "commit.gpgsign=false", "-c", f"core.hooksPath={os.devnull}"]
    _git(folder, *identity, *plain, "commit", "--quiet", "-m", "envlift init")


def _git(folder: Path, *words: str) -> str:
    outside = {key: value for key, value in os.environ.items() if not key.startswith("GIT_DIR")}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=outside, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ProjectError(f"git {words[-1] if words else ''}: {done.stderr.strip()}")
    return done.stdout.strip()


def _setting(folder: Path, name: str) -> str:
    with contextlib.suppress(ProjectError):
        return _git(folder, "config", "--get", name)
    return ""


def _opens(answers: Answers, folder: Path) -> None:
    """See that the reference starts from the project folder: a path may have been relative."""
    with contextlib.closing(
        open_reference(answers.launch, num_lanes=1, config=dict(answers.config), cwd=folder)
    ):
        pass


def _named_files(launch: str) -> list[Path]:
    """Return the files that the words of a ``process:`` reference name."""
    form, _, rest = launch.partition(":")
    if form != "process":
        return []
    return [Path(word) for word in shlex.split(rest) if _is_own_file(word)]


def _is_own_file(word: str) -> bool:
    return Path(word).is_file() and Path(word).suffix in LANGUAGES


def _from_project(launch: str) -> str:
    """Return a launch string whose files are those in ``reference/``."""
    form, _, rest = launch.partition(":")
    place, _, name = rest.rpartition(":")
    if form in ("python", "gymnasium") and place.endswith(".py"):
        return f"{form}:reference/{Path(place).name}:{name}"
    if form == "process":
        words = [f"reference/{Path(w).name}" if _is_own_file(w) else w for w in shlex.split(rest)]
        return f"process:{shlex.join(words)}"
    return launch


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8 text; name its source with --source") from None


def _installed(name: str) -> bool:
    spec: Any = None
    with contextlib.suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(name)
    # A folder without __init__.py, perhaps in the current directory, is no module.
    return spec is not None and spec.origin is not None
