"""Recordings: written, played again, and told apart from what comes out differently."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from envlift.cli import main
from envlift.translate.loop.ledger import Ledger
from envlift.translate.loop.recording import differences, read_turns, save, unpack
from envlift.translate.loop.run import Loop
from envlift.translate.project.file import ProjectError
from tests.translate import answers
from tests.translate.conftest import Quiet, Scripted, writes

RECORDINGS = Path(__file__).parents[2] / "examples" / "translations"


@pytest.fixture
def recording(toy: Path, tmp_path: Path, by_text: list[list[str]]) -> Path:
    """Four turns of the toy, one of them undone."""
    deeds = [
        writes(walk__rules_py=answers.FORGETS_TO_SLIP, tests__test_rules_py=answers.TEST_RULES),
        writes(suite_py="SUITE = None"),
        writes(walk__rules_py=answers.RULES),
        writes(walk__env_py=answers.ENV, tests__test_env_py=answers.TEST_ENV),
    ]
    assert Loop(toy, Quiet(), agent=Scripted(deeds)).run().kind == "done"
    out = tmp_path / "recording"
    assert len(save(toy, out)) == 4
    return out


def replay(recording: Path, into: Path) -> int:
    return main(["replay", str(recording), "--into", str(into)])


def test_a_replay_comes_to_the_same(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], by_text: list[list[str]]
) -> None:
    judged = len(by_text)
    assert replay(recording, tmp_path / "again") == 0
    assert "all 4 turns got the verdicts they got then" in capsys.readouterr().out
    assert len(by_text) > judged, "every turn that counts is judged anew"
    turns = Ledger(tmp_path / "again" / ".envlift" / "ledger.jsonl").read().turns
    assert [turn.cost.dollars for turn in turns if turn.cost] == [0.01] * 4
    assert (tmp_path / "again" / "walk" / "env.py").read_text() == answers.ENV


def test_a_recording_holds_no_commit_and_no_place_of_this_machine(
    recording: Path, tmp_path: Path
) -> None:
    for path in recording.rglob("*"):
        if path.is_file():
            assert str(tmp_path) not in path.read_text(), path
    assert all(turn.commit == turn.base == turn.head == "" for turn in read_turns(recording))


def test_another_verdict_is_told(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patch = recording / "turns" / "0004.patch"
    patch.write_text(patch.read_text().replace("LIMIT = 20", "LIMIT = 21"))
    assert replay(recording, tmp_path / "again") == 1
    shown = capsys.readouterr().out
    assert "turn 4: verdicts was" in shown
    assert "'L2': 'FAIL'" in shown


def test_a_turn_that_leaves_the_recording_is_told(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patch = recording / "turns" / "0001.patch"
    patch.write_text(patch.read_text().replace("action == 7", "action == 0"))
    assert replay(recording, tmp_path / "again") == 1
    assert "turn 2 leaves the recording" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value"), [("kept", False), ("kind", "tests"), ("fault", "x"), ("hollow", ["rules"])]
)
def test_every_word_of_a_judgement_counts(recording: Path, name: str, value: object) -> None:
    recorded, replayed = read_turns(recording), read_turns(recording)
    assert differences(recorded, replayed) == []
    setattr(replayed[3], name, value)
    assert [text.split(":")[0] for text in differences(recorded, replayed)] == ["turn 4"]
    assert "4 turns were recorded, 3" in differences(recorded, replayed[:3])[0]


def test_what_is_no_recording_is_refused(recording: Path, toy: Path, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="holds no recording"):
        read_turns(tmp_path)
    with pytest.raises(ProjectError, match="is not empty"):
        unpack(recording, toy)
    with pytest.raises(ProjectError, match="is not empty"):
        save(toy, recording)
    fresh = tmp_path / "fresh"
    shutil.copytree(recording / "project", fresh)
    with pytest.raises(ProjectError, match="no turn that is over"):
        save(fresh, tmp_path / "other")
    (recording / "turns.jsonl").write_text(json.dumps({"number": 1}) + "\n")
    with pytest.raises(ProjectError, match=r"turns\.jsonl:1 is no turn"):
        read_turns(recording)


def test_a_persons_own_change_cannot_be_recorded(
    toy: Path, tmp_path: Path, recording: Path
) -> None:
    (toy / "walk" / "rules.py").write_text(answers.FORGETS_TO_SLIP)
    deeds = [writes(walk__rules_py=answers.RULES)] * 6
    assert Loop(toy, Quiet(), agent=Scripted(deeds)).run().kind == "done"
    with pytest.raises(ProjectError, match="a person changed the work between the turns 4 and 5"):
        save(toy, tmp_path / "other")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["taxi", "acrobot", "car"])
def test_what_ships_comes_to_the_same(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every turn of the recordings in examples/ is judged for real, with fresh seeds."""
    assert main(["replay", str(RECORDINGS / name)]) == 0
    assert "got the verdicts they got then" in capsys.readouterr().out
    last = read_turns(RECORDINGS / name)[-1]
    assert last.verdicts == {"L1": "PASS", "L2": "PASS", "L3": "PASS", "L4": "SKIPPED"}


def test_the_shipped_recordings_are_these() -> None:
    assert sorted(path.name for path in RECORDINGS.iterdir() if path.is_dir()) == [
        "acrobot",
        "car",
        "taxi",
    ]
