import io
from dataclasses import replace

import pytest
from rich.console import Console

from envlift.bench.bars import compare
from envlift.bench.benchmark import Case, benchmark_of
from envlift.bench.result import Measurement, Result
from envlift.bench.show import print_result

DEVICE = "Some Processor With A Long Name (64 cores, 2.25 GHz, 256 MiB) and an Accelerator beside"


def result() -> Result:
    """Two rows of which one is wider than 80 columns."""
    measured = [
        Measurement(
            "loop/c/16", "reference", "loop", "plain", "gcc -O3 -march=native -ffast-math -flto",
            "cpu", 1, 65_536, 10**8, 1, [2.0, 2.5, 3.0],
        ),
        Measurement(
            "environment/warp/16", "candidate", "environment", "plain", "warp", "cpu", 16,
            1_048_576, 10**8, 1, [0.25, 0.5, 1.0], 123.4,
        ),
    ]  # fmt: skip
    return Result(
        environment="pong",
        environment_version=1,
        command="envlift bench pong",
        date="2026-01-02T03:04:05+00:00",
        device=DEVICE,
        machine={"cpu": "a chip", "cores": 64, "gpu": None, "system": "Linux"},
        versions={"python": "3.11"},
        quick=False,
        reference="toy",
        measurements=measured,
        bars=compare(measured, replace(benchmark_of("pong"), cases=(Case("plain"),))),
    )


def printed(**options: object) -> list[str]:
    console = Console(file=io.StringIO(), highlight=False, **options)  # type: ignore[arg-type]
    print_result(console, result())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


WHOLE = (
    ("reference", "gcc -O3 -march=native -ffast-math -flto", "1 process", "65536",
     "40.0M", "33.3M..50.0M", "1.00"),
    ("env only", "warp", "16 threads", "1048576", "200M", "100M..400M", "123.4 s", "5.00"),
)  # fmt: skip


@pytest.mark.parametrize("columns", [20, 80])
def test_in_a_pipe_every_row_is_whole(columns: int) -> None:
    lines = printed(width=columns, force_terminal=False)
    for cells in WHOLE:
        (row,) = [line for line in lines if line.startswith(f"{cells[0]} ")]
        at = [row.find(cell) for cell in cells]
        assert -1 not in at, row
        assert at == sorted(at)
    assert f"pong on {DEVICE}" in lines
    assert not any("\N{HORIZONTAL ELLIPSIS}" in line for line in lines)


def test_on_a_terminal_nothing_is_wider_than_it() -> None:
    lines = printed(width=60, force_terminal=True, color_system=None, legacy_windows=False)
    cut = [line for line in lines if "\N{HORIZONTAL ELLIPSIS}" in line]
    assert len(cut) >= 2, "two rows do not fit"
    assert max(len(line) for line in cut) <= 60
