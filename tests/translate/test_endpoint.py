"""The whole way with a model behind an endpoint: prompt, tools, commit, real judgement, repair."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envlift.translate.loop.run import Loop
from tests.translate import answers
from tests.translate.agents.loopback import Loopback, Speaker
from tests.translate.agents.test_api import KEY, PRICED
from tests.translate.conftest import Quiet


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["chat", "messages"])
def test_a_failing_attempt_and_its_repair(
    protocol: str, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model forgets a rule; the verifier shows it the case; the model repairs it."""
    monkeypatch.setenv("PLANTED_API_KEY", KEY)
    speaker = Speaker(protocol)
    model, provider, dollars = PRICED[protocol]
    script = [
        speaker.call("write_file", path="walk/rules.py", content=answers.FORGETS_TO_SLIP),
        speaker.call("write_file", path="tests/test_rules.py", content=answers.TEST_RULES),
        speaker.call("shell", command="env"),
        speaker.text("All tests pass, I am sure."),
        speaker.call("edit_file", path="walk/rules.py", old="action == 7", new="action == 0"),
        speaker.text("Repaired."),
    ]
    with Loopback(script) as server:
        url = server.url + ("/v1" if protocol == "chat" else "")
        options = {"model": model, "provider": provider, "protocol": protocol, "base_url": url}
        loop = Loop(
            toy, Quiet(), agent="api", options={**options, "key": "PLANTED_API_KEY"}, last=2
        )
        loop.run()
    turns = loop.ledger.read().turns
    assert [(turn.kind, turn.verdicts, turn.kept) for turn in turns] == [
        ("translate", {"L1": "FAIL"}, True),
        ("repair", {"L1": "PASS"}, True),
    ]
    assert turns[0].detail == "All tests pass, I am sure."
    assert [turn.cost.source for turn in turns if turn.cost] == ["priced", "priced"]
    assert [turn.cost.dollars for turn in turns if turn.cost] == pytest.approx(
        [4 * dollars, 2 * dollars]
    )
    assert turns[0].model.startswith(model)
    # The second turn was told the smallest case, in the conversation that goes on.
    said = json.dumps(server.asked[4].body["messages"])
    assert "result differs for x=4, action=0" in said
    assert "PLANTED" not in "".join(speaker.results(server.asked[3])), "nor does a command see it"
    for path in (toy / ".envlift").rglob("*"):
        assert not path.is_file() or KEY not in path.read_text(errors="replace"), path
