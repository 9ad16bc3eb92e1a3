"""The page's charts, from its data. Each returns None where there is nothing to draw."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from envlift.bench.show import short
from envlift.report.page import data, svg
from envlift.report.page.svg import Box, dot, line, linear, logarithmic, picture, polyline, text

COLOURS = {"candidate": "a", "reference": "b", "both": "n"}


def bar(count: int, largest: int) -> Markup:
    """Draw one bar on a logarithmic scale that all bars of a list share."""
    share = math.log1p(count) / math.log1p(largest) if largest > 0 else 0.0
    parts = [svg.tag("rect", x=0, y=0, width=100, height=8, class_="trough")]
    parts.append(svg.tag("rect", x=0, y=0, width=share * 100, height=8, class_="bar"))
    return Markup(
        svg.tag("svg", *parts, viewBox="0 0 100 8", preserveAspectRatio="none", class_="meter")
    )


def forest(transfer: data.Transfer | None) -> Markup | None:
    """Draw every effect with its 90 % interval against the margin."""
    if transfer is None:
        return None
    margin, rows = transfer.margin, transfer.directions
    ends = [abs(v) for r in rows for v in (r.effect.low, r.effect.high) if math.isfinite(v)]
    reach = max([margin * 1.25, *(end * 1.1 for end in ends)])
    height = 30 + 40 * len(rows) + 44
    box = Box(168, 30, svg.WIDTH - 14, height - 44)
    x = linear(-reach, reach, box.left, box.right)
    zone = {"x": x(-margin), "y": box.top, "width": x(margin) - x(-margin)}
    parts = [svg.tag("rect", **zone, height=box.bottom - box.top, class_="zone")]
    for value, words in ((-margin, f"−{margin:g}"), (0.0, "0"), (margin, f"+{margin:g}")):
        parts.append(line(x(value), box.top, x(value), box.bottom, "margin" if value else "axis"))
        parts.append(text(x(value), box.bottom + 17, words, "tick", "middle"))
    parts.append(text(x(0), 20, "equivalent within the margin", "label", "middle"))
    for number, row in enumerate(rows):
        parts += _effect(row, x, box.top + 20 + 40 * number)
    below = "return in candidate − return in reference"
    parts.append(text(box.right, box.bottom + 36, below, "label", "end"))
    return picture(height, "Effects of policy transfer against the margin", parts)


def _effect(row: data.Direction, x: svg.Scale, y: float) -> list[str]:
    colour = COLOURS[row.side]
    name = "both together" if row.side == "both" else f"trained in {row.side}"
    policies = f"{row.policies} polic{'y' if row.policies == 1 else 'ies'}"
    parts = [text(4, y - 2, name, "name"), text(4, y + 14, policies, "tick")]
    effect = row.effect
    if not all(map(math.isfinite, (effect.value, effect.low, effect.high))):
        return [*parts, text(x(0), y + 4, "no interval", "tick", "middle")]
    parts.append(line(x(effect.low), y, x(effect.high), y, f"range {colour}"))
    for end in (effect.low, effect.high):
        parts.append(line(x(end), y - 6, x(end), y + 6, f"range {colour}"))
    words = f"{effect.value:g} ({effect.low:g} to {effect.high:g})"
    return [*parts, dot(x(effect.value), y, f"dot {colour}", words, r=5)]


def learning(curves: Sequence[data.Curve]) -> Markup | None:
    """Draw mean and range of the learning curves of both sides."""
    if not curves:
        return None
    steps = [value for curve in curves for value in curve.steps]
    values = [v for curve in curves for v in (*curve.low, *curve.high)]
    box = Box(48, 14, svg.WIDTH - 12, 236)
    x = linear(0, max(steps), box.left, box.right)
    low, high = min(values), max(values)
    y = linear(low, high, box.bottom, box.top)
    parts = svg.frame(box, x, y, svg.ticks(0, max(steps)), svg.ticks(low, high), "training steps")
    for curve in curves:
        colour = COLOURS[curve.side]
        there = list(zip(curve.steps, curve.high, strict=True))
        back = list(zip(curve.steps, curve.low, strict=True))[::-1]
        parts.append(svg.polygon([(x(s), y(v)) for s, v in there + back], f"band {colour}"))
    for curve in curves:
        points = [(x(s), y(v)) for s, v in zip(curve.steps, curve.mean, strict=True)]
        # Dashes tell the two apart where they coincide, and without colours.
        dashed = " dashed" if curve.side == "reference" else ""
        parts.append(polyline(points, f"line {COLOURS[curve.side]}{dashed}"))
    return picture(280, "Return over the steps of training, mean and range", parts)


def throughput(found: data.Throughput) -> Markup | None:
    """Draw speed by batch size, both axes logarithmic, with the reference's speed as a line."""
    series = [one for one in found.series if min([*one.batches, *one.rates], default=0) > 0]
    if not series:
        return None
    batches = sorted({batch for one in series for batch in one.batches})
    reference = found.reference if found.reference and found.reference > 0 else None
    rates = [rate for one in series for rate in one.rates] + ([reference] if reference else [])
    low, high = 10 ** math.floor(math.log10(min(rates))), 10 ** math.ceil(math.log10(max(rates)))
    if low == high:
        high *= 10
    box = Box(48, 14, svg.WIDTH - 14, 236)
    x = linear(batches[0], batches[-1], box.left + 14, box.right - 14)
    if len(batches) > 1:
        x = logarithmic(batches[0], batches[-1], box.left + 14, box.right - 14)
    y = logarithmic(low, high, box.bottom, box.top)
    parts = svg.frame(box, x, y, [], svg.decades(low, high), "batch size (lanes)")
    parts += [text(x(one), box.bottom + 17, f"{one}", "tick", "middle") for one in batches]
    if reference:
        parts.append(line(box.left, y(reference), box.right, y(reference), "line b dashed"))
        parts.append(text(box.right - 4, y(reference) - 6, "reference", "name", "end"))
    for number, one in enumerate(series):
        points = [(x(b), y(r)) for b, r in zip(one.batches, one.rates, strict=True)]
        colour = f"c{number % 4}"
        parts.append(polyline(points, f"line {colour}"))
        pairs = zip(points, one.batches, one.rates, strict=True)
        parts += [
            dot(*point, f"dot {colour}", f"{one.label}: {short(rate)} steps/s at {batch:,}")
            for point, batch, rate in pairs
        ]
    return picture(280, f"Steps per second by batch size: {found.title}", parts)


