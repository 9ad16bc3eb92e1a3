"""Equal answers are equal bit for bit, and what differs is named."""

from __future__ import annotations

import numpy as np
import pytest

from envlift.verify.mutation import prove
from envlift.verify.mutation.prove import answers, compare
from envlift.verify.mutation.result import Proof


def write(folder, **changed):
    folder.mkdir()
    given = {"states.reward": np.zeros(4, np.float32), "play.obs": np.arange(6.0).reshape(3, 2)}
    np.savez(folder / "double.npz", **(given | changed))
    return folder


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"states.reward": np.float32([0, 0, 1e-45, 0])}, "states.reward [double]: 1 of 4 rows"),
        # Equal as numbers, and yet another answer.
        ({"states.reward": np.float32([0, -0.0, 0, 0])}, "states.reward [double]: 1 of 4 rows"),
        ({"states.reward": np.zeros(4)}, "states.reward [double]: another shape or type"),
        ({"play.obs": np.arange(6.0).reshape(2, 3)}, "play.obs [double]: another shape"),
        ({"play.obs": np.array([[0, 1], [2, 3.5], [4, np.nan]])}, "2 of 3 rows differ"),
    ],
)
def test_a_bit_is_enough(tmp_path, changed, said):
    found = compare(write(tmp_path / "ours"), write(tmp_path / "theirs", **changed))
    assert found.states == 4
    assert (found.differs is None) == (said is None)
    if said is not None:
        assert said in found.differs


def test_equal_nans_are_equal_and_missing_answers_are_not(tmp_path):
    ours = write(tmp_path / "ours", more=np.array([np.nan]))
    assert compare(ours, write(tmp_path / "same", more=np.array([np.nan]))) == Proof(4, None)
    found = compare(ours, write(tmp_path / "less"))
    assert found.differs == "more [double]: another shape or type"


def test_rules_that_answer_twice_answer_the_same_and_other_rules_do_not(tmp_path, monkeypatch):
    for name, number in (("STATES", 64), ("LANES", 4), ("STEPS", 32), ("FEW", (1,))):
        monkeypatch.setattr(prove, name, number)

    def ask(folder):
        options = {"backend": "jax"}
        given, out = str(tmp_path / "given"), str(tmp_path / folder)
        answers("pong", options, ["discrete"], 1, given, out)
        return tmp_path / folder

    first = ask("first")
    assert compare(first, ask("again")) == Proof(64, None)
    with np.load(first / "discrete.npz") as found:
        names = set(found.files)
    for part in ("states.nxt.state", "states.step", "states.draws", "batch of 1.nxt", "play.obs"):
        assert any(name.startswith(part) for name in names), part
    assert any(name.startswith("random_rollout") for name in names)
    from envlift.envs.pong.rules import jax as rules

    real = rules.bounce_walls
    # One state in some thousand bounces; the suite draws such states.
    monkeypatch.setattr(rules, "bounce_walls", lambda state: state)
    assert real is not rules.bounce_walls
    found = compare(first, ask("other"))
    assert found.states == 64
    assert "ball_vy" in found.differs
