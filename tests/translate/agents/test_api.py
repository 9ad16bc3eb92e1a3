"""The api agent against a server that speaks both protocols, end to end."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from envlift.translate.agents.api import ApiAgent
from envlift.translate.agents.protocol import AgentError, TurnRequest, TurnResult, Usage
from envlift.translate.agents.registry import Tools, make_agent
from envlift.translate.agents.secrets import Redactor
from tests.translate.agents.loopback import Asked, Loopback, Reply, Speaker

KEY = "sk-planted-5f0c9a1e77"
PROTOCOLS = ("chat", "messages")
PRICED = {
    # Tokens of loopback.USAGE at the providers' list prices: gpt-4o 2.50 / 1.25 / 10 dollars for a
    # million, claude-sonnet-4-5 3 / 0.30 / 15.
    "chat": ("gpt-4o", "openai", (600 * 2.5 + 400 * 1.25 + 50 * 10) / 1e6),
    "messages": ("claude-sonnet-4-5", "anthropic", (600 * 3 + 400 * 0.3 + 50 * 15) / 1e6),
}


class Bench:
    """An agent and a place for its turns."""

    def __init__(self, folder: Path, protocol: str) -> None:
        self.folder = folder
        self.worktree = folder / "worktree"
        self.worktree.mkdir()
        self.speaker = Speaker(protocol)
        self.slept: list[float] = []
        self.logs: list[Path] = []

    def agent(self, url: str, **options: Any) -> ApiAgent:
        model, provider, _ = PRICED[self.speaker.protocol]
        defaults = {"model": model, "provider": provider, "protocol": self.speaker.protocol}
        path = "/v1" if self.speaker.protocol == "chat" else ""
        made = make_agent(
            "api",
            {**defaults, "key": "PLANTED_KEY", "base_url": url + path, **options},
            environment={"PLANTED_KEY": KEY},
            dollars_per_turn=options.pop("dollars_per_turn", None),
        )
        assert isinstance(made, ApiAgent)
        made.endpoint.sleep = self.slept.append
        return made

    def request(self, **changes: Any) -> TurnRequest:
        log = self.folder / "turns" / f"{len(self.logs) + 1:04d}"
        log.mkdir(parents=True)
        self.logs.append(log)
        values: dict[str, Any] = {
            "turn": len(self.logs),
            "kind": "translate",
            "module": "rules",
            "level": "L1",
            "worktree": self.worktree,
            "prompt": "Make it so.",
            "log": log,
            "environment": {"PATH": os.environ["PATH"]},
            "dollars_left": 1.0,
            "seconds_left": 60.0,
        }
        return TurnRequest(**{**values, **changes})

    def turn(self, script: list[Any], **options: Any) -> tuple[TurnResult, list[Asked]]:
        with Loopback(script) as server:
            return self.agent(server.url, **options).run(self.request()), server.asked

    def tool(self, name: str, **given: Any) -> str:
        """Return what one tool call answers."""
        speaker = self.speaker
        _, asked = self.turn([speaker.call(name, **given), speaker.text("Done.")])
        (text,) = speaker.results(asked[-1])
        return text


@pytest.fixture(params=PROTOCOLS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return Bench(tmp_path, request.param)


@pytest.fixture
def chat(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "chat")


class TestATurn:
    def test_a_failing_attempt_and_its_repair(self, bench: Bench) -> None:
        """Two turns: the first writes a fault, the second, in the same conversation, repairs it."""
        speaker = bench.speaker
        first = [
            speaker.call(
                "write_file", path="rules/add.py", content="def add(a, b):\n    return a\n"
            ),
            speaker.call(
                "shell", command="python3 -c 'from rules.add import add; print(add(1, 2))'"
            ),
            speaker.text("It is written."),
        ]
        second = [
            speaker.call("read_file", path="rules/add.py"),
            speaker.call("edit_file", path="rules/add.py", old="return a\n", new="return a + b\n"),
            speaker.call(
                "shell", command="python3 -c 'from rules.add import add; print(add(1, 2))'"
            ),
            speaker.text("Repaired."),
        ]
        with Loopback([*first, *second]) as server:
            agent = bench.agent(server.url)
            one = agent.run(bench.request())
            assert (one.status, one.detail) == ("done", "It is written.")
            assert "exit status 0\n1\n" in speaker.results(server.asked[2])
            two = agent.run(bench.request(prompt="1 + 2 is 3.", session=one.session))
        assert (two.status, two.detail) == ("done", "Repaired.")
        assert "def add(a, b):\n    return a\n" in speaker.results(server.asked[4])
        assert "exit status 0\n3\n" in speaker.results(server.asked[6])
        said = json.dumps(server.asked[3].body["messages"])
        assert "Make it so." in said
        assert "1 + 2 is 3." in said
        assert (
            bench.worktree / "rules" / "add.py"
        ).read_text() == "def add(a, b):\n    return a + b\n"

    def test_usage_and_price(self, bench: Bench) -> None:
        speaker = bench.speaker
        result, _ = bench.turn([speaker.call("shell", command="true"), speaker.text("Done.")])
        assert result.usage == Usage(2000, 800, 100)
        assert result.cost is not None
        assert result.cost.source == "priced"
        assert result.cost.dollars == pytest.approx(2 * PRICED[speaker.protocol][2])

    def test_usage_is_on_the_disk_after_every_answer(self, bench: Bench) -> None:
        """Seen by the model's own command, while the turn goes on."""
        log = bench.folder / "turns" / "0001"
        record = f"cp {log}/usage.json {bench.folder}/seen.json"
        bench.turn([bench.speaker.call("shell", command=record), bench.speaker.text("Done.")])
        seen = json.loads((bench.folder / "seen.json").read_text())
        assert seen["usage"] == {"input_tokens": 1000, "cached_tokens": 400, "output_tokens": 50}

    def test_a_turn_that_was_cut_off(self, bench: Bench) -> None:
        """Ctrl-C between two answers: what the first one took is known."""

        def interrupt(text: str) -> None:
            raise KeyboardInterrupt

        script = [bench.speaker.call("shell", command="true"), Reply(b"busy", 503)]
        with Loopback(script) as server:
            agent = bench.agent(server.url)
            agent.endpoint.sleep = interrupt  # type: ignore[assignment]
            with pytest.raises(KeyboardInterrupt):
                agent.run(bench.request())
            found = agent.recover(bench.logs[0])
        assert (found.status, found.detail) == ("failed", "cut off")
        assert found.usage == Usage(1000, 400, 50)
        assert found.cost is not None
        assert found.cost.dollars == pytest.approx(PRICED[bench.speaker.protocol][2])

    def test_nothing_known_of_a_turn(self, bench: Bench, tmp_path: Path) -> None:
        with Loopback([]) as server:
            assert bench.agent(server.url).recover(tmp_path) == TurnResult("failed", "cut off")

    def test_an_answer_that_was_cut_off_goes_on(self, bench: Bench) -> None:
        end = "length" if bench.speaker.protocol == "chat" else "max_tokens"
        result, asked = bench.turn(
            [bench.speaker.text("I was", end=end), bench.speaker.text("Done.")]
        )
        assert result.status == "done"
        assert "Go on" in json.dumps(asked[1].body["messages"][-1])

    def test_too_many_steps(self, chat: Bench) -> None:
        result, _ = chat.turn([chat.speaker.call("shell", command="true")] * 3, max_steps=3)
        assert result.status == "failed"
        assert "max_steps = 3" in result.detail

    def test_the_time_is_over(self, chat: Bench) -> None:
        with Loopback([chat.speaker.call("shell", command="sleep 30")]) as server:
            result = chat.agent(server.url).run(chat.request(seconds_left=1.0))
        assert result.status == "timeout"
        assert result.usage == Usage(1000, 400, 50)

    def test_a_refusal(self, bench: Bench) -> None:
        end = "content_filter" if bench.speaker.protocol == "chat" else "refusal"
        result, _ = bench.turn([bench.speaker.text("No.", end=end)])
        assert result.status == "failed"
        assert "refused" in result.detail


