"""Pokémon Showdown as a reference: its packages, and the command that serves it.

A suite names it ``process:python -m envlift.envs.pokemon.reference``. What it holds and answers
stands in ``README.md``.
"""

from __future__ import annotations

from pathlib import Path

from envlift.reference.processes import npm

FOLDER = Path(__file__).with_name("node")


def prepare() -> Path:
    """Install the pinned packages, with progress on stderr; instant the second time.

    Call it before opening the reference: the download may take longer than a reference may.

    Returns:
        The folder they lie in.

    Raises:
        ReferenceUnavailable: saying what to do.
    """
    npm.node(FOLDER)
    return npm.packages(FOLDER)


def command() -> list[str]:
    """Return the command that serves Showdown's battles over the reference protocol.

    Raises:
        ReferenceUnavailable: see ``prepare``.
    """
    packages = prepare()
    return [npm.node(FOLDER), str(FOLDER / "host.mjs"), str(packages)]
