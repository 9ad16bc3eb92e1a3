"""Which lines of ``pong.h`` ran, from gcc's own counters."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from envlift.reference.failure import ReferenceUnavailable


class LineCounts:
    """Collects the counters of one process.

    Raises:
        ReferenceUnavailable: if there is no gcov.
    """

    def __init__(self) -> None:
        gcov = shutil.which("gcov")
        if gcov is None:
            raise ReferenceUnavailable(
                "coverage of the reference needs gcov, which was not found; it comes with gcc"
            )
        self._gcov = gcov
        self._place = tempfile.TemporaryDirectory(prefix="envlift-coverage-")
        self._library: Any = None
        # Else the counters would be written to the folder in which it was compiled, now gone.
        os.environ["GCOV_PREFIX"] = self._place.name
        os.environ["GCOV_PREFIX_STRIP"] = "99"

    def attach(self, library: Any, path: Path) -> None:
        """Take the counters of ``library``, which was compiled into ``path``.

        Raises:
            ReferenceUnavailable: if its compiler left no notes for gcov.
        """
        notes = sorted(path.parent.glob("*.gcno"))
        if not notes:
            raise ReferenceUnavailable(
                "the C compiler wrote no notes for gcov; set CC to gcc, or leave coverage off"
            )
        shutil.copy(notes[0], self._place.name)
        self._notes = notes[0].name
        self._library = library

    def counts(self) -> dict[str, int]:
        """Return ``pong.h:LINE FUNCTION`` -> how often that line ran since the start.

        Lines of the window, which nothing calls, are left out.
        """
        # What is written out is added to what was written before, and begins again at 0.
        self._library.pong_dump_coverage()
        run = subprocess.run(
            [self._gcov, "--json-format", "--stdout", self._notes],
            cwd=self._place.name,
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            files = json.loads(run.stdout)["files"]
        except (ValueError, KeyError):
            raise ReferenceUnavailable(
                f"gcov gave no counts ({run.stderr.strip() or 'no message'}); gcov and the C "
                "compiler must be of one release"
            ) from None
        total: dict[str, int] = {}
        for file in files:
            if Path(file["file"]).name != "pong.h":
                continue
            for line in file["lines"]:
                function = line.get("function_name", "")
                if function in _GAME:
                    key = f"pong.h:{line['line_number']} {function}"
                    total[key] = total.get(key, 0) + int(line["count"])
        return total


_GAME = ("init", "compute_observations", "reset_round", "c_reset", "c_step", "add_log")
