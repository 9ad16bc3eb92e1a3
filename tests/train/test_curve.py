"""A learning curve shows the numbers of the rows, and its axes say what they are."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from envlift.train import curve
from envlift.train.config import Config
from envlift.train.metrics import Recorder


def rows(*values: float | None, every: int = 100) -> list[dict[str, Any]]:
    return [
        {"steps": every * number, "return": value, "score": None if value is None else 2 * value}
        for number, value in enumerate(values, start=1)
    ]


def axes_of(runs: Any, **options: Any) -> Any:
    return curve.figure(runs, **options).axes[0]


def test_one_run_is_its_values() -> None:
    axes = axes_of({"pong": rows(None, 1.0, math.nan, 3.0)}, title="Pong")
    (drawn,) = axes.lines
    np.testing.assert_array_equal(drawn.get_xydata(), [[200, 1], [400, 3]])
    assert len(axes.collections) == 0
    assert axes.get_xlabel() == "environment steps"
    assert axes.get_ylabel() == "return per episode (sum of rewards)"
    assert axes.get_title(loc="left") == "Pong"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["pong"]


def test_another_metric_over_time() -> None:
    first = [{"seconds": t, "steps": 0, "score": t} for t in (1.0, 2.0)]
    resumed = [{"seconds": t, "steps": 0, "score": t} for t in (0.5, 1.5)]
    axes = axes_of({"pong": first + resumed}, y="score", x="seconds")
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1, 2, 2.5, 3.5])
    assert (axes.get_xlabel(), axes.get_ylabel()) == (
        "wall-clock time (s)",
        "score per episode (points)",
    )


def test_several_runs_are_their_mean_and_range() -> None:
    """Also where they begin, end and report at other places."""
    runs = [rows(0.0, 10.0, 20.0, 30.0), rows(None, 40.0, 60.0), rows(15.0, 45.0, every=200)]
    axes = axes_of({"fast": runs, "slow": rows(1.0, 2.0)})
    mean, other = axes.lines
    places = mean.get_xdata()
    assert (places[0], places[-1], len(places)) == (200, 300, curve.POINTS)
    # At 200: 10, 40, 15. At 300: 20, 60 and, between two reports, 30.
    np.testing.assert_allclose(mean.get_ydata()[[0, -1]], [65 / 3, 110 / 3])
    (area,) = axes.collections
    corners = area.get_paths()[0].vertices
    ends = [corners[np.isclose(corners[:, 0], place), 1] for place in (200, 300)]
    assert [(low.min(), low.max()) for low in ends] == [(10, 40), (20, 60)]
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["fast (mean and range of 3 runs)", "slow"]
    assert mean.get_color() != other.get_color()


def test_a_png_is_written_without_pyplot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    path = curve.draw({"pong": rows(1.0, 3.0, 2.0)}, tmp_path / "deep" / "curve.png")
    with Image.open(path) as image:
        assert (image.format, image.size) == ("PNG", (1280, 800))
        pixels = np.asarray(image.convert("RGB"))
    colour = [int(curve.COLOURS[0][i : i + 2], 16) for i in (1, 3, 5)]
    line = np.all(np.abs(pixels.astype(int) - colour) < 30, axis=-1)
    # The line goes through most of the picture's columns.
    assert line.any(axis=0).sum() > 1000


def test_runs_are_read_from_their_folders(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a", Config()) as recorder:
        for row in rows(None, 1.0, 2.0):
            recorder.record(row)
    for run in (tmp_path / "a", [tmp_path / "a", rows(None, 1.0, 2.0)]):
        drawn = axes_of({"pong": run}).lines[0].get_xydata()
        np.testing.assert_allclose(drawn[[0, -1]], [[200, 1], [300, 2]])


@pytest.mark.parametrize("runs", [{}, {"a": []}, {"a": rows(1.0)}, {"a": rows(None, None)}])
def test_nothing_to_draw(tmp_path: Path, runs: Any) -> None:
    with pytest.raises(ValueError, match="nothing to draw: no run has two values of 'return'"):
        curve.draw(runs, tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


def test_a_run_of_one_value_does_not_hide_the_others() -> None:
    axes = axes_of({"a": rows(1.0), "b": [rows(1.0), rows(1.0, 2.0)]})
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["b"]
