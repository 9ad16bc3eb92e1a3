"""Serve Pokémon Showdown over stdin and stdout: ``python -m envlift.envs.pokemon.reference``."""

from __future__ import annotations

import json
import os
import sys

from envlift.envs.pokemon.reference.showdown import command
from envlift.reference.failure import ReferenceUnavailable


def main() -> None:
    """Become the Node host; where it cannot be had, answer the first request with why."""
    try:
        words = command()
    except ReferenceUnavailable as error:
        request = json.loads(sys.stdin.readline())
        answer = {"id": request["id"], "error": error.reason, "unavailable": True}
        print(json.dumps(answer), flush=True)
        sys.exit(1)
    os.execv(words[0], words)


if __name__ == "__main__":
    main()
