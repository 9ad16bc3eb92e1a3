"""A reference's own environment, made from a requirements file; the packages here are made here."""

import hashlib
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from envlift.reference.failure import ReferenceUnavailable
from envlift.reference.launch import choose_interpreter, open_reference
from envlift.reference.processes.venv import environment

SERVED = Path(__file__).with_name("served.py")


@pytest.fixture
def pinned(tmp_path, monkeypatch):
    """A requirements file of one package, `tiny`, which pip finds in a folder; an empty cache."""
    wheels, packages = tmp_path / "wheels", tmp_path / "package_of_mine"
    wheels.mkdir()
    packages.mkdir()
    wheel = wheels / "tiny-1.5-py3-none-any.whl"
    about = "tiny-1.5.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "SIZE = 1.5\n")
        file.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.5\n")
        file.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        file.writestr(f"{about}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("ENVLIFT_CACHE", str(tmp_path / "cache"))
    path = packages / "requirements.txt"
    pin = hashlib.sha256(wheel.read_bytes()).hexdigest()
    path.write_text(f"tiny==1.5 --hash=sha256:{pin}\n")
    return path


def asked(program, code="import tiny; print(tiny.SIZE, tiny.__file__)"):
    return subprocess.run(
        [program, "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


def left_in(cache):
    return [path for path in (cache / "venvs").iterdir() if path.is_dir()]


def test_it_is_made_once_and_holds_what_is_pinned(pinned, monkeypatch, capfd, tmp_path):
    # A package of the same name on PYTHONPATH, which pip would take for an installed one.
    with zipfile.ZipFile(next((tmp_path / "wheels").iterdir())) as wheel:
        wheel.extractall(tmp_path / "elsewhere")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    program = environment(pinned)
    said = capfd.readouterr().err
    assert "making the reference's own environment, once, in" in said
    assert "Successfully installed tiny-1.5" in said
    size, place = asked(program)
    assert size == "1.5"
    assert Path(place).is_relative_to(tmp_path / "cache" / "venvs")

    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    assert environment(pinned) == program
    assert capfd.readouterr().err == ""
    # Another list is another environment.
    pinned.write_text(pinned.read_text() + "# changed\n")
    with pytest.raises(ReferenceUnavailable):
        environment(pinned)


def test_another_file_than_the_pinned_one_is_refused(pinned, tmp_path):
    pinned.write_text(f"tiny==1.5 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(ReferenceUnavailable) as caught:
        environment(pinned)
    for part in ("DO NOT MATCH THE HASHES", "PIP_INDEX_URL", "PIP_FIND_LINKS"):
        assert part in str(caught.value)
    assert left_in(tmp_path / "cache") == []


def test_a_package_without_a_hash_is_refused(pinned):
    pinned.write_text("tiny==1.5\n")
    with pytest.raises(ReferenceUnavailable, match="Hashes are required"):
        environment(pinned)


def test_a_cache_that_cannot_be_written(pinned, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ENVLIFT_CACHE", str(tmp_path / "file"))
    with pytest.raises(ReferenceUnavailable, match="set ENVLIFT_CACHE"):
        environment(pinned)


MAKE = (
    "import sys, pathlib; from envlift.reference.processes.venv import environment; "
    "print(environment(pathlib.Path(sys.argv[1])))"
)


def start(requirements):
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, requirements],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_what_a_killed_process_left_is_made_anew(pinned, tmp_path):
    with start(pinned) as first:
        assert "making the reference's own environment" in first.stderr.readline()
        while not any(left_in(tmp_path / "cache")):
            assert first.poll() is None
        os.kill(first.pid, signal.SIGKILL)
    (half,) = left_in(tmp_path / "cache")
    assert not (half / "lib" / "tiny.py").exists()
    (half / "stray").touch()
    program = environment(pinned)
    assert program.parents[1] == half
    assert asked(program)[0] == "1.5"
    assert not (half / "stray").exists()


def test_two_at_once_make_one(pinned):
    with start(pinned) as first, start(pinned) as second:
        told = [first.communicate(), second.communicate()]
    assert told[0][0] == told[1][0] != ""
    assert sum(said.count("making the reference's own") for _, said in told) == 1
    assert sum(said.count("waiting for it") for _, said in told) == 1


def test_a_reference_runs_in_it(pinned, monkeypatch, tmp_path):
    (pinned.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    config = {"requirements": "package_of_mine:requirements.txt"}
    place = choose_interpreter(dict(config)).parents[1]
    # What a real list would bring: the host needs NumPy.
    packages = next(place.glob("lib/python*/site-packages"))
    numpy = Path(np.__file__).parent
    for folder in numpy.parent.glob("numpy*"):
        (packages / folder.name).symlink_to(folder)
    (tmp_path / "asks.py").write_text(
        f"exec(open({str(SERVED)!r}).read())\n"
        "import tiny\n"
        "class Asks(Talkative):\n"
        "    def coverage(self):\n"
        "        return {sys.prefix: 1, tiny.__file__: 1}\n"
    )
    with open_reference(
        f"python:{tmp_path / 'asks.py'}:Asks", num_lanes=1, config=config
    ) as reference:
        assert set(reference.coverage()) == {str(place), str(packages / "tiny.py")}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"requirements": "no.such_package:a.txt"}, "there is no package 'no.such_package'"),
        ({"requirements": "envlift.reference:a.txt"}, "there is no file"),
        ({"requirements": "a.txt"}, "there is no file"),
        ({"requirements": "a.txt", "interpreter": "python"}, "leave one out"),
    ],
)
def test_a_list_that_is_not_there(config, says):
    with pytest.raises(ValueError, match=says):
        open_reference(f"python:{SERVED}:Talkative", num_lanes=1, config=config)
