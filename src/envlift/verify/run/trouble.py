"""What stops a run that is no verdict: a suite's own error, or a bug of envlift's.

Only FAIL says that the environments differ, so neither may look like one.
"""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path

from envlift.reference.failure import SideFailure

_OURS = str(Path(__file__).resolve().parents[2])

EXIT_BUG = 70
"""Of a bug of envlift's (``EX_SOFTWARE``)."""


class InternalError(RuntimeError):
    """A bug of envlift; its message says where the traceback stands."""


def is_a_sentence(error: BaseException) -> bool:
    """Whether an error was written for people: one of ours, raised on purpose."""
    if isinstance(error, SideFailure):
        return True
    if not isinstance(error, (ValueError, ModuleNotFoundError)):
        return False
    if type(error) is not ValueError and not isinstance(error, ModuleNotFoundError):
        # Classes of our own; JSON's and Unicode's come from a library and say nothing of the file.
        return type(error).__module__.startswith("envlift.")
    frames = traceback.extract_tb(error.__traceback__)
    return not frames or frames[-1].filename.startswith(_OURS)


def bug(error: BaseException) -> InternalError:
    """Write the traceback into a file and return the error that says so."""
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="envlift-bug-", suffix=".txt", delete=False
        ) as stream:
            stream.write(text)
        where = f"the traceback stands in {stream.name}; please report it"
    except OSError as trouble:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"its traceback could not be written ({trouble}); it ends in {last.filename}"
        where += f", line {last.lineno}"
    words = str(error).strip().partition("\n")[0]
    return InternalError(f"a bug of envlift: {type(error).__name__}: {words} ({where})")
