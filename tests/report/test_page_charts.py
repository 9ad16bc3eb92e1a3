"""Charts: marks stand where their numbers say, whatever the numbers are."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any

import pytest
from markupsafe import Markup

from envlift.report.page import charts, data, svg
from tests.report.reader import Node, read


def drawn(picture: Markup | None) -> Node:
    assert picture is not None
    assert "nan" not in picture
    assert "inf" not in picture
    return read(picture).one("svg", "chart")


def number(node: Node, name: str) -> float:
    return float(str(node.attributes[name]))


def points(node: Node) -> list[tuple[float, float]]:
    pairs = str(node.attributes["points"]).split()
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in pairs)]


def inside(chart: Node) -> None:
    """Everything is drawn within the picture."""
    _, _, width, height = (float(v) for v in str(chart.attributes["viewbox"]).split())
    for node in chart.walk():
        for name, limit in (("x", width), ("cx", width), ("x1", width), ("y", height)):
            if name in node.attributes:
                assert -0.01 <= number(node, name) <= limit + 0.01, node
        if "points" in node.attributes:
            assert all(-0.01 <= x <= width and -0.01 <= y <= height for x, y in points(node))


class TestForest:
    def transfer(self, low: float, value: float, high: float) -> data.Transfer:
        direction = data.Direction("candidate", "PASS", 10, data.Interval(value, low, high), 0.9)
        return data.Transfer("c", 2.0, "r", {}, [direction])

    def places(self, chart: Node) -> dict[str, float]:
        zone, dot = chart.one("rect", "zone"), chart.one("circle", "dot")
        span = next(
            n for n in chart.all("line", "range") if n.attributes["y1"] == n.attributes["y2"]
        )
        left = number(zone, "x")
        return {
            "-margin": left,
            "+margin": left + number(zone, "width"),
            "effect": number(dot, "cx"),
            "low": number(span, "x1"),
            "high": number(span, "x2"),
        }

    def test_the_scale_is_that_of_the_margin(self) -> None:
        at = self.places(drawn(charts.forest(self.transfer(-1.0, 0.5, 1.5))))
        unit = (at["+margin"] - at["-margin"]) / 4
        zero = at["-margin"] + 2 * unit
        assert at["effect"] == pytest.approx(zero + 0.5 * unit, abs=0.02)
        assert at["low"] == pytest.approx(zero - unit, abs=0.02)
        assert at["high"] == pytest.approx(zero + 1.5 * unit, abs=0.02)

    def test_an_interval_beyond_the_margin_is_still_on_the_picture(self) -> None:
        chart = drawn(charts.forest(self.transfer(-1.0, 20.0, 41.0)))
        inside(chart)
        at = self.places(chart)
        assert at["low"] < at["+margin"] < at["effect"] < at["high"]

    def test_an_interval_that_is_no_number(self) -> None:
        chart = drawn(charts.forest(self.transfer(math.nan, 1.0, math.inf)))
        assert "no interval" in chart.text
        assert not chart.all("circle")

    def test_nothing_to_draw(self) -> None:
        assert charts.forest(None) is None


class TestLearning:
    def curve(self, side: str, mean: Sequence[float]) -> data.Curve:
        values = list(mean)
        steps = [float(100 * n) for n in range(1, len(values) + 1)]
        return data.Curve(side, 3, steps, values, [v - 1 for v in values], [v + 1 for v in values])

    def test_lines_and_bands(self) -> None:
        chart = drawn(
            charts.learning(
                [self.curve("candidate", [0, 5, 10]), self.curve("reference", [0, 2, 4])]
            )
        )
        inside(chart)
        ours, theirs = (points(node) for node in chart.all("polyline"))
        assert [x for x, _ in ours] == [x for x, _ in theirs]
        assert ours[0][1] > ours[1][1] > ours[2][1], "a higher return stands higher"
        assert ours[2][1] < theirs[2][1]
        assert len(points(chart.all("polygon")[0])) == 6
        assert "dashed" in chart.all("polyline")[1].classes

    def test_a_flat_line(self) -> None:
        flat = dataclasses.replace(self.curve("candidate", [3, 3]), low=[3, 3], high=[3, 3])
        inside(drawn(charts.learning([flat])))

    def test_nothing_to_draw(self) -> None:
        assert charts.learning([]) is None


class TestThroughput:
    def chart(self, batches: list[int], rates: list[float], reference: float | None) -> Node:
        series = [data.Series("<one>", batches, rates)]
        return drawn(charts.throughput(data.Throughput("t", series, reference, "r")))

    def test_equal_factors_are_equal_distances(self) -> None:
        chart = self.chart([32, 512, 8192], [1e5, 1e6, 1e7], 1e6)
        inside(chart)
        first, second, third = points(chart.one("polyline"))
        assert second[0] - first[0] == pytest.approx(third[0] - second[0], abs=0.2)
        assert first[1] - second[1] == pytest.approx(second[1] - third[1], abs=0.2)
        level = chart.one("line", "dashed")
        assert number(level, "y1") == pytest.approx(second[1], abs=0.1)

    @pytest.mark.parametrize(
        ("batches", "rates"), [([64], [1e6]), ([1, 2], [10.0, 10.0]), ([1, 2], [5.0, 5.0])]
    )
    def test_little_to_draw(self, batches: list[int], rates: list[float]) -> None:
        inside(self.chart(batches, rates, None))

    @pytest.mark.parametrize("rates", [[0.0, 1.0], []])
    def test_what_has_no_logarithm_is_not_drawn(self, rates: list[float]) -> None:
        series = [data.Series("x", [1, 2][: len(rates)], rates)]
        assert charts.throughput(data.Throughput("t", series)) is None


class TestProgress:
    def turn(self, number: int, **changes: Any) -> data.TurnRow:
        texts = {
            one.name: ""
            for one in dataclasses.fields(data.TurnRow)
            if one.type in ("str", "str | None")
        }
        numbers = {
            one.name: 0
            for one in dataclasses.fields(data.TurnRow)
            if one.type in ("int", "float", "int | None", "float | None")
        }
        rest: dict[str, Any] = {"verdicts": {"L1": "PASS"}, "failing": [], "fixtures": []}
        return data.TurnRow(**(texts | numbers | rest | {"number": number} | changes))

    def test_money_climbs_and_failures_are_bars(self) -> None:
        turns = [
            self.turn(1, dollars=1.0, failing=["a", "b"], outcome="kept"),
            self.turn(2, dollars=None, failing=["a"], outcome="undone"),
            self.turn(3, dollars=3.0, outcome="kept"),
        ]
        chart = drawn(charts.progress(turns))
        inside(chart)
        assert "dollars so far: 4.00" in chart.text
        stairs = [y for _, y in points(chart.one("polyline"))]
        bottom, top = stairs[0], stairs[-1]
        assert stairs[2] == stairs[4] == pytest.approx(bottom - (bottom - top) / 4)
        bars = chart.all("rect", "fails")
        assert number(bars[0], "height") == pytest.approx(2 * number(bars[1], "height"), abs=0.02)
        assert [bar.classes[1] for bar in bars] == ["kept", "undone"]
        assert len(chart.all("circle", "clean")) == 1

    def test_a_turn_that_was_not_judged_is_not_clean(self) -> None:
        chart = drawn(charts.progress([self.turn(1, verdicts={}), self.turn(2, verdicts={})]))
        assert not chart.all("circle")

    def test_one_turn_and_300(self) -> None:
        inside(drawn(charts.progress([self.turn(1)])))
        inside(drawn(charts.progress([self.turn(n, failing=["x"]) for n in range(1, 301)])))
        assert charts.progress([]) is None


class TestBars:
    def width(self, count: int, largest: int) -> float:
        return number(read(charts.bar(count, largest)).one("rect", "bar"), "width")

    def test_logarithmic(self) -> None:
        assert self.width(0, 10_000) == 0
        assert self.width(10_000, 10_000) == 100
        assert self.width(99, 9_999) == pytest.approx(50, abs=0.01)
        assert self.width(0, 0) == 0


class TestPieces:
    def test_text_and_attributes_are_escaped(self) -> None:
        assert (
            svg.text(1, 2, "<b>&")
            == '<text x="1" y="2" class="" text-anchor="start">&lt;b&gt;&amp;</text>'
        )
        assert svg.tag("g", class_='"><script>') == '<g class="&quot;&gt;&lt;script&gt;"></g>'

    @pytest.mark.parametrize(
        ("low", "high", "found"),
        [
            (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
            (0, 8e6, [0, 2e6, 4e6, 6e6, 8e6]),
            (-21, 28, [-20, -10, 0, 10, 20]),
            (3, 3, [3]),
        ],
    )
    def test_ticks(self, low: float, high: float, found: list[float]) -> None:
        assert svg.ticks(low, high) == pytest.approx(found)

    def test_labels(self) -> None:
        assert [svg.brief(v) for v in (0, 0.25, 20, 1500, 2e6, 1e9, -3e3)] == [
            "0", "0.25", "20", "1.5k", "2M", "1G", "-3k",
        ]  # fmt: skip

    def test_numbers_are_short(self) -> None:
        assert not re.search(r"\d\.\d{3}", svg.tag("g", x=1 / 3, y=100.0))
