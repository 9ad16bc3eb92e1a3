"""The child that trains here: ``python -m envlift.bench.learning.worker CONFIG``, one JSON line."""

from __future__ import annotations

import json
import sys
import time

from envlift.bench.learning import catch
from envlift.bench.machine import versions
from envlift.train.config import Config
from envlift.train.trainer import train


def main() -> None:
    """Answer one request."""
    assert catch.ID  # importing it tells Gymnasium of it
    config = Config(**json.loads(sys.argv[1]))
    started = time.perf_counter()
    trained = train(config)
    seconds = time.perf_counter() - started
    last = trained.history[-1]
    answer = {
        "return": last["return"],
        "steps": last["steps"],
        "seconds": seconds,
        "versions": versions(),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
