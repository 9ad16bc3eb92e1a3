"""Which candidate is a stranger, and where it runs.

What belongs to envlift is trusted, and so is the reference: it is what a person compares with.
Everything else that a launch string names is a stranger. It runs with as few rights as the platform
gives, see ``candidate/isolation.py``: it reads the machine but for the cache of references, and
writes nowhere but into a folder that is gone after the run.
"""

from __future__ import annotations

import contextlib
import shlex
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from envlift.candidate.isolation import Isolation, NotIsolatedError, Wanted, choose
from envlift.reference.processes.cache import cache_folder
from envlift.registry import list_envs

TRUSTED = "it was trusted (--trusted)"
FUNCTION = "it is a Python function, which came to be in this process before it was judged"


def is_ours(candidate: str | Callable[..., Any]) -> bool:
    """Whether a candidate is a part of envlift itself."""
    if not isinstance(candidate, str):
        return _of_envlift(str(getattr(candidate, "__module__", "")))
    form, colon, rest = candidate.partition(":")
    if not colon:
        return candidate in list_envs()
    return form in ("env", "vector", "python", "gymnasium") and _of_envlift(rest.partition(":")[0])


def _of_envlift(module: str) -> bool:
    return module.partition(".")[0] == "envlift" and not module.endswith(".py")


@contextlib.contextmanager
def placed(
    candidate: str | Callable[..., Any],
    suite_source: str = "",
    sandbox: Wanted = "auto",
    trusted: bool = False,
) -> Iterator[tuple[Isolation | None, str]]:
    """Give where a candidate runs while it is judged, None for where it likes, and why so.

    Args:
        candidate: its launch string, or a function that makes it.
        suite_source: by which the suite is found; a file is shown to the process that evaluates
            the suite's functions of the candidate.
        sandbox: whether it has to be isolated.
        trusted: it is not a stranger, whatever it is.

    Yields:
        The place, and why the candidate is not isolated: empty if it is, or is envlift's own.

    Raises:
        NotIsolatedError: if isolation is required and cannot be had.
        ValueError: if it is required, and the candidate trusted.
    """
    if trusted and sandbox == "required":
        raise ValueError("--trusted and --sandbox required exclude each other; leave one out")
    if is_ours(candidate):
        yield None, ""
    elif trusted:
        yield None, TRUSTED
    elif not isinstance(candidate, str):
        if sandbox == "required":
            raise NotIsolatedError(
                f"--sandbox required: {candidate!r} cannot be isolated: {FUNCTION}; name it by a "
                "launch string such as env:module:function"
            )
        yield None, FUNCTION
    else:
        trouble = choose(sandbox)
        with tempfile.TemporaryDirectory(prefix="envlift-stranger-") as scratch:
            folders = [Path.cwd(), *_named(candidate)]
            if suite_source.endswith(".py"):
                folders.append(Path(suite_source).resolve().parent)
            yield _place(trouble, folders, Path(scratch).resolve()), trouble


def left_alone(why: str) -> list[str]:
    """Return what is not verified of a candidate that is not isolated; empty if ``why`` is."""
    line = f"that the candidate left its judge alone: it was not isolated, {why}"
    return [line] if why else []


def _named(candidate: str) -> list[Path]:
    """Return the folders of the files that a launch string names."""
    form, _, rest = candidate.partition(":")
    with contextlib.suppress(ValueError):
        words = shlex.split(rest) if form == "process" else [rest.rpartition(":")[0]]
        return [Path(word).resolve().parent for word in words if Path(word).is_file()]
    return []


def _place(trouble: str, folders: list[Path], scratch: Path) -> Isolation:
    # Each run compiles into a cache of its own: what a stranger leaves there, nobody else reads.
    caches = {"WARP_CACHE_PATH": scratch / "warp", "MPLCONFIGDIR": scratch / "matplotlib"}
    hidden, fresh = cache_folder(), Path("/tmp").resolve()
    shown: dict[Path, None] = {}
    for folder in folders:
        # All else is there already; a folder above these would bring back what is hidden in it.
        covered = [over for over in (fresh, hidden) if folder.is_relative_to(over)]
        if fresh in covered and folder == fresh:
            shown |= dict.fromkeys(_importable(folder))
        elif covered and folder != hidden:
            shown[folder] = None
    return Isolation(
        trouble,
        hidden=(hidden,),
        shown=tuple(shown),
        writable=(scratch,),
        folder=Path.cwd(),
        environment={} if trouble else {name: str(path) for name, path in caches.items()},
    )


def _importable(folder: Path) -> list[Path]:
    """Return the modules and packages in a folder of which everything else stays unseen."""
    inside = sorted(folder.iterdir())
    return [
        p for p in inside if (p.suffix == ".py" and p.is_file()) or (p / "__init__.py").exists()
    ]
