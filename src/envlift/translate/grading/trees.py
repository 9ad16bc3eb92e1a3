"""The folders of one judgement: what judges, what is judged, and what is tested, apart.

The *rules* (project file, suite, reference, recorded cases) come from the commit that a turn
started from and are all that the judge reads. The *candidate* is the turn's work without them: the
reference's source is not there, wherever it looks. The *tests* run on the work with the rules laid
over it, so that what a turn did to them is gone.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envlift.candidate.isolation import Isolation
from envlift.reference.processes.cache import cache_folder
from envlift.translate.grading import processes_limit
from envlift.translate.project.file import Project
from envlift.translate.project.guarded import FIXTURES

NEVER = (".git", ".envlift", "__pycache__", ".pytest_cache", ".hypothesis")
"""Names that are never copied."""


MOST = 4_096
"""Processes and threads of one sandbox: a compiler on a machine of many cores needs hundreds."""

ROOT = "Linux holds no process of root to it"


@dataclass(frozen=True)
class Bounded(Isolation):
    """An isolation in which only so many processes may run, where the kernel counts them."""

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the words that start a command in here."""
        if self.trouble:
            # Without a name space of their own, all processes of the user would be counted.
            return super().command(words)
        limited = [sys.executable, "-I", "-S", processes_limit.__file__, str(MOST)]
        return super().command([*limited, *words])


def unbounded(trouble: str) -> str:
    """Return why the number of processes is not limited here, empty if it is.

    Args:
        trouble: why there is no sandbox, empty if there is one.
    """
    if trouble:
        return "there is no sandbox"
    release = platform.release().split("-")[0].split(".")
    if tuple(int(part) for part in release[:2] if part.isdigit()) < (5, 14):
        return "Linux counts them for each sandbox from 5.14 on"
    return ROOT if os.geteuid() == 0 else ""


@dataclass(frozen=True)
class Trees:
    """Where everything of one judgement stands.

    Attributes:
        rules: folder that the judge reads; nothing that an agent wrote is in it.
        work: the work that is judged, as it was committed.
        candidate: a copy of the work without the rules, in which the candidate is built and runs.
        scratch: folder for further copies.
        trouble: why what is judged is not isolated, empty if it is.
        project: as the rules say it.
    """

    rules: Path
    work: Path
    candidate: Path
    scratch: Path
    trouble: str
    project: Project

    @property
    def hidden(self) -> tuple[Path, ...]:
        """Folders that a candidate finds empty."""
        return (self.rules, self.work, *_around(self.rules), *_around(self.work))

    @property
    def cache(self) -> Path:
        """Folder for what the candidate's processes compile, for this judgement alone.

        Kept longer, it would be a way for the code of one turn to stand in for another's.
        """
        return self.scratch / "cache"

    @property
    def compiled(self) -> dict[str, str]:
        """Variables by which the candidate's processes share what they compile."""
        return {
            "JAX_COMPILATION_CACHE_DIR": str(self.cache / "xla"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            "WARP_CACHE_PATH": str(self.cache / "warp"),
        }

    def of_candidate(self, *shown: Path, build: bool = False) -> Isolation:
        """Return where the candidate runs: nothing but its own copy is there.

        Args:
            shown: what it may read beside that.
            build: it is built, and may write its copy.
        """
        copies = (self.candidate,)
        return Bounded(
            self.trouble,
            hidden=(cache_folder(), *self.hidden),
            shown=shown if build else (*shown, *copies),
            writable=(*(copies if build else ()), self.cache),
            folder=self.candidate,
            path=(*_libraries(self.rules), str(self.candidate)),
            environment={"PWD": str(self.candidate), **self.compiled},
        )

    def of_suite(self) -> Isolation:
        """Return where the suite asks the candidate: the suite's own files are there as well."""
        here = self.of_candidate(*self.of_rules())
        assert here.path is not None
        path = (*_libraries(self.rules), str(self.rules), str(self.candidate))
        answers = [self.rules / name for name in self.answers]
        return replace(here, path=path, hidden=(*here.hidden, *answers))

    @property
    def answers(self) -> list[str]:
        """Names in the rules that hold answers: the reference, recorded cases, written rules."""
        written = self.project.reference.specification.split("/")[0]
        return ["reference", FIXTURES, *filter(None, [written])]

    def of_rules(self) -> list[Path]:
        """Return the suite's own files: the rules without the reference and recorded cases."""
        shown = [path for path in sorted(self.rules.iterdir()) if path.name not in self.answers]
        # What the suite itself imports of the reference is no secret to its functions.
        loaded = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        hidden = [self.rules / name for name in self.answers]
        for place in sorted({Path(file).resolve() for file in loaded if file}):
            shown += [place] * any(place.is_relative_to(one) for one in hidden)
        return shown

    def of_tests(self, folder: Path) -> Isolation:
        """Return where property tests run: on a copy of their own, which they cannot change."""
        return Bounded(
            self.trouble,
            hidden=self.hidden,
            shown=(folder,),
            folder=folder,
            environment={"PWD": str(folder)},
        )

    def copy_for_tests(self) -> Path:
        """Return a fresh copy of the work, with the rules over it."""
        number = len(list(self.scratch.glob("tests-*")))
        copy = self.scratch / f"tests-{number}"
        _copy(self.work, copy)
        if self.project.build:
            # What was built from it is tested.
            _copy(self.candidate, copy)
        if self.rules != self.work:
            _copy(self.rules, copy)
        return copy


def make_trees(
    project: Project, work: Path, scratch: Path, trouble: str, protected: Callable[[str], bool]
) -> Trees:
    """Copy the work that is judged.

    Args:
        project: read from the rules.
        work: folder of the work.
        scratch: an empty folder for the copies.
        trouble: why nothing is isolated, empty if it is.
        protected: whether a path belongs to the rules.
    """
    candidate = scratch / "candidate"
    _copy(work, candidate, lambda path: not protected(path) and not path.startswith("tests/"))
    trees = Trees(project.folder, work, candidate, scratch, trouble, project)
    trees.cache.mkdir()
    return trees


def _copy(source: Path, target: Path, wanted: Callable[[str], bool] = lambda path: True) -> None:
    """Copy plain files; links are left out, they could lead anywhere."""
    target.mkdir(parents=True, exist_ok=True)
    for path in _files(source, source):
        name = path.relative_to(source).as_posix()
        if wanted(name):
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)


def _files(folder: Path, top: Path) -> Iterable[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in NEVER or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path, top)
        elif path.is_file():
            yield path


def _around(folder: Path) -> tuple[Path, ...]:
    """Return the project folder around a worktree of its own, where there is one."""
    for parent in folder.parents:
        if (parent / ".envlift").is_dir():
            return (parent,)
    return ()


def _libraries(rules: Path) -> list[str]:
    """Return this process's ``sys.path`` without the folder of the rules."""
    here = str(rules)
    return [entry for entry in sys.path if entry and str(Path(entry).resolve()) != here]
