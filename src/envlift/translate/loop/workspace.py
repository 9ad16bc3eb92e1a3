"""The workspace: a git repository with one commit for every turn.

The project folder is the repository. A turn works in a fresh worktree of the commit it starts from;
what it leaves becomes ONE commit on top of that, whatever the agent did with git itself, and a
branch ``turns/NNNN`` keeps it. Which commit the work goes on from is the ledger's to say; the
branch that is checked out follows.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HIDDEN = ".envlift"
"""What the loop keeps for itself in the project folder; ignored by git."""

TURN, JUDGED, SPEED, RULES = "turn", "judged", "speed", "rules"
"""Where an agent works, where its commit is judged, its speed measured; what it is judged by."""

ASIDE = "aside"
"""Branches of what a person had begun in a turn that was asked for anew."""

CACHES = {"__pycache__", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache", "target"}
"""Folders that tools write by the way."""

SUITE = "suite"
"""Where the log stands of judging the suite alone."""

# A commit of the loop names the loop, runs no hook and asks nobody.
_SETTINGS = (
    *("-c", "user.name=envlift", "-c", "user.email=envlift@localhost"),
    *("-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "core.autocrlf=false", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"),
    # A person's own settings, which an agent might reach, hide no file and run no filter.
    *("-c", "core.excludesFile=/dev/null", "-c", "core.attributesFile=/dev/null"),
)


class WorkspaceError(RuntimeError):
    """The repository is not as the loop left it; the message says what to do."""


@dataclass(frozen=True)
class Change:
    """What a turn left.

    Attributes:
        commit: that holds it.
        paths: path -> ``A``, ``M``, ``D`` or ``T``, against the commit it started from.
        added, removed: lines.
        links: paths that are symbolic links or submodules.
    """

    commit: str
    paths: Mapping[str, str]
    added: int
    removed: int
    links: tuple[str, ...]


class Workspace:
    """The repository of a project folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hidden = folder / HIDDEN

    def git(self, *arguments: str, where: Path | None = None, index: Path | None = None) -> str:
        """Run git; return what it printed, without the space around it.

        Raises:
            WorkspaceError: with git's own words.
        """
        return self._git(*arguments, where=where, index=index).decode(errors="replace").strip()

    def _git(
        self,
        *arguments: str,
        where: Path | None = None,
        index: Path | None = None,
        given: bytes | None = None,
    ) -> bytes:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        if where is not None:
            # A ``.git`` that an agent put into its worktree leads nowhere.
            environment |= {"GIT_DIR": str(self.folder / ".git"), "GIT_WORK_TREE": str(where)}
        if index is not None:
            environment["GIT_INDEX_FILE"] = str(index)
        done = subprocess.run(
            ["git", *_SETTINGS, *arguments],
            cwd=where or self.folder,
            env=environment,
            input=given,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()
            raise WorkspaceError(f"git {' '.join(arguments)} in {where or self.folder}: {words}")
        return done.stdout

    def prepare(self) -> None:
        """Make sure that the folder is a repository with a commit, and commit a person's edits.

        Raises:
            WorkspaceError: if git is missing or the folder is a part of another repository.
        """
        if shutil.which("git") is None:
            raise WorkspaceError("there is no git on this machine; install it")
        if not (self.folder / ".git").exists():
            self.git("init", "--quiet", "--initial-branch=main")
        self.hidden.mkdir(exist_ok=True)
        ignore = self.folder / ".gitignore"
        lines = ignore.read_text().splitlines() if ignore.is_file() else []
        if f"{HIDDEN}/" not in lines:
            ignore.write_text("\n".join([*lines, f"{HIDDEN}/"]) + "\n")
        if self.dirty():
            self.git("add", "--all")
            self.git("commit", "--quiet", "-m", "A person's work")

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other loops out of this folder; the lock goes with the process.

        Raises:
            WorkspaceError: if another one is at work here.
        """
        self.hidden.mkdir(exist_ok=True)
        with (self.hidden / "lock").open("a+") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                stream.seek(0)
                who = stream.read().strip() or "unknown"
                raise WorkspaceError(
                    f"another `envlift translate` is at work in {self.folder} (process {who}); "
                    "wait for it, or end it"
                ) from None
            stream.truncate(0)
            stream.write(f"{os.getpid()}\n")
            stream.flush()
            yield

    def dirty(self) -> bool:
        """Whether something is not committed in the project folder."""
        return bool(self.git("status", "--porcelain"))

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    def edited(self, commit: str) -> list[str]:
        """Return what a person changed since a commit that the branch stood at.

        These are paths that are not committed, and those of commits that came on top of it.
        """
        listed = self._git("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
        paths = {os.fsdecode(row[3:]) for row in listed.split(b"\0") if row}
        if self.head != commit:
            paths |= set(self.change(commit, self.head).paths)
        return sorted(path for path in paths if not CACHES & set(Path(path).parts))

    def merge(self, commit: str) -> None:
        """Join a commit of the loop's with a person's, who began from the same one.

        Raises:
            WorkspaceError: both changed the same lines; nothing is changed then.
        """
        try:
            self.git(
                "merge", "--quiet", "--no-edit", "-m", "The loop's work and a person's", commit
            )
        except WorkspaceError:
            self.git("merge", "--abort")
            raise WorkspaceError(
                f"you and the turn changed the same lines; in {self.folder}, join them by `git "
                f"merge {commit[:12]}`, commit, and run the same command again"
            ) from None

    def base_of(self, one: str, other: str) -> str:
        """Return the last commit that two have in common, empty if there is none."""
        try:
            return self.git("merge-base", one, other)
        except WorkspaceError:
            return ""

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether one commit comes before (or is) another."""
        try:
            self.git("merge-base", "--is-ancestor", old, new)
        except WorkspaceError:
            return False
        return True

    def follow(self, commit: str) -> None:
        """Check out a commit that comes after the one that is checked out."""
        if self.head != commit:
            self.git("merge", "--quiet", "--ff-only", commit)

    def refs(self) -> dict[str, str]:
        """Return branch or tag -> commit, and ``HEAD`` -> what it stands for."""
        listed = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        found = dict(line.split(" ", 1) for line in listed)
        return found | {"HEAD": (self.folder / ".git" / "HEAD").read_text()}

    def put_refs_back(self, before: Mapping[str, str]) -> list[str]:
        """Undo what was done to branches, tags and ``HEAD``; return those of ``before`` that moved.

        New ones are taken away and not told: many an agent works on a branch of its own.
        """
        head = self.folder / ".git" / "HEAD"
        moved = []
        if not head.is_file() or head.read_text() != before["HEAD"]:
            moved.append("HEAD")
            head.write_text(before["HEAD"])
        now = self.refs()
        for name, commit in sorted(before.items()):
            if name != "HEAD" and now.get(name) != commit:
                moved.append(name)
                self.git("update-ref", "--no-deref", name, commit)
        for name in sorted(now.keys() - before.keys()):
            self.git("update-ref", "--no-deref", "-d", name)
        return moved

    # -- turns ------------------------------------------------------------------------------------

    def worktree(self, name: str) -> Path:
        """Return where a worktree stands: ``TURN``, ``JUDGED`` or ``SPEED``.

        Each is made afresh every time, at the same place: agents keep their conversations, and
        compilers their work, by path.
        """
        return self.hidden / "worktrees" / name

    def log(self, name: int | str) -> Path:
        """Return where a turn's prompt and log are kept."""
        return self.hidden / "turns" / (f"{name:04}" if isinstance(name, int) else name)

    def evidence(self, number: int) -> Path:
        """Return where a turn's judgement is kept."""
        return self.hidden / "evidence" / f"{number:04}.json"

    def open(self, name: str, commit: str) -> Path:
        """Make a worktree afresh; one that a kill left behind is thrown away."""
        self.close(name)
        place = self.worktree(name)
        self.git("worktree", "add", "--quiet", "--force", "--detach", str(place), commit)
        return place

    def open_rules(self, commit: str, agents: Callable[[str], bool]) -> Path:
        """Check out the files of a commit that no agent wrote; return where they stand.

        Args:
            commit: that a turn started from.
            agents: whether a path is where agents write.
        """
        self.close(RULES)
        # Whoever can write the repository can write another content under a file's name.
        self.git("fsck", "--no-dangling", "--no-progress", "--no-reflogs", commit)
        place, index = self.worktree(RULES), self.hidden / "index"
        place.mkdir(parents=True)
        index.unlink(missing_ok=True)
        self.git("read-tree", commit, index=index)
        theirs = self.written_by_agents(commit)
        listed = self._git("ls-files", "-z", index=index).split(b"\0")
        paths = [os.fsdecode(path) for path in listed if path]
        ours = [path for path in paths if path not in theirs and not agents(path)]
        if ours:
            words = ("checkout-index", "--force", f"--prefix={place}/", "--stdin", "-z")
            self._git(*words, index=index, given=b"\0".join(map(os.fsencode, ours)))
        index.unlink()
        return place

    def written_by_agents(self, commit: str) -> set[str]:
        """Return the paths that turns changed on the way to a commit."""
        turns = set(self.git("for-each-ref", "--format=%(objectname)", "refs/heads/turns").split())
        past = set(self.git("rev-list", commit).split())
        kept = sorted(turns & past)
        if not kept:
            return set()
        words = ("diff-tree", "--stdin", "-r", "-z", "--name-only", "--no-commit-id")
        listed = self._git(*words, given="\n".join(kept).encode() + b"\n")
        return {os.fsdecode(path) for path in listed.split(b"\0") if path}

    def put_aside(self, number: int, base: str) -> str:
        """Commit what stands in a turn's worktree to a branch of its own; return its name.

        Empty where nothing was changed there.
        """
        place = self.worktree(TURN)
        if not place.is_dir() or not self.pending(number, base):
            return ""
        commit = self._commit_of_turn(number, base, f"Turn {number}, cut off")
        taken = self.git(
            "for-each-ref", "--format=%(refname:short)", f"refs/heads/{ASIDE}/"
        ).split()
        again = sum(name.startswith(f"{ASIDE}/{number:04}") for name in taken)
        name = f"{ASIDE}/{number:04}" + (f"-{again + 1}" if again else "")
        self.git("branch", name, commit)
        return name

    def close(self, name: str) -> None:
        """Throw a worktree away; its commit stays."""
        place = self.worktree(name)
        if place.exists():
            shutil.rmtree(place)
        self.git("worktree", "prune")

    def tidy(self) -> None:
        """Throw away worktrees that a kill left behind; no turn is going on."""
        for place in (self.hidden / "worktrees").glob("*"):
            self.close(place.name)

    def pending(self, number: int, base: str) -> list[str]:
        """List the paths that a commit of a turn's worktree would write; git stores nothing yet."""
        place, index = self.worktree(TURN), self._index(number, base)
        words = ("ls-files", "--modified", "--others", "--exclude-standard", "-z")
        listed = self._git(*words, where=place, index=index)
        index.unlink()
        return sorted({os.fsdecode(path) for path in listed.split(b"\0") if path})

    def _index(self, number: int, base: str) -> Path:
        """Return an index of our own: the worktree's could hide changes (assume-unchanged...)."""
        index = self.log(number) / "index"
        index.unlink(missing_ok=True)
        self.git("read-tree", base, where=self.worktree(TURN), index=index)
        return index

    def commit(self, number: int, base: str, message: str) -> Change:
        """Commit what stands in a turn's worktree as one commit on top of ``base``."""
        commit = self._commit_of_turn(number, base, message)
        self.git("branch", "--force", f"turns/{number:04}", commit)
        return self.change(base, commit)

    def _commit_of_turn(self, number: int, base: str, message: str) -> str:
        place, index = self.worktree(TURN), self._index(number, base)
        self.git("add", "--all", where=place, index=index)
        tree = self.git("write-tree", where=place, index=index)
        index.unlink(missing_ok=True)
        return self.git("commit-tree", tree, "-p", base, "-m", message)

    def change(self, base: str, commit: str) -> Change:
        """Describe the difference of two commits."""
        paths, links = {}, []
        raw = self.git("diff", "--raw", "--no-renames", "-z", base, commit).split("\0")
        for about, path in zip(raw[::2], raw[1::2], strict=False):
            _, mode, _, _, letter = about.split(" ")
            paths[path] = letter[0]
            if mode in ("120000", "160000"):
                links.append(path)
        numbers = self.git("diff", "--numstat", "--no-renames", base, commit).splitlines()
        counts = [line.split("\t")[:2] for line in numbers]
        added, removed = (sum(int(c[i]) for c in counts if c[i].isdigit()) for i in (0, 1))
        return Change(commit, paths, added, removed, tuple(links))

    def diff(self, base: str, commit: str) -> bytes:
        """Return the difference of two commits as a patch that git can apply."""
        return self._git("diff", "--binary", "--no-renames", "--full-index", base, commit)

    def add_files(self, base: str, files: Mapping[str, bytes], message: str) -> str:
        """Commit files on top of a commit without touching any worktree."""
        index = self.hidden / "index"
        index.unlink(missing_ok=True)
        self.git("read-tree", base, index=index)
        for path, content in files.items():
            blob = self.hidden / "blob"
            blob.write_bytes(content)
            name = self.git("hash-object", "-w", "--no-filters", str(blob))
            blob.unlink()
            self.git("update-index", "--add", "--cacheinfo", f"100644,{name},{path}", index=index)
        tree = self.git("write-tree", index=index)
        index.unlink(missing_ok=True)
        return self.git("commit-tree", tree, "-p", base, "-m", message)

    def content(self, commit: str, path: str) -> bytes:
        """Return a file of a commit."""
        return self._git("cat-file", "blob", f"{commit}:{path}")

    def files(self, commit: str, under: Iterable[str]) -> list[str]:
        """List the files of a commit under some folders."""
        return self.git("ls-tree", "-r", "--name-only", commit, "--", *under).splitlines()
