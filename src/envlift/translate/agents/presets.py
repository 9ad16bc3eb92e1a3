"""Command-line agents that are known: how each is started, and how its output is read.

What stands here about each was read from the program itself: its help, its source or its output,
at the version that the preset's ``seen`` names. An event or a field that is not known is passed
over, so that a newer version that only adds does no harm.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from envlift.translate.agents import readers
from envlift.translate.agents.protocol import AgentError


@dataclass(frozen=True)
class Place:
    """What the words of a command depend on.

    Attributes:
        worktree: where it works.
        prompt_file: file that holds the prompt.
        own: folder for the agent's own files.
        model: empty for the program's own choice.
        session: conversation to go on with, None for a new one.
        dollars: what the turn may cost, None without a cap.
    """

    worktree: Path
    prompt_file: Path
    own: Path
    model: str = ""
    session: str | None = None
    dollars: float | None = None


@dataclass(frozen=True)
class Preset:
    """One known program.

    Attributes:
        provider: of its models, for their price; empty where the model's name tells
            (``openai/gpt-5``).
        words: makes the command.
        reader: makes a reader of its output; given the folder for its own files.
        stdin: whether it reads the prompt there; else ``words`` say where it is.
        writable: what it writes below the home folder.
        seen: version of the program that this was read from.
    """

    provider: str
    words: Callable[[Place], list[str]]
    reader: Callable[[Path], readers.Reader]
    seen: str
    stdin: bool = True
    writable: tuple[str, ...] = ()


def _claude(place: Place) -> list[str]:
    words = ["claude", "-p", "--output-format", "stream-json", "--verbose"]
    # Nobody is there to be asked. What it may touch is the sandbox's affair.
    words += ["--dangerously-skip-permissions"]
    words += ["--model", place.model] if place.model else []
    words += ["--resume", place.session] if place.session else []
    words += ["--max-budget-usd", f"{place.dollars:.6f}"] if place.dollars is not None else []
    return words


def _codex(place: Place) -> list[str]:
    words = ["codex", "exec", "--json", "--skip-git-repo-check"]
    # Its own sandbox needs the namespaces that ours has already taken away.
    words += ["--dangerously-bypass-approvals-and-sandbox"]
    words += ["--model", place.model] if place.model else []
    return [*words, "resume", place.session, "-"] if place.session else [*words, "-"]


def _gemini(place: Place) -> list[str]:
    words = ["gemini", "--output-format", "stream-json", "--approval-mode", "yolo", "--skip-trust"]
    words += ["--model", place.model] if place.model else []
    return [*words, "--resume", place.session] if place.session else words


def _aider(place: Place) -> list[str]:
    words = ["aider", "--message-file", str(place.prompt_file), "--yes-always", "--no-pretty"]
    words += ["--no-stream", "--no-auto-commits", "--no-dirty-commits", "--no-gitignore"]
    words += ["--no-check-update", "--no-show-release-notes", "--no-suggest-shell-commands"]
    # Without these three it leaves files of its own in the worktree.
    words += ["--map-tokens", "0"]
    words += ["--chat-history-file", str(place.own / "chat.md")]
    words += ["--input-history-file", str(place.own / "input.history")]
    words += ["--no-analytics", "--analytics-log", str(place.own / readers.AIDER_LOG)]
    return words + (["--model", place.model] if place.model else [])


def _mini(place: Place) -> list[str]:
    # The prompt goes in a file, because one argument holds no more than 128 KiB. JSON is YAML.
    task = place.own / "task.yaml"
    prompt = place.prompt_file.read_text(encoding="utf-8")
    task.write_text(json.dumps({"run": {"task": prompt}}), encoding="utf-8")
    words = ["mini", "--yolo", "--exit-immediately", "-c", "mini.yaml", "-c", str(task)]
    words += ["-o", str(place.own / readers.MINI_TRAJECTORY)]
    words += ["--model", place.model] if place.model else []
    # 0 would switch its limit off.
    return words + (["-l", f"{max(place.dollars, 1e-6):.6f}"] if place.dollars is not None else [])


PRESETS = {
    "claude": Preset(
        "anthropic",
        _claude,
        lambda own: readers.Claude(),
        seen="Claude Code 2.1.197",
        writable=("~/.claude", "~/.claude.json"),
    ),
    "codex": Preset(
        "openai",
        _codex,
        lambda own: readers.Codex(),
        seen="codex-cli 0.169.0",
        writable=("~/.codex",),
    ),
    "gemini": Preset(
        "google",
        _gemini,
        lambda own: readers.Gemini(),
        seen="Gemini CLI 0.61.0",
        writable=("~/.gemini",),
    ),
    "aider": Preset(
        "",
        _aider,
        readers.Aider,
        seen="aider 0.86.2",
        stdin=False,
        writable=("~/.aider",),
    ),
    "mini-swe-agent": Preset(
        "",
        _mini,
        readers.Mini,
        seen="mini-swe-agent 2.4.6",
        stdin=False,
        writable=("~/.config/mini-swe-agent",),
    ),
}


def preset(name: str) -> Preset:
    """Return a preset by name.

    Raises:
        AgentError: if there is none; the message lists them.
    """
    if name not in PRESETS:
        raise AgentError(
            f"there is no preset {name!r}; known: {', '.join(PRESETS)}. Any other program is "
            'named by its words: words = ["program", "--option"]'
        )
    return PRESETS[name]
