"""Evidence names the files it was made with: rules, and what judged them."""

from __future__ import annotations

import json

import pytest

from envlift.envs.pong.env import Pong
from envlift.sources import folder_of, hashes

FILES = {
    "__init__.py": "neither",
    "env.py": "rules",
    "state.py": "rules",
    "rules/jax.py": "rules",
    "rules/deep/phase.py": "rules",
    "tables/cards.jsonl": "rules",
    "tables/deep/SOURCE.toml": "rules",
    "bench.py": "neither",
    "baselines/rollout.py": "neither",
    "CARD.md": "neither",
    "verification/suite.py": "suite",
    "look.py": "suite",
    "verification/deviations.toml": "suite",
    "verification/mutants.toml": "neither",
    "verification/evidence-jax.json": "neither",
    "verification/mutation-jax.json": "neither",
    "verification/corpus/discrete.jsonl": "neither",
    "verification/__pycache__/suite.py": "neither",
    "reference/adapter.c": "suite",
    "reference/deep/host.mjs": "suite",
    "reference/deep/adapter.o": "neither",
    "reference/__pycache__/pong.pyc": "neither",
    "reference/node_modules/left/index.js": "neither",
    "reference/.index.swp": "neither",
    "rules/__pycache__/jax.py": "neither",
}


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        path = tmp_path / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    return tmp_path / "toy"


def changed(before, folder):
    after = hashes(folder)
    assert set(after) == set(before) == {"rules", "suite"}
    return [kind for kind in after if after[kind] != before[kind]]


@pytest.mark.parametrize(("name", "kind"), FILES.items())
def test_every_source_counts_and_nothing_else_does(folder, name, kind):
    before = hashes(folder)
    expected = [] if kind == "neither" else [kind]
    (folder / name).write_text("x = 2\n")
    assert changed(before, folder) == expected
    (folder / name).unlink()
    assert changed(before, folder) == expected


def test_the_name_of_a_file_counts(folder):
    before = hashes(folder)
    (folder / "rules" / "jax.py").rename(folder / "rules" / "xla.py")
    assert changed(before, folder) == ["rules"]


def test_the_place_of_the_folder_does_not_count(folder, tmp_path):
    before = hashes(folder)
    folder.rename(tmp_path / "elsewhere")
    assert hashes(tmp_path / "elsewhere") == before


def test_no_content_passes_for_another_file(tmp_path):
    (tmp_path / "env.py").write_text("x = 1\n" + "state.py\0" + "y = 2\n")
    before = hashes(tmp_path)
    (tmp_path / "env.py").write_text("x = 1\n")
    (tmp_path / "state.py").write_text("y = 2\n")
    assert changed(before, tmp_path) == ["rules"]


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
