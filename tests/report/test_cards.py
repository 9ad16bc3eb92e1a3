import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import envlift
from envlift.bench.bars import compare
from envlift.bench.benchmark import Case, benchmark_of
from envlift.bench.result import Measurement, Result
from envlift.report.cards import BEGIN, END, between_markers, main
from envlift.report.facts import newest_results
from envlift.report.spec import entries
from envlift.report.text import MISSING, table
from envlift.sources import hashes
from envlift.verify.run.result import Check, Report, Verdict

VERSIONS = {"jax": "1.2", "jaxlib": "1.2", "numpy": "2.1", "scipy": "1.0", "warp-lang": "1.9"}
LOCK = """
jax==1.2 \\
    --hash=sha256:00
jaxlib==1.2
numpy==2.1 ; python_full_version < '3.12'
numpy==2.5 ; python_full_version >= '3.12'
scipy==1.0
warp-lang==1.9
flax==0.1
optax==0.2
"""
README = f"# envlift\n\n{BEGIN}\n{END}\n\nand more\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing measured."""
    pong = Path(envlift.__file__).parent / "envs" / "pong"
    target = tmp_path / "src" / "envlift" / "envs" / "pong" / "verification"
    target.mkdir(parents=True)
    shutil.copy(pong / "verification" / "deviations.toml", target)
    shutil.copy(pong / "env.py", target.parent)
    for file in ("targets/chance.py", "train/ppo.py", "verify/engine/compare.py"):
        copy = tmp_path / "src" / "envlift" / file
        copy.parent.mkdir(parents=True)
        shutil.copy(pong.parents[1] / file, copy)
    for file in ("reference/adapter.c", "train.toml", "verification/corpus/discrete.jsonl"):
        copy = target.parent / file
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(pong / file, copy)
    (tmp_path / "requirements.lock").write_text(LOCK)
    (tmp_path / "README.md").write_text(README)
    return tmp_path


def verification(checkout: Path) -> Path:
    return checkout / "src" / "envlift" / "envs" / "pong" / "verification"


def report(**changes: Any) -> Report:
    return Report(
        suite="pong",
        reference="PufferLib's C",
        candidate="pong [warp]",
        seed=1,
        pins={"pong.h": "sha256 abc"},
        checks=[
            Check("L3", "random", Verdict.PASS, counts={"steps": 700_000, "episodes": 40}),
            Check("L3", "keen", Verdict.PASS, counts={"steps": 534_567, "episodes": 2}),
            Check("L2", "single", Verdict.PASS, counts={"transitions": 99, "steps": 5}),
            Check("L1", "frame", Verdict.PASS, counts={"rows": 1_000}),
            Check("resets", "seeds", Verdict.PASS),
            Check("transforms", "one trace", Verdict.PASS),
            Check("L4", "policy transfer", Verdict.SKIPPED),
        ],
        features={"upper wall": 12, "lower wall": 3, "terminal": 0},
        deviations={"win-after-reset": 77},
        not_verified=["rendering"],
        **({"versions": VERSIONS} | changes),
    )


def write_evidence(checkout: Path, **changes: Any) -> None:
    folder = verification(checkout)
    report(sources=hashes(folder.parent), **changes).write(folder / "evidence-warp.json")


def write_mutation(checkout: Path, **changes: Any) -> None:
    def mutant(caught: str | None, equivalent: bool = False) -> dict[str, Any]:
        return {"caught": {"L1": None, "L3": caught}, "equivalent": equivalent}

    mutants = [mutant("x"), mutant("x"), mutant("x"), mutant(None), mutant(None, True)]
    data = {"schema_version": 1, "score": 0.75, "by_level": {"L1": 0, "L3": 3}, "mutants": mutants}
    data |= changes
    (verification(checkout) / "mutation-warp.json").write_text(json.dumps(data))


