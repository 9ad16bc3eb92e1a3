"""What is told of learning: its speed beside learning in the reference, and what takes the time."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from envlift.bench.show import short

KINDS = ("training", "breakdown")


def is_learning(path: Path) -> bool:
    """Tell whether a result file is of ``bench --train`` or ``--breakdown``."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(data, dict) and data.get("what") in KINDS


def newest(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return the newest result of each kind and device."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        if not is_learning(path):
            continue
        result = json.loads(path.read_text(encoding="utf-8"))
        key = result["what"], device_of(result)
        if result["environment"] == name and (
            key not in found or result["date"] > found[key]["date"]
        ):
            found[key] = result
    return sorted(found.values(), key=lambda result: KINDS.index(result["what"]))


def device_of(result: dict[str, Any]) -> str:
    """Return the name of the processor that learned."""
    return str(result["cpu"] if result["device"] == "cpu" else result["device"])


def heading(result: dict[str, Any]) -> str:
    """Say where, when and by which command something was measured."""
    option = "--train" if result["what"] == "training" else "--breakdown"
    return (
        f"**{device_of(result)}**, {result['cpus']} CPU cores, {result['date'][:10]}, by "
        f"`envlift bench {result['environment']} {option}`"
    )


def columns(result: dict[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return headings and rows of a result's table."""
    cases = result["measurements"].items()
    if result["what"] == "breakdown":
        parts = tuple(next(iter(result["measurements"].values()))["shares"])
        rows = [(label, *(f"{case['shares'][p]:.1%}" for p in parts)) for label, case in cases]
        return ("trainer", *parts), rows
    rows = [
        (
            label,
            f"{case['parameters']:,}",
            short(statistics.median(case["sps"])),
            f"{short(min(case['sps']))} to {short(max(case['sps']))}",
        )
        for label, case in cases
    ]
    return ("trainer", "parameters", "steps/s", "min to max"), rows


def bars(result: dict[str, Any]) -> str:
    """Return the required speeds, one line each."""
    lines = []
    for bar in result.get("bars", []):
        relation = "at most" if bar["unit"] == "s" else "at least"
        goal = "" if bar["goal"] is None else f", goal {bar['goal']:g} {bar['unit']}"
        met = "met" if bar["met"] else "**not met**"
        lines.append(
            f"- {bar['name']}: {relation} {bar['bar']:g} {bar['unit']}{goal}: "
            f"{bar['value']:.2f} {bar['unit']}, {met}"
        )
    for other in result.get("recorded", []):
        lines.append(f"- {other['name']}: {short(other['sps'])} steps/s; {other['source']}")
    return "\n".join(lines)
