"""What the pages show with other libraries runs with them: each block by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Block, blocks, run_block

pytestmark = pytest.mark.libraries

NEEDING = [
    pytest.param(page, block, id=f"{page.name}:{block.line}")
    for page in PAGES
    for block in blocks(page.read_text(encoding="utf-8"))
    if block.needs
]


def test_every_library_is_shown() -> None:
    shown = {name for needing in NEEDING for name in needing.values[1].needs}
    assert shown == {"stable-baselines3", "sb3-contrib", "torchrl", "torch"}


# TorchRL warns of itself when its collectors are imported.
@pytest.mark.filterwarnings("ignore:.* inherits from WeightUpdaterBase:DeprecationWarning")
@pytest.mark.parametrize(("page", "block"), NEEDING)
def test_runs(page: Path, block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    run_block(block, str(page), {"__name__": "__docs__"})
