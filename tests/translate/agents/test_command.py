"""Command-line agents that misbehave, and what becomes of their turn."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from envlift.translate.agents import processes
from envlift.translate.agents.protocol import AgentError, Cost, TurnRequest, TurnResult, Usage
from envlift.translate.agents.registry import make_agent

FAKE = str(Path(__file__).with_name("fake_agent.py"))
KEY = "sk-planted-5f0c9a1e77"


def request(folder: Path, **changes: Any) -> TurnRequest:
    for name in ("worktree", "log"):
        (folder / name).mkdir(exist_ok=True)
    values: dict[str, Any] = {
        "turn": 1,
        "kind": "translate",
        "module": None,
        "level": "L1",
        "worktree": folder / "worktree",
        "prompt": "Make it so.",
        "log": folder / "log",
        "environment": {"PATH": os.environ["PATH"], "HOME": str(folder)},
        "seconds_left": 60.0,
    }
    return TurnRequest(**{**values, **changes})


def turn(folder: Path, what: str, **changes: Any) -> TurnResult:
    options = {"preset": "claude", "words": [sys.executable, FAKE, what, "{own}"]}
    agent = make_agent("command", options, environment={"PLANTED_KEY": KEY})
    return agent.run(request(folder, **changes))


def gone(pid: int) -> bool:
    """Whether a process has ended. A zombie has: its new parent has yet to look at it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_turn(tmp_path: Path) -> None:
    result = turn(tmp_path, "change")
    assert result == TurnResult(
        "done", "Done.", Usage(1400, 400, 50), Cost(0.25, "reported"), "claude-sonnet-4-5", "s-1"
    )
    assert (tmp_path / "worktree" / "made.txt").read_text() == "Make it so."
    assert json.loads((tmp_path / "log" / "usage.json").read_text())["status"] == "done"


def test_no_change_is_told_as_it_is(tmp_path: Path) -> None:
    """Whether anything changed is for the loop to see."""
    assert turn(tmp_path, "nothing").status == "done"
    assert list((tmp_path / "worktree").iterdir()) == []


def test_the_time_is_over(tmp_path: Path) -> None:
    """Its child and a grandchild in a session of its own are gone, and its tokens are known."""
    result = turn(tmp_path, "hang", seconds_left=3.0)
    assert (result.status, result.usage) == ("timeout", Usage(1000, 0, 50))
    assert "3 s" in result.detail
    assert result.cost == Cost(pytest.approx(1000 * 3e-6 + 50 * 15e-6), "priced")
    pids = [int(word) for word in (tmp_path / "worktree" / "pids.txt").read_text().split()]
    assert len(pids) == 2
    assert [pid for pid in pids if not gone(pid)] == []


def test_nothing_is_left_running(tmp_path: Path) -> None:
    """Also after a turn that ended well: it could go on writing while the verifier judges."""
    assert turn(tmp_path, "leave").status == "done"
    assert gone(int((tmp_path / "worktree" / "pids.txt").read_text()))


def test_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any) -> str:
        waited = tmp_path / "worktree" / "pids.txt"
        while not (waited.exists() and len(waited.read_text().split()) == 2):
            time.sleep(0.05)
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "_attend", interrupted)
    with pytest.raises(KeyboardInterrupt):
        turn(tmp_path, "hang")
    pids = [int(word) for word in (tmp_path / "worktree" / "pids.txt").read_text().split()]
    # Killed they are; on a busy machine the kernel may take a moment to say so.
    patience = time.monotonic() + 120
    while time.monotonic() < patience and not all(map(gone, pids)):
        time.sleep(0.05)
    assert [pid for pid in pids if not gone(pid)] == []


def test_a_crash(tmp_path: Path) -> None:
    result = turn(tmp_path, "crash")
    assert result.status == "failed"
    assert "exit status 3: Traceback: it broke" in result.detail
    assert result.usage == Usage(1000, 0, 50)


def test_an_error_with_exit_status_0(tmp_path: Path) -> None:
    result = turn(tmp_path, "error")
    assert (result.status, result.detail) == ("failed", "API Error: credit balance is too low")
    assert result.cost == Cost(0.25, "reported")


def test_the_program_stops_at_its_budget(tmp_path: Path) -> None:
    result = turn(tmp_path, "budget")
    assert (result.status, result.detail) == ("over budget", "too much")


def test_a_program_that_spends_too_much_is_ended(tmp_path: Path) -> None:
    """0.30 dollars a message, 0.70 left: the third message is one too many."""
    result = turn(tmp_path, "spend", dollars_left=0.7)
    assert result.status == "over budget"
    assert result.cost is not None
    assert 0.7 < result.cost.dollars < 10


@pytest.mark.parametrize("what", ["garbage", "unheard-of"])
def test_an_end_without_a_word(tmp_path: Path, what: str) -> None:
    result = turn(tmp_path, what)
    assert result.status == "failed"
    assert "exit status 0, without a word" in result.detail
    assert result.usage is None
    assert result.cost is None


