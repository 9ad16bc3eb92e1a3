"""The breakdown as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envlift.bench.breakdown import PARTS

COLOURS = ("#1b7837", "#fdb863", "#4393c3", "#2166ac", "#bababa")


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw one stacked bar per trainer; a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    cases = result["measurements"]
    figure = Figure(figsize=(8.0, 1.2 + 0.42 * len(cases)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    labels = list(cases)[::-1]
    left = [0.0] * len(labels)
    for part, colour in zip(PARTS, COLOURS, strict=True):
        widths = [100.0 * cases[label]["shares"][part] for label in labels]
        bars = axes.barh(labels, widths, left=left, color=colour, label=part)
        texts = [f"{width:.0f}" if width >= 4.0 else "" for width in widths]
        axes.bar_label(bars, texts, label_type="center", fontsize=8, color="white")
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel("share of training time, %")
    device = result["cpu"] if result["device"] == "cpu" else result["device"]
    axes.set_title(f"{result['environment']} on {device}", fontsize=10)
    figure.legend(loc="outside lower center", ncols=len(PARTS), fontsize=8, frameon=False)
    figure.savefig(path)
