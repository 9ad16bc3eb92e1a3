"""What tokens cost, and when nobody knows."""

from __future__ import annotations

import socket

import pytest

from envlift.translate.agents.pricing import Declared, Meter, declared_price, price
from envlift.translate.agents.protocol import AgentError, Cost, Usage

MILLION = Usage(1_000_000, 400_000, 100_000)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("a price was asked for over the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize(
    ("model", "provider", "dollars"),
    [
        ("gpt-4o", "openai", 0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10),
        ("gpt-4o", "https://api.openai.com/v1", 0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10),
    ],
)
def test_a_known_price(model: str, provider: str, dollars: float) -> None:
    """List prices of OpenAI, in dollars for a million tokens: 2.50, cached 1.25, output 10."""
    assert price(MILLION, model, provider) == Cost(pytest.approx(dollars), "priced")


def test_writing_to_a_cache_costs_more() -> None:
    """Anthropic's: a quarter more than sending."""
    usage = Usage(1000, 0, 0)
    plain = price(usage, "claude-sonnet-4-5", "anthropic")
    written = price(usage, "claude-sonnet-4-5", "anthropic", cache_written=1000)
    assert plain is not None
    assert written is not None
    assert written.dollars == pytest.approx(1.25 * plain.dollars)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-99-mine", "openai"),
        ("gpt-4o", "nobody"),
        ("gpt-4o", None),
        ("gpt-4o", ""),
        ("gpt-4o", "http://127.0.0.1:8000/v1"),
        ("", "openai"),
    ],
)
def test_an_unknown_price(model: str, provider: str | None) -> None:
    assert price(MILLION, model, provider) is None


def test_a_declared_price_wins() -> None:
    meter = Meter("openai", Declared(input=10, output=100, cached=1))
    cost = meter.cost(MILLION, "gpt-4o")
    assert cost == Cost(pytest.approx(0.6 * 10 + 0.4 * 1 + 0.1 * 100), "declared")


def test_a_declared_price_without_cached() -> None:
    assert Declared(10, 100).cost(MILLION).dollars == pytest.approx(1.0 * 10 + 0.1 * 100)


@pytest.mark.parametrize(
    "table",
    [{}, {"input": 1}, {"input": 1, "output": -1}, {"input": True, "output": 1},
     {"input": 1, "output": 1, "cache": 1}],
)  # fmt: skip
def test_a_price_that_is_none(table: dict[str, object]) -> None:
    with pytest.raises(AgentError, match="price = "):
        declared_price(table)
