"""The page itself: well formed, self-contained, true to its data, and safe whatever it is given."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from envlift.report.page import data
from envlift.report.page.gather import gather
from envlift.report.page.render import LARGEST, cut, duration, money, render
from envlift.verify.run.result import Check, Verdict
from tests.report.reader import Node, read
from tests.report.translated import SHAPES, divergence, project, report

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;{{ 7 * 7 }}"


def page_of(*sources: Path | str) -> Node:
    return read(render(gather([str(source) for source in sources])))


def changed(source: Path | str, **changes: Any) -> Node:
    """Return the page of a source after a change of its data."""
    page = gather([str(source)])
    subject = dataclasses.replace(page.subjects[0], **changes)
    return read(render(dataclasses.replace(page, subjects=[subject])))


def rows(table: Node) -> list[list[str]]:
    return [
        [cell.text for cell in row.children if isinstance(cell, Node)] for row in table.all("tr")
    ]


class TestSelfContained:
    @pytest.fixture
    def html(self, evidence: Path, folder: Path) -> str:
        return render(gather(["pong", str(evidence), str(folder)]))

    def test_it_names_nothing_outside_itself(self, html: str) -> None:
        for node in read(html).walk():
            assert node.tag not in {"script", "iframe", "object", "embed", "base", "form"}
            for name, value in node.attributes.items():
                assert not name.startswith("on"), (node.tag, name)
                if name in {"href", "src", "srcset", "action", "data", "poster", "xlink:href"}:
                    assert (value or "").startswith(("#", "data:")), (node.tag, name, value)
        assert "url(" not in html
        assert "@import" not in html

    def test_the_policy_forbids_everything_else(self, html: str) -> None:
        metas = [n for n in read(html).all("meta") if "http-equiv" in n.attributes]
        assert [n.attributes["content"] for n in metas] == [
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        ]
        assert html.index("Content-Security-Policy") < html.index("<style>")

    def test_links_within_the_page_lead_somewhere_and_ids_are_unique(self, html: str) -> None:
        tree = read(html)
        ids = [str(n.attributes["id"]) for n in tree.walk() if "id" in n.attributes]
        assert len(ids) == len(set(ids))
        links = {str(n.attributes["href"]) for n in tree.all("a")}
        assert len(links) > 8
        assert links <= {f"#{one}" for one in ids}

    def test_it_is_small(self, html: str) -> None:
        assert len(html.encode()) < 300_000


class TestFacts:
    """Each is read from the page and compared with the data it came from."""

    def test_header(self, evidence: Path) -> None:
        tree = page_of(evidence)
        assert tree.one("h1").text == "taxi"
        assert [n.text for n in tree.one("dl", "pair").all("dd")] == [
            "gymnasium:Taxi-v3",
            "env:taxi.env:make",
        ]
        assert tree.one("p", "verdict").text.startswith("✗ FAIL")
        assert "fail" in tree.one("p", "verdict").classes

    @pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE"])
    def test_the_verdict_is_a_word_and_follows_the_data(self, evidence: Path, verdict: str) -> None:
        tree = changed(evidence, verdict=verdict)
        assert tree.one("p", "verdict").one("strong").text == verdict
        assert f"taxi: {verdict}" in tree.one("title").text

    def test_strip(self, evidence: Path) -> None:
        strip = page_of(evidence).one("ol", "strip")
        told = [(li.all("b")[0].text, li.one("span", "chip").text) for li in strip.all("li")]
        assert told == [
            ("L1", "✓ PASS"),
            ("L2", "✓ PASS"),
            ("L3", "✗ FAIL"),
            ("L4", "– SKIPPED"),
            ("agreement", "○ NOT RUN"),
            ("corpus", "○ NOT RUN"),
            ("resets", "○ NOT RUN"),
            ("transforms", "○ NOT RUN"),
        ]
        assert "12,345 steps" in strip.all("li")[2].text

    def test_gaps(self, evidence: Path) -> None:
        table = page_of(evidence).section("What was not verified").one("table")
        page = gather([str(evidence)])
        assert rows(table) == [[gap.kind, gap.text] for gap in page.subjects[0].gaps]
        assert ["feature not reached", "time is up"] in rows(table)

    def test_first_difference(self, evidence: Path) -> None:
        section = page_of(evidence).section("First difference")
        assert rows(section.one("table", "states"))[1:] == [
            ["taxi_row", "3", "3", "4", "≠ differs"],
            ["taxi_column", "1", "1", "1", ""],
        ]
        assert [n.all("th")[0].text for n in section.all("tr", "differs")] == ["taxi_row"]
        assert "at step 7, lane 2" in section.text
        assert "1, 0, 5" in section.text
        assert section.one("pre").text == "envlift repro fixtures/taxi-row.jsonl"
        assert "No frames: the pair is no registered environment" in section.text

    def test_frames_stand_side_by_side(self, evidence: Path) -> None:
        (failure,) = gather([str(evidence)]).subjects[0].failures
        pictures = {
            "reference": "data:image/png;base64,AA",
            "candidate": "data:image/png;base64,BB",
        }
        failure = dataclasses.replace(failure, frames=pictures, no_frames="")
        tree = changed(evidence, failures=[failure])
        found = [
            (n.all("img")[0].attributes["src"], n.one("figcaption").text)
            for n in tree.one("div", "frames").all("figure")
        ]
        assert found == [
            ("data:image/png;base64,AA", "reference, after the step"),
            ("data:image/png;base64,BB", "candidate, after the step"),
        ]
        assert "No frames" not in tree.text

    def test_features(self, evidence: Path) -> None:
        section = page_of(evidence).section("Coverage of features")
        told = [
            (n.children[0].text, n.children[2].text)  # type: ignore[union-attr]
            for n in section.one("div", "features").children
            if isinstance(n, Node)
        ]
        assert told == [
            ("drop-off", "321"),
            ("illegal pick-up", "45,678"),
            ("time is up", "not reached"),
        ]
        widths = [float(n.attributes["width"] or 0) for n in section.all("rect", "bar")]
        assert widths[2] == 0 < widths[0] < widths[1] == 100
        assert "2 of 3 features" in section.text

    def test_deviations(self, evidence: Path) -> None:
        section = page_of(evidence).section("Allowed deviations")
        assert "reward-order seen in 12 rows" in section.text
        assert "None:" in changed(evidence, deviations=[]).section("Allowed deviations").text

    def test_transfer_matrix_and_intervals(self) -> None:
        page = gather(["pong"])
        transfer = page.subjects[0].transfer
        assert transfer is not None
        directions = [
            dataclasses.replace(
                transfer.directions[0],
                effect=data.Interval(-0.25, -0.75, 0.125),
                power=0.87,
                returns={
                    "candidate": data.Interval(11.25, 10, 12),
                    "reference": data.Interval(22.5, 20, 24),
                },
            )
        ]
        changes = dataclasses.replace(transfer, directions=directions)
        subject = dataclasses.replace(page.subjects[0], transfer=changes)
        tree = read(render(dataclasses.replace(page, subjects=[subject])))
        section = tree.section("Policy transfer (L4)")
        assert rows(section.one("table", "matrix"))[1] == [
            "candidate",
            "11.25 10.00 to 12.00",
            "22.50 20.00 to 24.00",
        ]
        (row,) = rows(section.all("table")[1])[1:]
        assert row[3:6] == ["-0.25", "-0.75 to +0.12", "0.87"]
        assert "Margin 1 return, fixed beforehand: the published margin for Pong" in section.text
        assert len(section.all("svg", "chart")) == 2

    def test_speed_cost_and_mutation_tiles(self) -> None:
        mutation = data.Mutation(0.75, 30, 40, 2, 60, {"L1": 20, "L3": 10})
        page = gather(["pong"])
        judged = dataclasses.replace(page.subjects[0], mutation=mutation)
        page = dataclasses.replace(page, subjects=[judged, *page.subjects[1:]])
        tiles = [n.text for n in read(render(page)).all("article")[0].all("div", "tile")]
        speed = judged.speedups[0]
        assert f"{speed.times:.1f} ×" in tiles[0]
        assert "Nothing was spent on record" in tiles[1]
        assert "75.0 %" in tiles[2]
        assert "30 of 40 planted faults caught" in tiles[2]

    def test_what_is_not_known_is_said(self, evidence: Path) -> None:
        tiles = [n.text for n in page_of(evidence).all("div", "tile")]
        assert all(" – " in tile for tile in tiles), tiles

    def test_checks_and_provenance(self, evidence: Path) -> None:
        tree = page_of(evidence)
        checks = rows(tree.section("All checks").one("table"))
        assert len(checks) == 1 + 4
        assert checks[3][:3] == ["L3", "lockstep: random play", "✗ FAIL"]
        provenance = tree.section("Provenance").text
        for told in ("seed 4711", "gymnasium 1.3.0", "jax 0.10.2"):
            assert told in provenance


class TestTranslation:
    def test_turns_one_by_one(self, folder: Path) -> None:
        turns = page_of(folder).one("ol", "turns").all("li")
        assert len(turns) == len(SHAPES)
        third = turns[2].text
        for told in (
            "repair",
            "rules · L1",
            "undone",
            "L1 ✗ FAIL",
            "+13 −3",
            "3,000 in (400 cached) / 93 out",
            "price unknown",
            "33 s + 12 s judging",
            "5 failing:",
            "test_rules_4",
            "more tests fail than before",
            "The agent said: “I changed rules.py”",
        ):
            assert told in third, told
        assert "$0.020 priced" in turns[1].text
        assert "Added as recorded cases: taxi-row.jsonl" in turns[5].text

    def test_the_link_leads_to_the_diff(self, folder: Path) -> None:
        turn = page_of(folder).one("ol", "turns").all("li")[0]
        target = str(turn.one("a").attributes["href"])
        (place,) = [n for n in turn.walk() if f"#{n.attributes.get('id')}" == target]
        assert place.tag == "details"
        assert "+RULE_15 = 15" in place.one("pre").text

    def test_totals(self, folder: Path) -> None:
        table = page_of(folder).one("div", "totals").one("table")
        told = {(row[0], row[1]): row[2:] for row in rows(table)[1:]}
        assert list(told) == [
            ("rules", "L1"),
            ("reset", "L1"),
            ("whole", "L3"),
            ("rules", "L3"),
            ("total", ""),
        ]
        assert told["rules", "L1"][:3] == ["4", "3", "$0.070 + 1 unknown"]
        assert told["total", ""][:3] == ["8", "7", "$0.330 + 1 unknown"]
        assert told["total", ""][3] == "36.0K / 756"

    def test_tiles_and_speed(self, folder: Path) -> None:
        tree = page_of(folder)
        tiles = [n.text for n in tree.all("div", "tile")]
        assert "250.0 × random play at batch size 8,192: 50.0M steps/s" in tiles[0]
        assert "$0.330 8 turns" in tiles[1]
        assert "1 of unknown price, not counted" in tiles[1]
        dots = tree.section("Speed").all("circle")
        assert [n.one("title").text for n in dots] == [
            "candidate: 1.00M steps/s at 32",
            "candidate: 9.00M steps/s at 512",
            "candidate: 50.0M steps/s at 8,192",
        ]

    def test_prompt_hashes(self, folder: Path) -> None:
        assert f"turn 8 {8:064x}" in page_of(folder).section("Provenance").text

    def test_the_diff_of_other_commits_is_another(self, tmp_path: Path) -> None:
        tree = page_of(project(tmp_path / "p", 1, ["a = 1\n", "a = 2  # <b>\n"]))
        diff = tree.one("pre", "diff").text
        assert "-a = 1 +a = 2 # <b>" in diff


class TestEscaping:
    def test_evidence_full_of_markup(self, tmp_path: Path) -> None:
        found = divergence(
            field=EVIL,
            allowed=EVIL,
            actions=[EVIL],
            also=[EVIL + "2"],
            before={EVIL: EVIL},
            reference_state={EVIL: EVIL},
            candidate_state={EVIL: [EVIL]},
        )
        failed = Check(EVIL, EVIL, Verdict.FAIL, EVIL, {EVIL: 3}, found, EVIL)
        evil = report(
            suite=EVIL,
            reference=EVIL,
            candidate=EVIL,
            pins={EVIL: EVIL},
            checks=[failed, dataclasses.replace(failed, divergence=None)],
            features={EVIL: 3, EVIL + "0": 0},
            reference_coverage={EVIL: 1},
            deviations={EVIL: 2},
            not_verified=[EVIL],
            not_compared=[EVIL],
            versions={EVIL: EVIL},
        )
        transfer = gather(["pong"]).subjects[0].transfer
        assert transfer is not None
        (tmp_path / "evil.json").unlink(missing_ok=True)
        evil.write(tmp_path / "evil.json")
        page = gather([str(tmp_path / "evil.json")])
        learned = dataclasses.replace(transfer, reason=EVIL, config=EVIL, training={EVIL: EVIL})
        subject = dataclasses.replace(
            page.subjects[0], transfer=learned, source=EVIL, why=EVIL, missing={"speed": EVIL}
        )
        self.check(dataclasses.replace(page, subjects=[subject]), at_least=25)

    def test_a_ledger_full_of_markup(self, folder: Path) -> None:
        page = gather([str(folder)])
        subject = page.subjects[0]
        assert subject.translation is not None
        texts = ("kind", "module", "level", "agent", "model", "why", "said", "diff", "diff_note")
        turn = dataclasses.replace(
            subject.translation.turns[0],
            **dict.fromkeys(texts, EVIL),
            dollars_source=EVIL[:20],
            verdicts={EVIL: EVIL},
            failing=[EVIL],
            fixtures=[EVIL],
        )
        translation = dataclasses.replace(subject.translation, turns=[turn], notes=[EVIL])
        drawn = data.Throughput(EVIL, [data.Series(EVIL, [1, 2], [1.0, 2.0])], 1.0, EVIL)
        subject = dataclasses.replace(
            subject,
            translation=translation,
            throughput=[drawn],
            speedups=[data.Speedup(EVIL, 2.0, 1.0, EVIL)],
        )
        self.check(dataclasses.replace(page, subjects=[subject]), at_least=12)

    def check(self, page: data.Page, at_least: int) -> None:
        tree = read(render(page))
        for node in tree.walk():
            assert node.tag not in {"script", "img"}, node
            assert not any(name.startswith("on") for name in node.attributes), node.attributes
        # The texts are there, as texts: nothing was dropped, nothing was evaluated.
        text = tree.text
        assert text.count("<script>alert(1)</script>") >= at_least
        assert "{{ 7 * 7 }}" in text
        assert "&lt;" not in text


class TestSize:
    def test_300_turns(self, tmp_path: Path) -> None:
        texts = ["".join(f"x[{n}] = '<{n * v}>'\n" for n in range(3_000)) for v in range(1, 6)]
        page = gather([str(project(tmp_path / "p", 300, texts))])
        html = render(page)
        assert len(html.encode()) < LARGEST
        turns = read(html).one("ol", "turns").all("li")
        assert len(turns) == 300
        assert "lines are left out" in turns[299].text
        assert len(turns[299].one("pre", "diff").text) > 1_000

    def test_texts_without_end(self, tmp_path: Path) -> None:
        long = "x" * 300_000
        (tmp_path / "long.json").write_text("")
        checks = [
            Check("L3", f"{n} {long}"[:9_000], Verdict.PASS, long[:9_000]) for n in range(900)
        ]
        report(checks=checks, reference=long, not_verified=[long]).write(tmp_path / "long.json")
        html = render(gather([str(tmp_path / "long.json")]))
        assert len(html.encode()) < LARGEST
        assert "298,800 more characters" in html
        assert "900 checks, the first 400 are listed" in read(html).text

    def test_too_many_sources_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("envlift.report.page.render.LARGEST", 50_000)
        with pytest.raises(ValueError, match="give fewer sources at once"):
            render(gather(["pong"]))


def test_tokens_that_nobody_counted_are_unknown(tmp_path: Path) -> None:
    page = gather([str(project(tmp_path / "p", 3))])
    (subject,) = page.subjects
    assert subject.translation is not None

    def total(translation: data.Translation) -> str:
        changed = dataclasses.replace(subject, translation=translation)
        tree = read(render(dataclasses.replace(page, subjects=[changed])))
        return tree.one("tr", "sum").all("td")[-2].text

    assert total(subject.translation) == "6.00K / 276"
    none = dataclasses.replace(subject.translation.total, input_tokens=0, output_tokens=0)
    assert total(dataclasses.replace(subject.translation, total=none)) == "unknown"


def test_numbers_for_people() -> None:
    assert [money(x) for x in (0, 0.00012, 0.0345, 0.5, 1234.5)] == [
        "$0.00",
        "$0.00012",
        "$0.035",
        "$0.500",
        "$1,234.50",
    ]
    assert [duration(x) for x in (0.04, 12, 59.7, 250, 240, 11_100)] == [
        "0.0 s",
        "12 s",
        "1 min",
        "4 min 10 s",
        "4 min",
        "3 h 5 min",
    ]
    assert cut("abcdef", 3) == "abc… (3 more characters)"
    assert cut("abc", 3) == "abc"
