"""The API reference names what there is."""

from __future__ import annotations

import ast
import re

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "api.md"
BLOCK = re.compile(r"^::: (envlift[\w.]*)\n    options:\n      members: \[(.*)\]$", re.MULTILINE)


def defined(module: str) -> set[str]:
    """Return the names at the top of a module, imported ones included, without importing it."""
    path = ROOT.joinpath("src", *module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
    return found


def test_every_member_is_defined_where_the_page_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    blocks = BLOCK.findall(page)
    assert len(blocks) == page.count(":::") > 10
    for module, members in blocks:
        missing = set(members.split(", ")) - defined(module)
        assert not missing, f"docs/api.md shows {missing} of {module}, which has none"


def test_whatever_the_package_offers_is_on_the_page() -> None:
    import envlift

    shown = {name for _, members in BLOCK.findall(PAGE.read_text()) for name in members.split(", ")}
    assert set(envlift.__all__) <= shown
