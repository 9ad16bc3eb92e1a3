"""What stops a run that is no verdict: a suite's own error, or a bug of envlift's.

Only FAIL says that the environments differ, so neither may look like one.
"""

from __future__ import annotations

import re
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envlift.reference.failure import PairError, ReferenceFailure, SideFailure
from envlift.verify.suite import Config, Suite

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


def refuse_unknown_option(
    suite: Suite, config: Config, options: Mapping[str, Any], error: Exception
) -> None:
    """An option that a side does not take is a slip of who gave it, and no difference.

    Raises:
        PairError: if that is what the error tells.
    """
    told = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    if told and told[1] in options:
        side = "reference" if isinstance(error, ReferenceFailure) else "candidate"
        raise PairError(
            f"the {side} takes no option {told[1]!r}, which the configuration {config.name!r} of "
            f"the suite {suite.name}, or the command line, gives it: {error}"
        ) from error
