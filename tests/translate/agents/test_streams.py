"""Answers in pieces: put together as if they were whole, and cut off before they cost too much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envlift.translate.agents.protocol import Usage
from envlift.translate.agents.streams import ChatPieces
from tests.translate.agents.loopback import USAGE, Loopback, Reply, in_pieces
from tests.translate.agents.test_api import PROTOCOLS, Bench

DEAR = {"input": 1.0, "output": 1000.0}
"""Dollars for a million tokens: 1.00 pays for less than a thousand tokens of an answer."""


@pytest.fixture(params=PROTOCOLS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return Bench(tmp_path, request.param)


def test_pieces_are_the_answer_that_they_make(bench: Bench) -> None:
    speaker = bench.speaker
    script = [
        in_pieces(speaker.call("write_file", path="a.py", content="X = [1]\n# é\n")),
        in_pieces(speaker.text("Done.")),
    ]
    result, asked = bench.turn(script)
    assert (result.status, result.detail) == ("done", "Done.")
    assert (bench.worktree / "a.py").read_text() == "X = [1]\n# é\n"
    assert result.usage == Usage(*USAGE) + Usage(*USAGE)
    assert asked[0].body["stream"] is True
    # What an endpoint said goes back to it as it was.
    back = asked[1].body["messages"]
    (call,) = [json.dumps(message) for message in back if "call-1" in json.dumps(message)][:1]
    assert "a.py" in call


@pytest.mark.parametrize("what", ["text", "call"])
def test_an_endpoint_that_heeds_no_limit_is_cut_off(bench: Bench, what: str) -> None:
    """It would write 90,000 tokens, for 90 dollars, where 1.00 may be spent."""
    long = "word " * 72_000
    speaker = bench.speaker
    whole = speaker.text(long) if what == "text" else speaker.call("shell", command=long)
    with Loopback([in_pieces(whole, size=40)]) as server:
        result = bench.agent(server.url, price=DEAR).run(bench.request())
    assert result.status == "over budget"
    assert result.cost is not None
    assert 0.9 < result.cost.dollars <= 1.01
    assert result.usage is not None
    assert 500 < result.usage.output_tokens < 1100
    (told,) = [
        json.loads(line)["content"]
        for line in (bench.logs[-1] / "transcript.jsonl").read_text().splitlines()
        if '"cut off"' in line
    ]
    assert told["asked for"] < 1000


def test_one_that_is_longer_than_asked_for_goes_on_after_the_cut(bench: Bench) -> None:
    """There is money left: the model is told, as after any answer that was too long."""
    speaker = bench.speaker
    script = [in_pieces(speaker.text("word " * 5_000)), in_pieces(speaker.text("Done."))]
    result, asked = bench.turn(script, max_tokens=600, price={"input": 1.0, "output": 2.0})
    assert (result.status, result.detail) == ("done", "Done.")
    assert "cut off because it is too long" in json.dumps(asked[1].body["messages"])
    assert result.usage is not None
    assert result.usage.output_tokens > USAGE[2] + 600


def test_without_a_cap_nothing_is_streamed(bench: Bench) -> None:
    with Loopback([bench.speaker.text("Done.")]) as server:
        bench.agent(server.url).run(bench.request(dollars_left=None))
    assert "stream" not in server.asked[0].body


def test_an_endpoint_that_cannot_stream(bench: Bench) -> None:
    result, asked = bench.turn([bench.speaker.text("Done.")], stream=False)
    assert result.status == "done"
    assert "stream" not in asked[0].body


def test_what_had_come_of_an_answer_that_broke_off_is_counted(bench: Bench) -> None:
    """Nobody gives the money back."""
    body = in_pieces(bench.speaker.text("word " * 300)).body
    broken = Reply(body[: len(body) // 2], cut=True, kind="text/event-stream")
    result, _ = bench.turn([broken, in_pieces(bench.speaker.text("Done."))])
    assert result.status == "done"
    assert result.usage is not None
    assert result.usage.output_tokens > USAGE[2] + 100


def test_an_error_in_the_stream_is_told(bench: Bench) -> None:
    row: dict[str, Any] = {"type": "error", "error": {"type": "busy", "message": "too busy"}}
    reply = Reply(f"data: {json.dumps(row)}\n\n".encode(), kind="text/event-stream")
    result, _ = bench.turn([reply], attempts=1)
    assert result.status == "failed"
    assert "too busy" in result.detail


STRANGE: dict[str, list[Any]] = {
    "chat": [
        {"choices": [{"delta": "no"}]},
        {"choices": ["no"]},
        {"choices": [{"delta": {"tool_calls": [{"index": "x"}]}}]},
    ],
    "messages": [
        {"type": "message_start"},
        {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_start", "index": 0, "content_block": 3},
    ],
}


@pytest.mark.parametrize("number", range(3))
def test_pieces_that_no_protocol_has_are_told_and_not_a_traceback(
    bench: Bench, number: int
) -> None:
    row = STRANGE[bench.speaker.protocol][number]
    reply = Reply(f"data: {json.dumps(row)}\n\n".encode(), kind="text/event-stream")
    result, _ = bench.turn([reply], attempts=1)
    assert result.status == "failed"
    assert "the endpoint streams what cannot be read: " in result.detail


def test_names_of_an_endpoints_own_in_a_call_are_kept() -> None:
    pieces = ChatPieces()
    for text in ("{", "}"):
        function = {"name": "f" if text == "{" else None, "arguments": text, "signature": "ab"}
        call = {"index": 0, "id": "1", "function": function}
        pieces.add({"choices": [{"delta": {"tool_calls": [call]}}]})
    (made,) = pieces.whole()["choices"][0]["message"]["tool_calls"]
    assert made["function"] == {"name": "f", "arguments": "{}", "signature": "abab"}
