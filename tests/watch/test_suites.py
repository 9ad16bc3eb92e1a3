"""Suites with another reference, and of two references."""

from __future__ import annotations

import shlex
from dataclasses import fields

import pytest

from envlift.verify.suite import Field
from envlift.verify.suite.find import find_suite
from envlift.watch.suites import other_reference, two_references


@pytest.mark.parametrize("name", ["half_cheetah", "gameboy"])
def test_nothing_but_the_reference_is_another(name: str) -> None:
    ours, made = find_suite(name)[0], other_reference(name, requirements="new.txt")
    changed = {
        field.name
        for field in fields(made)
        if getattr(made, field.name) != getattr(ours, field.name)
    }
    assert changed <= {"name", "configs", "corpus", "transfer"}
    compared = [config for config in ours.configs if not config.transfer_only]
    for old, new in zip(compared, made.configs, strict=True):
        assert new.reference == {**old.reference, "requirements": "new.txt"}
        assert (new.candidate, new.fields, new.resync) == (old.candidate, old.fields, old.resync)


@pytest.mark.parametrize("name", ["half_cheetah", "gameboy"])
def test_two_references_are_compared_exactly_and_with_nothing_copied(name: str) -> None:
    ours, made = find_suite(name)[0], two_references(name, requirements="new.txt")
    assert made.candidate == made.reference == ours.reference
    assert all(field.exact for field in (*made.state, made.observation, made.reward))
    assert [field.name for field in made.state] == [field.name for field in ours.state]
    assert made.start == "seed"
    assert made.to_candidate is made.to_reference is None
    for config in made.configs:
        assert config.candidate == {**config.reference, "requirements": "new.txt"}
        assert config.reference["requirements"] != "new.txt"
        assert (config.fields, config.resync, config.x64) == ((), None, False)
    for component in made.components:
        assert component.candidate is None
        assert all(field.exact for field in component.fields)
    assert not made.deviations


def test_a_folder_of_packages_may_have_a_blank_in_its_name() -> None:
    made = other_reference("pokemon", packages="/home/a b/it's")
    assert shlex.split(made.reference.partition(":")[2])[-1] == "/home/a b/it's"


def test_packages_of_node() -> None:
    launch = "process:python -m envlift.watch.node envlift.envs.pokemon.reference /packages"
    ours = find_suite("pokemon")[0]
    moved, both = (f("pokemon", packages="/packages") for f in (other_reference, two_references))
    assert (moved.reference, moved.candidate) == (launch, "pokemon")
    assert (both.reference, both.candidate) == (ours.reference, launch)
    # The old packages are still needed where they are asked.
    assert both.prepare is ours.prepare
    assert moved.prepare is None
    assert both.start == "chance"
    assert all(isinstance(field, Field) for field in both.state)
