"""How much is compared: by default, in a hurry, in one configuration, and on request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Effort:
    """How much is compared.

    Attributes:
        lanes: episodes played side by side.
        examples: Hypothesis examples per component, of up to ``ROWS`` rows each.
        transitions: single transitions per configuration.
        pool: states of play that they start from.
        min_ends: episode ends per lane in lockstep.
        min_steps: lockstep steps per lane and policy.
        max_steps: per lane and policy; ends still missing there make the run inconclusive.
        resets: episodes started for the distribution checks.
        transfer: whether policies are trained (level 4), which takes long.
        hurried: a configuration that wants more than this does not get it.
    """

    lanes: int = 64
    examples: int = 200
    transitions: int = 16_384
    pool: int = 8_192
    min_ends: int = 3
    min_steps: int = 2_000
    max_steps: int = 120_000
    resets: int = 4_096
    transfer: bool = True
    hurried: bool = False

    def of_config(self, wanted: Mapping[str, int], asked: Mapping[str, int]) -> Effort:
        """Return the effort of one configuration.

        Args:
            wanted: numbers that the configuration has instead of these, ``Config.effort``.
            asked: numbers that the person who runs it has asked for; they stand above all.
        """
        own = {
            name: min(number, getattr(self, name)) if self.hurried else number
            for name, number in wanted.items()
        }
        numbers: dict[str, int] = {**own, **asked}
        return replace(self, **numbers)  # type: ignore[arg-type]


QUICK = Effort(
    lanes=16,
    examples=40,
    transitions=1_024,
    min_ends=1,
    min_steps=256,
    max_steps=20_000,
    resets=512,
    transfer=False,
    hurried=True,
)


def check_numbers(numbers: Mapping[str, int], whose: str) -> None:
    """Refuse what is no number of an effort.

    Args:
        numbers: name -> number.
        whose: whose numbers they are, for the message.

    Raises:
        ValueError: for an unknown name, or a number below 1 (``min_ends`` and ``min_steps``: 0).
    """
    known = {f.name for f in fields(Effort)} - {"transfer", "hurried"}
    for name, number in numbers.items():
        if name not in known:
            raise ValueError(
                f"{whose} has an effort of unknown name {name!r}; known: {', '.join(sorted(known))}"
            )
        least = 0 if name in ("min_ends", "min_steps") else 1
        if number < least:
            raise ValueError(f"{whose} has the effort {name} = {number}; use {least} or more")
