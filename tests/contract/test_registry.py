"""Names to environments, and errors that help."""

from __future__ import annotations

import pytest

import envlift
from envlift.registry import registration
from tests.contract import toy
from tests.contract.cases import Case, cases


def test_every_registered_environment_is_in_the_suite() -> None:
    assert {case.name for case in cases()} == set(envlift.list_envs())
    assert sum(case.name == "toy" for case in cases()) == 1 + len(toy.REGISTRATION.variants)


def test_unknown_name_lists_the_known_ones(case: Case) -> None:
    with pytest.raises(ValueError, match="no environment is named 'pnog'") as error:
        envlift.make("pnog")
    assert case.name in str(error.value).split("known: ")[1].split(", ")
    with pytest.raises(ValueError, match="no environment is named 'pnog'"):
        envlift.make_vec("pnog", num_envs=2)


def test_a_name_is_given_once(case: Case) -> None:
    with pytest.raises(ValueError, match=f"{case.name!r} is registered already"):
        envlift.register(registration(case.name))


def test_a_registration_describes_itself(case: Case) -> None:
    entry = registration(case.name)
    assert entry.name == case.name
    assert entry.title
    assert (entry.suite is None) == (entry.reference is None), "a reference needs a suite"
