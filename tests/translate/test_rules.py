"""Written rules, and who cites them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from envlift.cli import main
from envlift.translate.rules.book import RulesError, read_book
from envlift.translate.rules.citations import citations, cited
from envlift.translate.rules.matrix import markdown, matrix
from envlift.translate.rules.parts import names_in, names_of, parts_of
from envlift.verify.suite import Feature, Place, Suite

RULES = """\
# Stones
Two players take stones in turn.

- R-1 A heap has 7 stones. switch: `heap=7|9`
- R-2 A player takes one or two:
  1. says how many,
  2. takes them.
- R-3 Clocks are left out.
  not tested: there is
  nothing to test

## Ends

- E-1 Who takes the last stone wins.
"""
TESTS = '''
def test_a_heap():
    """R-1: seven stones."""
def test_taking():
    """R-2, E-1: one or two, and the end."""
def helper():
    """R-9 is not cited here."""
'''
REFERENCE = '''
class Stones:
    def step(self):
        """R-1 to R-3, E-1: a turn."""
'''

Files = Callable[..., tuple[Path, Path, Path]]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Write rules, tests and a reference; what is not given is as above."""

    def write(
        rules: str = RULES, tests: str = TESTS, reference: str = REFERENCE
    ) -> tuple[Path, Path, Path]:
        (tmp_path / "tests").mkdir(exist_ok=True)
        (tmp_path / "reference").mkdir(exist_ok=True)
        paths = (
            tmp_path / "rules.md",
            tmp_path / "tests" / "test_stones.py",
            tmp_path / "reference" / "stones.py",
        )
        for path, text in zip(paths, (rules, tests, reference), strict=True):
            path.write_text(text, encoding="utf-8")
        return paths

    return write


def test_rules_have_ids_texts_and_marks(files: Files) -> None:
    book = read_book(files()[0])
    assert list(book.rules) == ["R-1", "R-2", "R-3", "E-1"]
    assert book.rules["R-1"].switch == ("heap", ("7", "9"))
    assert book.rules["R-2"].text.splitlines()[1:] == ["1. says how many,", "2. takes them."]
    assert book.rules["R-3"].not_tested == "there is nothing to test"
    assert book.rules["E-1"].line == 14
    assert (book.resolve("R-2.1"), book.resolve("R-9")) == ("R-2", None)


def test_rules_may_be_plain_numbers(files: Files) -> None:
    book = read_book(files("1. A heap.\n1.1 It has seven.\n2) Take.\n")[0])
    assert list(book.rules) == ["1", "1.1", "2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RULES + "- R-2 Once more.\n", "two rules have the id R-2, in lines 5 and 15"),
        ("A game without numbers.\n", "has no numbered rules; begin a line with an id"),
    ],
)
def test_rules_that_cannot_be_cited_are_refused(files: Files, text: str, words: str) -> None:
    with pytest.raises(RulesError, match=words):
        read_book(files(text)[0])


@pytest.mark.parametrize(
    ("docstring", "ids"),
    [
        ("R-1: a heap.", ["R-1"]),
        ("R-1 to R-3, E-1: a turn.", ["R-1", "R-2", "R-3", "E-1"]),
        ("Rules 1.1 and 2: taking.", ["1.1", "2"]),
        ("Takes stones: R-1.", []),
        ("R-1 says seven.", []),
    ],
)
def test_a_docstring_cites_with_what_it_begins(docstring: str, ids: list[str]) -> None:
    assert cited(docstring) == ids


@pytest.mark.parametrize("docstring", ["R-3 to R-1: back.", "R-1 to E-2: across."])
def test_a_range_that_goes_nowhere_is_refused(docstring: str) -> None:
    with pytest.raises(RulesError, match="no range of rules"):
        cited(docstring)


def test_a_matrix_names_what_is_missing(files: Files) -> None:
    tests = TESTS.replace("R-2, E-1", "R-2.2, R-3, R-7")
    rules, tested, reference = files(tests=tests)
    found = matrix(read_book(rules), citations([tested, reference]), {"R-1": 5, "R-2": 0})
    assert [rule.id for rule in found.untested] == ["E-1"]
    assert [row.rule.id for row in found.wrongly_marked] == ["R-3"]
    assert [c.id for c in found.unknown] == ["R-7"]
    assert [rule.id for rule in found.never_applied] == ["R-2", "R-3", "E-1"]
    assert len(found.problems()) == 3
    table = markdown(found).splitlines()
    assert table[2] == "| R-1 | `test_stones.py::test_a_heap` | `stones.py::step` | 5 |"
    assert table[5] == "| E-1 | **none** | `stones.py::step` | 0 |"


