"""The examples in C, JavaScript and Python are the same game; the document's example is right."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from envlift.reference.client import ReferenceFailure
from envlift.reference.launch import open_reference

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "references"
DOCUMENT = (ROOT / "docs" / "reference-protocol.md").read_text(encoding="utf-8")
B = 4


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    program = tmp_path_factory.mktemp("counter") / "counter"
    warnings = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", "-ffp-contract=off"]
    subprocess.run(["cc", *warnings, "-o", str(program), str(EXAMPLES / "counter.c")], check=True)
    assert shutil.which("node"), "Node is needed: one of the examples is JavaScript"
    return {
        "python": f"python:{EXAMPLES / 'counter.py'}:Counter",
        "node": f"process:node {EXAMPLES / 'counter.mjs'}",
        "c": f"process:{program}",
    }


def same(one, two):
    """Compare two records or states field by field."""
    assert set(one) == set(two)
    for name, value in one.items():
        if isinstance(value, dict):
            same(value, two[name])
        else:
            np.testing.assert_array_equal(value, two[name], err_msg=name)


@pytest.mark.parametrize("other", ["node", "c"])
def test_lockstep_of_the_three_languages(commands, other):
    rng = np.random.default_rng(7)
    config = {"goal": 4, "limit": 12, "slip": 0.3}
    with (
        open_reference(commands["python"], num_lanes=B, config=config) as python,
        open_reference(commands[other], num_lanes=B, config=config) as reference,
    ):
        assert reference.spec.state == python.spec.state
        seeds, chance = rng.integers(0, 100, B), rng.random(B)
        same(vars(reference.reset(seeds, chance)), vars(python.reset(seeds, chance)))
        ends = {"terminated": 0, "truncated": 0}
        for length in (1, 700, 300):
            actions, chance = rng.integers(0, 2, (length, B)), rng.random((length, B))
            seeds = rng.integers(0, 2**31, (length, B))
            one = python.step(actions, chance, seeds)
            same(vars(reference.step(actions, chance, seeds)), vars(one))
            ends = {name: count + getattr(one, name).sum() for name, count in ends.items()}
        assert min(ends.values()) > 3 * B, ends
        state = {
            "position": np.array([-3, 0, 3, 2], np.int32),
            "steps": np.array([11, 0, 5, 11], np.int32),
            "energy": rng.random(B),
        }
        for side in (python, reference):
            side.set_state(state)
            same(side.get_state(), state)
        actions, chance = np.ones((1, B), np.int32), np.full((1, B), 0.9)
        after = python.step(actions, chance)
        same(vars(reference.step(actions, chance)), vars(after))
        assert after.terminated.tolist() == [[False, False, True, False]]
        assert after.truncated.tolist() == [[True, False, False, True]]
        arguments = {"action": np.array([0, 1, 0, 1]), "chance": np.array([0.1, 0.1, 0.9, 0.9])}
        same(reference.call("move", arguments), python.call("move", arguments))
        assert python.call("move", arguments)["result"].tolist() == [1, -1, -1, 1]
        assert reference.coverage() == python.coverage() == {}


@pytest.mark.parametrize("language", ["python", "node", "c"])
def test_the_examples_explain_a_wrong_action(commands, language):
    with open_reference(commands[language], num_lanes=B) as reference:
        reference.reset(np.zeros(B, np.int64), np.zeros(B))
        actions = np.zeros((3, B), np.int32)
        actions[2, 1] = 5
        with pytest.raises(ReferenceFailure, match="action 5 is neither 0 nor 1") as caught:
            reference.step(actions, np.ones((3, B)))
        assert (caught.value.step, caught.value.lane) == (2, 1)
        with pytest.raises(ReferenceFailure, match="move"):
            reference.call("jump", {"height": np.zeros(1)})
        assert reference.alive


def code_blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.fixture
def coin(tmp_path):
    path = tmp_path / "coin.py"
    path.write_text(next(block for block in code_blocks("python") if 'request["op"]' in block))
    return path


def test_the_transcript_of_the_document_is_what_its_example_says(coin):
    lines = next(block for block in code_blocks("text") if "-> " in block).splitlines()
    requests = [line[3:] for line in lines if line.startswith("-> ")]
    answers = [line[3:] for line in lines if line.startswith("<- ")]
    talk = subprocess.run(
        [sys.executable, str(coin)], input="\n".join(requests), capture_output=True, text=True
    )
    assert talk.returncode == 0, talk.stderr
    said = talk.stdout.splitlines()
    assert [json.loads(line) for line in said] == [json.loads(line) for line in answers]
    assert len(answers) == len(requests) == 5


def test_the_example_of_the_document_is_a_whole_reference(coin):
    with open_reference(f"process:{sys.executable} {coin}", num_lanes=2) as reference:
        reference.reset(np.array([4, 7]), np.zeros(2, np.int32))
        record = reference.step(
            np.array([[1, 0], [0, 0], [1, 1]]),
            np.array([[1, 1], [0, 0], [1, 0]]),
            np.array([[8, 8], [9, 9], [5, 6]]),
        )
        assert record.terminated.tolist() == [[False, True], [False, False], [False, True]]
        assert record.final_state["coin"].tolist() == [[1, 1], [0, 0], [1, 0]]
        reference.set_state({"coin": np.array([1, 1], np.int32)})
        assert reference.get_state()["coin"].tolist() == [1, 1]
        assert reference.coverage() == {}


def test_the_launching_code_of_the_document(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    exec(next(block for block in code_blocks("python") if "with open_reference" in block), {})
    assert "name='counter'" in capsys.readouterr().out


def test_the_python_class_of_the_document(tmp_path):
    path = tmp_path / "walk.py"
    path.write_text(next(block for block in code_blocks("python") if "class Walk" in block))
    with open_reference(f"python:{path}:Walk", num_lanes=1, config={"goal": 2}) as reference:
        reference.reset(np.array([1]))
        record = reference.step(np.array([[1], [1]]), reset_seeds=np.array([[0], [0]]))
        assert record.terminated.tolist() == [[True], [False]]
        assert record.state["position"].tolist() == [[0], [1]]
        assert reference.call("direction", {"action": np.array([0, 1])})["result"].tolist() == [
            -1,
            1,
        ]
