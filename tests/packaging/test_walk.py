"""The first ten minutes, as a user walks them: a wheel, a fresh environment, no repository around.

What the README promises and nothing else: a trained policy's film, a FAIL on a wrong port, a
verdict on an environment of one's own. Then once more with nothing of the extras installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = ("flax", "optax", "orbax", "matplotlib", "PIL", "tensorboardX", "onnx", "pettingzoo")
FEW = ("--quick", "--lanes", "2", "--level", "L2", "--level", "L3", "--seed", "1")
Envlift = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with the wheel; its dependencies are those of the tests."""
    folder = tmp_path_factory.mktemp("fresh")
    command = [
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index",
        "--no-build-isolation", "--disable-pip-version-check", "--wheel-dir", str(folder),
        str(ROOT),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("*.whl")
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    # A folder named in a .pth brings its packages, and not what other .pth files there bring: an
    # envlift that is installed from a checkout stays out.
    (packages / "dependencies.pth").write_text("\n".join(_dependencies()))
    return venv / "bin" / "python"


def _dependencies() -> list[str]:
    known = {sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]}
    return sorted(known | {path for path in sys.path if path.endswith("site-packages")})


@pytest.fixture
def envlift(python: Path, tmp_path: Path) -> Envlift:
    """Run a command of the installed envlift in an empty folder."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        return subprocess.run(
            [str(python), "-m", "envlift.cli", *words],
            cwd=tmp_path,
            env=clean | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_it_is_the_installed_one(python: Path, tmp_path: Path) -> None:
    known = "'envlift/pong-v1' in gymnasium.registry"
    code = f"import envlift, gymnasium; print(envlift.__file__, {known})"
    done = subprocess.run(
        [str(python), "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == (
        f"{next(python.parents[1].glob('lib/python*/site-packages'))}/envlift/__init__.py True"
    )


def test_a_trained_policys_film(envlift: Envlift, tmp_path: Path) -> None:
    small = ("--num-envs", "16", "--horizon", "16", "--total-steps", "512", "--minibatches", "4")
    trained = envlift("train", "pong", "--out", "runs/first", *small)
    assert trained.returncode == 0, trained.stderr
    film = ("--gif", "pong.gif", "--seconds", "1", "--max-steps", "20")
    played = envlift("play", "pong", "--checkpoint", "runs/first", *film)
    assert played.returncode == 0, played.stderr
    assert (tmp_path / "pong.gif").read_bytes()[:6] == b"GIF89a"


def test_a_fail_on_a_wrong_port(envlift: Envlift, tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples" / "cartpole_phys2d.py", tmp_path)
    done = envlift("verify", "gymnasium:CartPole-v1", "cartpole_phys2d.py", *FEW)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "state.x_dot at step 1" in done.stdout
    lines = [line for line in done.stdout.splitlines() if "envlift repro" in line]
    again = lines[0].split()[-1]
    repeated = envlift("repro", again)
    assert repeated.returncode == 1, repeated.stdout + repeated.stderr
    assert "state.x_dot" in repeated.stdout


def test_a_verdict_on_an_environment_of_ones_own(envlift: Envlift, tmp_path: Path) -> None:
    for name in ("my_env.py", "my_suite.py"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    done = envlift("verify", "my_suite.py", *FEW)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS (levels L2, L3)" in done.stdout


def test_without_any_extra(envlift: Envlift, tmp_path: Path) -> None:
    """``list``, ``play --random``, ``verify`` and ``report`` need nothing beside the package."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    lines = "".join(f"sys.modules[{name!r}] = None\n" for name in EXTRAS)
    (blocked / "sitecustomize.py").write_text(f"import sys\n{lines}")
    for name in ("my_env.py", "my_suite.py"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    for words in (
        ("list",),
        ("play", "pong", "--random", "--max-steps", "5"),
        ("verify", "my_suite.py", "--quick", "--lanes", "2", "--level", "L2", "--json", "own.json"),
        ("report", "own.json"),
    ):
        done = envlift(*words, PYTHONPATH=str(blocked))
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    assert "my MountainCar" in (tmp_path / "report.html").read_text()
    done = envlift("train", "pong", PYTHONPATH=str(blocked))
    assert done.returncode == 4
    assert 'pip install "flax>=' in done.stderr
