"""What a reference is pinned to, and which other versions there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envlift.verify.suite import Config, Suite
from envlift.verify.suite.find import find_suite
from envlift.watch import pins
from envlift.watch.pins import NotInstalledError, Pins, VersionsUnknownError, moved, pins_of

KNOWN = ["2.10.0", "2.9.1", "2.9.0", "2.1.0"]


def of(name: str, to: dict[str, str] | None = None) -> Pins:
    return pins_of(name, find_suite(name)[0], to or {})


def test_the_pins_of_registered_environments() -> None:
    assert of("half_cheetah").versions.keys() == {"gymnasium", "mujoco"}
    assert of("half_cheetah").extras == {"gymnasium": "[mujoco]"}
    assert of("gameboy").versions.keys() == {"pyboy", "numpy"}
    found = of("pokemon")
    assert (found.source, set(found.versions)) == ("npm", {"@pkmn/randoms", "@pkmn/sim"})


@pytest.mark.parametrize("name", ["pong", "tcg_pocket"])
def test_a_reference_without_versions(name: str) -> None:
    with pytest.raises(VersionsUnknownError, match="no package of PyPI or npm"):
        of(name)


def test_what_is_installed_here_is_the_old_version() -> None:
    suite = Suite("any", "gymnasium:CartPole-v1", "gymnasium:CartPole-v1")
    found = pins_of("any", suite, {"gymnasium": "1.0.0"})
    assert found.versions["gymnasium"].count(".") == 2
    with pytest.raises(VersionsUnknownError, match="no_such is not installed here"):
        pins_of("any", suite, {"no_such": "1"})
    with pytest.raises(VersionsUnknownError, match="no package of PyPI or npm"):
        pins_of("any", suite, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [("mujoco>=3\n", "'mujoco>=3' in requirements.in is no exact pin"), (None, "there is no req")],
)
def test_pins_that_cannot_be_read(tmp_path: Path, text: str | None, message: str) -> None:
    if text:
        (tmp_path / "requirements.in").write_text(text)
    config = Config("default", {"requirements": str(tmp_path / "requirements.txt")})
    suite = Suite("mine", "gymnasium:CartPole-v1", "gymnasium:CartPole-v1", configs=(config,))
    with pytest.raises(VersionsUnknownError, match=message):
        pins_of("mine", suite, {})
    other = replace(config, name="other", reference={"requirements": "elsewhere.txt"})
    with pytest.raises(VersionsUnknownError, match="several files of requirements"):
        pins_of("mine", replace(suite, configs=(config, other)), {})


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> Pins:
    monkeypatch.setattr(pins, "known_versions", lambda pins, package: KNOWN)
    return Pins("PyPI", {"a": "2.9.1", "b": "3.0.0"}, {})


def test_the_newest_by_number_and_never_an_older_one(old: Pins) -> None:
    assert moved(old, {}).versions == {"a": "2.10.0", "b": "3.0.0"}


def test_a_version_that_is_asked_for(old: Pins) -> None:
    assert moved(old, {"b": "2.1.0"}).versions == {"a": "2.9.1", "b": "2.1.0"}
    with pytest.raises(ValueError, match=r"--to a=7: no such release; the newest: 2\.10\.0, 2\.9"):
        moved(old, {"a": "7"})
    with pytest.raises(ValueError, match="--to c: the reference is pinned to a, b"):
        moved(old, {"c": "1"})


def test_versions_are_ordered_as_their_index_orders_them(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "a (2.1)\nAvailable versions: 1.9, 2.0rc1, 1.10, 1.10.post1, odd\n  INSTALLED: 1.9\n"
    monkeypatch.setattr(pins, "_run", lambda words, folder: said)
    old = Pins("PyPI", {"a": "1.9"}, {})
    assert pins.known_versions(old, "a") == ["2.0rc1", "1.10.post1", "1.10", "1.9"]
    assert moved(old, {}).versions == {"a": "1.10.post1"}
    assert moved(old, {"a": "2.0rc1"}).versions == {"a": "2.0rc1"}
    # A candidate that is pinned gives way to its release.
    said = said.replace("1.9, ", "1.9, 2.0, ")
    assert moved(Pins("PyPI", {"a": "2.0rc1"}, {}), {}).versions == {"a": "2.0"}
    said = '["0.10.2", "0.9.38", "0.11.0-beta.2", "0.11.0-beta.10", "0.10.10"]'
    monkeypatch.setattr(pins, "_npm", lambda: "npm")
    old = Pins("npm", {"a": "0.9.38"}, {})
    assert pins.known_versions(old, "a") == [
        *("0.11.0-beta.10", "0.11.0-beta.2", "0.10.10", "0.10.2", "0.9.38")
    ]
    assert moved(old, {}).versions == {"a": "0.10.10"}


def test_what_else_is_locked_stays_as_it_was() -> None:
    found = of("half_cheetah")
    kept = list(pins._kept(found))
    assert any(line.startswith("numpy==") and "python_full_version" in line for line in kept)
    assert not any(line.startswith(("mujoco==", "gymnasium==")) for line in kept)
    assert all("--hash" not in line and "\\" not in line for line in kept)
    versions = pins.all_versions(found, found.locked)
    assert {"numpy", "mujoco", "gymnasium", "glfw"} <= versions.keys()
    assert versions["mujoco"] == found.versions["mujoco"]
    packages = of("pokemon")
    held = pins.all_versions(packages, packages.locked)
    assert packages.versions.items() <= held.items()


def test_an_installer_that_fails_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(NotInstalledError, match="No matching distribution found for nothing_here"):
        pins.lock(Pins("PyPI", {"nothing_here": "1.0"}, {}), tmp_path / "work")
