"""Names to environments, and errors that help."""

from __future__ import annotations

import itertools

import pytest

import envlift
from envlift.registry import registration
from tests.contract import toy
from tests.contract.cases import DEFAULTS, Case, cases, pairwise


def test_every_registered_environment_is_in_the_suite() -> None:
    assert {case.name for case in cases()} == set(envlift.list_envs())
    assert [case.alone for case in cases() if case.name == "duel"] == [False, False, True]
    assert sum(case.name == "toy" for case in cases()) == 1 + len(toy.REGISTRATION.variants)


def test_unknown_name_lists_the_known_ones(case: Case) -> None:
    with pytest.raises(ValueError, match="no environment is named 'pnog'") as error:
        envlift.make("pnog")
    assert case.name in str(error.value).split("known: ")[1].split(", ")
    with pytest.raises(ValueError, match="no environment is named 'pnog'"):
        envlift.make_vec("pnog", num_envs=2)


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [("pong", "frame_skip", "frameskip"), ("half_cheetah", "frameskip", "frame_skip")],
)
def test_an_option_of_a_near_name_is_named(name: str, given: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"'{given}'; did you mean '{meant}'\\? Its options are"):
        envlift.make(name, **{given: 4})


def test_a_name_is_given_once(case: Case) -> None:
    with pytest.raises(ValueError, match=f"{case.name!r} is registered already"):
        envlift.register(registration(case.name))


def test_a_registration_describes_itself(case: Case) -> None:
    entry = registration(case.name)
    assert entry.name == case.name
    assert entry.title
    info = envlift.make(case.name).info
    assert entry.gymnasium_id == f"envlift/{info.name}-v{info.version}"
    assert (entry.suite is None) == (entry.reference is None), "a reference needs a suite"


def test_every_pair_of_options_is_in_the_suite() -> None:
    variants = registration("pong").variants
    chosen = [*pairwise(variants, DEFAULTS["pong"]), DEFAULTS["pong"]]
    for options in variants:
        for pair in itertools.combinations(options.items(), 2):
            assert any(set(pair) <= set(one.items()) for one in chosen), pair
    assert len(chosen) < len(variants)
    assert pairwise(({"a": 1}, {"a": 2}), {"a": 2}) == [{"a": 1}]


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_a_default_is_what_it_is_said_to_stand_for(name: str) -> None:
    info = envlift.make(name).info
    own = {"backend": info.backend, **info.options}
    assert DEFAULTS[name].items() <= own.items()
