"""A run's lines: valid JSON at every moment, and one line per update also after a resume."""

from __future__ import annotations

import errno
import json
import math
import re
import struct
import sys
import types
from datetime import datetime
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from envlift.train import metrics, settings, trackers
from envlift.train.config import Config
from envlift.train.metrics import MetricsError, Recorder


def board(folder: Path) -> Recorder:
    return Recorder(folder, Config(), trackers=[trackers.tracker("tensorboard", folder, Config())])


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]


def test_every_line_is_on_disk_at_once(tmp_path: Path) -> None:
    with Recorder(tmp_path / "deep" / "run", Config()) as recorder:
        recorder.record({"steps": 1, "return": 0.5})
        assert lines(recorder.path) == [{"steps": 1, "return": 0.5}]
        recorder.record(
            {"steps": 2, "return": np.float32(0.5), "kl": jnp.float32(2), "n": np.int8(3)}
        )
        assert lines(recorder.path)[1] == {"steps": 2, "return": 0.5, "kl": 2.0, "n": 3}
    recorder.close()


def test_numbers_that_json_does_not_have(tmp_path: Path) -> None:
    row = {"steps": 1, "a": math.nan, "b": -math.inf, "c": jnp.float32(np.inf), "big": 2**60}
    with Recorder(tmp_path, Config()) as recorder:
        recorder.record(row)
    assert lines(recorder.path) == [{"steps": 1, "a": "nan", "b": "-inf", "c": "inf", "big": 2**60}]
    (found,) = metrics.read(tmp_path)
    assert math.isnan(found.pop("a"))
    assert found == {"steps": 1, "b": -math.inf, "c": math.inf, "big": 2**60}


def test_what_is_not_known_yet(tmp_path: Path) -> None:
    with board(tmp_path) as recorder:
        recorder.record({"steps": 1, "return": None})
    assert lines(recorder.path) == [{"steps": 1, "return": None}]
    assert math.isnan(metrics.read(tmp_path)[0]["return"])
    with Recorder(tmp_path, Config(), resume_at=1) as recorder:
        recorder.record({"steps": 2})
    assert lines(recorder.path) == [{"steps": 1, "return": None}, {"steps": 2}]


@pytest.mark.parametrize("value", ["x", True, np.zeros(2).tolist()])
def test_what_is_no_number(tmp_path: Path, value: object) -> None:
    message = r"the metric kl = .* not a number"
    with Recorder(tmp_path, Config()) as recorder, pytest.raises(TypeError, match=message):
        recorder.record({"steps": 1, "kl": value})
    assert not recorder.path.exists()


def test_a_row_without_steps(tmp_path: Path) -> None:
    with (
        Recorder(tmp_path, Config()) as recorder,
        pytest.raises(ValueError, match="needs 'steps'; it has kl"),
    ):
        recorder.record({"kl": 1})


def test_the_settings_can_be_used_again(tmp_path: Path) -> None:
    config = Config(epochs=2, env_options={"frameskip": 8})
    with Recorder(tmp_path, config) as recorder:
        recorder.record({"steps": 1})
    assert Config(**settings.read_file(tmp_path / "config.toml")) == config


def test_a_resumed_run_has_every_update_once(tmp_path: Path) -> None:
    with Recorder(tmp_path, Config()) as recorder:
        for steps in (10, 20, 30):
            recorder.record({"steps": steps, "try": 1})
    with recorder.path.open("a") as file:
        file.write('{"steps": 40, "tr')  # the process was killed here
    assert [row["steps"] for row in metrics.read(tmp_path)] == [10, 20, 30]
    with Recorder(tmp_path, Config(total_steps=99), resume_at=20) as recorder:
        # As long as nothing new is known, nothing is dropped: the resume may fail.
        assert len(metrics.read(tmp_path)) == 3
        recorder.record({"steps": 30, "try": 2})
    assert [tuple(row.values()) for row in metrics.read(tmp_path)] == [(10, 1), (20, 1), (30, 2)]
    assert settings.read_file(tmp_path / "config.toml")["total_steps"] == 99


def test_a_run_that_does_not_begin_leaves_nothing(tmp_path: Path) -> None:
    with board(tmp_path / "run"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_resuming_what_left_no_metrics(tmp_path: Path) -> None:
    with Recorder(tmp_path, Config(), resume_at=20) as recorder:
        recorder.record({"steps": 30})
    assert lines(recorder.path) == [{"steps": 30}]


@pytest.mark.parametrize("line", ["{", "[1]", '{"return": 1}', '{"steps": "x"}', '{"steps": null}'])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"steps": 1}\n' + line + "\n")
    with pytest.raises(MetricsError, match=r"metrics\.jsonl, line 2 is not a row of metrics"):
        metrics.read(path)


def test_no_metrics(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"metrics\.jsonl: there is no such file"):
        metrics.read(tmp_path)