def test_a_huge_output(tmp_path: Path) -> None:
    """Cut off on disk, and its end is still understood."""
    assert turn(tmp_path, "huge").status == "done"
    log = tmp_path / "log" / "stdout.log"
    assert processes.LIMIT <= log.stat().st_size < processes.LIMIT + 200
    assert log.read_bytes()[-60:].strip().endswith(b"after 20000000 bytes]")


def test_a_secret_stands_in_no_log(tmp_path: Path) -> None:
    result = turn(tmp_path, "secret", prompt=f"Use {KEY}.")
    assert result.detail == "I found [secret PLANTED_KEY]."
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY not in path.read_text(), path
    for name in ("stderr.log", "own/own.txt"):
        assert (tmp_path / "log" / name).read_text().strip() == "the key is [secret PLANTED_KEY]"
    assert (tmp_path / "log" / "prompt.md").read_text() == "Use [secret PLANTED_KEY]."


def test_recovering(tmp_path: Path) -> None:
    """From what stands in the log when a kill came."""
    (tmp_path / "log").mkdir()
    agent = make_agent("command:claude", environment={})
    assert agent.recover(tmp_path / "log") == TurnResult("failed", "cut off")
    usage = {"input_tokens": 100, "output_tokens": 5}
    line = json.dumps({"type": "assistant", "message": {"id": "m", "usage": usage}})
    (tmp_path / "log" / "stdout.log").write_text(f"{line}\n{line[:30]}")
    found = agent.recover(tmp_path / "log")
    assert (found.status, found.detail, found.usage) == ("failed", "cut off", Usage(100, 0, 5))


class TestWords:
    def run(self, folder: Path, words: list[str], **changes: Any) -> TurnResult:
        agent = make_agent("command", {"words": words, "model": "some model"}, environment={})
        return agent.run(request(folder, **changes))

    def test_places(self, tmp_path: Path) -> None:
        words = ["sh", "-c", 'printf "%s|" "$@" > said.txt; cat > stdin.txt', "sh"]
        words += ["{worktree}", "{model}", "{session}", "{other}"]
        result = self.run(tmp_path, words, session="s-7")
        assert (result.status, result.cost, result.session) == ("done", None, "s-7")
        said = (tmp_path / "worktree" / "said.txt").read_text()
        assert said == f"{tmp_path}/worktree|some model|s-7|{{other}}|"
        assert (tmp_path / "worktree" / "stdin.txt").read_text() == "Make it so."

    def test_the_prompt_as_an_argument(self, tmp_path: Path) -> None:
        """What stands in the prompt is not replaced; stdin is empty then."""
        words = ["sh", "-c", 'printf "%s" "$1" > said.txt; cat > stdin.txt', "sh", "{prompt}"]
        self.run(tmp_path, words, prompt="Write {model}.")
        assert (tmp_path / "worktree" / "said.txt").read_text() == "Write {model}."
        assert (tmp_path / "worktree" / "stdin.txt").read_text() == ""

    def test_the_prompt_as_a_file(self, tmp_path: Path) -> None:
        self.run(tmp_path, ["cp", "{prompt_file}", "said.txt"])
        assert (tmp_path / "worktree" / "said.txt").read_text() == "Make it so."

    def test_a_prompt_too_long_for_an_argument(self, tmp_path: Path) -> None:
        with pytest.raises(AgentError, match="prompt_file"):
            self.run(tmp_path, ["echo", "{prompt}"], prompt="x" * 200_000)

    def test_a_long_prompt_that_nobody_reads(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, ["true"], prompt="x" * 3_000_000).status == "done"

    def test_going_on(self, tmp_path: Path) -> None:
        options = {"words": ["touch", "new"], "resume": ["touch", "{session}"]}
        agent = make_agent("command", options, environment={})
        agent.run(request(tmp_path, session="s-7"))
        agent.run(request(tmp_path))
        assert {path.name for path in (tmp_path / "worktree").iterdir()} == {"s-7", "new"}

    def test_only_the_allowed_variables(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PLANTED", "not for you")
        self.run(tmp_path, ["sh", "-c", "env > env.txt"])
        seen = (tmp_path / "worktree" / "env.txt").read_text().splitlines()
        names = {line.partition("=")[0] for line in seen}
        # The shell and the interpreter that starts it add some of their own.
        assert names <= {"PATH", "HOME", processes.MARK, "PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}
        assert {"PATH", "HOME"} <= names

    def test_a_program_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(AgentError, match="'no-such-agent' was not found"):
            self.run(tmp_path, ["no-such-agent"])


class TestOptions:
    @pytest.mark.parametrize(
        ("name", "options", "told"),
        [
            ("command", {}, "mini-swe-agent"),
            ("command:clod", {}, "known: claude, codex"),
            ("command:claude", {"preset": "codex"}, "leave one of them out"),
            ("command", {"words": "claude -p"}, "list of texts"),
            ("command", {"preset": "codex", "sandbox": "none"}, "no option 'sandbox'"),
            ("comand", {}, "known: api, command, manual"),
        ],
    )
    def test_what_makes_no_sense(self, name: str, options: dict[str, Any], told: str) -> None:
        with pytest.raises(AgentError, match=told):
            make_agent(name, options, environment={})
