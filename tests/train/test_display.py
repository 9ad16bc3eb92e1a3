"""What a person sees: on a terminal one live panel, elsewhere plain lines, or nothing."""

from __future__ import annotations

import io
import math
import re
from typing import Any

import pytest
from rich.console import Console

from envlift.train.config import Config
from envlift.train.showing.display import (
    ConsoleDisplay,
    duration,
    line,
    panel,
    remaining,
    sparkline,
    speed,
)

CONFIG = Config(env="pong", env_options={"frameskip": 8}, num_envs=10, horizon=10, total_steps=950)
TERMINAL: dict[str, Any] = {"force_terminal": True, "color_system": None}


def rows(count: int) -> list[dict[str, Any]]:
    """Updates of 100 steps in 0.5 s each, after 30 s of compilation."""
    return [
        {
            "update": update,
            "steps": 100 * update,
            "seconds": 30 + 0.5 * update,
            "sps": 200.0 + update,
            "return": None if update == 1 else update - 20.25,
            "score": None if update == 1 else update - 21.0,
            "length": None if update == 1 else 1234.0,
            "policy_loss": -0.01234,
            "value_loss": 12345.6,
            "entropy": 1.0986,
            "approx_kl": 0.0031,
            "clip_fraction": 0.05,
            "explained_variance": 0.62,
            "gradient_norm": 0.5,
        }
        for update in range(1, count + 1)
    ]


def written(width: int = 80, **options: Any) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=width, **options), file


def shown(count: int, width: int) -> str:
    console, file = written(width, **TERMINAL)
    console.print(panel(rows(count), CONFIG))
    return re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_panel_shows_everything_in_eighty_columns(width: int) -> None:
    text = shown(5, width)
    assert {len(row) for row in text.splitlines()} == {width}
    for part in (
        "pong frameskip=8, mlp of 128 units, 10 environments, seed 0",
        "50%  500 / 1,000 steps  0:00:32, ETA 0:00:02",
        "205 /s    ",
        "200 /s mean",
        "policy -0.0123",
        "value 1.23e+04",
        "gradient 0.5000",
        "explained 62%",
        "entropy 1.0986",
        "KL 0.0031",
        "clipped 5%",
        "return -15.25",
        "score -16.00",
        "length 1,234",
        "▁▃▆█ ",
    ):
        assert part in text, part
    assert "…" not in text


def test_the_panel_before_anything_is_known() -> None:
    text = shown(0, 80)
    assert "0%  0 / 1,000 steps  -, ETA -" in text
    assert "return - " in text
    first = shown(1, 80)
    assert "return - " in first
    assert "nan" not in (text + first).lower()


def test_a_plain_line() -> None:
    assert line(rows(5), CONFIG) == (
        "500 / 1,000 steps  205 steps/s  return -15.25  score -16.00  length 1,234  "
        "loss -0.0123 policy 1.23e+04 value  entropy 1.0986  KL 0.0031  ETA 0:00:02"
    )
    assert line([], CONFIG).startswith("- / 1,000 steps  - steps/s  return - ")


def test_the_mean_speed_leaves_out_the_compilation() -> None:
    assert speed(rows(5)) == 200.0
    # The first update's own speed counts the compilation that it may have waited for.
    assert math.isnan(speed(rows(1)))
    assert math.isnan(speed([]))


def test_what_remains() -> None:
    # 950 steps are rounded up to ten updates of 100.
    assert remaining(rows(4), CONFIG) == 3.0
    assert remaining(rows(10), CONFIG) == 0.0
    assert math.isnan(remaining([], CONFIG))
    assert math.isnan(remaining(rows(1), CONFIG))
    assert line(rows(1), CONFIG).endswith("ETA -")
    standing = [{"steps": 1, "seconds": seconds, "sps": 0.0} for seconds in (1.0, 2.0)]
    assert math.isnan(remaining(standing, CONFIG))


def test_durations() -> None:
    found = [duration(3661.4), duration(0.0), duration(90_000), duration(math.nan)]
    assert found == ["1:01:01", "0:00:00", "1 day, 1:00:00", "-"]


@pytest.mark.parametrize(
    ("values", "width", "curve"),
    [
        ([], 8, ""),
        ([math.nan, math.inf], 8, ""),
        ([3.0], 8, "▁"),
        ([5.0, 5.0], 8, "▁▁"),
        (list(range(8)), 8, "▁▂▃▄▅▆▇█"),
        (list(range(8)), 4, "▁▃▆█"),
        ([0.0, math.nan, 7.0, -0.0], 8, "▁█▁"),
        ([0.0, 2.0, 9.0, 9.0, 9.0], 2, "▁█"),
    ],
)
def test_sparklines(values: list[float], width: int, curve: str) -> None:
    assert sparkline(values, width) == curve


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_terminal_is_drawn_ten_times_a_second_at_most() -> None:
    console, file = written(80, **TERMINAL)
    clock = Clock()
    with ConsoleDisplay(console, CONFIG, clock=clock) as display:
        assert "compiling" in file.getvalue()
        for row in rows(3):
            display.update(row)
            clock.now += 0.06
        # The first at once, the second too early, the third after 0.12 s.
        assert [f"{steps} / 1,000" in file.getvalue() for steps in (100, 200, 300)] == [
            True,
            False,
            True,
        ]
        display.update(rows(4)[-1])
        assert "400 / 1,000" not in file.getvalue()
    assert "400 / 1,000" in file.getvalue()
    # The cursor is hidden while the panel lives, and shown again.
    assert file.getvalue().count("\x1b[?25l") == file.getvalue().count("\x1b[?25h") == 1


def test_elsewhere_a_plain_line_every_few_seconds() -> None:
    console, file = written(40)
    clock = Clock()
    display = ConsoleDisplay(console, CONFIG, clock=clock, every=5.0)
    for row in rows(10):
        display.update(row)
        clock.now += 2.0
    display.close()
    display.close()
    lines = file.getvalue().splitlines()
    assert lines[0] == "pong frameskip=8, mlp of 128 units, 10 environments, seed 0: compiling ..."
    assert [text.split(" ")[0] for text in lines[1:]] == ["100", "400", "700", "1,000"]
    assert "\x1b" not in file.getvalue()


@pytest.mark.parametrize("options", [{}, TERMINAL], ids=["plain", "terminal"])
def test_quiet_is_quiet(options: dict[str, Any]) -> None:
    console, file = written(**options)
    with ConsoleDisplay(console, CONFIG, quiet=True) as display:
        display.update(rows(1)[0])
    assert file.getvalue() == ""


@pytest.mark.parametrize("options", [{}, TERMINAL], ids=["plain", "terminal"])
def test_a_policy_that_jumps_is_told_once(options: dict[str, Any]) -> None:
    console, file = written(200, **options)
    with ConsoleDisplay(console, CONFIG) as display:
        for row, kl in zip(rows(4), (0.01, 0.4, 3e21, 4e21), strict=True):
            display.update(row | {"approx_kl": kl})
    text = " ".join(file.getvalue().split())
    assert text.count("the policy moved by a KL of") == 1
    assert "in update 3 the policy moved by a KL of 3e+21 (0.05 is much): lower learning_" in text