class TestTrouble:
    def test_too_many_requests(self, bench: Bench) -> None:
        busy = Reply(b'{"error": {"message": "slow down"}}', 429, {"Retry-After": "7"})
        result, asked = bench.turn([busy, bench.speaker.text("Done.")])
        assert result.status == "done"
        assert bench.slept == [7.0]
        assert asked[0].body == asked[1].body

    def test_waiting_grows_and_ends(self, chat: Bench) -> None:
        result, _ = chat.turn([Reply(b"down", 503)] * 4, attempts=4)
        assert chat.slept == [1.0, 2.0, 4.0]
        assert result.status == "failed"
        assert "HTTP 503" in result.detail

    def test_a_wait_beyond_the_end_of_the_turn(self, chat: Bench) -> None:
        with Loopback([Reply(b"busy", 429, {"Retry-After": "100"})]) as server:
            result = chat.agent(server.url).run(chat.request(seconds_left=50.0))
        assert result.status == "timeout"
        assert chat.slept == []

    def test_garbage(self, bench: Bench) -> None:
        result, _ = bench.turn([Reply(b"<html>oops</html>"), bench.speaker.text("Done.")])
        assert result.status == "done"
        assert bench.slept == [1.0]

    def test_an_answer_of_another_protocol(self, bench: Bench) -> None:
        result, _ = bench.turn([{"hello": "world"}])
        assert result.status == "failed"
        assert "hello" in result.detail

    def test_a_cut_connection(self, bench: Bench) -> None:
        cut = Reply(json.dumps(bench.speaker.text("Half.")).encode(), cut=True)
        result, _ = bench.turn([cut, bench.speaker.text("Whole.")])
        assert (result.status, result.detail) == ("done", "Whole.")

    def test_nobody_listens(self, chat: Bench) -> None:
        with Loopback([]) as server:
            url = server.url
        result = chat.agent(url, attempts=2).run(chat.request())
        assert result.status == "failed"
        assert "no connection" in result.detail
        assert chat.slept == [1.0]

    @pytest.mark.parametrize(("status", "hint"), [(401, "PLANTED_KEY"), (404, "gpt-4o")])
    def test_what_a_person_must_repair(self, chat: Bench, status: int, hint: str) -> None:
        said = {"error": {"message": f"wrong: {KEY}"}}
        with pytest.raises(AgentError, match=hint) as error:
            chat.turn([Reply(json.dumps(said).encode(), status)])
        assert KEY not in str(error.value)

    def test_a_bad_request_is_not_repeated(self, chat: Bench) -> None:
        result, _ = chat.turn([Reply(b'{"error": {"message": "context too long"}}', 400)])
        assert result.status == "failed"
        assert "context too long" in result.detail

    def test_a_redirect_is_not_followed(self, chat: Bench) -> None:
        """It would carry the key to somebody else."""
        with Loopback([]) as other:
            result, _ = chat.turn([Reply(b"", 302, {"Location": other.url})])
        assert result.status == "failed"
        assert (other.asked, other.got) == ([], [])

    def test_arguments_that_are_no_json(self, chat: Bench) -> None:
        result, asked = chat.turn(
            [chat.speaker.raw_call("shell", '{"command": "ls'), chat.speaker.text("Done.")]
        )
        assert result.status == "done"
        assert "no JSON object" in chat.speaker.results(asked[1])[0]


