"""Judge rows of the zoo by hand: ``python -m tests.zoo.status [--open] [WORD of an id ...]``.

Prints one line for each row; ``--open`` tries only the rows of ``open.txt``, ``--seed=N`` another
seed than the tests'.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path

from tests.zoo.judged import complaints, judge
from tests.zoo.rows import ROWS
from tests.zoo.test_zoo import OPEN, SEED


def run(words: list[str]) -> int:
    """Return 1 if a row does not come out."""
    seed = next((int(w.partition("=")[2]) for w in words if w.startswith("--seed=")), SEED)
    rows = [row for row in ROWS if "--open" not in words or row.id in OPEN]
    words = [word for word in words if not word.startswith("--")]
    rows = [row for row in rows if not words or any(word in row.id for word in words)]
    bad = 0
    for row in rows:
        out, err, began = io.StringIO(), io.StringIO(), time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix="zoo"))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = judge(row, folder, seed)
            except BaseException as error:  # told to whoever looks at the list
                code = -1
                print(f"raised {type(error).__name__}: {error}", file=err)
        wrong = complaints(row, code, out.getvalue(), err.getvalue())
        bad += bool(wrong)
        print(
            f"{row.id:<34} {time.monotonic() - began:5.1f} s  {'; '.join(wrong) or 'ok'}",
            flush=True,
        )
        (folder / "out.txt").write_text(out.getvalue() + err.getvalue())
        if wrong:
            print(f"{'':<34} {folder}/out.txt", flush=True)
    print(f"{bad} of {len(rows)} rows do not come out")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
