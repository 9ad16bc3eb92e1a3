"""Evidence names all that it rests on: rules, suite, reference, contract, trainer, verifier."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import envlift
from envlift.envs.pong.env import Pong
from envlift.sources import KINDS, code_of, folder_of, hashes, kind_of

PACKAGE = Path(envlift.__file__).parent

FILES = {
    "envs/toy/__init__.py": "suite",
    "envs/toy/env.py": "rules",
    "envs/toy/state.py": "rules",
    "envs/toy/rules/jax.py": "rules",
    "envs/toy/rules/deep/phase.py": "rules",
    "envs/toy/rules/__pycache__/jax.py": None,
    "envs/toy/a_new_file.py": "rules",
    "envs/toy/tables/cards.jsonl": "rules",
    "envs/toy/tables/deep/SOURCE.toml": "rules",
    "envs/toy/intermediates.py": "suite",
    "envs/toy/train.toml": "suite",
    "envs/toy/verification/suite.py": "suite",
    "envs/toy/verification/deviations.toml": "suite",
    "envs/toy/verification/edge_states.jsonl": "suite",
    "envs/toy/verification/corpus/discrete.jsonl": "suite",
    "envs/toy/verification/mutants.toml": None,
    "envs/toy/verification/evidence-jax.json": None,
    "envs/toy/verification/mutation-jax.json": None,
    "envs/toy/verification/__pycache__/suite.py": None,
    "envs/toy/reference/adapter.c": "reference",
    "envs/toy/reference/requirements.txt": "reference",
    "envs/toy/reference/deep/host.mjs": "reference",
    "envs/toy/reference/deep/adapter.o": None,
    "envs/toy/reference/__pycache__/pong.pyc": None,
    "envs/toy/reference/node_modules/left/index.js": None,
    "envs/toy/reference/.index.swp": None,
    "envs/toy/bench.py": None,
    "envs/toy/render.py": None,
    "envs/toy/baselines/rollout.py": None,
    "envs/toy/CARD.md": None,
    "envs/other/env.py": None,
    "envs/other/verification/suite.py": None,
    "envs/__init__.py": "contract",
    "__init__.py": "contract",
    "env.py": "contract",
    "registry.py": "contract",
    "targets/chance.py": "contract",
    "targets/warp_cpu.py": "contract",
    "train/learning/ppo.py": "trainer",
    "train/showing/display.py": None,
    "reference/wire.py": "verifier",
    "reference/host.py": "verifier",
    "adapters/reference.py": "verifier",
    "candidate/host.py": "verifier",
    "a_new_room/decide.py": "verifier",
    "verify/__init__.py": "verifier",
    "verify/engine/compare.py": "verifier",
    "verify/levels/draws/resets.py": "verifier",
    "verify/levels/transfer/statistics.py": "verifier",
    "verify/sides/env_side.py": "verifier",
    "verify/suite/declare.py": "verifier",
    "verify/run/session.py": "verifier",
    "verify/run/show.py": None,
    "verify/mutation/run.py": None,
    "verify/README.md": None,
    "report/text.py": None,
    "bench/run.py": None,
    "translate/prompts/templates/tests.md.jinja": None,
    "cli.py": None,
}


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    return tmp_path / "package" / "envs" / "toy"


def changed(before, folder):
    after = hashes(folder)
    assert set(after) == set(before) == set(KINDS)
    return [kind for kind in after if after[kind] != before[kind]]


def test_every_source_counts_and_nothing_else_does(folder):
    package, before = folder.parents[1], hashes(folder)
    for name, kind in FILES.items():
        expected = [] if kind is None else [kind]
        (package / name).write_text("x = 2\n")
        assert changed(before, folder) == expected, name
        (package / name).unlink()
        assert changed(before, folder) == expected, name
        (package / name).write_text("x = 1\n")
    assert changed(before, folder) == []


def test_the_name_of_a_file_counts(folder):
    before = hashes(folder)
    (folder / "rules" / "jax.py").rename(folder / "rules" / "xla.py")
    assert changed(before, folder) == ["rules"]


def test_the_place_of_the_package_does_not_count(folder, tmp_path):
    before = hashes(folder)
    folder.parents[1].rename(tmp_path / "elsewhere")
    assert hashes(tmp_path / "elsewhere" / "envs" / "toy") == before


def test_no_content_passes_for_another_file(folder):
    (folder / "tables" / "cards.jsonl").write_text("x\n" + "tables/two.jsonl\0" + "y\n")
    before = hashes(folder)
    (folder / "tables" / "cards.jsonl").write_text("x\n")
    (folder / "tables" / "two.jsonl").write_text("y\n")
    assert changed(before, folder) == ["rules"]


CODE = '''"""A module."""
LIMIT = 3
"""What is allowed."""


def differs(a, b):
    """Tell."""
    # why
    return a != b  # always


class Side:
    """Nothing else."""
'''
SAME = {
    "a comment": (" # why", " # because"),
    "a comment gone": ("    # why\n", ""),
    "a docstring": ('"""Tell."""', '"""Say\n\n    it.\n    """'),
    "the module's docstring": ('"""A module."""\n', ""),
    "a word about a constant": ('"""What is allowed."""\n', ""),
    "blank lines": ("\n\n\n", "\n\n\n\n"),
    "line ends": ("\n", "\r\n"),
}
OTHER = {
    "a constant": ("= 3", "= 4"),
    "an operator": ("!=", "=="),
    "a name": ("def differs", "def same"),
    "code made a comment": ("    return", "    # return"),
    "a text that is used": ('"""What is allowed."""', 'NAME = """What is allowed."""'),
    "another text that is returned": ("return a != b", "return 'a != b'"),
    "an indented line": ("LIMIT = 3", "if 0:\n    LIMIT = 3"),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_python_does_not_run_does_not_count(change):
    edited = CODE.replace(*change)
    assert edited != CODE
    assert code_of(edited.encode()) == code_of(CODE.encode())


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_python_runs_counts(change):
    edited = CODE.replace(*change)
    ast.parse(edited)
    assert code_of(edited.encode()) != code_of(CODE.encode())


def test_every_python_sees_the_same_code():
    """Since 3.12 a formatted text is many tokens: the expected text is that of 3.11."""
    code = "x = f\"{a!r:>{n}} {{}} {b[0]}\" + rf'''{\na} # no comment\n'''\n"
    tokens = ["x", "=", 'f"{a!r:>{n}} {{}} {b[0]}"', "+", "rf'''{\na} # no comment\n'''"]
    assert code_of(code.encode()) == "\0".join([*tokens, "NEWLINE"]).encode()


def test_what_is_no_python_counts_as_it_is():
    assert code_of(b"x = (  # a\n") == b"x = (  # a\n"


def imported(file: Path) -> set[Path]:
    """The files of the package that one of them imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.split(".")[0] == "envlift":
                path = PACKAGE.joinpath(*name.split(".")[1:])
                found |= {p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()}
    return found