class TestMoney:
    def test_a_declared_price(self, bench: Bench) -> None:
        table = {"input": 10, "output": 100.0, "cached": 1}
        result, _ = bench.turn([bench.speaker.text("Done.")], model="home-made", price=table)
        assert result.cost is not None
        assert result.cost.source == "declared"
        assert result.cost.dollars == pytest.approx((600 * 10 + 400 * 1 + 50 * 100) / 1e6)

    def test_an_unknown_price_is_refused_under_a_cap(self, bench: Bench) -> None:
        with Loopback([]) as server:
            agent = bench.agent(server.url, model="home-made")
            with pytest.raises(AgentError, match="dollars_per_turn"):
                agent.run(bench.request())

    def test_an_unknown_price_without_a_cap(self, bench: Bench) -> None:
        with Loopback([bench.speaker.text("Done.")]) as server:
            agent = bench.agent(server.url, model="home-made")
            result = agent.run(bench.request(dollars_left=None))
        assert result.status == "done"
        assert result.cost is None
        assert result.usage == Usage(1000, 400, 50)

    def test_an_unknown_price_that_is_declared_for_a_turn(self, chat: Bench) -> None:
        with Loopback([chat.speaker.text("Done.")]) as server:
            agent = chat.agent(server.url, model="home-made")
            agent.tools = Tools(dollars_per_turn=0.5)
            assert agent.run(chat.request()).status == "done"

    def test_a_model_of_nobody_known_is_not_priced(self, chat: Bench) -> None:
        """The name alone does not say who serves it, and at what price."""
        with Loopback([]) as server:
            agent = chat.agent(server.url, provider="")
            with pytest.raises(AgentError, match="provider"):
                agent.run(chat.request())

    def test_the_cap_is_reached_in_flight(self, bench: Bench) -> None:
        """The second request is not sent: what is left does not pay for what it would send."""
        used = (100_000, 0, 1000)
        _, _, unit = PRICED[bench.speaker.protocol]
        assert unit < 0.01
        with Loopback([bench.speaker.call("shell", command="true", usage=used)]) as server:
            agent = bench.agent(server.url)
            result = agent.run(bench.request(dollars_left=0.45))
        assert result.status == "over budget"
        assert result.usage == Usage(100_000, 0, 1000)
        assert result.cost is not None
        assert 0.2 < result.cost.dollars < 0.45

    def test_an_answer_is_no_longer_than_the_money(self, chat: Bench) -> None:
        """0.02 dollars pay for less than 2000 tokens at 10 dollars for a million."""
        with Loopback([chat.speaker.text("Done.")]) as server:
            chat.agent(server.url).run(chat.request(dollars_left=0.02))
        assert 256 <= server.asked[0].body["max_tokens"] < 2000

    def test_too_little_money_for_a_request(self, chat: Bench) -> None:
        with Loopback([]) as server:
            result = chat.agent(server.url).run(chat.request(dollars_left=0.0005))
        assert result.status == "over budget"
        assert result.cost is not None
        assert result.cost.dollars == 0.0

    def test_tokens_that_are_not_told(self, bench: Bench) -> None:
        """Under a cap, one such answer is enough to stop."""
        result, _ = bench.turn([bench.speaker.call("shell", usage=None, command="true")])
        assert result.status == "failed"
        assert "does not tell its tokens" in result.detail
        assert result.cost is None


