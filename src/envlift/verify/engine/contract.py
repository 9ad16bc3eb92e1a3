"""The whole contract of an environment, in one list: each part is compared, or listed as not.

A run marks a part where it compares it (``Report.compared``); what nobody marked is printed with
the sentence that stands here. So nothing that is not compared is missing from a report.
"""

from __future__ import annotations

from dataclasses import dataclass

from envlift.verify.run.result import Report


@dataclass(frozen=True)
class Part:
    """One part of the contract.

    Attributes:
        id: by which a comparison marks it.
        what: its name, for people.
        why_not: why it is not compared, where it is not; empty where that needs no reason.
    """

    id: str
    what: str
    why_not: str = ""


PARTS = (
    Part("observation", "observations, rewards and end flags of steps", "no steps were played"),
    Part("first_observation", "first observations and states", "no episode was started"),
    Part("final_observation", "the last observation of an episode", "a side does not show it"),
    Part("state", "the state", "a side does not show one"),
    Part(
        "action_space", "the action space (kind, bounds, dtype, start)", "a side does not tell it"
    ),
    Part(
        "observation_space",
        "the observation space (kind, bounds, dtype, keys)",
        "a side does not tell it",
    ),
    Part("legal_actions", "legal actions", "neither side declares any"),
    Part("info", "values of info", "there are none that both sides give as numbers or texts"),
    Part(
        "returned",
        "types and dtypes as returned, membership in the spaces, arrays changed later or in place",
        "seen on Gymnasium environments only, and not on both sides here",
    ),
    Part(
        "global_generators",
        "use of the global random generators (random, np.random)",
        "seen on Gymnasium environments only, and not on both sides here",
    ),
    Part("out_of_range", "actions outside of their bounds"),
    Part("unseeded", "resets without a seed"),
    Part("seed_0", "the seed 0", "episodes do not start by seed"),
    Part("options", "options of a reset, and of the constructor beyond those of a configuration"),
    Part("rendering", "rendering, metadata, closing"),
)
"""Every part; a test holds each run's report against it."""

IDS = {part.id for part in PARTS}


def mark(report: Report, part: str, how: str) -> None:
    """Note that a part was compared, and how.

    Raises:
        KeyError: for a part that is not in the list.
    """
    if part not in IDS:
        raise KeyError(f"the contract has no part {part!r}; it has {sorted(IDS)}")
    report.compared.setdefault(part, how)


def close(report: Report, reasons: dict[str, str]) -> None:
    """List what no comparison marked.

    Args:
        report: of a run that has ended.
        reasons: part -> why it was not compared here, where that is known better than in the list.
    """
    for part in PARTS:
        if part.id in report.compared:
            continue
        why = reasons.get(part.id, part.why_not)
        line = f"{part.what} ({why})" if why else part.what
        if line not in report.not_compared:
            report.not_compared.append(line)
