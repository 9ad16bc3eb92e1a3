"""From one string to a running reference."""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from envlift.reference.client import START_TIMEOUT, ReferenceProcess, Role
from envlift.reference.processes import venv
from envlift.reference.wire import RETURNABLE

FORMS = """\
  gymnasium:ID               any Gymnasium environment, for example gymnasium:CartPole-v1
  gymnasium:module:Class     one that is not registered
  gymnasium:path/to/file.py:Class
  python:module:Class        a class that the Python host serves
  python:path/to/file.py:Class
  process:program words...   any program that speaks the protocol (docs/reference-protocol.md);
                             "python" is the interpreter that runs this"""

HASH_SEED = "PYTHONHASHSEED"
"""Environment variable that orders Python's sets and texts; references are given a fixed one."""

_BRIDGE = "envlift.reference.bridge.environment:GymnasiumReference"
_TAPED = "envlift.reference.bridge.taped:TapedReference"
_BOOTSTRAP = str(Path(__file__).with_name("processes") / "bootstrap.py")
# Run by path alone, Python would put the folder of the bootstrap on its module path, where our
# types.py hides the standard library's.
_RUN = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"


def choose_interpreter(options: dict[str, Any]) -> Path | None:
    """Take ``interpreter`` or ``requirements`` out of a reference's options.

    Args:
        options: changed in place.

    Returns:
        The Python program that runs the reference, None where neither key is there. With
        ``requirements`` its environment is made now, if it is not in the cache.

    Raises:
        ValueError: if both are there, or what they name does not exist.
        ReferenceUnavailable: see ``venv.environment``.
    """
    chosen, requirements = options.pop("interpreter", None), options.pop("requirements", None)
    if chosen and requirements:
        raise ValueError(
            f"both 'interpreter' ({str(chosen)!r}) and 'requirements' ({str(requirements)!r}) say "
            "which Python runs the reference; leave one out"
        )
    if requirements:
        return venv.environment(_find(requirements))
    if not chosen:
        return None
    program = Path(chosen)
    if program.is_dir():
        program = program / "bin" / "python"
    if not program.is_file():
        raise ValueError(
            f"there is no interpreter {str(program)!r}; 'interpreter' must be a Python program or "
            "the folder of a virtual environment"
        )
    return program.absolute()


def _find(name: str | os.PathLike[str]) -> Path:
    """Return the file that ``package:file`` or a plain path names.

    ``package:file`` is relative to an importable package, so that no path of one machine stands in
    a suite or in evidence.

    Raises:
        ValueError: if there is no such package or file.
    """
    package, colon, file = os.fspath(name).rpartition(":")
    folder = Path()
    if colon:
        try:
            spec = importlib.util.find_spec(package)
        except (ModuleNotFoundError, ValueError):
            spec = None
        if spec is None or not spec.submodule_search_locations:
            raise ValueError(
                f"'requirements' is {str(name)!r}, but there is no package {package!r}"
            )
        folder = Path(spec.submodule_search_locations[0])
    path = folder / file
    if not path.is_file():
        raise ValueError(
            f"there is no file {str(path)!r}; 'requirements' must be 'package:file' or the path of "
            "a pip requirements file with hashes"
        )
    return path.absolute()


def python_host(target: str, interpreter: Path | None = None) -> list[str]:
    """Return the command that serves ``module:Class`` or ``path/to/file.py:Class``.

    Args:
        target: the class.
        interpreter: a Python program; it needs NumPy, not envlift. None for the running one.
    """
    return [str(interpreter or Path(sys.executable).absolute()), "-c", _RUN, _BOOTSTRAP, target]


def open_reference(
    spec: str,
    *,
    num_lanes: int,
    config: Mapping[str, Any] | None = None,
    timeout: float = 60.0,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    returns: Iterable[str] = RETURNABLE,
    role: Role = "reference",
    start_timeout: float = START_TIMEOUT,
    patience: float | None = None,
    inside: Callable[[Sequence[str]], list[str]] = list,
) -> ReferenceProcess:
    """Start the reference that ``spec`` names.

    Args:
        spec: ``gymnasium:ID``, ``python:module:Class``, ``python:path/to/file.py:Class`` or
            ``process:program words...`` (split as a shell would, but no shell is involved; the
            program ``python`` is the interpreter that runs this).
        num_lanes: B, how many games it keeps.
        config: the reference's own options. For ``python:`` and ``gymnasium:`` two keys are taken
            out that say what runs the reference instead of this interpreter: ``interpreter``, a
            Python program or the folder of a virtual environment, or ``requirements``, a pip
            requirements file with hashes (``package:file`` or a path), whose environment is made
            in the user's cache if it is not there.
        timeout: seconds without an answer after which it counts as hung, see ``ReferenceProcess``.
        env: the child's environment variables, None for those of this process and, where it has
            none, ``PYTHONHASHSEED=0``, so that sets are walked in the same order by both sides.
        cwd: the child's working directory, None for that of this process.
        returns, role, start_timeout, patience: see ``ReferenceProcess``.
        inside: makes of the words that start it those that start it somewhere, as in a sandbox.

    Raises:
        ValueError: if ``spec`` has none of these forms; the message lists them. If the interpreter
            or the requirements do not exist.
        ReferenceUnavailable: if the environment of ``requirements`` cannot be made here.
        ReferenceFailure: if the reference does not start.
    """
    options = dict(config or {})
    env = {HASH_SEED: "0", **os.environ} if env is None else env
    form, _, rest = spec.partition(":")
    rest = rest.strip()
    if form == "process" and rest:
        command = shlex.split(rest)
        if command[0] == "python":
            command[0] = sys.executable
    elif form == "gymnasium" and rest:
        bridge = _TAPED if "tape" in options else _BRIDGE
        command = python_host(bridge, choose_interpreter(options))
        options = {"id": rest, **options}
    elif form == "python" and ":" in rest.strip(":"):
        command = python_host(rest, choose_interpreter(options))
    else:
        raise ValueError(f"{spec!r} names no reference. The forms are\n{FORMS}")
    return ReferenceProcess(
        inside(command),
        num_lanes=num_lanes,
        config=options,
        timeout=timeout,
        env=env,
        cwd=cwd,
        returns=returns,
        role=role,
        start_timeout=start_timeout,
        patience=patience,
        told=command,
    )
