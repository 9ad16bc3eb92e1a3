"""What a process of a turn may see and touch.

Two tiers. ``none`` starts the process as it is: it may do whatever the user may do. ``bubblewrap``
shows it the machine read-only, with the worktree, a folder for the agent's own files and a fresh
``/tmp`` as the only places to write, in process and, where asked, network namespaces of its own.
A tier that cannot be had is an error: falling back would leave a person believing in a wall that is
not there.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from envlift.translate.agents.protocol import AgentError

Tier = Literal["none", "bubblewrap"]

HARMLESS = ("PATH", "HOME", "LANG", "TERM", "TMPDIR", "USER", "SHELL")

_NAMESPACES = ("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--unshare-pid")
_PROBE_SECONDS = 20.0


def allowed_environment(source: Mapping[str, str], names: Iterable[str] = ()) -> dict[str, str]:
    """Return the variables that a process of a turn may see.

    These are the harmless ones (``PATH``, ``HOME``, ``LANG``, ``LC_*``, ``TERM``, ``TMPDIR``,
    ``USER``, ``SHELL``) and those named; a name that is not set is left out.
    """
    wanted = {*HARMLESS, *names}
    return {
        name: value for name, value in source.items() if name in wanted or name.startswith("LC_")
    }


@dataclass(frozen=True)
class Sandbox:
    """How the processes of a turn are started.

    Attributes:
        tier: ``none`` or ``bubblewrap``.
        project: the project folder; stays readable where the fresh ``/tmp`` would cover it.
    """

    tier: Tier = "none"
    project: Path | None = None

    def check(self, *, network: bool = True) -> None:
        """Find out whether this tier can be had here.

        Args:
            network: False if the processes shall have no network.

        Raises:
            AgentError: saying what is missing and what to do.
        """
        if self.tier == "none":
            if not network:
                raise AgentError(
                    'network = false needs sandbox = "bubblewrap": without a sandbox nothing can '
                    "take the network away"
                )
            return
        program = shutil.which("bwrap")
        if program is None:
            raise AgentError(
                'sandbox = "bubblewrap" needs the program bwrap, which was not found on PATH; '
                'install bubblewrap, or choose sandbox = "none"'
            )
        trouble = _probe(program)
        if trouble:
            raise AgentError(
                'sandbox = "bubblewrap" does not work here: this machine or container does not '
                f"let bwrap make its namespaces ({trouble}); allow unprivileged user namespaces, "
                'or choose sandbox = "none"'
            )

    def command(
        self,
        words: Sequence[str],
        worktree: Path,
        log: Path,
        writable: Iterable[Path] = (),
        *,
        network: bool = True,
    ) -> list[str]:
        """Return the words that start a command in this tier.

        Args:
            words: the command.
            worktree: where it works, and may write, all but the ``.git`` entry, which would lead
                the loop's own git somewhere else.
            log: folder for its own files; it may write there.
            writable: more files and folders that it may write, where they exist.
            network: False to take the network away.

        Raises:
            AgentError: as ``check``.
        """
        self.check(network=network)
        if self.tier == "none":
            return list(words)
        bwrap = shutil.which("bwrap")
        assert bwrap is not None
        built = [bwrap, "--ro-bind", "/", "/", *_NAMESPACES, "--die-with-parent"]
        for place in self._covered():
            built += ["--ro-bind-try", str(place), str(place)]
        for place in (worktree.resolve(), log.resolve()):
            built += ["--bind", str(place), str(place)]
        git = worktree.resolve() / ".git"
        built += ["--ro-bind-try", str(git), str(git)]
        for extra in writable:
            place = extra.expanduser().resolve()
            built += ["--bind-try", str(place), str(place)]
        if not network:
            built.append("--unshare-net")
        # Caches under HOME cannot be written, and Warp compiles into one.
        built += ["--setenv", "TMPDIR", "/tmp", "--setenv", "WARP_CACHE_PATH", "/tmp/warp"]
        return [*built, "--chdir", str(worktree.resolve()), "--", *words]

    def _covered(self) -> list[Path]:
        """Return what the command needs to read and the fresh ``/tmp`` would hide."""
        needed = [Path(sys.prefix), Path(sys.base_prefix)]
        if self.project is not None:
            needed.append(self.project)
        tmp = Path("/tmp").resolve()
        places = [place.resolve() for place in needed]
        return [place for place in places if place != tmp and place.is_relative_to(tmp)]


@functools.lru_cache
def _probe(program: str) -> str:
    """Return what bwrap says when it is asked for all that ``command`` needs; empty if it works."""
    words = [program, "--ro-bind", "/", "/", *_NAMESPACES, "--unshare-net", "true"]
    try:
        ended = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            check=False,
            cwd=tempfile.gettempdir(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if ended.returncode == 0 else ended.stderr.strip() or f"exit {ended.returncode}"
