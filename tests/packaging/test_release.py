"""Versions, metadata, and what a tag starts."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests.scripts import ROOT, script

RELEASE, DIST = script("release"), script("dist")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in (*RELEASE.PLACES, "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_versions_here_agree() -> None:
    assert len(set(RELEASE.versions(ROOT).values())) == 1


def test_a_version_is_set_everywhere_and_nothing_else(checkout: Path) -> None:
    before = {name: (checkout / name).read_text() for name in RELEASE.PLACES}
    old = RELEASE.versions(checkout)["pyproject.toml"]
    RELEASE.release(checkout, "7.1.0rc2", "2030-01-02")
    assert set(RELEASE.versions(checkout).values()) == {"7.1.0rc2"}
    for name, text in before.items():
        changed = (checkout / name).read_text()
        pairs = zip(text.splitlines(), changed.splitlines(), strict=True)
        others = [(a, b) for a, b in pairs if a != b]
        assert len(others) == (2 if name.endswith(".lock") else 1)
        written = "7.1.0-rc.2" if "Cargo" in name else "7.1.0rc2"
        assert all(was.replace(old, written) == now for was, now in others)
    log = (checkout / "CHANGELOG.md").read_text()
    assert "## [Unreleased]\n\n## [7.1.0rc2] - 2030-01-02\n\n### Added\n" in log
    with pytest.raises(RELEASE.ReleaseError, match="nothing under"):
        RELEASE.release(checkout, "7.1.0", "2030-01-03")


@pytest.mark.parametrize(
    ("version", "message"),
    [("1.0", "is no version"), ("0.0.9", "0.0.9 is not newer than"), ("v2.0.0", "is no version")],
)
def test_a_version_that_does_not_fit(checkout: Path, version: str, message: str) -> None:
    before = (checkout / "pyproject.toml").read_text()
    with pytest.raises(RELEASE.ReleaseError, match=message):
        RELEASE.release(checkout, version, "2030-01-02")
    assert (checkout / "pyproject.toml").read_text() == before


def test_versions_that_disagree(checkout: Path) -> None:
    path = checkout / "CITATION.cff"
    path.write_text(path.read_text().replace("version: 0", "version: 9"))
    with pytest.raises(RELEASE.ReleaseError, match="the versions disagree"):
        RELEASE.release(checkout, "10.0.0", "2030-01-02")


def test_a_release_comes_after_its_candidates() -> None:
    versions = ["1.0.0", "1.0.0a1", "1.0.0rc1", "1.0.0rc10", "1.0.0b2", "0.9.9"]
    ordered = sorted(versions, key=RELEASE._order)
    assert ordered == ["0.9.9", "1.0.0a1", "1.0.0b2", "1.0.0rc1", "1.0.0rc10", "1.0.0"]


GOOD = (
    "Metadata-Version: 2.4\nName: envlift\nVersion: 1.2.3\nSummary: What it is.\n"
    "License-Expression: Apache-2.0\nRequires-Python: >=3.11\n\n"
    + "[a page](https://example.com/docs) and words. "
    * 40
)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "", None),
        ("Version: 1.2.3", "Version: 1.2.2", "Version is '1.2.2', not '1.2.3'"),
        ("Apache-2.0", "MIT", "License-Expression is 'MIT'"),
        ("Summary: What it is.\n", "", "it has no summary"),
    ],
)
def test_metadata_of_a_wheel(tmp_path: Path, old: str, new: str, message: str | None) -> None:
    path = tmp_path / "envlift-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("envlift-1.2.3.dist-info/METADATA", GOOD.replace(old, new) if old else GOOD)
        opened.writestr("envlift-1.2.3.dist-info/licenses/LICENSE", "text")
    found = list(DIST.wrong([path], "1.2.3"))
    assert found == [] if message is None else message in found[0]


def test_what_an_index_would_refuse(tmp_path: Path) -> None:
    path = tmp_path / "envlift-1.2.3-cp311-abi3-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w") as opened:
        relative = GOOD.replace("https://example.com/docs", "docs/page.md")
        opened.writestr("envlift-1.2.3.dist-info/METADATA", relative)
    tag, links = DIST.before_publishing([path])
    assert "manylinux wheels alone" in tag
    assert "40 links such as docs/page.md" in links


def test_workflows_and_templates_can_be_read() -> None:
    files = sorted((ROOT / ".github").rglob("*.yml"))
    assert len(files) >= 4
    for path in files:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert found["name"]
    wrong = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/wrong-environment.yml").read_text())
    asked = {part["id"]: part for part in wrong["body"]}
    assert asked["repro"]["validations"]["required"] is True
