"""A person does the turn: at a terminal, or by a file."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from envlift.translate.agents.manual import (
    DONE,
    DoneFileError,
    ManualAgent,
    ManualOptions,
    read_done,
)
from envlift.translate.agents.protocol import Cost, TurnRequest, TurnResult, Usage
from envlift.translate.agents.registry import Tools, make_agent
from envlift.translate.agents.secrets import Redactor


@pytest.fixture
def request_(tmp_path: Path) -> TurnRequest:
    for name in ("worktree", "log"):
        (tmp_path / name).mkdir()
    return TurnRequest(
        3, "repair", "rules", "L1", tmp_path / "worktree", "Make it so.", tmp_path / "log",
        seconds_left=30.0,
    )  # fmt: skip


@pytest.fixture
def typed() -> Iterator[tuple[TextIO, Callable[[str], None]]]:
    """A terminal, and how a person types into it."""
    master, slave = os.openpty()
    with os.fdopen(slave) as terminal:
        yield terminal, lambda text: (os.write(master, text.encode()), None)[1]
        os.close(master)


def agent(said: list[str], **more: Any) -> ManualAgent:
    tools = Tools(redactor=Redactor({"K": "planted-key"}))
    return ManualAgent(ManualOptions(), tools, say=said.append, poll=0.05, **more)


@pytest.mark.parametrize(
    ("line", "status", "detail"),
    [
        ("\n", "done", ""),
        ("fail no idea\n", "failed", "no idea"),
        ("fail\n", "failed", "given up"),
        ("what?\n\n", "done", ""),
    ],
)
def test_a_line(request_: TurnRequest, typed: Any, line: str, status: str, detail: str) -> None:
    terminal, type_ = typed
    type_(line)
    said: list[str] = []
    result = agent(said, terminal=terminal).run(request_)
    assert (result.status, result.detail) == (status, detail)
    assert result.cost == Cost(0.0, "declared")
    assert (request_.log / "prompt.md").read_text() == "Make it so."
    text = "\n".join(said)
    assert str(request_.log / "prompt.md") in text
    assert str(request_.worktree) in text
    assert "press Enter" in text
    assert ("or write 'fail WHY'" in text) == (line == "what?\n\n")


def test_the_terminal_goes_away(request_: TurnRequest, typed: Any) -> None:
    terminal, type_ = typed
    type_("\x04")
    with pytest.raises(KeyboardInterrupt):
        agent([], terminal=terminal).run(request_)
    assert (request_.log / "prompt.md").exists()


def test_a_file(request_: TurnRequest) -> None:
    """It appears, and is still being written when it is seen."""
    done = request_.log / DONE

    def write() -> None:
        time.sleep(0.2)
        with done.open("w") as stream:
            for line in ('detail = "with planted-key"', "input_tokens = 1000", "dollars = 0.25"):
                print(line, file=stream, flush=True)
                time.sleep(0.02)

    said: list[str] = []
    writer = threading.Thread(target=write)
    writer.start()
    result = agent(said).run(request_)
    writer.join()
    assert result == TurnResult(
        "done", "with [secret K]", Usage(1000, 0, 0), Cost(0.25, "declared"), "person"
    )
    assert str(done) in "\n".join(said)


def test_a_file_that_makes_no_sense(request_: TurnRequest) -> None:
    """It is put aside, and the next one counts."""
    (request_.log / DONE).write_text("status = finished")
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if "moved" in text:
            (request_.log / DONE).write_text("status = failed\ndetail = too hard")

    made = agent(said)
    made._say = say
    result = made.run(request_)
    assert (result.status, result.detail) == ("failed", "too hard")
    assert (request_.log / "done.rejected").read_text() == "status = finished"
    assert any("'finished'" in line and "over budget" in line for line in said)


def test_nobody_comes(request_: TurnRequest) -> None:
    from dataclasses import replace

    result = agent([]).run(replace(request_, seconds_left=0.1))
    assert result.status == "timeout"


def test_recovering(tmp_path: Path) -> None:
    """The person may have finished while envlift was not running."""
    made = make_agent("manual", {"model": "somebody"}, environment={})
    assert made.recover(tmp_path) == TurnResult(
        "failed", "cut off", cost=Cost(0.0, "declared"), model="somebody"
    )
    (tmp_path / DONE).touch()
    assert made.recover(tmp_path).status == "done"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", {}),
        (
            'status = "over budget"\noutput_tokens = 5\n',
            {"status": "over budget", "output_tokens": 5},
        ),
        ("status = over budget\nmodel = a model\n", {"status": "over budget", "model": "a model"}),
        ("dollars = 1\n\ndetail=5", {"dollars": 1, "detail": "5"}),
    ],
)
def test_reading(tmp_path: Path, text: str, said: dict[str, Any]) -> None:
    (tmp_path / DONE).write_text(text)
    assert read_done(tmp_path / DONE) == said


@pytest.mark.parametrize(
    "text",
    ["tokens = 5", "status = yes", "dollars = -1", "dollars = much", "input_tokens = 1.5", "hello"],
)
def test_reading_what_makes_no_sense(tmp_path: Path, text: str) -> None:
    (tmp_path / DONE).write_text(text)
    with pytest.raises(DoneFileError, match="says"):
        read_done(tmp_path / DONE)
