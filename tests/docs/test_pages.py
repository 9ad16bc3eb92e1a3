"""What the pages show is true: Python blocks run, command lines parse, the site builds.

How a page is read stands in ``pages.py``.
"""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from envlift.cli import parser
from envlift.report.page.command import _refuse
from tests.docs.pages import PAGES, ROOT, blocks, run_page

KNOWN_TAGS = {"python", "console", "text", "json", "toml", "yaml", "c", "js", "mermaid"}


def command_lines(text: str) -> list[list[str]]:
    """Return the words after every ``$`` of the console blocks, comments left out."""
    lines = [
        line[2:]
        for block in blocks(text)
        if block.tag == "console"
        for line in block.code.splitlines()
        if line.startswith("$ ")
    ]
    return [shlex.split(line, comments=True) for line in lines]


def targets() -> set[str]:
    """Return the targets of the Makefile that ``make help`` shows."""
    return set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def parses(arguments: list[str]) -> bool:
    """Return whether ``envlift`` takes these arguments."""
    try:
        parser().parse_args(arguments)
    except SystemExit as stop:
        return stop.code == 0
    return True


def check_command(words: list[str]) -> None:
    """Assert that a shown command could be typed: ours must parse, make's target must exist."""
    if words[0] == "envlift":
        assert parses(words[1:]), f"the command line does not parse: {shlex.join(words)}"
        if words[1] == "report":
            options = parser().parse_args(words[1:])
            json_file = options.json or options.out.with_suffix(".json")
            _refuse(options.out, json_file, options.sources)
    elif words[0] == "make":
        asked = {word for word in words[1:] if "=" not in word}
        assert asked <= targets(), f"make knows no {sorted(asked - targets())}"


@pytest.fixture(params=PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def page(request: pytest.FixtureRequest) -> str:
    return request.param.read_text(encoding="utf-8")


def test_python_runs(
    page: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    # A program that serves requests from its standard input finds none.
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    run_page(page, request.node.callspec.id)


def test_command_lines_parse(page: str) -> None:
    for words in command_lines(page):
        check_command(words)


def test_blocks_are_tagged(page: str) -> None:
    """A block with a wrong or missing tag would silently not be checked."""
    for block in blocks(page):
        assert block.tag in KNOWN_TAGS, f"line {block.line}: the tag {block.tag!r} is not known"


def test_the_site_builds(tmp_path: Path) -> None:
    """``--strict``: a broken link or a page missing from the menu is an error."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    result = subprocess.run(
        [*command, "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "site" / "index.html").is_file()


def test_the_site_asks_nobody_else() -> None:
    """No fonts, scripts or pictures from other hosts."""
    config = (ROOT / "mkdocs.yml").read_text()
    assert re.search(r"^ +font: false$", config, re.MULTILINE)
    assert "http" not in config


class TestTheRunner:
    """It fails where it should."""

    def test_an_error_names_page_and_line(self) -> None:
        with pytest.raises(ZeroDivisionError) as error:
            run_page("# T\n\n```python\nx = 1\n```\n\n```python\nx / 0\n```\n", "page.md")
        assert (str(error.traceback[-1].path), error.traceback[-1].lineno + 1) == ("page.md", 8)

    def test_blocks_share_a_namespace(self) -> None:
        with pytest.raises(AssertionError):
            run_page("```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n", "page.md")

    def test_fragments_do_not_run(self) -> None:
        run_page("<!-- fragment -->\n```python\nunknown\n```\n", "page.md")
        with pytest.raises(NameError):
            run_page("<!-- fragment -->\n\ntext\n\n```python\nunknown\n```\n", "page.md")

    def test_a_block_may_need_another_library(self) -> None:
        text = "<!-- needs torch, stable-baselines3 -->\n```python\nunknown\n```\n"
        run_page(text, "page.md")
        assert [block.needs for block in blocks(text)] == [["torch", "stable-baselines3"]]
        with pytest.raises(NameError):
            run_page(text.replace("<!-- needs", "<!-- need"), "page.md")

    @pytest.mark.parametrize(
        "line", ["envlift verfy pong", "envlift verify", "envlift bench pong --fast", "make tets"]
    )
    def test_a_wrong_command_line(self, line: str, capsys: pytest.CaptureFixture[str]) -> None:
        (words,) = command_lines(f"```console\n$ {line}  # a comment\nits output\n```\n")
        with pytest.raises(AssertionError):
            check_command(words)
