"""What a person sees of a battle: the field as pixels and as SVG, a GIF, and Showdown's log."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree import ElementTree

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from envlift.cli import main
from envlift.envs.pokemon.env import Pokemon
from envlift.envs.pokemon.render import HEALTHY, LOW, Box, frame, shapes, svg


@pytest.fixture(scope="module")
def state():
    return jax.device_get(Pokemon().reset(jax.random.key(1))[1])


def bars(state) -> list[Box]:
    return [s for s in shapes(state) if isinstance(s, Box) and s.colour in (HEALTHY, LOW)]


def test_a_bar_is_as_long_as_the_hp(state) -> None:
    whole = bars(state)
    assert [bar.colour for bar in whole] == [HEALTHY, HEALTHY]
    hp = np.array(state.hp)
    active = int(state.order[0][0])
    hp[0, active] = int(state.max_hp[0, active]) // 10
    hurt = bars(dataclasses.replace(state, hp=hp))
    assert hurt[0] == whole[0]  # the foe's, above
    assert hurt[1].colour == LOW
    share = hp[0, active] / state.max_hp[0, active]
    assert hurt[1].width == pytest.approx(whole[1].width * share)


def test_both_pictures_say_the_same(state) -> None:
    small, large = frame(state, 0.5), frame(state, 1.0)
    assert (small.shape, large.shape) == ((180, 320, 3), (360, 640, 3))
    assert large.dtype == np.uint8
    text = svg(state)
    root = ElementTree.fromstring(text)
    kinds = [child.tag.rpartition("}")[2] for child in root]
    assert kinds == [
        {"Box": "rect", "Disc": "circle", "Label": "text"}[type(s).__name__] for s in shapes(state)
    ]
    # The middle of a bar has its colour in the pixels too.
    bar = bars(state)[1]
    x, y = int(bar.x + bar.width / 2), int(bar.y + bar.height / 2)
    assert "#{:02x}{:02x}{:02x}".format(*large[y, x]) == bar.colour


def test_an_end_is_told(state) -> None:
    over = dataclasses.replace(state, winner=jnp.int8(1))
    assert "Blue wins" in svg(over)
    assert "Blue wins" not in svg(state)


def test_playing_leaves_a_film_and_a_log(
    packages: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What Showdown tells of the battle is what was played here, to the winner."""
    gif, log = tmp_path / "battle.gif", tmp_path / "battle.log"
    words = ["play", "pokemon", "--random", "--option", "opponent=max_damage", "--option", "seat=0"]
    assert (
        main([*words, "--gif", str(gif), "--log", str(log), "--scale", "0.25", "--seconds", "99"])
        == 0
    )
    said = capsys.readouterr().out
    lines = log.read_text(encoding="utf-8").splitlines()
    assert "|gen|1" in lines
    winner = next(line for line in lines if line == "|tie" or line.startswith("|win|"))
    returned = {"|win|Red": "+1.00", "|win|Blue": "-1.00", "|tie": "+0.00"}[winner]
    assert f"episode 1: return {returned}" in said
    with Image.open(gif) as film:
        steps = int(said.partition(" steps")[0].rpartition(" ")[2])
        assert film.n_frames == steps + 1
    assert main([*words, "--log"]) == 0
    assert capsys.readouterr().out.count("|win|") == (winner != "|tie")


def test_who_has_no_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", "pong", "--random", "--max-steps", "3", "--log"]) == 4
    assert "pong has no log: play it without --log" in capsys.readouterr().err
