"""Git as the loop uses it: one commit a turn, whatever an agent does with git itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from envlift.translate.loop.workspace import TURN, Workspace, WorkspaceError


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "a.txt").write_text("one\ntwo \n")
    made = Workspace(folder)
    made.prepare()
    return made


def turn(workspace: Workspace, number: int = 1) -> Path:
    workspace.log(number).mkdir(parents=True, exist_ok=True)
    return workspace.open(TURN, workspace.head)


def git(place: Path, *words: str) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@localhost")
    return subprocess.run(
        ["git", *who, *words], cwd=place, check=True, capture_output=True, text=True
    ).stdout


def test_prepare_makes_a_repository_and_commits_what_a_person_did(workspace: Workspace) -> None:
    first = workspace.head
    assert not workspace.dirty()
    (workspace.folder / "a.txt").write_text("changed\n")
    assert workspace.dirty()
    workspace.prepare()
    assert workspace.head != first
    assert workspace.content(workspace.head, "a.txt") == b"changed\n"


def test_the_loops_own_folder_is_never_committed(workspace: Workspace) -> None:
    (workspace.hidden / "ledger.jsonl").write_text("x")
    assert not workspace.dirty()


def test_a_turn_becomes_one_commit_with_its_numbers(workspace: Workspace) -> None:
    place = turn(workspace)
    (place / "a.txt").write_text("one\nthree\nfour\n")
    (place / "new.txt").write_text("n\n")
    change = workspace.commit(1, workspace.head, "turn 1")
    assert change.paths == {"a.txt": "M", "new.txt": "A"}
    assert (change.added, change.removed) == (3, 1)
    assert workspace.git("rev-parse", f"{change.commit}^") == workspace.head
    assert workspace.git("rev-parse", "turns/0001") == change.commit
    assert (workspace.folder / "a.txt").read_text() == "one\ntwo \n", "the person's files stay"


def test_an_agents_own_commits_and_index_tricks_change_nothing(workspace: Workspace) -> None:
    base = workspace.head
    place = turn(workspace)
    (place / "mine.txt").write_text("m\n")
    git(place, "add", "--all")
    git(place, "commit", "-q", "-m", "the agent's own")
    git(place, "update-index", "--assume-unchanged", "a.txt")
    (place / "a.txt").write_text("hidden\n")
    change = workspace.commit(1, base, "turn 1")
    assert change.paths == {"mine.txt": "A", "a.txt": "M"}
    assert workspace.git("rev-parse", f"{change.commit}^") == base


def test_what_a_commit_would_write(workspace: Workspace) -> None:
    base = workspace.head
    place = turn(workspace)
    (place / "ä b").write_text("x")
    (place / "a.txt").write_text("hidden\n")
    git(place, "update-index", "--assume-unchanged", "a.txt")
    (place / ".envlift").mkdir()
    (place / ".envlift" / "ignored").write_text("x")
    before = workspace.git("count-objects")
    assert workspace.pending(1, base) == ["a.txt", "ä b"]
    assert workspace.git("count-objects") == before
    assert set(workspace.commit(1, base, "turn 1").paths) == {"a.txt", "ä b"}


def test_links_are_told(workspace: Workspace) -> None:
    place = turn(workspace)
    (place / "link").symlink_to("/etc/hostname")
    assert workspace.commit(1, workspace.head, "turn 1").links == ("link",)


def test_a_hook_is_not_run(workspace: Workspace, tmp_path: Path) -> None:
    hook = workspace.folder / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    hook.chmod(0o755)
    (workspace.folder / "b.txt").write_text("b")
    workspace.prepare()
    assert not (tmp_path / "ran").exists()


def test_the_patch_applies_where_lines_end_in_spaces(workspace: Workspace) -> None:
    place = turn(workspace)
    (place / "a.txt").write_text("one\ntwo \nthree \n \n")
    (place / "bytes").write_bytes(bytes(range(256)))
    change = workspace.commit(1, workspace.head, "turn 1")
    patch = workspace.folder.parent / "x.patch"
    patch.write_bytes(workspace.diff(workspace.head, change.commit))
    fresh = workspace.open("again", workspace.head)
    git(fresh, "apply", "--whitespace=nowarn", str(patch))
    assert (fresh / "a.txt").read_text() == "one\ntwo \nthree \n \n"
    assert (fresh / "bytes").read_bytes() == bytes(range(256))


def test_a_worktree_that_a_kill_left_is_replaced(workspace: Workspace) -> None:
    place = turn(workspace)
    (place / "debris").write_text("x")
    again = turn(workspace)
    assert again == place
    assert not (again / "debris").exists()


def test_files_are_added_without_a_worktree(workspace: Workspace) -> None:
    commit = workspace.add_files(workspace.head, {"fixtures/c.jsonl": b"{}\n"}, "a case")
    assert workspace.content(commit, "fixtures/c.jsonl") == b"{}\n"
    assert workspace.change(workspace.head, commit).paths == {"fixtures/c.jsonl": "A"}
    workspace.follow(commit)
    assert (workspace.folder / "fixtures" / "c.jsonl").is_file()
    assert not workspace.dirty()


def test_follow_never_goes_back(workspace: Workspace) -> None:
    old = workspace.head
    newer = workspace.add_files(old, {"x": b"x"}, "x")
    workspace.follow(newer)
    aside = workspace.add_files(old, {"y": b"y"}, "y")
    with pytest.raises(WorkspaceError, match="ff-only"):
        workspace.follow(aside)


def test_what_comes_before_what(workspace: Workspace) -> None:
    old = workspace.head
    newer = workspace.add_files(old, {"x": b"x"}, "x")
    assert workspace.is_ancestor(old, newer)
    assert workspace.is_ancestor(old, old)
    assert not workspace.is_ancestor(newer, old)


def test_tidy_leaves_nothing_of_a_kill(workspace: Workspace) -> None:
    place = turn(workspace)
    workspace.tidy()
    assert not place.exists()
    assert workspace.git("worktree", "list").count("\n") == 0, "git has forgotten it too"


def test_a_kill_while_committing_leaves_no_debris_in_the_next_commit(workspace: Workspace) -> None:
    place = turn(workspace)
    (place / "debris").write_text("x")
    workspace.git("add", "--all", where=place, index=workspace.log(1) / "index")
    (place / "debris").unlink()
    (place / "mine").write_text("x")
    (workspace.hidden / "index").write_bytes((workspace.log(1) / "index").read_bytes())
    assert workspace.commit(1, workspace.head, "turn 1").paths == {"mine": "A"}
    more = workspace.add_files(workspace.head, {"y": b"y"}, "y")
    assert workspace.change(workspace.head, more).paths == {"y": "A"}
    assert not list(workspace.hidden.glob("**/index"))
    assert not (workspace.hidden / "blob").exists()


def test_one_loop_at_a_time_in_a_folder_that_is_new(tmp_path: Path) -> None:
    first, second = Workspace(tmp_path), Workspace(tmp_path)
    with first.alone(), pytest.raises(WorkspaceError, match="another"), second.alone():
        pass
    with second.alone():
        pass


def test_gits_words_reach_the_person(workspace: Workspace) -> None:
    with pytest.raises(WorkspaceError, match=r"Needed a single revision|unknown revision"):
        workspace.git("rev-parse", "--verify", "no-such-thing")
