"""Environments that roll dice inside a step are given their dice."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from envlift.cli import main
from envlift.reference.bridge.tape import Tape, TapeError, played
from envlift.reference.failure import ReferenceFailure
from envlift.reference.launch import open_reference
from envlift.translate.init.probe import look
from envlift.translate.project.file import load_project

DICEY = Path(__file__).with_name("dicey.py")
HALF = 1 << 31


def tape(*words: int) -> Tape:
    made = Tape()
    made.rewind(np.array(words, np.uint32))
    return made


def test_each_draw_takes_its_words() -> None:
    assert tape(0).random() == 0.0
    assert tape(HALF).random() == 0.5
    assert tape(2**32 - 1).random() == 1 - 2.0**-24
    assert float(np.float32(tape(2**32 - 1).random())) == 1 - 2.0**-24, "exactly a float32"
    assert [int(tape(word).integers(6)) for word in (0, HALF, 2**32 - 1)] == [0, 3, 5]
    assert int(tape(HALF).integers(-2, 2)) == 0
    assert tape(HALF).uniform(2.0, 4.0) == 3.0
    assert tape(2**32 - 1).choice(["a", "b"]) == "b"
    assert tape(HALF).choice(3, p=[0.5, 0.25, 0.25]) == 1
    assert tape(0, 0, 0).permutation(4).tolist() == [1, 2, 3, 0]
    assert tape(0, HALF).normal(1.0, 2.0) == 1.0, "no radius"
    assert tape(0).exponential(3.0) == 0.0
    several = tape(0, HALF, 0, HALF)
    assert several.random((2, 2)).tolist() == [[0.0, 0.5], [0.0, 0.5]]
    assert several.used == 4


def test_what_it_gives_is_spread_as_it_should_be() -> None:
    rng = np.random.default_rng(5)
    one = tape(*rng.integers(0, 2**32, 60_000, np.uint32))
    faces = np.bincount([int(one.integers(6)) for _ in range(6_000)], minlength=6)
    # Five standard deviations of a count of 1000.
    assert np.abs(faces - 1000).max() < 5 * np.sqrt(6000 * (1 / 6) * (5 / 6))
    numbers = one.normal(size=6_000)
    assert abs(numbers.mean()) < 5 / np.sqrt(6000)
    assert abs(numbers.std() - 1) < 5 / np.sqrt(12000)
    picked = np.bincount(one.choice(3, 6_000, p=[0.2, 0.3, 0.5]), minlength=3)
    assert np.abs(picked - [1200, 1800, 3000]).max() < 5 * np.sqrt(1500)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda one: one.random(3), "more than the 2 words"),
        (lambda one: one.integers(2**20), "1 to 65536 values, not of 1048576"),
        (lambda one: one.multinomial(1, [0.5, 0.5]), r"draws by multinomial\(\)"),
        (lambda one: one.integers([1, 2]), "arrays of bounds"),
    ],
)
def test_what_a_tape_cannot_give_is_said(draw: object, words: str) -> None:
    with pytest.raises(TapeError, match=words):
        draw(tape(1, 2))  # type: ignore[operator]


def test_the_generators_of_the_world_are_put_back() -> None:
    class Env:
        _np_random = "its own"

    env = Env()
    before = random.random, np.random.rand
    with played(tape(HALF, HALF), env):
        assert random.random() == np.random.rand() == 0.5  # noqa: NPY002
    now = random.random, np.random.rand, env._np_random
    assert now == (*before, "its own")


def test_equal_tapes_give_equal_steps_from_equal_states() -> None:
    with open_reference(
        f"gymnasium:{DICEY}:Dicey",
        num_lanes=3,
        config={"tape": 3, "places": 5, "state_attributes": ["x", "elapsed"]},
    ) as side:
        assert side.spec.chance is not None
        assert (side.spec.chance.shape, side.spec.chance.dtype) == ((3,), "uint32")
        rng = np.random.default_rng(0)
        chance = rng.integers(0, 2**32, (12, 3, 3), np.uint32)
        actions = rng.integers(0, 2, (12, 3))
        first = side.reset(np.arange(3), chance[0])
        assert first.observation[:, 0].tolist() == [int(w[0] >> 16) * 5 >> 16 for w in chance[0]]
        state = side.get_state()
        one = side.step(actions, chance, np.zeros((12, 3), np.int64))
        side.set_state(state)
        again = side.step(actions, chance, np.zeros((12, 3), np.int64))
        np.testing.assert_array_equal(one.observation, again.observation)
        np.testing.assert_array_equal(one.reward, again.reward)
        side.set_state(state)
        other = side.step(actions, chance[::-1], np.zeros((12, 3), np.int64))
        assert not np.array_equal(one.observation, other.observation)


def test_too_short_a_tape_is_named() -> None:
    with open_reference(f"gymnasium:{DICEY}:Dicey", num_lanes=1, config={"tape": 2}) as side:
        side.reset(np.zeros(1, np.int64), np.zeros((1, 2), np.uint32))
        with pytest.raises(ReferenceFailure, match="more than the 2 words"):
            side.step(np.zeros((1, 1), np.int64), np.zeros((1, 1, 2), np.uint32))


def test_init_gives_the_dice_to_both_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "walk", "--reference", f"{DICEY}:Dicey", "--target", "jax"]) == 0
    said = capsys.readouterr().out
    assert f"starting gymnasium:{DICEY}:Dicey" in said
    assert "a step draws up to 3 words; both sides are given a tape of 3" in said
    assert "equal states and actions gave equal steps" in said
    project = load_project(tmp_path / "walk")
    assert project.reference.launch == "gymnasium:reference/dicey.py:Dicey"
    assert project.reference.config["tape"] == 3
    assert (tmp_path / "walk" / "reference" / "tape.py").is_file()
    monkeypatch.chdir(tmp_path / "walk")
    from envlift.verify.suite.find import find_suite

    suite, _ = find_suite("suite.py")
    assert suite.start == "chance"
    drawn = suite.draw(np.random.default_rng(0), (4, 2))
    assert drawn is not None
    assert (drawn.shape, drawn.dtype) == ((4, 2, 3), np.dtype(np.uint32))


def test_dice_that_no_tape_gives_are_told() -> None:
    probe = look(f"gymnasium:{DICEY}:Odd", {})
    assert probe.tape == 0
    assert "bytes()" in probe.tape_trouble
    assert probe.repeats is False


def test_an_environment_without_dice_gets_no_tape() -> None:
    probe = look("gymnasium:CartPole-v1", {})
    assert (probe.dice, probe.spec.chance) == (0, None)
