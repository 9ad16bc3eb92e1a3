"""What a page says is what the evidence says, and nothing that is no evidence is believed."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import envlift
from envlift.report.page import data, frames
from envlift.report.page.gather import from_json, gather, read, to_json, write
from envlift.sources import hashes
from envlift.verify.run.result import Check, Verdict
from tests.report.translated import divergence, report

PONG = Path(envlift.__file__).parent / "envs" / "pong"
DOCS = Path(__file__).resolve().parents[2] / "docs" / "report.md"


def subject(tmp_path: Path, **changes: Any) -> data.Subject:
    path = tmp_path / "changed.json"
    report(**changes).write(path)
    (found,) = gather([str(path)]).subjects
    return found


def test_the_line_of_the_verdict_says_who_was_not_isolated(tmp_path: Path) -> None:
    assert subject(tmp_path).why == ""
    found = subject(tmp_path, not_isolated="there is no bwrap")
    assert found.why == "The candidate was NOT ISOLATED: there is no bwrap."


def pong(target: str) -> data.Subject:
    (found,) = [s for s in gather(["pong"]).subjects if s.title == f"pong [{target}]"]
    return found


def committed(target: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (PONG / "verification" / f"evidence-{target}.json").read_text()
    )
    return found


class TestEvidence:
    def test_the_pair_and_its_verdict(self, tmp_path: Path) -> None:
        found = subject(tmp_path, failing=True)
        assert (found.reference, found.candidate) == ("gymnasium:Taxi-v3", "env:taxi.env:make")
        assert found.verdict == "FAIL"
        assert subject(tmp_path).verdict == "PASS"

    def test_levels_come_in_order_with_counts(self, tmp_path: Path) -> None:
        found = subject(tmp_path, failing=True)
        told = {row.level: row.verdict for row in found.levels}
        assert list(told.items()) == [
            ("L1", "PASS"),
            ("L2", "PASS"),
            ("L3", "FAIL"),
            ("L4", "SKIPPED"),
            ("agreement", "NOT RUN"),
            ("corpus", "NOT RUN"),
            ("resets", "NOT RUN"),
            ("transforms", "NOT RUN"),
        ]
        assert found.levels[2].counts["steps"] == 12_345
        assert found.levels[4].checks == 0

    def test_counts_add_up_but_shared_ones_do_not(self, tmp_path: Path) -> None:
        checks = [
            Check("L3", name, Verdict.PASS, "", {"steps": steps, "lanes": 64, "fields": 5})
            for name, steps in (("a", 100), ("b", 23))
        ]
        level = next(r for r in subject(tmp_path, checks=checks).levels if r.level == "L3")
        assert level.counts == {"steps": 123, "lanes": 64, "fields": 5}

    def test_gaps_are_all_there(self, tmp_path: Path) -> None:
        found = {(gap.kind, gap.text) for gap in subject(tmp_path, interrupted=True).gaps}
        assert found == {
            ("interrupted", "The run was interrupted; this is what it had found."),
            ("level not run", "agreement, reference, itself: nothing was run."),
            ("level not run", "corpus, recorded cases: nothing was run."),
            ("level not run", "resets, resets and chance: nothing was run."),
            ("level not run", "transforms, vmap, jit, scan: nothing was run."),
            ("skipped", "L4, policy transfer: the suite names no margin"),
            ("feature not reached", "time is up"),
            ("not verified", "rendering"),
            ("not compared", "state field lastaction"),
        }

    def test_inconclusive_checks_and_missing_features_are_gaps(self, tmp_path: Path) -> None:
        checks = [Check("L3", "lockstep", Verdict.INCONCLUSIVE, "no episode ended")]
        found = subject(tmp_path, checks=checks, features={})
        kinds = {(gap.kind, gap.text) for gap in found.gaps}
        assert ("inconclusive", "L3, lockstep: no episode ended") in kinds
        assert "coverage" in {kind for kind, _ in kinds}
        assert found.verdict == "INCONCLUSIVE"

    def test_features_deviations_and_provenance(self, tmp_path: Path) -> None:
        found = subject(tmp_path)
        assert found.features == {"drop-off": 321, "illegal pick-up": 45_678, "time is up": 0}
        assert [(one.id, one.seen) for one in found.deviations] == [("reward-order", 12)]
        facts = {(fact.name, fact.value) for fact in found.provenance}
        assert {("seed", "4711"), ("gymnasium", "1.3.0"), ("jax", "0.10.2")} <= facts


class TestFirstDifference:
    def one(self, tmp_path: Path, **changes: Any) -> data.Failure:
        check = Check("L2", "one step", Verdict.FAIL, divergence=divergence(**changes))
        (found,) = subject(tmp_path, checks=[check]).failures
        return found

    def test_field_by_field(self, tmp_path: Path) -> None:
        found = self.one(tmp_path, field="taxi_row")
        assert (found.field, found.step, found.lane) == ("taxi_row", 7, 2)
        assert found.actions == ["1", "0", "5"]
        assert [dataclasses.astuple(row) for row in found.states] == [
            ("taxi_row", "3", "3", "4", True),
            ("taxi_column", "1", "1", "1", False),
        ]

    def test_a_differing_field_that_is_in_no_state(self, tmp_path: Path) -> None:
        found = self.one(tmp_path, field="reward", reference=-1, candidate=20, also=["terminated"])
        assert dataclasses.astuple(found.states[0]) == ("reward", "", "-1", "20", True)
        assert dataclasses.astuple(found.states[1]) == ("terminated", "", "", "", True)

    def test_labelled_vectors_become_rows(self, tmp_path: Path) -> None:
        state = {"state": [1.5, 2.5]}
        found = self.one(
            tmp_path,
            field="state.v",
            before=state,
            reference_state=state,
            candidate_state={"state": [1.5, 3.5]},
            labels={"state": ("x", "v")},
        )
        assert [row.field for row in found.states] == ["state.v", "state.x"]
        assert found.states[0].candidate == "3.5"

    def test_long_vectors_are_cut(self, tmp_path: Path) -> None:
        found = self.one(tmp_path, field="picture", reference_state={"picture": [7] * 100_000})
        assert found.states[0].reference.endswith("… 99,976 more]")

    def test_not_a_number_survives(self, tmp_path: Path) -> None:
        found = self.one(tmp_path, reference=math.nan, difference=math.nan)
        assert found.difference == "nan"

    def test_the_command_that_shows_it_again(self, tmp_path: Path) -> None:
        check = Check("L2", "x", Verdict.FAIL, divergence=divergence(), fixture="a dir/f.jsonl")
        (found,) = subject(tmp_path, checks=[check]).failures
        assert found.repro == "envlift repro 'a dir/f.jsonl'"

    def test_without_a_renderer_it_says_so(self, tmp_path: Path) -> None:
        found = self.one(tmp_path)
        assert (found.frames, found.no_frames) == (
            {},
            "the pair is no registered environment, so there is no renderer",
        )

    def test_many_failures_keep_the_one_with_a_difference_first(self, tmp_path: Path) -> None:
        checks = [Check("L1", f"c{n}", Verdict.FAIL) for n in range(50)]
        checks.append(Check("L3", "last", Verdict.FAIL, divergence=divergence()))
        found = subject(tmp_path, checks=checks).failures
        assert found[0].name == "last"
        assert len(found) == 20


class TestFrames:
    def states(self) -> tuple[dict[str, Any], dict[str, Any]]:
        _, state = envlift.make("pong", backend="jax").reset(jax.random.key(0))
        values = {k: np.asarray(v).tolist() for k, v in dataclasses.asdict(state).items()}
        return values, values | {"ball_x": values["ball_x"] - 150}

    def test_pong_is_drawn_on_both_sides(self, tmp_path: Path) -> None:
        from PIL import Image

        reference, candidate = self.states()
        check = Check(
            "L2",
            "x",
            Verdict.FAIL,
            divergence=divergence(reference_state=reference, candidate_state=candidate),
        )
        found = subject(tmp_path, suite="pong", sources=hashes(PONG), checks=[check])
        drawn = found.failures[0].frames
        assert list(drawn) == ["reference", "candidate"], found.failures[0].no_frames
        pictures = []
        for uri in drawn.values():
            head, _, content = uri.partition(",")
            assert head == "data:image/png;base64"
            pictures.append(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))))
        assert [picture.shape for picture in pictures] == [(320, 270, 3)] * 2
        assert (pictures[0] != pictures[1]).any()

    def test_states_that_lack_a_field_are_not_guessed(self) -> None:
        reference, candidate = self.states()
        del candidate["ball_vy"]
        drawn, why = frames.draw("pong", reference, candidate)
        assert (drawn, why) == (
            {},
            "the renderer could not draw these states: the evidence does not hold ball_vy",
        )

    def test_states_that_make_no_sense(self) -> None:
        reference, candidate = self.states()
        drawn, why = frames.draw("pong", reference, candidate | {"ball_x": "nan"})
        assert drawn == {}
        assert why.startswith("the renderer could not draw these states")


class TestPong:
    @pytest.mark.parametrize("target", ["jax", "warp"])
    def test_committed_evidence_whole(self, target: str) -> None:
        found, told = pong(target), committed(target)
        assert found.verdict == told["verdict"]
        assert found.features == told["features"]
        assert len(found.checks) == len(told["checks"])
        assert {(d.id, d.seen) for d in found.deviations} == set(told["deviations"].items())
        assert found.deviations[0].reason.startswith("The reference never clears `win`")
        hashes_told = {f.value for f in found.provenance if f.group == "hashes (SHA-256)"}
        assert hashes_told == set(told["sources"].values())

    def test_policy_transfer(self) -> None:
        found, told = pong("jax").transfer, committed("jax")["transfer"]
        assert found is not None
        assert (found.margin, found.reason) == (told["margin"], told["reason"])
        assert [d.side for d in found.directions] == ["candidate", "reference", "both"]
        for direction in found.directions[:2]:
            theirs = told["directions"][direction.side]
            assert direction.power == theirs["power"]
            assert direction.effect.low == theirs["low"]
            for where, interval in direction.returns.items():
                assert interval.high == theirs["iqm"][where]["high"]
        assert found.directions[2].policies == told["pooled"]["n"]

    def test_learning_curves_lie_between_their_runs(self) -> None:
        curves = {curve.side: curve for curve in pong("jax").curves}
        told = committed("jax")["curves"]
        assert {side: c.runs for side, c in curves.items()} == {
            side: sum(c["side"] == side for c in told) for side in ("candidate", "reference")
        }
        every = [value for c in told if c["side"] == "candidate" for value in c["return"]]
        ours = curves["candidate"]
        assert min(every) <= min(ours.low) <= max(ours.high) <= max(every)
        # The last place is the earliest end of all runs.
        assert ours.steps[-1] == min(c["steps"][-1] for c in told if c["side"] == "candidate")

    def test_speed_and_mutation_score(self) -> None:
        found = pong("warp")
        folder = Path(envlift.__file__).resolve().parents[2] / "benchmarks" / "results"
        (bench,) = [
            r
            for path in folder.glob("*-pong.json")
            if "measurements" in (r := json.loads(path.read_text()))
        ]
        bar = bench["bars"][0]
        assert found.speedups[0].times == pytest.approx(bar["measured"], rel=0.1)
        series = {one.label: one for one in found.throughput[0].series}
        rates = {
            m["batch"]: m["steps_per_second"]["median"]
            for m in bench["measurements"]
            if (m["kind"], m["backend"], m["case"]) == ("api", "warp", "frameskip 1")
        }
        line = series["JAX API, 2 threads"]
        assert dict(zip(line.batches, line.rates, strict=True)) == pytest.approx(rates)
        committed = PONG / "verification" / "mutation-warp.json"
        shown = None if found.mutation is None else found.mutation.score
        assert shown == (json.loads(committed.read_text())["score"] if committed.exists() else None)


class TestReportJson:
    def test_round_trip(self, tmp_path: Path, evidence: Path, folder: Path) -> None:
        page = gather(["pong", str(evidence), str(folder)])
        write(page, tmp_path / "report.json")
        assert read(tmp_path / "report.json") == page

    def test_the_version_stands_first(self, evidence: Path) -> None:
        found = to_json(gather([str(evidence)]))
        assert next(iter(found.items())) == ("schema_version", 1)

    def test_another_version_is_refused(self, evidence: Path) -> None:
        found = to_json(gather([str(evidence)])) | {"schema_version": 2}
        with pytest.raises(ValueError, match="schema_version 2, this reads 1"):
            from_json(found)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"extra": 1}, "extra is not known"),
            ({"made": 5}, "made is 5, not a text"),
            ({"subjects": [{}]}, r"subjects\[0\].id is missing"),
            ({"subjects": {}}, r"subjects is {}, not a list"),
        ],
    )
    def test_wrong_shapes_are_named(
        self, evidence: Path, change: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            from_json(to_json(gather([str(evidence)])) | change)

    def test_every_field_is_documented(self) -> None:
        """A field that is added must be described before it can be relied on."""
        text = DOCS.read_text(encoding="utf-8")
        for kind in vars(data).values():
            if not dataclasses.is_dataclass(kind):
                continue
            name = kind.__name__  # type: ignore[union-attr]
            part = re.search(rf"^### {name}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
            assert part, f"docs/report.md does not describe {name}"
            described = set(re.findall(r"^\| `(\w+)` \|", part[1], re.MULTILINE))
            assert described == {field.name for field in dataclasses.fields(kind)}, name
