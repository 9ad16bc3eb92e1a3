"""A GIF shows the pictures that were added, in their order and time, and loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from envlift.train.showing.film import LAST_PICTURE, Film, Picture, under_text

COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30)]


def picture(number: int) -> Picture:
    """A square that moves one place per number, of another colour each time."""
    pixels = np.zeros((40, 200, 3), np.uint8)
    pixels[10:30, 20 * number : 20 * number + 20] = COLOURS[number % 4]
    return pixels


def filmed(path: Path, count: int, **options: float) -> Film:
    film = Film(**options)
    for number in range(count):
        film.add(picture(number), f"step {number}")
    film.save(path)
    return film


def test_pictures_order_time_and_loop(tmp_path: Path) -> None:
    film = filmed(tmp_path / "deep" / "out.gif", 9, fps=20)
    with Image.open(tmp_path / "deep" / "out.gif") as gif:
        assert gif.n_frames == len(film) == 9
        assert gif.info["loop"] == 0
        for number in range(9):
            gif.seek(number)
            assert gif.info["duration"] == (LAST_PICTURE if number == 8 else 50)
            shown = np.asarray(gif.convert("RGB")).astype(int)
            assert shown.shape == (40 + 16, 200, 3)
            # A palette of 64 colours is close to the colours, not equal to them.
            assert np.abs(shown[16:] - picture(number)).max() < 16


def test_the_text_stands_above_the_picture() -> None:
    with_text, without = under_text(picture(0), "return +1.0"), under_text(picture(0), "")
    np.testing.assert_array_equal(with_text[16:], picture(0))
    assert (with_text[:16] > 200).any()
    assert not without[:16].any()
    assert not np.array_equal(with_text, under_text(picture(0), "return -1.0"))


def test_it_is_small(tmp_path: Path) -> None:
    """Flat pictures in which little moves take a small part of their pixels."""
    film = Film()
    for number in range(200):
        film.add(picture(number % 9), f"step {number}")
    film.save(tmp_path / "out.gif")
    assert (tmp_path / "out.gif").stat().st_size < 0.05 * 200 * 56 * 200


def test_a_full_film_drops_what_follows(tmp_path: Path) -> None:
    film = filmed(tmp_path / "out.gif", 9, fps=10, seconds=0.5)
    assert (len(film), film.dropped, film.full, film.room) == (5, 4, True, 5)
    with Image.open(tmp_path / "out.gif") as gif:
        assert gif.n_frames == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fps": 0}, "fps = 0 is not allowed: give a whole number from 1 to 50"),
        ({"fps": 51}, "fps = 51 is not allowed"),
        ({"seconds": 0.0}, "seconds = 0.0 is not allowed"),
        ({"seconds": float("nan")}, "seconds = nan is not allowed"),
    ],
)
def test_numbers_out_of_range(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Film(**options)


def test_nothing_to_write(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no picture to write"):
        Film().save(tmp_path / "out.gif")
    assert not (tmp_path / "out.gif").exists()
