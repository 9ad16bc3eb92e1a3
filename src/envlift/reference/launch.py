"""From one string to a running reference."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from envlift.reference.client import ReferenceProcess
from envlift.reference.wire import RETURNABLE

FORMS = """\
  gymnasium:ID               any Gymnasium environment, for example gymnasium:CartPole-v1
  python:module:Class        a class that the Python host serves
  python:path/to/file.py:Class
  process:program words...   any program that speaks the protocol (docs/reference-protocol.md)"""

_BRIDGE = "envlift.reference.gymnasium_bridge:GymnasiumReference"
_BOOTSTRAP = str(Path(__file__).with_name("bootstrap.py"))
# Run by path alone, Python would put the folder of the bootstrap on its module path, where our
# types.py hides the standard library's.
_RUN = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"


def python_host(target: str, interpreter: str | os.PathLike[str] | None = None) -> list[str]:
    """Return the command that serves ``module:Class`` or ``path/to/file.py:Class``.

    Args:
        target: the class.
        interpreter: a Python program or the folder of a virtual environment; it needs NumPy, not
            envlift. None for the running interpreter.

    Raises:
        ValueError: if the interpreter does not exist.
    """
    program = Path(interpreter) if interpreter else Path(sys.executable)
    if program.is_dir():
        program = program / "bin" / "python"
    if interpreter and not program.is_file():
        raise ValueError(
            f"there is no interpreter {str(program)!r}; 'interpreter' must be a Python program or "
            "the folder of a virtual environment"
        )
    return [str(program.absolute()), "-c", _RUN, _BOOTSTRAP, target]


def open_reference(
    spec: str,
    *,
    num_lanes: int,
    config: Mapping[str, Any] | None = None,
    timeout: float = 30.0,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    returns: Iterable[str] = RETURNABLE,
) -> ReferenceProcess:
    """Start the reference that ``spec`` names.

    Args:
        spec: ``gymnasium:ID``, ``python:module:Class``, ``python:path/to/file.py:Class`` or
            ``process:program words...`` (split as a shell would, but no shell is involved).
        num_lanes: B, how many games it keeps.
        config: the reference's own options. For ``python:`` and ``gymnasium:`` the key
            ``interpreter`` is taken out: a Python program, or the folder of a virtual environment,
            that runs the reference instead of this interpreter.
        timeout: seconds that one operation may take.
        env: the child's environment variables, None for those of this process.
        cwd: the child's working directory, None for that of this process.
        returns: see ``ReferenceProcess``.

    Raises:
        ValueError: if ``spec`` has none of these forms; the message lists them.
        ReferenceFailure: if the reference does not start.
    """
    options = dict(config or {})
    form, _, rest = spec.partition(":")
    rest = rest.strip()
    if form == "process" and rest:
        command = shlex.split(rest)
    elif form == "gymnasium" and rest:
        command = python_host(_BRIDGE, options.pop("interpreter", None))
        options = {"id": rest, **options}
    elif form == "python" and ":" in rest.strip(":"):
        command = python_host(rest, options.pop("interpreter", None))
    else:
        raise ValueError(f"{spec!r} names no reference. The forms are\n{FORMS}")
    return ReferenceProcess(
        command,
        num_lanes=num_lanes,
        config=options,
        timeout=timeout,
        env=env,
        cwd=cwd,
        returns=returns,
    )
