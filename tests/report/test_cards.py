import json
from pathlib import Path
from typing import Any

import pytest

from envlift.bench.result import Measurement
from envlift.report.cards import BEGIN, END, between_markers, main
from envlift.report.facts import newest_results
from envlift.report.spec import entries
from envlift.report.text import MISSING, table
from envlift.sources import hashes
from envlift.verify.run.result import Check, Verdict
from tests.report.checkout import (
    generate,
    report,
    row,
    transferred,
    verification,
    write_evidence,
    write_sample,
    write_speed,
)


def test_what_was_not_measured_is_said_and_never_guessed(checkout: Path) -> None:
    matrix, card = generate(checkout)
    expected = [MISSING, MISSING, MISSING, MISSING, "1", MISSING, MISSING]
    assert row(matrix, "warp")[3:] == row(matrix, "jax")[3:] == expected
    assert "| warp | not measured |" in card
    assert "## Speed\n\nNot measured." in card
    assert "## Policy transfer\n\nNot measured." in card


def test_the_matrix_tells_the_evidence(checkout: Path) -> None:
    write_evidence(checkout)
    write_sample(checkout)
    write_speed(checkout)
    matrix, card = generate(checkout)
    score = "96.0% (sample: 113 of 905)"
    assert row(matrix, "warp")[3:9] == ["PASS", "1,234,567", "2 of 3", MISSING, "1", score]
    speed = row(matrix, "warp")[9]
    assert speed == (
        "environment only on one thread 8.0 x, JAX API 4.0 x beside one reference process "
        "(a chip, 2026-01-02)"
    )
    # The other target has no evidence of its own and borrows none.
    assert row(matrix, "jax")[3] == MISSING
    assert "[pong](cards/pong.md)" in matrix
    assert (checkout / "docs" / "cards" / "pong.md").read_text() == card
    readme = (checkout / "README.md").read_text()
    assert readme.startswith("# envlift\n\n")
    assert readme.endswith("\n\nand more\n")
    (line,) = [line for line in readme.splitlines() if "CARD.md) " in line and "| warp |" in line]
    assert line.startswith("| [pong](src/envlift/envs/pong/CARD.md) | ")
    assert line.endswith("| warp | PASS | 1,234,567 | 8.0 x |")


def test_the_matrix_and_the_card_tell_policy_transfer(checkout: Path) -> None:
    write_evidence(checkout, transfer=transferred())
    matrix, card = generate(checkout)
    words = "PASS: 14 policies, effect +0.02 (-0.042 to +0.083), margin 1"
    assert row(matrix, "warp")[6] == words
    assert row(matrix, "jax")[6] == MISSING
    for expected in (
        "**warp**. Margin 1 return, fixed beforehand: a point. Configuration frameskip8; PPO with "
        "`horizon` 64, `gamma` 0.995, equal in both.",
        "| envlift | PASS | 10 | +0.03 | -0.033 to +0.092 | 1.00 | 1,000 | 970 | 80,000,000 | "
        "20.50 (20.25 to 20.75) | 20.12 (20.25 to 20.75) |",
        "| the reference | PASS | 4 | 0 | -0.062 to +0.062 | 1.00 | 400 | 388 | 32,000,000 |",
    ):
        assert expected in card


@pytest.mark.parametrize("greedy", [False, True])
def test_a_card_tells_how_policies_were_evaluated(checkout: Path, greedy: bool) -> None:
    write_evidence(checkout, transfer=transferred() | {"greedy": greedy})
    _, card = generate(checkout)
    assert ("evaluated by the most probable actions" in card) == greedy


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        (("PASS", "FAIL"), "FAIL"),
        (("FAIL", "INCONCLUSIVE"), "FAIL"),
        (("INCONCLUSIVE", "PASS"), "INCONCLUSIVE"),
    ],
)
def test_a_transfer_passes_only_in_both_directions(
    checkout: Path, verdicts: tuple[str, str], word: str
) -> None:
    write_evidence(checkout, transfer=transferred(*verdicts))
    assert row(generate(checkout)[0], "warp")[6].startswith(f"{word}: 14 policies")


