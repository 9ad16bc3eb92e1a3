from __future__ import annotations

from envlift.verify.mutation.operators import NEAR, mutants_of, pairs_of

SOURCE = '''"""A module of rules."""

LIMIT = 13.0


def rule(state, x):
    """Docstrings are left alone: 1 < 2."""
    if x is None:
        raise ValueError("guards that only raise are left alone")
    speed = where(x < 3, -x, LIMIT + x)
    if x == 2:
        speed = 0
    return replace(state, speed=speed, x=x)
'''


IDLE = """

def score(reward):
    return reward + 1


def random_play(x):
    def inner(y):
        return y + 1

    return inner(x) + 1
"""


def mutants(tmp_path):
    (tmp_path / "rules.py").write_text(SOURCE)
    return mutants_of(tmp_path, "rules.py")


def changes(tmp_path):
    return {
        tuple(line[1:].strip() for line in m.diff.splitlines() if line[0] == "+")
        for m in mutants(tmp_path)
    }


def test_every_kind_of_fault_is_planted(tmp_path):
    found = {change[0] for change in changes(tmp_path)}
    assert "LIMIT = 14.0" in found
    assert "speed = where(x <= 3, -x, LIMIT + x)" in found
    assert "speed = where(x >= 3, -x, LIMIT + x)" in found
    assert "speed = where(x < 4, -x, LIMIT + x)" in found
    assert "speed = where(x < 3, (x), LIMIT + x)" in found
    assert "speed = where(x < 3, -x, LIMIT - x)" in found
    assert "speed = where((x < 3), (LIMIT + x), -x)" in found
    assert "pass" in found
    assert "if x != 2:" in found
    assert "if not ((x == 2)):" in found
    assert "return replace(state, x=x)" in found
    assert {m.kind for m in mutants(tmp_path)} == {
        "constant",
        "comparison",
        "operator",
        "swapped",
        "dropped",
    }


def test_docstrings_and_raising_guards_are_left_alone(tmp_path):
    for mutant in mutants(tmp_path):
        assert "Docstrings are left alone: 1 < 2." in mutant.source
        assert "if x is None:" in mutant.source


def test_what_is_no_rule_is_left_alone_with_all_that_is_in_it(tmp_path):
    (tmp_path / "rules.py").write_text(SOURCE + IDLE)
    assert len(mutants_of(tmp_path, "rules.py")) == len(mutants(tmp_path))


def test_each_mutant_is_one_change_and_compiles(tmp_path):
    found = mutants(tmp_path)
    assert len({m.source for m in found}) == len(found) == len({(m.id) for m in found})
    for mutant in found:
        compile(mutant.source, "rules.py", "exec")
        assert mutant.source != SOURCE


def test_a_mutants_name_does_not_depend_on_its_line(tmp_path):
    before = {m.id for m in mutants(tmp_path)}
    (tmp_path / "rules.py").write_text("# a comment\n" + SOURCE)
    assert {m.id for m in mutants_of(tmp_path, "rules.py")} == before


def test_a_pair_changes_two_places_near_each_other(tmp_path):
    lines = [f"    a{i} = x * {i} + (x < {i + 7})\n" for i in range(40)]
    (tmp_path / "rules.py").write_text("def rule(x):\n" + "".join(lines) + "    return a1\n")
    singles, pairs = mutants_of(tmp_path, "rules.py"), pairs_of(tmp_path, "rules.py")
    assert len(singles) / 30 < len(pairs) < len(singles) / 5
    for pair in pairs:
        compile(pair.source, "rules.py", "exec")
        assert pair.kind == "pair"
        assert pair.source not in {single.source for single in singles}
        changed = [i for i, line in enumerate(lines) if line not in pair.source]
        assert 1 <= len(changed) <= 2
        assert changed[-1] - changed[0] <= NEAR
    assert pairs == pairs_of(tmp_path, "rules.py")
