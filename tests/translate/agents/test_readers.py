"""What each known program writes, and what is read from it.

The lines are written by hand after what the programs wrote or what their source says, at the
versions that the presets name; the numbers are made up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envlift.translate.agents import readers
from envlift.translate.agents.presets import PRESETS, Place
from envlift.translate.agents.protocol import Cost, Usage
from envlift.translate.agents.record import used_before, write_session
from envlift.translate.agents.registry import make_agent


def read(reader: readers.Reader, *lines: str | dict[str, Any]) -> readers.Report:
    for line in lines:
        reader.line(line if isinstance(line, str) else json.dumps(line))
    reader.finish()
    return reader.report


class TestClaude:
    INIT = {"type": "system", "subtype": "init", "session_id": "c-1", "model": "claude-sonnet-4-5"}

    @staticmethod
    def message(name: str, sent: int, cached: int, written: int) -> dict[str, Any]:
        usage = {
            "input_tokens": sent,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 7,
            "output_tokens": written,
        }
        return {"type": "assistant", "session_id": "c-1", "message": {"id": name, "usage": usage}}

    def test_while_it_runs(self) -> None:
        """Every part of a message carries the usage of the whole message."""
        one = self.message("m1", 10, 100, 5)
        report = read(readers.Claude(), self.INIT, one, one, self.message("m2", 20, 200, 6))
        assert report.usage == Usage(10 + 100 + 7 + 20 + 200 + 7, 300, 11)
        assert (report.session, report.model) == ("c-1", "claude-sonnet-4-5")
        assert not report.ended

    def test_the_end(self) -> None:
        models = {
            "claude-sonnet-4-5": {
                "inputTokens": 30, "outputTokens": 50, "cacheReadInputTokens": 300,
                "cacheCreationInputTokens": 14, "costUSD": 0.01,
            },
            "claude-haiku-4-5": {
                "inputTokens": 5, "outputTokens": 1, "cacheReadInputTokens": 0,
                "cacheCreationInputTokens": 0, "costUSD": 0.001,
            },
        }  # fmt: skip
        result = {
            "type": "result", "subtype": "success", "is_error": False, "result": "Done.",
            "session_id": "c-2", "total_cost_usd": 0.011, "modelUsage": models,
            "usage": {"input_tokens": 30, "cache_read_input_tokens": 300, "output_tokens": 50},
        }  # fmt: skip
        report = read(readers.Claude(), self.INIT, self.message("m1", 10, 100, 5), result)
        assert report.usage == Usage(30 + 300 + 14 + 5, 300, 51)
        assert (report.dollars, report.text, report.session) == (0.011, "Done.", "c-2")
        assert report.ended
        assert not report.error

    def test_colours_around_the_json(self) -> None:
        report = read(readers.Claude(), f"\x1b[?1004l{json.dumps(self.INIT)}")
        assert report.session == "c-1"

    @pytest.mark.parametrize(
        ("changes", "error", "over"),
        [
            ({"is_error": True, "result": "API Error: 500"}, "API Error: 500", False),
            ({"subtype": "error_during_execution", "errors": ["it broke"]}, "it broke", False),
            ({"subtype": "error_max_budget_usd", "is_error": True}, "error_max_budget_usd", True),
        ],
    )
    def test_errors(self, changes: dict[str, Any], error: str, over: bool) -> None:
        report = read(readers.Claude(), {"type": "result", "subtype": "success", **changes})
        assert (report.error, report.over_budget) == (error, over)

    def test_a_retry_that_worked(self) -> None:
        retry = {"type": "system", "subtype": "api_retry", "error_status": 401, "error": "denied"}
        assert read(readers.Claude(), retry).error == "denied (HTTP 401)"
        assert read(readers.Claude(), retry, self.message("m", 1, 1, 1)).error == ""


class TestCodex:
    START = {"type": "thread.started", "thread_id": "t-1"}
    USAGE = {
        "input_tokens": 2000, "cached_input_tokens": 800, "cache_write_input_tokens": 0,
        "output_tokens": 100, "reasoning_output_tokens": 20,
    }  # fmt: skip
    END = {"type": "turn.completed", "usage": USAGE}

    def test_a_turn(self) -> None:
        said = {"id": "item_1", "type": "agent_message", "text": "I made it."}
        ran = {"id": "item_0", "type": "command_execution", "command": "ls", "exit_code": 0}
        report = read(
            readers.Codex(),
            self.START,
            {"type": "turn.started"},
            {"type": "item.completed", "item": ran},
            {"type": "item.completed", "item": said},
            self.END,
        )
        assert (report.usage, report.session) == (Usage(2000, 800, 100), "t-1")
        assert (report.text, report.ended, report.error) == ("I made it.", True, "")

    def test_errors(self) -> None:
        retry = {"type": "error", "message": "Reconnecting... 1/5"}
        assert read(readers.Codex(), self.START, retry, self.END).error == ""
        failed = {"type": "turn.failed", "error": {"message": "401 Unauthorized"}}
        report = read(readers.Codex(), self.START, retry, failed)
        assert (report.error, report.ended) == ("401 Unauthorized", True)

    def test_a_resumed_session_is_counted_once(self, tmp_path: Path) -> None:
        """Codex tells the tokens of the whole session; what earlier turns told is taken off."""
        for name in ("0001", "0002"):
            (tmp_path / name).mkdir()
        write_session(tmp_path / "0001", "t-1", Usage(1500, 500, 70))
        (tmp_path / "0002" / "stdout.log").write_text(
            f"{json.dumps(self.START)}\n{json.dumps(self.END)}\n"
        )
        agent = make_agent("command:codex", {"model": "gpt-5"}, environment={})
        assert agent.recover(tmp_path / "0002").usage == Usage(500, 300, 30)
        assert used_before(tmp_path / "0003", "t-1") == Usage(2000, 800, 100)
        assert used_before(tmp_path / "0003", "t-2") == Usage()


class TestGemini:
    INIT = {"type": "init", "session_id": "g-1", "model": "auto"}

    def test_a_turn(self) -> None:
        stats = {
            "total_tokens": 1300, "input_tokens": 1000, "output_tokens": 100, "cached": 400,
            "input": 600, "duration_ms": 5, "tool_calls": 1, "models": {"gemini-2.5-pro": {}},
        }  # fmt: skip
        report = read(
            readers.Gemini(),
            self.INIT,
            {"type": "message", "role": "user", "content": "Make it so."},
            {"type": "message", "role": "assistant", "content": "Now.", "delta": True},
            {"type": "tool_use", "tool_name": "shell", "tool_id": "1", "parameters": {}},
            {"type": "message", "role": "assistant", "content": "Do", "delta": True},
            {"type": "message", "role": "assistant", "content": "ne.", "delta": True},
            {"type": "result", "status": "success", "stats": stats},
        )
        # 200 tokens were thought and not shown.
        assert report.usage == Usage(1000, 400, 300)
        assert (report.model, report.session, report.text) == ("gemini-2.5-pro", "g-1", "Done.")
        assert (report.ended, report.error) == (True, "")

    def test_an_error(self) -> None:
        error = {"type": "FatalError", "message": "quota exceeded"}
        report = read(
            readers.Gemini(), self.INIT, {"type": "result", "status": "error", "error": error}
        )
        assert (report.error, report.ended) == ("quota exceeded", True)


class TestAider:
    LINES = (
        "Aider v0.86.2",
        "I added the function.",
        "Tokens: 4.2k sent, 1.1k cache hit, 500 received. Cost: $0.01 message, $0.01 session.",
        "Tokens: 12k sent, 300 received. Cost: $0.02 message, $0.03 session.",
    )

    def test_rounded(self, tmp_path: Path) -> None:
        report = read(readers.Aider(tmp_path), *self.LINES)
        assert report.usage == Usage(16_200, 1_100, 800)
        assert (report.dollars, report.text, report.ended) == (0.03, "I added the function.", True)

    def test_two_lines(self, tmp_path: Path) -> None:
        """With writes to a cache the cost has a line of its own."""
        lines = ("Tokens: 4.2k sent, 2k cache write, 1k cache hit, 5 received.",
                 "Cost: $0.0012 message, $0.0034 session.")  # fmt: skip
        report = read(readers.Aider(tmp_path), *lines)
        assert (report.usage, report.dollars) == (Usage(4200, 1000, 5), 0.0034)

    @pytest.mark.parametrize(("told", "dollars"), [(0.0312, 0.0312), (0, None)])
    def test_exact(self, tmp_path: Path, told: float, dollars: float | None) -> None:
        """0 stands in the log for a price that it does not know."""
        messages = [
            {"main_model": "openai/gpt-4o", "prompt_tokens": 4231, "completion_tokens": 503},
            {"main_model": "openai/gpt-4o", "prompt_tokens": 11_987, "completion_tokens": 298},
        ]
        rows = [{"event": "launched", "properties": {}}]
        rows += [
            {"event": "message_send", "properties": {**message, "total_cost": told}}
            for message in messages
        ]
        log = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / readers.AIDER_LOG).write_text(log)
        report = read(readers.Aider(tmp_path), *self.LINES)
        assert report.usage == Usage(16_218, 1_100, 801)
        assert (report.dollars, report.model) == (dollars, "openai/gpt-4o")

    def test_an_error(self, tmp_path: Path) -> None:
        line = "litellm.AuthenticationError: AuthenticationError: OpenAIException - wrong key"
        report = read(readers.Aider(tmp_path), "Aider v0.86.2", line)
        assert report.error == line
        assert not report.ended


class TestMini:
    @staticmethod
    def trajectory(folder: Path, status: str, dollars: float) -> None:
        usage = {"prompt_tokens": 900, "completion_tokens": 40, "prompt_tokens_details": None}
        cached = {**usage, "prompt_tokens_details": {"cached_tokens": 300}}
        messages = [
            {"role": "system", "content": "..."},
            {"role": "assistant", "extra": {"response": {"usage": usage}, "cost": 0.002}},
            {"role": "assistant", "extra": {"response": {"usage": cached}, "cost": 0.002}},
        ]
        info = {
            "model_stats": {"instance_cost": dollars, "api_calls": 2},
            "config": {"model": {"model_name": "openai/gpt-4o"}},
            "exit_status": status,
            "submission": "all made\n" if status == "Submitted" else "",
        }
        data = {"info": info, "messages": messages, "trajectory_format": "mini-swe-agent-1.1"}
        (folder / readers.MINI_TRAJECTORY).write_text(json.dumps(data))

    def test_a_turn(self, tmp_path: Path) -> None:
        self.trajectory(tmp_path, "Submitted", 0.004)
        report = read(readers.Mini(tmp_path), "mini-swe-agent (step 2, $0.00)")
        assert report.usage == Usage(1800, 300, 80)
        assert (report.dollars, report.model) == (0.004, "openai/gpt-4o")
        assert (report.text, report.ended, report.error) == ("all made\n", True, "")

    @pytest.mark.parametrize(
        ("status", "over"), [("LimitsExceeded", True), ("RuntimeError", False)]
    )
    def test_other_ends(self, tmp_path: Path, status: str, over: bool) -> None:
        self.trajectory(tmp_path, status, 0.004)
        report = read(readers.Mini(tmp_path))
        assert (report.over_budget, status in report.error) == (over, True)

    def test_a_price_it_does_not_know(self, tmp_path: Path) -> None:
        """Then ours is asked for, by the provider in front of the model's name."""
        (tmp_path / "own").mkdir()
        (tmp_path / "stdout.log").touch()
        self.trajectory(tmp_path / "own", "", 0.0)
        found = make_agent("command:mini-swe-agent", environment={}).recover(tmp_path)
        assert found.usage == Usage(1800, 300, 80)
        dollars = (1500 * 2.5 + 300 * 1.25 + 80 * 10) / 1e6
        assert found.cost == Cost(pytest.approx(dollars), "priced")

    def test_no_trajectory(self, tmp_path: Path) -> None:
        report = read(readers.Mini(tmp_path), "command not understood")
        assert (report.ended, report.text) == (False, "command not understood")