class TestTools:
    @pytest.mark.parametrize("tool", ["read_file", "write_file", "edit_file"])
    @pytest.mark.parametrize(
        "path", ["../outside.txt", "{folder}/outside.txt", "link.txt", "folder/outside.txt", "."]
    )
    def test_nothing_outside_the_worktree(self, chat: Bench, tool: str, path: str) -> None:
        outside = chat.folder / "outside.txt"
        outside.write_text("private")
        (chat.worktree / "link.txt").symlink_to(outside)
        (chat.worktree / "folder").symlink_to(chat.folder)
        more = {"write_file": {"content": "x"}, "edit_file": {"old": "private", "new": "x"}}
        text = chat.tool(tool, path=path.format(folder=chat.folder), **more.get(tool, {}))
        assert text.startswith("error:")
        assert "out of the worktree" in text
        assert "private" not in text
        assert outside.read_text() == "private"

    def test_git_is_left_alone(self, chat: Bench) -> None:
        (chat.worktree / ".git").write_text("gitdir: elsewhere")
        assert "git" in chat.tool("write_file", path=".git", content="gitdir: mine")
        assert (chat.worktree / ".git").read_text() == "gitdir: elsewhere"

    def test_an_edit_that_is_not_unique(self, chat: Bench) -> None:
        (chat.worktree / "a.py").write_text("x = 1\nx = 1\n")
        text = chat.tool("edit_file", path="a.py", old="x = 1\n", new="x = 2\n")
        assert "occurs 2 times" in text
        assert (chat.worktree / "a.py").read_text() == "x = 1\nx = 1\n"

    def test_an_edit_of_nothing(self, chat: Bench) -> None:
        (chat.worktree / "a.py").write_text("x = 1\n")
        assert "occurs 0 times" in chat.tool("edit_file", path="a.py", old="y", new="z")

    def test_lines_of_a_file(self, chat: Bench) -> None:
        (chat.worktree / "a.py").write_text("1\n2\n3\n4\n")
        assert chat.tool("read_file", path="a.py", first=2, last=3) == "2\n3\n"

    def test_a_long_output_loses_its_middle(self, chat: Bench) -> None:
        text = chat.tool("shell", command="seq 1 100000")
        assert len(text) < 17_000
        assert text.startswith("exit status 0\n1\n2\n")
        assert text.endswith("99999\n100000\n")
        assert "characters left out" in text

    def test_a_command_that_fails(self, chat: Bench) -> None:
        text = chat.tool("shell", command="echo so >&2; exit 3")
        assert text == "exit status 3\nso\n"

    def test_a_command_that_hangs(self, chat: Bench) -> None:
        script = [chat.speaker.call("shell", command="sleep 60"), chat.speaker.text("Done.")]
        _, asked = chat.turn(script, shell_seconds=0.5)
        assert "longer than 0.5 s" in chat.speaker.results(asked[1])[0]

    @pytest.mark.parametrize(
        ("tool", "given", "told"),
        [
            ("fly", {}, "there is no tool"),
            ("shell", {}, "needs the argument 'command'"),
            ("shell", {"command": 5}, "is no text"),
            ("shell", {"command": "ls", "cwd": "/"}, "has no argument 'cwd'"),
            ("read_file", {"path": "a", "first": 0}, "is no line number"),
            ("read_file", {"path": "nothing.py"}, "is no file"),
        ],
    )
    def test_a_wrong_call(self, chat: Bench, tool: str, given: dict[str, Any], told: str) -> None:
        assert told in chat.tool(tool, **given)


