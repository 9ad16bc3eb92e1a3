"""The page that sets the published recipe beside ours is made of what is committed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from envlift.translate.recipe import page as recipe
from envlift.translate.recipe.page import PAGE, ROOT, main, page


def test_the_committed_page_is_what_is_generated() -> None:
    assert main(["--check"]) == 0, f"run {recipe.COMMAND}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the page is made of, to be changed."""
    shutil.copytree(ROOT / "examples" / "translations", tmp_path / "examples" / "translations")
    place = Path("src/envlift/envs/pong/verification/evidence-jax.json")
    (tmp_path / place).parent.mkdir(parents=True)
    shutil.copy(ROOT / place, tmp_path / place)
    return tmp_path


def test_a_ledger_that_says_more_changes_it(checkout: Path) -> None:
    ledger = checkout / "examples" / "translations" / "taxi" / "turns.jsonl"
    rows = [json.loads(line) for line in ledger.read_text().splitlines()]
    rows[0]["cost"] = {"dollars": 1.25, "source": "priced"}
    rows[0]["usage"] = {"input_tokens": 1000, "cached_tokens": 0, "output_tokens": 234}
    rows[-1]["isolation"] = "bubblewrap"
    ledger.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (line,) = [row for row in page(checkout).splitlines() if row.startswith("| taxi |")]
    assert "| 1.25 (declared, priced) | 1,234 |" in line
    assert line.endswith("| bubblewrap |")


def test_what_nobody_measured_says_so(checkout: Path) -> None:
    text = page(checkout)
    assert "| pong | 1 points | jax, trained in the candidate |" in text
    assert "| half_cheetah | 100 return | not measured here |" in text
    assert "| whole episodes alone | half_cheetah had not converged after 42 iterations |" in text


def test_a_stale_page_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recipe, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    assert main(["--check"]) == 1
    assert f"{PAGE} is stale" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
