"""The real Codex CLI against a server on this machine: ``pytest -m codex``.

Needs the program ``codex`` on PATH (npm package ``@openai/codex``); no account, no
network.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from envlift.translate.agents.protocol import TurnRequest, TurnResult, Usage
from envlift.translate.agents.registry import make_agent
from tests.translate.agents.loopback import Asked, Loopback, Reply, called, response, spoken

KEY = "sk-planted-5f0c9a1e77"


@pytest.mark.codex
def test_two_turns_of_one_conversation(tmp_path: Path) -> None:
    program = shutil.which("codex")
    assert program is not None, "there is no codex on PATH; npm install @openai/codex"
    worktree, home = tmp_path / "worktree", tmp_path / "home"
    worktree.mkdir()
    (home / ".codex").mkdir(parents=True)

    def second(asked: Asked) -> Reply:
        """Codex tells what came of the command."""
        outputs = [item for item in asked.body["input"] if item["type"] == "function_call_output"]
        assert "exited with code 0" in outputs[-1]["output"]
        return response(spoken("I made it."))

    def resumed(asked: Asked) -> Reply:
        said = json.dumps(asked.body["input"])
        assert "Make the file." in said
        assert "Was it made?" in said
        return response(spoken("It was."))

    make = response(called("exec_command", cmd="echo hello > made.txt"))
    with Loopback([make, second, resumed]) as server:
        (home / ".codex" / "config.toml").write_text(
            f'model_provider = "loopback"\n[model_providers.loopback]\nname = "loopback"\n'
            f'base_url = "{server.url}/v1"\nwire_api = "responses"\nenv_key = "PLANTED_KEY"\n'
        )
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PLANTED_KEY": KEY}
        agent = make_agent("command:codex", {"model": "gpt-5"}, environment=environment)

        def turn(number: int, prompt: str, session: str | None) -> TurnResult:
            log = tmp_path / "turns" / f"{number:04d}"
            log.mkdir(parents=True)
            return agent.run(
                TurnRequest(
                    number,
                    "translate",
                    None,
                    "L1",
                    worktree,
                    prompt,
                    log,
                    environment,
                    session,
                    dollars_left=1.0,
                    seconds_left=120.0,
                )
            )

        one = turn(1, "Make the file.", None)
        two = turn(2, "Was it made?", one.session)
    assert (one.status, one.detail) == ("done", "I made it.")
    assert (worktree / "made.txt").read_text() == "hello\n"
    assert (two.status, two.detail, two.session) == ("done", "It was.", one.session)
    assert one.usage == Usage(2000, 800, 100)
    assert two.usage == Usage(1000, 400, 50)
    for result in (one, two):
        assert result.cost is not None
        assert result.cost.source == "priced"
    for path in (tmp_path / "turns").rglob("*"):
        assert not path.is_file() or KEY not in path.read_text(), path
