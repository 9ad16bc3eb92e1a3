"""The page of the public pairs is that of its results, and the cheap pairs come out as it says."""

from __future__ import annotations

import pytest
from examples.pairs.__main__ import command, compare
from examples.pairs.page import PAGE, page, pairs, results

from tests.zoo.judged import small

PAIRS = pairs()
CHEAP = [pair for pair in PAIRS if not pair.get("needs") and pair["id"] in results()]
"""Those that need nothing but the locked packages."""


def test_the_page_is_that_of_the_results():
    assert PAGE.read_text() == page(PAIRS, results()), "run: python -m examples.pairs ID"


def test_every_result_is_the_expected_one():
    unexpected = {
        pair["id"]: results()[pair["id"]]["verdict"]
        for pair in PAIRS
        if pair["id"] in results() and results()[pair["id"]]["verdict"] != pair["expected"]
    }
    assert unexpected == {}


def test_every_pair_says_where_its_verdict_can_be_read():
    assert len({pair["id"] for pair in PAIRS}) == len(PAIRS) >= 25
    for pair in PAIRS:
        assert pair["link"].startswith("https://"), pair["id"]
        assert pair["why"], pair["id"]
        assert pair["expected"] in ("PASS", "FAIL"), pair["id"]


@pytest.mark.parametrize("pair", CHEAP, ids=[pair["id"] for pair in CHEAP])
def test_a_cheap_pair_comes_out(pair):
    with small(whole=False):
        found = compare(pair, seed=13)
    assert found["verdict"] == pair["expected"], (command(pair), found)
