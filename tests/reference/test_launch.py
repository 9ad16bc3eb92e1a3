"""From a string to a reference: forms, classes, interpreters."""

import shutil
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from envlift.reference.client import ReferenceFailure
from envlift.reference.launch import open_reference

SERVED = Path(__file__).with_name("served.py")


@pytest.mark.parametrize("spec", ["", "pong", "gymnasium:", "python:", "python:module", "ruby:x:Y"])
def test_an_unknown_form_lists_the_forms(spec):
    with pytest.raises(ValueError, match="names no reference") as caught:
        open_reference(spec, num_lanes=1)
    for form in ("gymnasium:ID", "python:module:Class", "file.py:Class", "process:program"):
        assert form in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("python:no_such.module:Class", "there is no module 'no_such' for"),
        ("python:nowhere/file.py:Class", "there is no file"),
        (f"python:{SERVED}:Talkativ", "has no class 'Talkativ'; it has Talkative"),
        ("python:collections:OrderedDickt", "it has OrderedDict"),
    ],
)
def test_a_class_that_is_not_there(spec, says):
    with pytest.raises(ReferenceFailure) as caught:
        open_reference(spec, num_lanes=1)
    assert says in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_an_unknown_option_is_reported():
    with pytest.raises(ReferenceFailure, match="unexpected keyword argument 'gaol'"):
        open_reference(f"python:{SERVED}:Talkative", num_lanes=1, config={"gaol": 3})


def test_a_module_is_found_in_the_working_directory(tmp_path):
    shutil.copy(SERVED, tmp_path / "game_of_mine.py")
    with open_reference("python:game_of_mine:Talkative", num_lanes=1, cwd=tmp_path) as reference:
        assert reference.spec.name == "talkative"
    with open_reference("python:game_of_mine.py:Talkative", num_lanes=1, cwd=tmp_path) as reference:
        assert reference.spec.name == "talkative"


def test_another_interpreter_needs_only_numpy(tmp_path):
    """A bare virtual environment that sees NumPy alone: no envlift, no JAX."""
    place = tmp_path / "venv"
    venv.create(place, with_pip=False)
    packages = next(place.glob("lib/python*/site-packages"))
    numpy = Path(np.__file__).parent
    for folder in numpy.parent.glob("numpy*"):
        (packages / folder.name).symlink_to(folder)
    (tmp_path / "asks.py").write_text(
        "import importlib.util, sys\n"
        "sys.path.append(sys.argv[0])\n"
        f"exec(open({str(SERVED)!r}).read())\n"
        "class Asks(Talkative):\n"
        "    def coverage(self):\n"
        "        return {sys.prefix: 1, 'jax': int(importlib.util.find_spec('jax') is not None)}\n"
    )
    config = {"interpreter": str(place)}
    target = f"python:{tmp_path / 'asks.py'}:Asks"
    clean = {"PATH": "/usr/bin:/bin"}
    with open_reference(target, num_lanes=1, config=config, env=clean) as reference:
        assert reference.coverage() == {str(place): 1, "jax": 0}
        reference.reset(np.zeros(1, np.int64))
        assert reference.step(np.zeros((2, 1), np.int32)).observation.shape == (2, 1, 2)


def test_an_interpreter_that_does_not_exist():
    with pytest.raises(ValueError, match="there is no interpreter '/no/python'"):
        open_reference(
            f"python:{SERVED}:Talkative", num_lanes=1, config={"interpreter": "/no/python"}
        )


def test_environment_and_words_of_a_process():
    code = "import os, sys; sys.exit(int(os.environ['STATUS']) + len(sys.argv[1]))"
    with pytest.raises(ReferenceFailure, match="exit status 43"):
        open_reference(
            f'process:{sys.executable} -c "{code}" "x y"', num_lanes=1, env={"STATUS": "40"}
        )