def test_an_interrupted_transfer_is_inconclusive(checkout: Path) -> None:
    half = transferred()
    del half["pooled"], half["directions"]["reference"]
    write_evidence(checkout, transfer=half)
    matrix, card = generate(checkout)
    assert row(matrix, "warp")[6] == "INCONCLUSIVE"
    assert "| the reference |" not in card


def test_a_broken_transfer_is_an_error_not_a_gap(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = transferred()
    del broken["directions"]["reference"]["iqm"]
    write_evidence(checkout, transfer=broken)
    assert main(["--root", str(checkout)]) == 1
    assert "evidence-warp.json is no report" in capsys.readouterr().err


def test_a_failed_verification_shows_in_the_matrix(checkout: Path) -> None:
    failed = report(sources=hashes(verification(checkout).parent))
    failed.checks.append(Check("L3", "greedy", Verdict.FAIL))
    failed.write(verification(checkout) / "evidence-warp.json")
    assert row(generate(checkout)[0], "warp")[3] == "FAIL"


def test_evidence_that_is_out_of_date_says_so_in_the_matrix(checkout: Path) -> None:
    write_evidence(checkout)
    assert row(generate(checkout)[0], "warp")[3] == "PASS"
    rules = verification(checkout).parent / "env.py"
    rules.write_text(rules.read_text() + "\nLATER = 1\n")
    assert row(generate(checkout)[0], "warp")[3] == "out of date: PASS; changed since: rules"


def test_only_listed_evidence_may_be_out_of_date(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_evidence(checkout)
    assert main(["--root", str(checkout)]) == 0
    listed = checkout / "src" / "envlift" / "report" / "stale.toml"
    listed.parent.mkdir(parents=True, exist_ok=True)
    row = 'environment = "pong"\ntarget = "warp"\nreason = "as a test"\n'
    listed.write_text(f"[[stale]]\n{row}")
    assert main(["--check", "--root", str(checkout)]) == 1
    assert "which is up to date: take it out" in capsys.readouterr().err
    rules = verification(checkout).parent / "env.py"
    rules.write_text(rules.read_text() + "\nLATER = 1\n")
    assert main(["--root", str(checkout)]) == 0
    assert main(["--check", "--root", str(checkout)]) == 0
    listed.write_text("stale = []\n")
    assert main(["--check", "--root", str(checkout)]) == 1
    assert "the rules of pong changed after evidence-warp.json was made" in capsys.readouterr().err


def test_a_card_tells_spec_pins_deviations_and_gaps(checkout: Path) -> None:
    write_evidence(checkout)
    write_sample(checkout)
    write_speed(checkout)
    _, card = generate(checkout)
    for expected in (
        "| `ball_vy` | float32, pixels per frame, in [-13, 13]. |",
        "- action: `Discrete(3)`",
        "- pong.h: `sha256 abc`",
        "| upper wall | 12 |",
        "**win-after-reset**",
        "The reference never clears `win`",
        "seen in 77 compared rows",
        "- rendering",
        "- warp: 96.0% (sample: 113 of 905), 96 of 100 mutants caught",
        "1 thread beside as many reference processes: at least 5 x, goal 10 x: 8.00 x, met",
    ):
        assert expected in card


@pytest.mark.parametrize("text", ["none", BEGIN, f"{END} {BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_readme_without_its_markers_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="needs the lines"):
        between_markers(text, "x")


def test_a_broken_source_is_an_error_not_a_gap(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (verification(checkout) / "evidence-warp.json").write_text('{"schema_version": 1}')
    assert main(["--root", str(checkout)]) == 1
    assert "evidence-warp.json is no report" in capsys.readouterr().err


def test_the_newest_full_run_of_each_device_counts(checkout: Path) -> None:
    write_speed(checkout, "a", date="2026-03-01T00:00:00+00:00")
    write_speed(checkout, "b", date="2026-02-01T00:00:00+00:00")
    write_speed(checkout, "c", date="2026-04-01T00:00:00+00:00", quick=True)
    write_speed(checkout, "d", date="2026-04-02T00:00:00+00:00", interrupted=True)
    write_speed(checkout, "e", date="2026-01-01T00:00:00+00:00", device="another chip")
    write_speed(checkout, "f", date="2026-05-01T00:00:00+00:00", environment="other")
    found = newest_results(checkout / "benchmarks" / "results", "pong")
    assert [(r.device, r.date[:10]) for r in found] == [
        ("a chip", "2026-03-01"),
        ("another chip", "2026-01-01"),
    ]


def test_several_references_are_told_by_name(checkout: Path) -> None:
    measured = [
        Measurement(
            *("a", "reference", "threads", "plain", "chunks of 1", "cpu", 2, 64, 10**8, 1, [4.0]),
            reference="mujoco.rollout",
        ),
        Measurement(
            *("b", "reference", "loop", "plain", "gymnasium.make", "cpu", 1, 1, 10**8, 1, [8.0]),
            reference="Gymnasium",
        ),
        Measurement(
            *("c", "candidate", "api", "plain", "warp", "cpu", 2, 64, 10**8, 1, [0.5], 12.3),
            cached_compile_seconds=0.4,
        ),
    ]
    write_speed(checkout, measurements=measured, bars=[], unavailable={"MJX": "no network"})
    matrix, card = generate(checkout)
    beside = "mujoco.rollout on 2 threads"
    assert row(matrix, "warp")[9] == f"JAX API 8.0 x beside {beside} (a chip, 2026-01-02)"
    assert "- MJX is not available: no network" in card
    assert f"| beside {beside} |" in card
    lines = [line for line in card.splitlines() if "| plain |" in line]
    assert [line.split(" | ")[0] for line in lines] == [
        "| mujoco.rollout, one process on all cores, or on the GPU",
        "| Gymnasium, loop in its own process",
        "| JAX API, every observation kept",
    ]
    assert [line.split(" | ")[-1] for line in lines] == ["1.0 x |", "0.5 x |", "8.0 x |"]
    assert "| 12.3 s (0.4 s cached) |" in lines[2]


def test_speed_without_a_reference_is_no_ratio(checkout: Path) -> None:
    measured = [Measurement("a", "candidate", "api", "p", "warp", "cpu", 2, 4, 100, 1, [1.0])]
    write_speed(checkout, measurements=measured, bars=[], reference_missing="no network")
    speed = row(generate(checkout)[0], "warp")[9]
    assert speed == "JAX API 100 steps/s (no reference) (a chip, 2026-01-02)"


def test_entries_of_a_docstring() -> None:
    text = """First.

    Attributes:
        one: a thing
            on two lines.
        two, three: others.

    Raises:
        four: not one of them.
    """
    assert entries(text, "Attributes") == [
        ("one", "a thing on two lines."),
        ("two, three", "others."),
    ]
    assert entries(text, "Args") == []


def test_a_pipe_does_not_break_a_table() -> None:
    assert table(("a",), [("x|y",)]).splitlines()[-1] == "| x\\|y |"


def write_learning(checkout: Path, file: str, **changes: Any) -> None:
    training = {
        "what": "training",
        "environment": "pong",
        "device": "cpu",
        "cpu": "a chip",
        "cpus": 2,
        "date": "2026-01-02",
        "measurements": {"fused, 64 envs": {"parameters": 1668, "sps": [1e6, 3e6, 2e6]}},
        "bars": [
            {"name": "won", "value": 31.5, "bar": 30.0, "goal": None, "unit": "s", "met": False}
        ],
    }
    path = checkout / "benchmarks" / "results" / f"{file}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(training | changes))


def test_the_card_tells_learning_by_the_newest_run(checkout: Path) -> None:
    assert generate(checkout)[1].endswith("## Learning\n\nNot measured.\n")
    write_learning(checkout, "b")
    old = {"fused, 64 envs": {"parameters": 1, "sps": [7e6]}}
    write_learning(checkout, "a", date="2025-12-31", measurements=old)
    write_learning(checkout, "c", environment="other", measurements=old)
    shares = {"environment": 0.25, "forward": 0.75}
    write_learning(
        checkout, "d", what="breakdown", measurements={"fused mlp": {"shares": shares}}, bars=[]
    )
    card = generate(checkout)[1]
    assert "| fused, 64 envs | 1,668 | 2.00M | 1.00M to 3.00M |" in card
    assert "- won: at most 30 s: 31.50 s, **not met**" in card
    assert "7.00M" not in card
    assert "| fused mlp | 25.0% | 75.0% |" in card
    assert "**a chip**, 2 CPU cores, 2026-01-02, by `envlift bench pong --train`" in card