def progress(turns: Sequence[data.TurnRow]) -> Markup | None:
    """Draw dollars spent so far above the number of failing tests, turn by turn."""
    if not turns:
        return None
    dollars, spent = [0.0], 0.0
    for turn in turns:
        spent += turn.dollars or 0.0
        dollars.append(spent)
    failing = [len(turn.failing) for turn in turns]
    numbers = [turn.number for turn in turns]
    above, below = Box(48, 26, svg.WIDTH - 14, 116), Box(48, 156, svg.WIDTH - 14, 246)
    x = linear(numbers[0] - 1, numbers[-1], above.left, above.right)
    shown = [value for value in svg.ticks(numbers[0], numbers[-1], 8) if value == int(value)]
    top = max(dollars) or 1.0
    y = linear(0, top, above.bottom, above.top)
    parts = [text(4, 14, f"dollars so far: {spent:.2f}", "name")]
    parts += svg.frame(above, x, y, [], svg.ticks(0, top, 3), "")
    parts.append(polyline(_steps([numbers[0] - 1, *numbers], dollars, x, y), "line a"))
    most = max([*failing, 1])
    y = linear(0, most, below.bottom, below.top)
    parts.append(text(4, 146, "failing tests after the turn", "name"))
    counts = [value for value in svg.ticks(0, most, 3) if value == int(value)]
    parts += svg.frame(below, x, y, shown, counts, "turn")
    width = max(1.0, (x(numbers[-1]) - x(numbers[0] - 1)) / len(numbers) * 0.7)
    for turn, count in zip(turns, failing, strict=True):
        kind = "kept" if turn.outcome == "kept" else "undone"
        if count:
            parts.append(
                svg.tag(
                    "rect",
                    x=x(turn.number) - width,
                    y=y(count),
                    width=width,
                    height=below.bottom - y(count),
                    class_=f"fails {kind}",
                )
            )
        elif turn.verdicts:
            parts.append(dot(x(turn.number) - width / 2, below.bottom - 4, f"clean {kind}", r=3))
    return picture(284, "Dollars spent and failing tests over the turns", parts)


def _steps(
    places: Sequence[float], values: Sequence[float], x: svg.Scale, y: svg.Scale
) -> list[tuple[float, float]]:
    """Return a staircase: money is spent in a turn, not between two."""
    points = [(x(places[0]), y(values[0]))]
    for place, value in zip(places[1:], values[1:], strict=True):
        points += [(x(place), points[-1][1]), (x(place), y(value))]
    return points
