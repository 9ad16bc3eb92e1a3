"""`envlift report`: what it takes, what it writes, and what it says of everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envlift.cli import main
from envlift.registry import list_envs, list_vector_envs
from envlift.report.page.gather import gather, read
from tests.report.translated import PROJECT, project, report


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run where what is written does no harm."""
    inside = tmp_path / "here"
    inside.mkdir()
    monkeypatch.chdir(inside)
    return inside


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["report", *words]) == 4
    error = capsys.readouterr().err
    assert error.startswith("envlift: ")
    return error


class TestWritten:
    def test_both_files_and_the_verdicts(
        self, place: Path, evidence: Path, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["report", "pong", str(evidence), str(folder)]) == 0
        told = capsys.readouterr().out
        for line in ("pong [jax]: PASS", "taxi: FAIL", "taxi [jax]: PASS", "report.json"):
            assert line in told
        page = read(place / "report.json")
        assert [s.kind for s in page.subjects] == ["environment"] * 2 + ["evidence", "project"]
        assert (place / "report.html").read_text().startswith("<!DOCTYPE html>")
        assert sorted(path.name for path in place.iterdir()) == ["report.html", "report.json"]

    def test_names_of_the_files(self, place: Path, evidence: Path) -> None:
        assert main(["report", str(evidence), "--out", "deep/page.html"]) == 0
        assert (place / "deep" / "page.json").is_file()
        assert main(["report", str(evidence), "--out", "p.html", "--json", "d/data.json"]) == 0
        assert (place / "d" / "data.json").is_file()

    def test_a_project_named_like_an_environment(self, place: Path) -> None:
        project(place / "pong")
        assert [s.kind for s in gather(["pong"]).subjects] == ["project"]

    def test_a_folder_named_like_an_environment(self, place: Path) -> None:
        (place / "pong").mkdir()
        assert {s.kind for s in gather(["pong"]).subjects} == {"environment"}

    def test_diffs_shrink_until_the_page_fits(
        self, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        texts = ["".join(f"{n * v}\n" for n in range(20_000)) for v in (1, 2)]
        source = str(project(place / "p", 8, texts))
        monkeypatch.setattr("envlift.report.page.render.LARGEST", 120_000)
        assert main(["report", source]) == 0
        assert (place / "report.html").stat().st_size < 120_000


class TestRefused:
    def test_no_such_source(self, capsys: pytest.CaptureFixture[str]) -> None:
        known = ", ".join(sorted([*list_envs(), *list_vector_envs()]))
        assert "pong" in known
        assert "gameboy" in known
        assert f"known environments: {known}\n" in refused(capsys, "pnog")

    def test_a_folder_without_a_project(
        self, place: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (place / "empty").mkdir()
        assert "there is no envlift.toml in it" in refused(capsys, "empty")

    def test_a_project_without_turns(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (place / "new").mkdir()
        (place / "new" / "envlift.toml").write_text(PROJECT)
        assert "no turns" in refused(capsys, "new")

    def test_a_broken_project_file(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (folder / "envlift.toml").write_text("format = 7")
        assert "format = 7 is not known" in refused(capsys, str(folder))

    def test_a_broken_ledger(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (folder / ".envlift" / "ledger.jsonl").write_text("nonsense\n")
        assert "ledger.jsonl:1 is not an event" in refused(capsys, str(folder))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "is not JSON"),
            (b"{", "is not JSON"),
            (b"\xff\xfe\x00", "is not JSON"),
            (b"[" * 100_000, "is not JSON"),
            (b"[]", "it has no checks"),
            (b'{"schema_version": 1, "mutants": []}', "it has no checks"),
        ],
    )
    def test_no_evidence(
        self, place: Path, content: bytes, message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (place / "x.json").write_bytes(content)
        error = refused(capsys, "x.json")
        assert message in error
        assert "x.json" in error

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"schema_version": 2}, "has schema_version 2, this reads 1"),
            ({"schema_version": None}, "has schema_version None"),
            ({"verdict": "PASS"}, "says 'PASS', but its checks say FAIL"),
            ({"seed": "one"}, "seed is 'one', not a whole number"),
            ({"features": {"a": "many"}}, "features.a is 'many', not a whole number"),
            ({"features": {"a": True}}, "features.a is True, not a whole number"),
            ({"pins": []}, "pins is [], not an object"),
            ({"surprise": 1}, "surprise is not known"),
            ({"checks": [{"level": "L1", "name": "x"}]}, "checks[0].verdict is missing"),
            (
                {"checks": [{"level": "L1", "name": "x", "verdict": "GOOD"}]},
                "checks[0].verdict is 'GOOD'; known: PASS, FAIL",
            ),
            ({"transfer": {"directions": {"candidate": {"effect": 1}}}}, "transfer is not whole"),
            ({"transfer": {"directions": 3}}, "transfer is not whole"),
            ({"curves": [{"side": "candidate"}]}, "curves[0] is no curve"),
            (
                {"curves": [{"side": "candidate", "steps": [1, 2], "return": [1]}]},
                "steps and return differ in length",
            ),
        ],
    )
    def test_evidence_with_a_fault(
        self,
        place: Path,
        change: dict[str, Any],
        message: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        found = report(failing=True).to_json()
        if "checks" in change:
            found["verdict"] = "INCONCLUSIVE"
        (place / "x.json").write_text(json.dumps(found | change))
        assert message in refused(capsys, "x.json")

    def test_a_source_is_not_overwritten(
        self, place: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        report().write(place / "report.json")
        before = (place / "report.json").read_text()
        assert "would be overwritten" in refused(capsys, "report.json")
        assert (place / "report.json").read_text() == before

    def test_one_name_for_both_files(
        self, evidence: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert "both name x" in refused(capsys, str(evidence), "--out", "x", "--json", "x")

    def test_where_nothing_can_be_written(
        self, place: Path, evidence: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (place / "file").write_text("")
        assert "cannot be written" in refused(capsys, str(evidence), "--out", "file/x.html")