@pytest.mark.parametrize("name", PRESETS)
def test_nothing_makes_a_reader_stumble(name: str, tmp_path: Path) -> None:
    """Garbage, and known events with values of the wrong kind."""
    reader = PRESETS[name].reader(tmp_path)
    kinds = ["system", "assistant", "result", "thread.started", "turn.completed", "turn.failed"]
    kinds += ["item.completed", "init", "message", "error"]
    for value in (None, 5, "x", [1], {"usage": 5, "id": []}):
        for kind in kinds:
            keys = ("message", "usage", "item", "error", "session_id", "thread_id", "stats",
                    "modelUsage", "total_cost_usd", "result", "subtype", "errors")  # fmt: skip
            reader.line(json.dumps({"type": kind, **dict.fromkeys(keys, value)}))
    read(reader, "", "{", "[]", "null", "\x00", '{"type": "assistant"')
    assert reader.report.dollars in (None, 5.0)


class TestCommandLines:
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        prompt = tmp_path / "prompt.md"
        prompt.write_text('Say "no": {x}.\n')
        return Place(tmp_path, prompt, tmp_path, "some-model", "s-1", 0.25)

    @pytest.mark.parametrize("name", PRESETS)
    def test_the_model(self, name: str, place: Place) -> None:
        words = PRESETS[name].words(place)
        assert words[words.index("--model") + 1] == "some-model"
        plain = PRESETS[name].words(Place(place.worktree, place.prompt_file, place.own))
        assert "--model" not in plain
        assert "" not in plain

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("claude", ["--resume", "s-1"]),
            ("codex", ["resume", "s-1", "-"]),
            ("gemini", ["--resume", "s-1"]),
        ],
    )
    def test_going_on(self, name: str, words: list[str], place: Place) -> None:
        assert " ".join(words) in " ".join(PRESETS[name].words(place))
        new = PRESETS[name].words(Place(place.worktree, place.prompt_file, place.own))
        assert words[0] not in new

    def test_the_cap(self, place: Place) -> None:
        assert "--max-budget-usd 0.250000" in " ".join(PRESETS["claude"].words(place))
        assert "-l 0.250000" in " ".join(PRESETS["mini-swe-agent"].words(place))

    def test_the_prompt_of_mini(self, place: Place) -> None:
        words = PRESETS["mini-swe-agent"].words(place)
        task = json.loads(Path(words[words.index("mini.yaml") + 2]).read_text())
        assert task == {"run": {"task": 'Say "no": {x}.\n'}}