def test_the_command_passes_and_fails(
    files: Files, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rules, _, _ = files()
    assert main(["rules", "check", str(rules)]) == 0
    assert capsys.readouterr().out == (
        "4 rules, 3 tested, 1 marked as not tested, 4 carried out by name in the reference, "
        "1 switches\n"
    )
    files(tests=TESTS.replace("R-1: ", ""))
    report, table = tmp_path / "report.json", tmp_path / "matrix.md"
    report.write_text(json.dumps({"reference_coverage": {"R-1": 3, "R-2": 1}}), encoding="utf-8")
    more = ["--report", str(report), "--markdown", str(table)]
    assert main(["rules", "check", str(rules), *more]) == 1
    told = capsys.readouterr()
    assert "never applied in the comparison: R-3, E-1" in told.out
    assert (
        "rule R-1 (line 4) has no test; write one whose docstring begins with 'R-1: '" in told.err
    )
    assert "| E-1 |" in table.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--tests", "nowhere"], "there is no file or folder nowhere"),
        (["--report", "nowhere.json"], "is no report of 'envlift verify --json'"),
    ],
)
def test_what_is_not_there_is_named(
    files: Files, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    rules, _, _ = files()
    assert main(["rules", "check", str(rules), *more]) == 4
    assert words in capsys.readouterr().err


SUITE = """
SUITE = Suite(
    components=(Component("R-2 taking", fields=()), verify.Component(name="R-1", fields=())),
    scenarios=[Scenario("R-2.1 and E-1, not E-10", state={}), Scenario(f"R-{3}", state={})],
    features=(Feature("the end, E-1", None), Place("AR-1 is another", "key"), Other("R-3")),
)
"""


def test_parts_of_a_suite_name_rules(files: Files, tmp_path: Path) -> None:
    book = read_book(files()[0])
    suite = tmp_path / "suite.py"
    suite.write_text(SUITE, encoding="utf-8")
    assert parts_of(book, names_in([suite])) == {
        "R-1": {"L1": ("R-1",)},
        "R-2": {"L1": ("R-2 taking",), "L2": ("R-2.1 and E-1, not E-10",)},
        "E-1": {"L2": ("R-2.1 and E-1, not E-10",), "L3": ("the end, E-1",)},
    }
    with pytest.raises(RulesError, match="no file or folder"):
        names_in([tmp_path / "nowhere.py"])


def test_a_number_alone_names_no_rule(files: Files) -> None:
    book = read_book(files("1. A heap.\n1.1 It has seven.\n2) Take.\n")[0])
    named = [("L3", "after 2 turns"), ("L3", "rule 1.1"), ("L2", "Rules 2"), ("L1", "2")]
    assert parts_of(book, named) == {"1.1": {"L3": ("rule 1.1",)}, "2": {"L2": ("Rules 2",)}}


def test_parts_of_a_suite_that_is_there() -> None:
    suite = Suite(
        "any",
        "gymnasium:a",
        "b",
        features=(Feature("R-1", lambda trace: trace.terminated),),
        places=(Place("R-2", "k"),),
    )
    assert names_of(suite) == [("L3", "R-1"), ("L3", "R-2")]


def test_the_command_and_the_table_show_parts(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, _, _ = files()
    suite, table = tmp_path / "suite.py", tmp_path / "matrix.md"
    suite.write_text(SUITE, encoding="utf-8")
    more = ["--suite", str(suite), "--markdown", str(table)]
    assert main(["rules", "check", str(rules), *more]) == 0
    assert "named by parts of the suite: 2 at L1, 2 at L2, 1 at L3\n" in capsys.readouterr().out
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "| rule | tests | reference | L1 | L2 | L3 |"
    assert lines[2].endswith("| R-1 | - | - |")


def test_the_rules_of_the_card_game_are_all_tested_or_say_why() -> None:
    root = Path(__file__).parents[2]
    folder = root / "src" / "envlift" / "envs" / "tcg_pocket"
    found = matrix(
        read_book(folder / "rules.md"),
        citations([root / "tests" / "envs" / "tcg_pocket", folder / "reference"]),
    )
    assert len(found.rows) == 158
    assert found.problems() == []
    marked = [row.rule.id for row in found.rows if row.rule.not_tested]
    assert marked == ["N-1", "T-12", "P-10", "P-11", "V-1"]
