"""Which target is advised, and that the reasons are counted and not made up."""

from __future__ import annotations

import pytest

from envlift.reference.types import ArraySpec, SideSpec
from envlift.translate.init.advice import LARGE_STATE, MANY_LINES, Facts, advise, count, facts_of

SIMPLE = '''"""Docstring."""

class Game:
    """Another
    over lines."""

    def step(self, a):
        # A comment.
        if a:
            self.x = 1 if a > 2 else 0
        for i in range(3):
            self.x += i
        while self.x > 9:
            self.x -= 1
        return self.x

    def render(self):
        if self.screen:
            while True:
                pass

    def _render_text(self):
        if self.screen:
            pass
'''


def best(facts: Facts) -> str:
    return advise(facts)[0].target


def test_counting_python() -> None:
    """Docstrings, comments and rendering are no rules."""
    facts = count([("python", SIMPLE)])
    assert (facts.branches, facts.loops, facts.open_loops) == (2, 2, 1)
    assert facts.lines == 9


def test_counting_c() -> None:
    text = "#include <x.h>\n/* if if\n if */\nint f(int a) { // if\n  if (a) return a ? 1 : 2;\n"
    text += "  while (a) a--;\n  for (;;) {}\n}\n"
    facts = count([("c", text)])
    assert (facts.lines, facts.branches, facts.loops, facts.open_loops) == (5, 2, 2, 1)


def test_several_files_are_added_up() -> None:
    both = count([("python", SIMPLE), ("python", SIMPLE)])
    assert (both.lines, both.branches) == (18, 4)


def test_python_that_does_not_parse_is_counted_as_text() -> None:
    assert count([("python", "if (a) {\n")]).branches == 1


def test_facts_of_a_running_reference() -> None:
    spec = SideSpec(
        "x",
        ArraySpec((), "int64"),
        ArraySpec((), "int64"),
        num_actions=2,
        state={"a": ArraySpec((3, 4), "int64"), "b": ArraySpec((), "int64")},
    )
    facts = facts_of(spec, Facts(lines=7))
    assert (facts.state, facts.continuous, facts.lines) == (13, False, 7)
    floats = SideSpec("x", ArraySpec((2,), "float32"), ArraySpec((), "int64"), num_actions=2)
    assert facts_of(floats, Facts()).continuous is True
    assert facts_of(floats, Facts()).state is None
    acting = SideSpec("x", ArraySpec((), "int64"), ArraySpec((1,), "float32"))
    assert facts_of(acting, Facts()).continuous is True
    assert facts_of(None, Facts(lines=7)) == Facts(lines=7)


@pytest.mark.parametrize(
    ("facts", "target"),
    [
        (Facts(2, False, lines=200, branches=26), "jax"),
        (Facts(5, True, lines=120, branches=6, loops=3, open_loops=2), "warp"),
        (Facts(40, False, lines=900, branches=300, loops=30), "warp"),
        (Facts(3, True, lines=60, branches=5), "jax"),
        (Facts(LARGE_STATE + 1, False, lines=MANY_LINES + 1, branches=900, loops=90), "rust"),
        (Facts(LARGE_STATE * 20, False, lines=500, branches=80, open_loops=3, loops=9), "rust"),
        (Facts(), "warp"),
    ],
)
def test_the_table(facts: Facts, target: str) -> None:
    assert best(facts) == target


def test_every_target_has_reasons_and_they_name_the_numbers() -> None:
    found = {advice.target: advice for advice in advise(Facts(7, True, 321, 654, 9, 8))}
    assert set(found) == {"jax", "warp", "rust"}
    assert all(advice.reasons for advice in found.values())
    said = " ".join(reason for advice in found.values() for reason in advice.reasons)
    for number in ("7 numbers of state", "321 lines", "654 branches", "8 loops"):
        assert number in said


def test_points_are_in_order_and_signs_tell_them() -> None:
    advice = advise(Facts(7, False, 100, 99, 1, 1))
    assert [a.points for a in advice] == sorted((a.points for a in advice), reverse=True)
    jax = next(a for a in advice if a.target == "jax")
    assert any(r.startswith("- 99 branches") for r in jax.reasons)
    assert any(r.startswith("+ all numbers are integers") for r in jax.reasons)
