"""What tokens cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envlift.translate.agents.protocol import AgentError, Cost, Usage

_MILLION = 1_000_000


def price(usage: Usage, model: str, provider: str | None, *, cache_written: int = 0) -> Cost | None:
    """Price tokens by the tables that come with ``genai-prices``; asks no network.

    Args:
        usage: the tokens.
        model: as its provider calls it.
        provider: as ``genai-prices`` calls it (``openai``, ``anthropic``, ``google``, ...), or the
            beginning of its address (``https://...``); None is never guessed.
        cache_written: of the input tokens, those written to a cache, which some providers charge
            more for.

    Returns:
        None where the tables do not know the model or the provider.
    """
    if not model or not provider:
        return None
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    tokens = Tokens(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=cache_written,
        output_tokens=usage.output_tokens,
    )
    where = {"provider_api_url" if "://" in provider else "provider_id": provider}
    try:
        calculated = calc_price(tokens, model, **where)  # type: ignore[call-overload]
    except (LookupError, ValueError):
        return None
    return Cost(float(calculated.total_price), "priced")


@dataclass(frozen=True)
class Declared:
    """A price that the user declares, in US dollars for a million tokens.

    Attributes:
        input: of tokens sent.
        output: of tokens written by the model.
        cached: of tokens read from a cache; None means as much as ``input``.
    """

    input: float
    output: float
    cached: float | None = None

    def cost(self, usage: Usage) -> Cost:
        """Return what tokens cost at this price."""
        cached = self.input if self.cached is None else self.cached
        dollars = (
            (usage.input_tokens - usage.cached_tokens) * self.input
            + usage.cached_tokens * cached
            + usage.output_tokens * self.output
        ) / _MILLION
        return Cost(dollars, "declared")


@dataclass(frozen=True)
class Meter:
    """How the tokens of one agent are priced: as declared, else by the tables.

    Attributes:
        provider: see ``price``; None where the tables shall not be asked.
        declared: wins over the tables.
    """

    provider: str | None = None
    declared: Declared | None = None

    def cost(self, usage: Usage, model: str, *, cache_written: int = 0) -> Cost | None:
        """Return what tokens cost, None if nobody knows."""
        if self.declared is not None:
            return self.declared.cost(usage)
        return price(usage, model, self.provider, cache_written=cache_written)


def declared_price(table: Mapping[str, Any] | None) -> Declared | None:
    """Read the option ``price = {input = 0.15, output = 0.6, cached = 0.075}``.

    Raises:
        AgentError: naming what may stand there.
    """
    if table is None:
        return None
    wrong = [
        key
        for key, value in table.items()
        if key not in ("input", "output", "cached")
        or isinstance(value, bool)
        or not isinstance(value, int | float)
        or value < 0
    ]
    if wrong or not {"input", "output"} <= set(table):
        raise AgentError(
            f"price = {dict(table)!r} is no price; write price = {{input = 0.15, output = 0.6, "
            "cached = 0.075}: dollars for a million tokens, 'cached' may be left out"
        )
    return Declared(**{key: float(value) for key, value in table.items()})
