"""Level 4 in cards and the matrix: from ``Report.transfer`` to words and rows of a table."""

from __future__ import annotations

from typing import Any

from envlift.verify.run.show_transfer import signed

SIDES = ("candidate", "reference")
HEADINGS = (
    "policies trained in",
    "verdict",
    "pairs",
    "effect",
    "90 % interval",
    "power",
    "episode pairs",
    "exactly equal",
    "training steps",
    "return here",
    "return in the reference",
)


def read_transfer(report: dict[str, Any]) -> dict[str, Any]:
    """Return level 4 of a report of ``envlift verify``, or nothing where no policy was evaluated.

    Raises:
        KeyError, TypeError: if something is missing.
    """
    found: dict[str, Any] = report.get("transfer", {})
    directions = found.get("directions", {})
    if not any("effect" in direction for direction in directions.values()):
        return {}
    # Reading all of it here tells a broken file by its name.
    for whole in (rows, in_words, settings):
        whole(found)
    return found


def verdict_of(transfer: dict[str, Any]) -> str:
    """Return PASS where both directions passed, FAIL where one failed, else INCONCLUSIVE."""
    verdicts = [transfer["directions"].get(side, {}).get("verdict") for side in SIDES]
    if "FAIL" in verdicts:
        return "FAIL"
    return "PASS" if verdicts == ["PASS", "PASS"] else "INCONCLUSIVE"


def in_words(transfer: dict[str, Any]) -> str:
    """Return verdict, number of policies, effect, interval and margin for one cell."""
    pooled = transfer.get("pooled")
    if pooled is None:
        return verdict_of(transfer)
    return (
        f"{verdict_of(transfer)}: {pooled['n']} policies, effect {signed(pooled['effect'])} "
        f"({_interval(pooled)}), margin {transfer['margin']:g}"
    )


def settings(transfer: dict[str, Any]) -> str:
    """Return margin, its reason and the settings of the training in sentences."""
    training = ", ".join(f"`{name}` {value}" for name, value in transfer["training"].items())
    return (
        f"Margin {transfer['margin']:g} return, fixed beforehand: {transfer['reason']}. "
        f"Configuration {transfer['config']}; PPO with {training or 'its defaults'}, equal in both"
        f"{'; evaluated by the most probable actions' if transfer.get('greedy') else ''}."
    )


def rows(transfer: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return a row for each direction that was begun, in the order of ``HEADINGS``."""
    names = {"candidate": "envlift", "reference": "the reference"}
    found = transfer["directions"]
    return [(names[side], *_row(found[side])) for side in SIDES if "effect" in found.get(side, {})]


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    return (
        found["verdict"],
        f"{found['n']:,}",
        signed(found["effect"]),
        _interval(found),
        f"{found['power']:.2f}",
        f"{found['episode_pairs']:,}",
        f"{found['equal_episode_pairs']:,}",
        f"{found['training_steps']:,}",
        *(
            f"{one['value']:.2f} ({one['low']:.2f} to {one['high']:.2f})"
            for one in (found["iqm"][side] for side in SIDES)
        ),
    )


def _interval(found: dict[str, Any]) -> str:
    return f"{signed(found['low'])} to {signed(found['high'])}"
