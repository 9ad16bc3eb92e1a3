"""From a page of data to one HTML file that needs nothing else."""

from __future__ import annotations

import math
from typing import Any

import jinja2
from markupsafe import Markup

from envlift.bench.show import short
from envlift.report.page import charts, data
from envlift.verify.run.show_transfer import signed

LARGEST = 2_000_000
"""Bytes of a page."""
SHOWN_CHECKS = 400
SHOWN_TURNS = 400
SHOWN_FAILING = 12
LONGEST = 1_200
"""Characters of one text; a longer one is cut and says so."""

MARKS = {"PASS": "✓", "FAIL": "✗", "INCONCLUSIVE": "?", "SKIPPED": "–", data.NOT_RUN: "○"}
COUNTED = (
    "cases", "rows", "transitions", "steps", "episodes", "policies", "episode pairs", "draws",
    "tests", "facts", "fields",
)  # fmt: skip
"""Counts in the verdict strip, the most telling first."""


def render(page: data.Page) -> str:
    """Return the HTML of a page.

    Raises:
        ValueError: if the page would be too large to be handed round.
    """
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("envlift.report.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "short": short,
        "signed": signed,
        "cut": cut,
        "money": money,
        "duration": duration,
        "counts": counts,
        "slug": lambda verdict: str(verdict).lower().replace(" ", "-"),
    }
    style = Markup(templates.loader.get_source(templates, "style.css")[0])  # type: ignore[union-attr]
    limits = {"checks": SHOWN_CHECKS, "turns": SHOWN_TURNS, "failing": SHOWN_FAILING}
    text = templates.get_template("page.html").render(
        page=page, style=style, charts=charts, marks=MARKS, limits=limits, math=math
    )
    size = len(text.encode())
    if size > LARGEST:
        raise ValueError(
            f"the page would take {size:,} bytes, more than {LARGEST:,}; give fewer sources at once"
        )
    return text


def cut(text: Any, longest: int = LONGEST) -> str:
    """Return a text, cut where it is long."""
    whole = str(text)
    if len(whole) <= longest:
        return whole
    return f"{whole[:longest]}… ({len(whole) - longest:,} more characters)"


def money(dollars: float) -> str:
    """Write dollars: to a cent from one dollar on, below that to three digits or so."""
    places = 2 if dollars >= 1 or dollars == 0 else 3 if dollars >= 0.01 else 5
    return f"${dollars:,.{places}f}"


def duration(seconds: float) -> str:
    """Write a time in two units at most: ``2.3 s``, ``4 min 10 s``, ``3 h 5 min``."""
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60:,} h {minutes % 60} min"


def counts(found: dict[str, int], most: int = 3) -> list[tuple[str, str]]:
    """Return the most telling counts, as number and name."""
    names = [name for name in COUNTED if name in found] or list(found)
    return [(f"{found[name]:,}", name) for name in names[:most]]
