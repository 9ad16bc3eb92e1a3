"""Small pieces of SVG: scales, axes and marks. Colours are classes, so that the style sheet's light
and dark themes reach them; all text is escaped here.

Lengths are units of the ``viewBox``; on a wide screen one is about a pixel.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 520
Scale = Callable[[float], float]


@dataclass(frozen=True)
class Box:
    """Where the data of a chart is drawn."""

    left: float
    top: float
    right: float
    bottom: float


def tag(name: str, *inside: str, **attributes: object) -> str:
    """Return an element; ``class_`` stands for ``class`` and ``_`` for a dash.

    Args:
        name: of the element.
        inside: markup, put in as it is; text goes through ``text``.
        attributes: values, escaped; numbers to a hundredth.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(_number(value))}"'
        for key, value in attributes.items()
    )
    return f"<{name}{written}>{''.join(inside)}</{name}>"


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if math.isfinite(value) else "0"
    return str(value)


def text(x: float, y: float, words: str, class_: str = "", anchor: str = "start") -> str:
    """Return a line of text."""
    return tag("text", html.escape(words), x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """Return a straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def polyline(points: Iterable[tuple[float, float]], class_: str) -> str:
    """Return a line through points."""
    return tag("polyline", points=_points(points), class_=class_)


def polygon(points: Iterable[tuple[float, float]], class_: str) -> str:
    """Return a filled shape."""
    return tag("polygon", points=_points(points), class_=class_)


def dot(x: float, y: float, class_: str, words: str = "", r: float = 3.5) -> str:
    """Return a dot; ``words`` appear where a pointer rests on it."""
    inside = (tag("title", html.escape(words)),) if words else ()
    return tag("circle", *inside, cx=x, cy=y, r=r, class_=class_)


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def picture(height: float, words: str, parts: Iterable[str]) -> Markup:
    """Return a whole chart, ``WIDTH`` wide; ``words`` say what it shows to who cannot see it."""
    inside = (tag("title", html.escape(words)), *parts)
    return Markup(
        tag("svg", *inside, viewBox=f"0 0 {WIDTH} {height:g}", role="img", class_="chart")
    )


def linear(low: float, high: float, start: float, end: float) -> Scale:
    """Return the map of ``[low, high]`` to ``[start, end]``; a single value lands in the middle."""
    if high <= low:
        return lambda _: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def logarithmic(low: float, high: float, start: float, end: float) -> Scale:
    """Return the logarithmic map of ``[low, high]``, above 0, to ``[start, end]``."""
    inner = linear(math.log(low), math.log(high), start, end)
    return lambda value: inner(math.log(value))


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about ``count`` round numbers in ``[low, high]``."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    rough = (high - low) / count
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def decades(low: float, high: float) -> list[float]:
    """Return the powers of ten in ``[low, high]``."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return [10.0**power for power in range(first, last + 1)]


def brief(value: float) -> str:
    """Write an axis label: ``1.5M``, ``20k``, ``-0.5``."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def frame(
    box: Box, x: Scale, y: Scale, x_ticks: Sequence[float], y_ticks: Sequence[float], below: str
) -> list[str]:
    """Return grid lines, axis labels and what the x axis is."""
    parts = []
    for value in y_ticks:
        parts.append(line(box.left, y(value), box.right, y(value), "grid"))
        parts.append(text(box.left - 6, y(value) + 4, brief(value), "tick", "end"))
    parts.append(line(box.left, box.bottom, box.right, box.bottom, "axis"))
    for value in x_ticks:
        parts.append(text(x(value), box.bottom + 17, brief(value), "tick", "middle"))
    parts.append(text(box.right, box.bottom + 34, below, "label", "end"))
    return parts
