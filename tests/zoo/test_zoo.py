"""Each case of the zoo is judged by the command line and must come out as its row says."""

from __future__ import annotations

import pytest

from tests.zoo.judged import complaints, judge
from tests.zoo.rows import HERE, PASS, ROWS, Row, gym

OPEN = set((HERE / "open.txt").read_text().split())
"""Rows that do not come out yet; the list is to be empty."""

SEED = 13


@pytest.mark.parametrize("row", [row for row in ROWS if row.id not in OPEN], ids=lambda row: row.id)
def test_a_case_comes_out_as_it_should(row, tmp_path, capfd):
    code = judge(row, tmp_path, SEED)
    said = capfd.readouterr()
    wrong = complaints(row, code, said.out, said.err)
    assert not wrong, "\n".join(
        [f"{row.reference} against {row.candidate}", *wrong, said.out[-6000:], said.err[-3000:]]
    )


def test_the_list_of_open_rows_names_rows():
    assert {row.id for row in ROWS} >= OPEN
    assert len({row.id for row in ROWS}) == len(ROWS)


def test_a_wrong_answer_is_complained_of():
    row = Row("x", gym("blame", "Fine"), gym("blame", "Nan"), PASS, ("one", ("two", "three")))
    assert complaints(row, PASS, "one\nthree", "") == []
    assert complaints(row, 1, "", "Traceback (most recent call last)") == [
        "a traceback reached the user",
        "exit code 1, it should be 0",
        "nothing says 'one'",
        "nothing says 'two' or 'three'",
    ]
    listed = Row("y", "", "", 1, listed="seed 0")
    assert complaints(listed, PASS, "not compared: seed 0", "") == []
    assert "names 'seed 0'" in complaints(listed, PASS, "PASS seed 0", "")[0]
