"""Audited code may start Warp, whatever ran before it: in a process of its own."""

import subprocess
import sys

PROGRAM = """
from envlift.verify.sides.guard import blamed
with blamed("import"):
    import envlift.targets.warp
print("started")
"""


def test_warp_may_be_started_by_audited_code():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "started", done.stderr