def write_speed(checkout: Path, file: str = "one", **changes: Any) -> None:
    def one(kind: str, backend: str, threads: int, seconds: float) -> Measurement:
        side = "reference" if kind == "loop" else "candidate"
        name = f"{kind}/{backend}/{threads}"
        return Measurement(
            name, side, kind, "plain", backend, "cpu", threads, 64, 10**8, 1, [seconds] * 5
        )

    measured = [one("loop", "c", 1, 2.0), one("environment", "warp", 1, 0.25)]
    measured.append(one("api", "warp", 2, 0.5))
    values: dict[str, Any] = {
        "environment": "pong",
        "environment_version": 1,
        "command": "envlift bench pong",
        "date": "2026-01-02T00:00:00+00:00",
        "device": "a chip",
        "machine": {"cpu": "a chip", "cores": 2, "gpu": None, "system": "Linux"},
        "versions": {"python": "3.11"},
        "quick": False,
        "measurements": measured,
        "bars": compare(measured, replace(benchmark_of("pong"), cases=(Case("plain"),))),
    }
    result = Result(**(values | changes))
    result.write(checkout / "benchmarks" / "results" / f"{file}.json")


def write_sample(checkout: Path, **changes: Any) -> None:
    """A result of ``envlift mutate`` as it is written today."""
    data = {
        "schema_version": 2,
        "date": "2026-11-28",
        "every_level": False,
        "configs": [],
        "of": {"constant": 900, "batch": 5},
        "counts": {"caught": 96, "survived": 4, "equivalent": 3, "invalid": 9, "timeout": 1},
        "score": 0.96,
        "interval": [0.9016, 0.9843],
        "by_level": {"L1": 60, "L3": 36},
        "sources": hashes(verification(checkout).parent),
    }
    path = verification(checkout) / "mutation-warp.json"
    path.write_text(json.dumps(data | changes))


def generate(checkout: Path) -> tuple[str, str]:
    assert main(["--root", str(checkout)]) == 0
    readme = (checkout / "README.md").read_text()
    return readme, (verification(checkout).parent / "CARD.md").read_text()


def row(readme: str, target: str) -> list[str]:
    lines = [line for line in readme.splitlines() if line.startswith(f"| pong | {target} |")]
    assert len(lines) == 1
    return [cell.strip() for cell in lines[0].strip("|").split("|")]


def test_what_was_not_measured_is_said_and_never_guessed(checkout: Path) -> None:
    readme, card = generate(checkout)
    expected = [MISSING, MISSING, MISSING, MISSING, "1", MISSING, MISSING]
    assert row(readme, "warp")[3:] == row(readme, "jax")[3:] == expected
    assert "| warp | not measured |" in card
    assert "## Speed\n\nNot measured." in card
    assert "## Policy transfer\n\nNot measured." in card


def test_the_matrix_tells_the_evidence(checkout: Path) -> None:
    write_evidence(checkout)
    write_mutation(checkout)
    write_speed(checkout)
    readme, _ = generate(checkout)
    assert row(readme, "warp")[3:9] == ["PASS", "1,234,567", "2 of 3", MISSING, "1", "75.0%"]
    speed = row(readme, "warp")[9]
    assert speed == (
        "environment only on one thread 8.0 x, JAX API 4.0 x beside one reference process "
        "(a chip, 2026-01-02)"
    )
    # The other target has no evidence of its own and borrows none.
    assert row(readme, "jax")[3] == MISSING
    assert readme.startswith("# envlift\n\n")
    assert readme.endswith("\n\nand more\n")


