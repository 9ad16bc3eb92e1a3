"""The page in a real browser: it opens from the disk, asks nobody for anything, fits a phone."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path

import pytest

from envlift.report.page.gather import gather
from envlift.report.page.render import render
from tests.report.reader import read
from tests.report.translated import project, report

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NOTHING_LEAVES = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""The browser's own errands (updates, its clock) end here as well."""
PHONE = 390
OUTSIDE = '<img src="http://127.0.0.1:9/outside.png">'
SCRIPT = '<script>document.body.dataset.it = "r" + "an"</script>'
WIDE = '<div style="width: 600px">wide</div>'


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Pong, a failing run and a translation."""
    place = tmp_path_factory.mktemp("sources")
    report(failing=True).write(place / "taxi.json")
    translation = project(place / "project")
    return {"pong": "pong", "failing": str(place / "taxi.json"), "translation": str(translation)}


@pytest.fixture(scope="module")
def pages(sources: dict[str, str]) -> dict[str, str]:
    return {name: render(gather([source])) for name, source in sources.items()}


def visit(browser: str, page: Path, folder: Path) -> tuple[str, list[str]]:
    """Open a page; return its DOM and the addresses that it asked for, files left out."""
    log = folder / "net.json"
    done = subprocess.run(
        [
            browser,
            *FLAGS,
            NOTHING_LEAVES,
            f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={log}",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    asked = []
    for event in json.loads(log.read_text())["events"]:
        found = event.get("params") or {}
        # What the browser asks for on its own behalf is of no origin; a page's requests have one.
        by_the_page = found.get("initiator", "not an origin") != "not an origin"
        if by_the_page and not found["url"].startswith(("file:", "data:")):
            asked.append(found["url"])
    return done.stdout, asked


@pytest.mark.parametrize("name", ["pong", "failing", "translation"])
def test_it_opens_and_asks_nobody(
    browser: str, sources: dict[str, str], pages: dict[str, str], name: str, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text(pages[name], encoding="utf-8")
    dom, asked = visit(browser, page, tmp_path)
    assert asked == []
    subjects = gather([sources[name]]).subjects
    assert strips(dom) == [[(one.level, one.verdict) for one in s.levels] for s in subjects]
    verdicts = re.findall(r'<p class="verdict .*?<strong>(.*?)</strong>', dom, re.DOTALL)
    assert verdicts == {"pong": ["PASS", "PASS"], "failing": ["FAIL"]}.get(name, ["PASS"])


def strips(dom: str) -> list[list[tuple[str, str]]]:
    """Return the verdict strips of a page as the browser holds it."""
    found = [read(text) for text in re.findall(r'<ol class="strip".*?</ol>', dom, re.DOTALL)]
    return [
        [(li.all("b")[0].text, li.one("span", "chip").text.partition(" ")[2]) for li in n.all("li")]
        for n in found
    ]


def planted(page: str, folder: Path, policy: bool) -> Path:
    """Write a page with a picture from elsewhere and a script in it, with or without its policy."""
    text = page.replace("<footer>", f"{OUTSIDE}{SCRIPT}<footer>")
    path = folder / "page.html"
    path.write_text(text if policy else text.replace("http-equiv", "data-no"), encoding="utf-8")
    return path


def test_a_request_would_be_seen(browser: str, pages: dict[str, str], tmp_path: Path) -> None:
    """The check above can fail: without the policy, what is planted asks and runs."""
    dom, asked = visit(browser, planted(pages["failing"], tmp_path, policy=False), tmp_path)
    assert asked == ["http://127.0.0.1:9/outside.png"]
    assert 'data-it="ran"' in dom


def test_the_policy_holds_back_what_is_planted(
    browser: str, pages: dict[str, str], tmp_path: Path
) -> None:
    dom, asked = visit(browser, planted(pages["failing"], tmp_path, policy=True), tmp_path)
    assert asked == []
    assert 'data-it="ran"' not in dom


def width(browser: str, text: str, folder: Path, opened: bool) -> int:
    """Return how wide a page is in a frame as wide as a phone, with all details open or closed."""
    # The function stands before the frame: the frame's page may be there before what follows it.
    wrapper = f"""<!DOCTYPE html><body><script>
      function measure(page) {{
        page.querySelectorAll("details").forEach(one => one.open = {str(opened).lower()});
        document.body.dataset.width = page.documentElement.scrollWidth;
        document.body.dataset.seen = page.documentElement.clientWidth;
      }}</script>
      <iframe style="border:0;width:{PHONE}px;height:800px" onload="measure(this.contentDocument)"
      srcdoc="{html.escape(text)}"></iframe>"""
    page = folder / "wrapper.html"
    page.write_text(wrapper, encoding="utf-8")
    dom, _ = visit(browser, page, folder)
    tree = dom[dom.index("<body") : dom.index(">", dom.index("<body")) + 1]
    found = read(tree + "</body>").one("body").attributes
    # A scroll bar takes some of the width.
    assert PHONE - 20 <= int(str(found["data-seen"])) <= PHONE
    return int(str(found["data-width"]))


@pytest.mark.parametrize("opened", [False, True], ids=["closed", "opened"])
@pytest.mark.parametrize("name", ["pong", "failing", "translation"])
def test_it_fits_a_phone(
    browser: str, pages: dict[str, str], name: str, opened: bool, tmp_path: Path
) -> None:
    assert width(browser, pages[name], tmp_path, opened) <= PHONE


def test_a_wide_page_would_be_seen(browser: str, pages: dict[str, str], tmp_path: Path) -> None:
    wide = pages["failing"].replace("<footer>", f"{WIDE}<footer>")
    assert width(browser, wide, tmp_path, opened=False) > PHONE
