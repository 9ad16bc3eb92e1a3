"""Run the tests of several copies of a workspace, each in a process forked from this one.

The start of pytest and its imports take longer than most tests. This process makes them once and
runs no test itself: it knows neither what a copy is for nor what came of the others, so no test can
find that here. One JSON object a line comes in: the ``folder`` of a copy and pytest's
``arguments``; one goes out: the exit ``code`` (negative for a signal), ``xml``, pytest's findings,
and the end of what it ``printed``.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pytest

AHEAD = (
    *("numpy", "hypothesis", "jax", "jax.numpy"),
    *("envlift.reference.launch", "envlift.translate.project.file"),
)
"""What tests and the plugin ``envlift.translate.testing`` import."""

PRINTED = 8_000
LARGEST = 20_000_000
"""Bytes of pytest's findings that are read."""


def main() -> int:
    """Answer requests until there are no more."""
    for name in AHEAD:
        _import(name)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        pytest.main(["--version"])  # loads what pytest itself consists of
    gc.freeze()  # pytest looks for garbage at its end: not among all of JAX
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for line in iter(requests.readline, ""):
        # No ``TemporaryDirectory``: a forked process would remove it at its own end.
        scratch = Path(tempfile.mkdtemp())
        found = _one(json.loads(line), scratch, (answers.fileno(), requests.fileno()))
        shutil.rmtree(scratch)
        print(json.dumps(found), file=answers, flush=True)
    return 0


def _import(name: str) -> None:
    with contextlib.suppress(ImportError):  # whoever needs it will say so
        __import__(name)


def _one(request: dict[str, Any], scratch: Path, ours: tuple[int, ...]) -> dict[str, Any]:
    """Run the tests of one copy."""
    xml, printed = scratch / "found.xml", scratch / "printed"
    printed.touch()
    sys.stdout.flush()
    with warnings.catch_warnings():
        # Nothing of JAX has started a thread here yet, which is what it warns of.
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        _test(request, xml, printed, ours)
    _, status = os.waitpid(child, 0)
    text = ""
    if xml.is_file() and xml.stat().st_size <= LARGEST:
        text = xml.read_text(encoding="utf-8", errors="replace")
    tail = ""
    if printed.is_file():
        with printed.open("rb") as stream:
            stream.seek(max(printed.stat().st_size - PRINTED, 0))
            tail = stream.read().decode(errors="replace")
    return {"code": os.waitstatus_to_exitcode(status), "xml": text, "printed": tail}


def _test(request: dict[str, Any], xml: Path, printed: Path, ours: tuple[int, ...]) -> None:
    """Become the tests; never returns."""
    code = 70
    try:
        for descriptor in ours:
            os.close(descriptor)
        output = os.open(printed, os.O_WRONLY | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(request["folder"])
        sys.path.append(request["folder"])
        words = [f"--junitxml={xml}", "-o", "junit_family=xunit1", *request["arguments"]]
        code = int(pytest.main(words))
        sys.stdout.flush()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        # What a test left to be done at the end is done, as in any process of its own.
        os._exit(_at_exit(code))


def _at_exit(code: int) -> int:
    import atexit

    try:
        atexit._run_exitfuncs()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    return code


if __name__ == "__main__":
    sys.exit(main())
