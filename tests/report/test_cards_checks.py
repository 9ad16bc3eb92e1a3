"""Evidence that is older than what it rests on, and scores of mutants, in card and check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envlift.report.cards import main
from envlift.sources import hashes
from envlift.verify.run.result import Check, Verdict
from tests.report.checkout import (
    LOCK,
    VERSIONS,
    generate,
    report,
    row,
    transferred,
    verification,
    write_evidence,
    write_sample,
)


def test_a_card_tells_what_counts_in_a_score_and_how_sure_it_is(checkout: Path) -> None:
    write_sample(checkout)
    matrix, card = generate(checkout)
    assert row(matrix, "warp")[8] == "96.0% (sample: 113 of 905)"
    assert (
        "- warp: 96.0% (sample: 113 of 905), 96 of 100 mutants caught, 95 % interval 90.2% to "
        "98.4%, 3 equivalent, 9 invalid, 1 without a verdict in time; "
        "first noticed by: L1 60, L3 36"
    ) in card


def test_a_score_of_an_older_verifier_says_so(checkout: Path) -> None:
    write_sample(checkout)
    path = checkout / "src" / "envlift" / "verify" / "engine" / "compare.py"
    path.write_text(path.read_text() + "\nadded = 1\n")
    matrix, card = generate(checkout)
    words = "96.0% (sample: 113 of 905), by the verifier of 2026-11-28"
    assert row(matrix, "warp")[8] == words
    assert f"- warp: {words}, 96 of 100" in card


@pytest.mark.parametrize("missing", ["counts", "sources", "interval"])
def test_a_broken_mutation_result_is_an_error_not_a_gap(
    checkout: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    write_sample(checkout)
    path = verification(checkout) / "mutation-warp.json"
    data = json.loads(path.read_text())
    del data[missing]
    path.write_text(json.dumps(data))
    assert main(["--root", str(checkout)]) == 1
    assert "mutation-warp.json is no result of `envlift mutate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("configs", "where"), [([], ""), (["double", "single"], " (in double and single)")]
)
def test_a_card_tells_where_mutants_were_judged(
    checkout: Path, configs: list[str], where: str
) -> None:
    write_sample(checkout, configs=configs)
    _, card = generate(checkout)
    assert f"mutants caught{where}, 95 % interval" in card


def test_check_passes_on_fresh_files(checkout: Path) -> None:
    write_evidence(checkout)
    generate(checkout)
    assert main(["--root", str(checkout), "--check"]) == 0


def test_check_fails_when_a_number_changed(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_evidence(checkout)
    generate(checkout)
    path = verification(checkout) / "evidence-warp.json"
    path.write_text(path.read_text().replace("534567", "534568"))
    before = (checkout / "README.md").read_text()
    assert main(["--root", str(checkout), "--check"]) == 1
    errors = capsys.readouterr().err
    assert "README.md is stale; run: python -m envlift.report.cards" in errors
    assert "CARD.md is stale" in errors
    assert (checkout / "README.md").read_text() == before, "--check must write nothing"


@pytest.mark.parametrize(
    "file", ["README.md", "docs/matrix.md", "docs/cards/pong.md", "src/envlift/envs/pong/CARD.md"]
)
def test_check_fails_when_somebody_edits_a_generated_number(checkout: Path, file: str) -> None:
    write_evidence(checkout)
    generate(checkout)
    path = checkout / file
    path.write_text(path.read_text().replace("1,234,567", "9,234,567"))
    assert main(["--root", str(checkout), "--check"]) == 1


def test_check_fails_without_a_card(checkout: Path) -> None:
    generate(checkout)
    (verification(checkout).parent / "CARD.md").unlink()
    assert main(["--root", str(checkout), "--check"]) == 1


ANEW = (
    "run `envlift verify pong --backend warp "
    "--json src/envlift/envs/pong/verification/evidence-warp.json`\n"
)


def complaint(checkout: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``--check`` says of files that are generated from what lies there."""
    generate(checkout)
    capsys.readouterr()
    assert main(["--root", str(checkout), "--check"]) == 1
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("envs/pong/env.py", "rules of pong"),
        ("envs/pong/verification/deviations.toml", "suite of pong"),
        ("envs/pong/train.toml", "suite of pong"),
        ("envs/pong/reference/adapter.c", "reference of pong"),
        ("targets/chance.py", "contract"),
        ("verify/engine/compare.py", "verifier"),
    ],
)
def test_check_fails_when_the_evidence_is_older_than_what_it_rests_on(
    checkout: Path, capsys: pytest.CaptureFixture[str], file: str, kind: str
) -> None:
    write_evidence(checkout)
    path = checkout / "src" / "envlift" / file
    path.write_text(path.read_text() + "\nadded = 1\n")
    said = complaint(checkout, capsys)
    assert said == f"the {kind} changed after evidence-warp.json was made; {ANEW}"