@pytest.mark.parametrize("name", ["pong", "half_cheetah"])
def test_whatever_a_verification_imports_belongs_to_a_kind(name):
    verification = folder_of(name) / "verification"
    waiting = {PACKAGE / "verify" / "run" / "session.py", *verification.glob("*.py")}
    seen: set[Path] = set()
    while waiting:
        file = waiting.pop()
        seen.add(file)
        waiting |= imported(file) - seen
    assert PACKAGE / "targets" / "chance.py" in seen
    outside = {str(f.relative_to(PACKAGE)) for f in seen if kind_of(PACKAGE, f) is None}
    words = {"verify/run/progress.py", "verify/run/show_transfer.py", "sources.py"}
    # `envlift.make_vec`, which the package offers and no verification calls.
    outwards = {"adapters/gymnasium.py", "adapters/lanes.py", "adapters/pictures.py"}
    # Level 4 trains with the suite's settings and one player: these show, name or rate.
    unused = {"extras.py", "train/settings.py", "train/metrics.py"}
    players = {"train/games/examine.py", "train/games/ratings.py"}
    assert outside <= words | outwards | unused | players


def test_the_report_of_a_registered_environment_names_its_files(verify_pong, tmp_path):
    report = verify_pong(levels=("L1",))
    path = tmp_path / "report.json"
    report.write(path)
    assert json.loads(path.read_text())["sources"] == hashes(folder_of("pong"))


def test_the_report_of_another_candidate_names_none(verify_pong):
    """The committed rules did not play."""
    report = verify_pong(lambda **options: Pong(**options), levels=("L1",))
    assert report.sources == {}
    assert "sources" not in report.to_json()


def test_rules_that_are_compiled_are_those_of_the_crates(folder, tmp_path):
    (tmp_path / "src").mkdir()
    package = folder.parents[1].rename(tmp_path / "src" / "envlift")
    folder = package / "envs" / "toy"
    crate = tmp_path / "crates" / "toy" / "src" / "lib.rs"
    without = hashes(folder)
    (folder / "native.py").write_text("x = 1\n")
    crate.parent.mkdir(parents=True)
    crate.write_text("// one\n")
    before = hashes(folder)
    assert changed(without, folder) == ["rules"]
    crate.write_text("// two\n")
    assert changed(before, folder) == ["rules"]
    crate.with_name("cpu.rs").write_text("// one\n")
    assert changed(before, folder) == ["rules"]