def test_the_page_explains_every_metric() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "train.md"
    table = page.read_text(encoding="utf-8").partition("## Metrics")[2].partition("JSON has")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE)) == metrics.METRICS


class TestTheRunFolder:
    def test_its_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        now = datetime(2026, 1, 2, 3, 4, 5)
        folder = metrics.run_folder(Config(seed=7), now=now)
        assert folder == Path("runs/pong-20260102-030405-7")
        folder.mkdir(parents=True)
        second = metrics.run_folder(Config(seed=7), now=now)
        assert second == Path("runs/pong-20260102-030405-7-2")
        odd = metrics.run_folder(Config(env="gymnasium:ALE/Pong-v5"), now=now)
        assert odd == Path("runs/gymnasium-ALE-Pong-v5-20260102-030405-0")
        assert metrics.run_folder(Config()).name > "pong-2026"

    def test_one_that_is_in_use(self, tmp_path: Path) -> None:
        assert metrics.run_folder(Config(), tmp_path) == tmp_path
        with Recorder(tmp_path, Config()) as recorder:
            recorder.record({"steps": 1})
        for use in (
            lambda: metrics.run_folder(Config(), tmp_path),
            lambda: Recorder(tmp_path, Config()),
        ):
            with pytest.raises(
                MetricsError, match="holds a run already: continue it with --resume"
            ):
                use()


class TestTensorBoard:
    def test_its_files_hold_the_numbers(self, tmp_path: Path) -> None:
        from tensorboardX.proto.event_pb2 import Event

        with board(tmp_path) as recorder:
            recorder.record({"steps": 10, "return": 0.5})
            recorder.record({"steps": 20, "return": math.nan})
        (path,) = (tmp_path / "tensorboard").iterdir()
        data, found = path.read_bytes(), []
        while data:  # a TFRecord: length, checksum, event, checksum
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
            data = data[16 + length :]
        assert found[:3] == [("steps", 10, 10.0), ("return", 10, 0.5), ("steps", 20, 20.0)]
        assert found[3][:2] == ("return", 20)
        assert math.isnan(found[3][2])

    def test_without_the_package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "tensorboardX", None)
        with pytest.raises(ModuleNotFoundError, match=r'pip install "tensorboardx>='):
            board(tmp_path / "run")
        assert not (tmp_path / "run").exists()


class Service(types.ModuleType):
    """Has the calls of wandb."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.calls: list[Any] = []

    def init(self, **given: Any) -> None:
        self.calls.append(("init", given))

    def log(self, row: Any, step: int) -> None:
        self.calls.append(("log", row, step))

    def finish(self) -> None:
        self.calls.append("finish")


@pytest.mark.parametrize("name", trackers.SERVICES)
def test_a_tracking_service_gets_every_number_that_is_known(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(name)
    monkeypatch.setitem(sys.modules, name, service)
    folder, config = tmp_path / "one", Config(seed=3)
    trackers_ = [trackers.tracker(name, folder, config)]
    with Recorder(folder, config, trackers=trackers_) as recorder:
        assert service.calls == []
        recorder.record({"steps": 10, "return": None, "reward": 0.5})
        recorder.record({"steps": 20, "return": 1.0, "reward": 0.5})
    (what, given), first, second, last = service.calls
    assert (what, given["project"], given["name"], given["resume"]) == (
        *("init", "envlift", "one", "allow"),
    )
    assert given["config"]["seed"] == 3
    assert given.get("id") == ("one" if name == "wandb" else None)
    assert first == ("log", {"steps": 10, "reward": 0.5}, 10)
    assert second == ("log", {"steps": 20, "return": 1.0, "reward": 0.5}, 20)
    assert last == "finish"


def test_trackers_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(ModuleNotFoundError, match=r"--track trackio needs .*: pip install trackio"):
        trackers.tracker("trackio", tmp_path, Config())
    with pytest.raises(ValueError, match="no tracker 'mlflow'; there are tensorboard, wandb"):
        trackers.tracker("mlflow", tmp_path, Config())


class Full:
    """A file on a full disk."""

    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self):
        pass


def test_a_full_disk_is_told(tmp_path):
    with Recorder(tmp_path, Config()) as recorder:
        recorder.record({"steps": 1})
        recorder._file.close()
        recorder._file = Full()
        with pytest.raises(
            MetricsError, match=rf"could not be written: No space left on device; .*{tmp_path}"
        ):
            recorder.record({"steps": 2})
    assert [row["steps"] for row in metrics.read(tmp_path)] == [1]


def test_a_run_that_began_meanwhile_is_not_written_over(tmp_path):
    first, second = Recorder(tmp_path, Config()), Recorder(tmp_path, Config())
    with first:
        first.record({"steps": 1})
    with second, pytest.raises(MetricsError, match="holds a run already"):
        second.record({"steps": 2})
    assert [row["steps"] for row in metrics.read(tmp_path)] == [1]