def transferred(candidate: str = "PASS", reference: str = "PASS") -> dict[str, Any]:
    """What level 4 leaves in a report."""

    def direction(verdict: str, effect: float, policies: int) -> dict[str, Any]:
        iqm = {"value": 20.5, "low": 20.25, "high": 20.75, "n": policies}
        return {
            "policies": policies,
            "episode_pairs": 100 * policies,
            "equal_episode_pairs": 97 * policies,
            "training_steps": 8_000_000 * policies,
            "verdict": verdict,
            "n": policies,
            "margin": 1.0,
            "effect": effect,
            "deviation": 0.1,
            "low": effect - 0.0625,
            "high": effect + 0.0625,
            "p_low": 0.0,
            "p_high": 0.0,
            "power": 0.9987,
            "needed": 3,
            "iqm": {"candidate": iqm, "reference": {**iqm, "value": 20.125}},
        }

    both = {"candidate": direction(candidate, 0.03, 10), "reference": direction(reference, 0.0, 4)}
    return {
        "config": "frameskip8",
        "margin": 1.0,
        "reason": "a point",
        "training": {"horizon": 64, "gamma": 0.995},
        "directions": both,
        "pooled": direction("PASS", 0.02, 14),
    }


def test_the_matrix_and_the_card_tell_policy_transfer(checkout: Path) -> None:
    write_evidence(checkout, transfer=transferred())
    readme, card = generate(checkout)
    words = "PASS: 14 policies, effect +0.02 (-0.042 to +0.083), margin 1"
    assert row(readme, "warp")[6] == words
    assert row(readme, "jax")[6] == MISSING
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


def test_a_card_tells_what_counts_in_a_score_and_how_sure_it_is(checkout: Path) -> None:
    write_sample(checkout)
    readme, card = generate(checkout)
    assert row(readme, "warp")[8] == "96.0% (sample: 113 of 905)"
    assert (
        "- warp: 96.0% (sample: 113 of 905), 96 of 100 mutants caught, 95 % interval 90.2% to "
        "98.4%, 3 equivalent, 9 invalid, 1 without a verdict in time; "
        "first noticed by: L1 60, L3 36"
    ) in card


def test_a_score_of_an_older_verifier_says_so(checkout: Path) -> None:
    write_sample(checkout)
    path = checkout / "src" / "envlift" / "verify" / "engine" / "compare.py"
    path.write_text(path.read_text() + "\nadded = 1\n")
    readme, card = generate(checkout)
    words = "96.0% (sample: 113 of 905), by the verifier of 2026-11-28"
    assert row(readme, "warp")[8] == words
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


@pytest.mark.parametrize("first", [False, True])
def test_a_card_tells_which_mutants_the_levels_were_shown(checkout: Path, first: bool) -> None:
    write_mutation(checkout, first=first)
    _, card = generate(checkout)
    others = "L1, and of the others by " if first else ""
    assert f"1 equivalent; caught by {others}each level alone: L1 0, L3 3" in card


@pytest.mark.parametrize(
    ("configs", "where"), [([], ""), (["double", "single"], " (in double and single)")]
)
def test_a_card_tells_where_mutants_were_judged(
    checkout: Path, configs: list[str], where: str
) -> None:
    write_mutation(checkout, configs=configs)
    _, card = generate(checkout)
    assert f"mutants caught{where}, 1 equivalent" in card


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
    readme, card = generate(checkout)
    assert row(readme, "warp")[6] == "INCONCLUSIVE"
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
    failed = report()
    failed.checks.append(Check("L3", "greedy", Verdict.FAIL))
    failed.write(verification(checkout) / "evidence-warp.json")
    assert row(generate(checkout)[0], "warp")[3] == "FAIL"


def test_a_card_tells_spec_pins_deviations_and_gaps(checkout: Path) -> None:
    write_evidence(checkout)
    write_mutation(checkout)
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
        "- warp: 75.0%, 3 of 4 mutants caught, 1 equivalent",
        "1 thread beside as many reference processes: at least 5 x, goal 10 x: 8.00 x, met",
    ):
        assert expected in card


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


@pytest.mark.parametrize("file", ["README.md", "src/envlift/envs/pong/CARD.md"])
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
    path = checkout / "src" / "envlift" / "train" / "ppo.py"
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
    readme, card = generate(checkout)
    beside = "mujoco.rollout on 2 threads"
    assert row(readme, "warp")[9] == f"JAX API 8.0 x beside {beside} (a chip, 2026-01-02)"
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
