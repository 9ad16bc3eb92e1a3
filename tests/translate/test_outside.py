"""What a turn changes outside its worktree is seen and undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlift.translate.loop.outside import Watch, watch
from envlift.translate.loop.workspace import WorkspaceError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    for path in ("suite.py", "fixtures/case.jsonl", ".envlift/ledger.jsonl", ".git/config"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"the original {path}")
    (folder / ".envlift" / "worktrees" / "0001").mkdir(parents=True)
    return folder


KEEP = Path("kept")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def seen(folder: Path) -> Watch:
    return watch(folder, [folder / ".envlift" / "worktrees" / "0001"])


@pytest.mark.parametrize("path", ["suite.py", ".envlift/ledger.jsonl", ".git/config"])
def test_a_changed_file_is_put_back(folder: Path, path: str) -> None:
    watched = seen(folder)
    (folder / path).write_text("changed")
    assert watched.put_back(KEEP) == [folder / path]
    assert (folder / path).read_text() == f"the original {path}"
    assert (KEEP / path).read_text() == "changed", "if a person wrote it, it is not lost"


def test_a_deleted_file_is_put_back(folder: Path) -> None:
    watched = seen(folder)
    (folder / "fixtures" / "case.jsonl").unlink()
    (folder / "fixtures").rmdir()
    assert watched.put_back(KEEP) == [folder / "fixtures" / "case.jsonl"]
    assert (folder / "fixtures" / "case.jsonl").is_file()


def test_a_new_file_is_removed(folder: Path) -> None:
    watched = seen(folder)
    for path in (folder / "conftest.py", folder / ".git" / "hooks" / "post-commit"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert len(watched.put_back(KEEP)) == 2
    copies = ("conftest.py", ".git/hooks/post-commit")
    assert [(KEEP / path).read_text() for path in copies] == ["x", "x"]
    assert not (folder / "conftest.py").exists()
    assert not (folder / ".git" / "hooks" / "post-commit").exists()


def test_a_link_in_the_place_of_a_file_is_undone(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("theirs")
    watched = seen(folder)
    (folder / "suite.py").unlink()
    (folder / "suite.py").symlink_to(other)
    assert watched.put_back(KEEP) == [folder / "suite.py"]
    assert (folder / "suite.py").read_text() == "the original suite.py"
    assert other.read_text() == "theirs"


@pytest.mark.parametrize("instead", ["nothing", "another link", "a file"])
def test_a_link_is_put_back_as_a_link(folder: Path, instead: str) -> None:
    link = folder / "link"
    link.symlink_to("suite.py")
    watched = seen(folder)
    link.unlink()
    if instead == "another link":
        link.symlink_to("elsewhere")
    elif instead == "a file":
        link.write_text("suite.py")
    assert watched.put_back(KEEP) == [link]
    assert link.readlink() == Path("suite.py")


def test_what_is_too_large_to_be_kept_is_for_a_person_to_restore(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envlift.translate.loop.outside.LARGEST", 100)
    (folder / "large").write_bytes(bytes(101))
    watched = seen(folder)
    assert watched.put_back(KEEP) == []
    (folder / "large").write_bytes(bytes(102))
    (folder / "suite.py").write_text("changed")
    with pytest.raises(WorkspaceError, match="large changed during the turn and is too large"):
        watched.put_back(KEEP)
    assert (folder / "suite.py").read_text() == "the original suite.py", "the others are put back"


def test_a_folder_in_the_place_of_a_file_is_undone(folder: Path) -> None:
    watched = seen(folder)
    (folder / "suite.py").unlink()
    (folder / "suite.py").mkdir()
    (folder / "suite.py" / "theirs").write_text("x")
    assert folder / "suite.py" in watched.put_back(KEEP)
    assert (folder / "suite.py").read_text() == "the original suite.py"


def test_its_own_worktree_and_gits_objects_are_the_turns(folder: Path) -> None:
    watched = seen(folder)
    (folder / ".envlift" / "worktrees" / "0001" / "mine").write_text("x")
    (folder / ".git" / "objects").mkdir()
    (folder / ".git" / "objects" / "abc").write_text("x")
    assert watched.put_back(KEEP) == []
    assert (folder / ".envlift" / "worktrees" / "0001" / "mine").is_file()


def test_envlift_itself_is_watched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = folder.parent / "installed" / "envlift"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "judge.py").write_text("honest")
    monkeypatch.setattr("envlift.__file__", str(package / "__init__.py"))
    watched = seen(folder)
    assert watched.judges_changed() == []
    (package / "judge.py").write_text("print('PASS')")
    (package / "new.py").write_text("")
    assert watched.judges_changed() == [package / "judge.py", package / "new.py"]
    assert watched.put_back(KEEP) == []
    assert (package / "judge.py").read_text() == "print('PASS')", "that is for a person to mend"