def test_check_fails_when_a_recorded_case_is_gone(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_evidence(checkout)
    (verification(checkout) / "corpus" / "discrete.jsonl").unlink()
    assert "the suite of pong changed" in complaint(checkout, capsys)


def test_check_passes_when_a_comment_changed(checkout: Path) -> None:
    write_evidence(checkout)
    path = checkout / "src" / "envlift" / "verify" / "engine" / "compare.py"
    path.write_text("# another word\n" + path.read_text())
    generate(checkout)
    assert main(["--root", str(checkout), "--check"]) == 0


def test_the_trainer_counts_where_there_was_training(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = {"versions": VERSIONS | {"flax": "0.1", "optax": "0.2"}}
    write_evidence(checkout, transfer=transferred(), **trained)
    generate(checkout)
    assert main(["--root", str(checkout), "--check"]) == 0
    path = checkout / "src" / "envlift" / "train" / "learning" / "ppo.py"
    path.write_text(path.read_text() + "\nadded = 1\n")
    said = complaint(checkout, capsys)
    assert said == f"the trainer changed after evidence-warp.json was made; {ANEW}"
    write_evidence(checkout)
    path.write_text(path.read_text() + "\nadded = 2\n")
    generate(checkout)
    assert main(["--root", str(checkout), "--check"]) == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("jax==1.2", "jax==1.3", "with jax 1.2, requirements.lock has 1.3"),
        ("warp-lang==1.9", "", "with warp-lang 1.9, requirements.lock has none"),
        ("numpy==2.1", "numpy==2.2", "with numpy 2.1, requirements.lock has 2.2 or 2.5"),
        # Only level 4 trains.
        ("flax==0.1", "flax==0.2", None),
    ],
)
def test_the_libraries_are_those_of_the_lock_file(
    checkout: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str | None
) -> None:
    write_evidence(checkout)
    (checkout / "requirements.lock").write_text(LOCK.replace(f"\n{old}", f"\n{new}"))
    if said is None:
        generate(checkout)
        assert main(["--root", str(checkout), "--check"]) == 0
    else:
        found = complaint(checkout, capsys)
        assert found == f"evidence-warp.json was made {said}; {ANEW}"


def test_check_fails_on_evidence_that_names_no_version_or_without_a_lock_file(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_evidence(checkout, versions={})
    assert "was made with jax of an unknown version" in complaint(checkout, capsys)
    (checkout / "requirements.lock").unlink()
    assert "requirements.lock is missing" in complaint(checkout, capsys)


def test_check_fails_on_evidence_that_names_no_files(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report().write(verification(checkout) / "evidence-warp.json")
    said = complaint(checkout, capsys)
    for kind in ("rules", "suite", "reference", "contract", "verifier"):
        assert f"evidence-warp.json does not say with which {kind} it was made; {ANEW}" in said
    assert "trainer" not in said


@pytest.mark.parametrize("level", ["L1", "L2", "L3", "resets", "transforms"])
@pytest.mark.parametrize("instead", [None, Verdict.SKIPPED])
def test_check_fails_when_a_level_did_not_pass(
    checkout: Path, capsys: pytest.CaptureFixture[str], level: str, instead: Verdict | None
) -> None:
    partial = report(sources=hashes(verification(checkout).parent))
    partial.checks = [check for check in partial.checks if check.level != level]
    if instead is not None:
        partial.checks.append(Check(level, "left out", instead))
    assert partial.verdict is Verdict.PASS, "the verdict alone does not show what is missing"
    partial.write(verification(checkout) / "evidence-warp.json")
    said = complaint(checkout, capsys)
    assert said == f"evidence-warp.json holds no passed check of {level}; {ANEW}"


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE])
def test_check_fails_on_evidence_that_does_not_pass(
    checkout: Path, capsys: pytest.CaptureFixture[str], verdict: Verdict
) -> None:
    failed = report(sources=hashes(verification(checkout).parent))
    failed.checks.append(Check("L3", "greedy", verdict))
    failed.write(verification(checkout) / "evidence-warp.json")
    assert complaint(checkout, capsys) == f"evidence-warp.json says {verdict}, not PASS; {ANEW}"
