"""``envlift prompt``: print what an agent would be told."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

KINDS = ("decompose", "translate", "tests", "repair", "root-cause", "optimise")


def add_prompt(commands: Any) -> None:
    """Add ``prompt`` to the commands of a parser."""
    prompt = commands.add_parser(
        "prompt",
        help="print what a coding agent would be told",
        description=(
            "Print the prompt of one turn. Templates of the same name in PROJECT/prompts replace "
            "the built-in ones (docs/translate.md)."
        ),
    )
    prompt.add_argument("project", type=Path, metavar="PROJECT", help="folder of envlift.toml")
    prompt.add_argument("module", nargs="?", metavar="MODULE", help="a module of the project")
    prompt.add_argument("--kind", choices=KINDS, help="default: translate, or decompose")
    prompt.add_argument("--level", default="", help="the level it is meant to pass, such as L1")
    prompt.set_defaults(run=_prompt)


def _prompt(options: argparse.Namespace) -> int:
    from envlift.translate.project.file import load_project
    from envlift.translate.prompts.render import render

    project = load_project(options.project)
    kind = options.kind or ("translate" if options.module or project.modules else "decompose")
    level = options.level or ("L1" if options.module else "L2")
    print(render(kind, project, module=options.module, level=level), end="")
    return 0