class TestTheKey:
    def test_it_is_sent_and_stands_nowhere(self, bench: Bench) -> None:
        """The model tries to get at it, and the endpoint repeats it."""
        spy = "env; echo; cat env.txt; echo $PLANTED_KEY $OTHER > found.txt"
        (bench.worktree / "env.txt").write_text(f"left here by mistake: {KEY}\n")
        script = [
            bench.speaker.call("shell", command=spy),
            bench.speaker.call("read_file", path="env.txt"),
            bench.speaker.text(f"The key is {KEY}."),
        ]
        with Loopback(script) as server:
            agent = bench.agent(server.url)
            # Passed on by mistake, also under another name.
            passed = {"PATH": os.environ["PATH"], "PLANTED_KEY": KEY, "OTHER": KEY}
            result = agent.run(bench.request(prompt=f"Use {KEY}.", environment=passed))
        sent = {name.lower(): value for name, value in server.asked[0].headers.items()}
        assert KEY in (sent.get("authorization", "") + sent.get("x-api-key", ""))
        assert all(KEY not in json.dumps(asked.body) for asked in server.asked)
        assert result.detail == "The key is [secret PLANTED_KEY]."
        assert (bench.worktree / "found.txt").read_text() == "\n"
        (bench.worktree / "env.txt").unlink()
        for path in [*bench.folder.rglob("*")]:
            if path.is_file():
                assert KEY not in path.read_text(), path
        log = bench.logs[0]
        assert {"transcript.jsonl", "usage.json", "conversation.json"} <= {
            p.name for p in log.iterdir()
        }
        # The same agent's redactor finds it in what the model wrote.
        assert agent.tools.redactor.scan(f"x = '{KEY}'")

    def test_it_is_not_set(self) -> None:
        options = {"model": "gpt-4o", "key": "PLANTED_KEY"}
        with pytest.raises(AgentError, match="PLANTED_KEY"):
            make_agent("api", options, environment={})

    def test_it_stands_in_the_project_file(self) -> None:
        secret = "sk-proj_0123456789abcdefghijklmnopqrstuv"
        with pytest.raises(AgentError, match="stands in no file") as error:
            make_agent("api", {"model": "gpt-4o", "key": secret}, environment={})
        assert secret not in str(error.value)


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "told"),
        [
            ({}, "model"),
            ({"model": "m", "protocol": "smoke"}, "'chat' or 'messages'"),
            ({"model": "m", "modle": "m"}, "known: model, key"),
            ({"model": 5}, "is no text"),
            ({"model": "m", "base_url": "example.org"}, "https://"),
            ({"model": "m", "max_steps": -1}, "whole number"),
            ({"model": "m", "max_steps": 0}, "at least 1"),
            ({"model": "m", "price": {"input": 1}}, "price = {input"),
            ({"model": "m", "price": {"input": 1, "output": "2"}}, "price = {input"),
            ({"model": "m", "network": False}, "bubblewrap"),
        ],
    )
    def test_what_makes_no_sense(self, options: dict[str, Any], told: str) -> None:
        with pytest.raises(AgentError, match=told):
            make_agent("api", options, environment={}, redactor=Redactor())
