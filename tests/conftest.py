"""What all tests share: compiled programs, whole modules on one worker, a browser or GPU or none.

Tests that open a page in a real browser are left out where there is none, and it is said. In CI,
where the environment variable ``CI`` is set, they run and fail without a browser. Tests on a GPU
are left out where there is none, in CI too, and it is said. This stands at the top because with
several workers only what is loaded here can speak at the end.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import sys
import zlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")

# One program is compiled by many tests, by every worker and by the processes that tests start:
# JAX keeps it in a folder from which all of them take it. It has to be known before JAX is
# imported. A file that another worker is just writing is not read; ``filterwarnings`` says so.
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / "build" / "jax-cache")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

# Half of the time went into XLA's optimiser. Tests ask what a program computes and not how fast, so
# theirs are compiled with less of it; ``tests/verify/play/test_as_users_compile.py`` compiles as
# users do. XLA ends a process that is given a flag it does not know, so another version gets none.
QUICK_TO_COMPILE = "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0"
QUICK = version("jax").startswith("0.10.") and not shutil.which("nvidia-smi")
if QUICK:
    os.environ.setdefault("XLA_FLAGS", QUICK_TO_COMPILE)

# Tests start some thousand processes, each of which would start threads for large matrices.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def find_browser() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def left_out() -> bool:
    return not find_browser() and not os.environ.get("CI")


def has_gpu() -> bool:
    return bool(shutil.which("nvidia-smi"))


def group(item: pytest.Item) -> str | None:
    """Return what a test has to share with others: it runs on the same worker as they do.

    That is a case of the contract suite, or whatever a fixture of more than one test holds.
    """
    call = getattr(item, "callspec", None)
    if call is not None and "case" in call.params and "contract" in item.path.parts:
        return f"contract {call.params['case']}"
    fixtures = getattr(item, "_fixtureinfo").name2fixturedefs.values()  # noqa: B009
    scopes = {definition[-1].scope for definition in fixtures if definition}
    own = scopes & {"class", "module", "package"}
    return str(item.path) if own else None


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if name := group(item):
            item.add_marker(pytest.mark.xdist_group(name))
    absent = [name for name, gone in (("browser", left_out()), ("gpu", not has_gpu())) if gone]
    needing = [item for item in items if any(map(item.get_closest_marker, absent))]
    if needing:
        items[:] = [item for item in items if item not in needing]
        config.hook.pytest_deselected(items=needing)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if left_out():
        terminalreporter.write_line(
            f"tests in a browser are left out: no {', '.join(NAMES)} on the PATH; install the "
            "package chromium to run them"
        )
    if not has_gpu():
        terminalreporter.write_line(
            "tests on a GPU are left out: no nvidia-smi on the PATH; run "
            "`pytest -m gpu` on a machine that has one"
        )


def _stages() -> dict[str, object]:
    """Return the levels of the verifier; none where no test of this process loaded it yet."""
    session = sys.modules.get("envlift.verify.run.session")
    return {} if session is None else dict(session.STAGES)


@pytest.fixture
def _whole_verifier() -> Iterator[None]:
    """See that a test leaves no level of the verifier replaced for those that come after it."""
    before = _stages()
    yield
    after = _stages()
    own = {name: s for name, s in after.items() if s.__module__.startswith("envlift.verify.")}
    whole = before or own
    changed = [name for name in whole | after if whole.get(name) is not after.get(name)]
    assert not changed, f"this test left {changed} of the verifier replaced; use monkeypatch"


@pytest.fixture(autouse=True)
def _no_fresh_chance(
    _whole_verifier: None,  # first, so that it looks after monkeypatch has undone what it did
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Let a run of ``verify`` draw the same seed whenever a test is run: it cannot fail one day."""
    drawn = random.Random(zlib.crc32(request.node.nodeid.partition("@")[0].encode()))
    monkeypatch.setattr(secrets, "randbits", drawn.getrandbits)
