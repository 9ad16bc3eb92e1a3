"""Pages as their code blocks: found, and run.

The blocks of a page share one namespace and run in order. Two lines before a block change that:

- ``<!-- fragment -->``: it is part of something larger and does not run;
- ``<!-- needs LIBRARIES -->``: it runs by itself, where those libraries are (``make libraries``).
"""

from __future__ import annotations

import re
import sys
import types
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / n for n in ("README.md", "AGENTS.md", "CONTRIBUTING.md")),
]
FENCE = re.compile(
    r"(?:<!-- (?P<mark>fragment|needs [\w-]+(?:, [\w-]+)*) -->\n+)?"
    r"^(?P<fence>`{3,})(?P<tag>[\w-]*)[^\n]*\n(?P<code>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    tag: str
    code: str
    line: int
    mark: str

    @property
    def needs(self) -> list[str]:
        """The libraries that a block needs beside envlift's own."""
        return self.mark.removeprefix("needs ").split(", ") if self.mark[:6] == "needs " else []


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page; ``line`` is that of their first line of code."""
    return [
        Block(
            tag=found["tag"],
            code=found["code"],
            line=text.count("\n", 0, found.start("code")) + 1,
            mark=found["mark"] or "",
        )
        for found in FENCE.finditer(text)
    ]


def run_block(block: Block, name: str, namespace: dict[str, object]) -> None:
    """Run one block; an error names the page and its line."""
    padded = "\n" * (block.line - 1) + block.code
    exec(compile(padded, name, "exec"), namespace)


def run_page(text: str, name: str) -> None:
    """Run the Python blocks of a page that need nothing beside envlift."""
    # A module, as a class that looks itself up expects.
    module = types.ModuleType("__docs__")
    sys.modules["__docs__"] = module
    namespace = module.__dict__
    for block in blocks(text):
        if block.tag == "python" and not block.mark:
            run_block(block, name, namespace)
