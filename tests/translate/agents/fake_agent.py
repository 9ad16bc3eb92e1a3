"""A command-line agent that misbehaves as its first argument says. Speaks as ``claude -p`` does."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path


def say(**event: object) -> None:
    print(json.dumps(event), flush=True)


def message(number: int, sent: int, written: int) -> None:
    usage = {"input_tokens": sent, "cache_read_input_tokens": 0, "output_tokens": written}
    say(type="assistant", message={"id": f"m{number}", "usage": usage})


def result(**changes: object) -> None:
    usage = {"input_tokens": 1000, "cache_read_input_tokens": 400, "output_tokens": 50}
    said = {"subtype": "success", "is_error": False, "result": "Done.", "total_cost_usd": 0.25}
    say(type="result", session_id="s-1", usage=usage, **{**said, **changes})


def main() -> None:
    what = sys.argv[1]
    say(type="system", subtype="init", session_id="s-1", model="claude-sonnet-4-5")
    if what == "change":
        Path("made.txt").write_text(sys.stdin.read())
        result()
    elif what == "nothing":
        result()
    elif what == "hang":
        message(1, 1000, 50)
        nap = "import time; time.sleep(120)"
        child = subprocess.Popen([sys.executable, "-c", nap])
        stray = subprocess.Popen([sys.executable, "-c", nap], start_new_session=True)
        Path("pids.txt").write_text(f"{child.pid} {stray.pid}")
        time.sleep(120)
    elif what == "leave":
        nap = "import time; time.sleep(120)"
        stray = subprocess.Popen([sys.executable, "-c", nap], start_new_session=True)
        Path("pids.txt").write_text(str(stray.pid))
        result()
    elif what == "crash":
        message(1, 1000, 50)
        print("Traceback: it broke", file=sys.stderr)
        sys.exit(3)
    elif what == "error":
        result(is_error=True, result="API Error: credit balance is too low")
    elif what == "budget":
        result(subtype="error_max_budget_usd", is_error=True, result=None, errors=["too much"])
    elif what == "spend":
        for number in range(200):
            message(number, 100_000, 0)
            time.sleep(0.05)
        result()
    elif what == "garbage":
        sys.stdout.buffer.write(b"\xff\xfe{not json\n[1, 2]\n\x00\n" + b'{"type": ["x"]}\n')
    elif what == "huge":
        for _ in range(3000):
            print("x" * 10_000)
        result()
    elif what == "secret":
        Path(sys.argv[2], "own.txt").write_text("the key is sk-planted-5f0c9a1e77")
        print("the key is sk-planted-5f0c9a1e77", file=sys.stderr)
        result(result="I found sk-planted-5f0c9a1e77.")


main()
