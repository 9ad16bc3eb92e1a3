from __future__ import annotations

import numpy as np
import pytest

from envlift.verify.suite import Config, Feature, Field, Policy, Scenario, Suite, load_deviations


def test_a_tolerance_needs_a_reason():
    with pytest.raises(ValueError, match="without a reason"):
        Field("x", atol=1e-3)
    assert Field("x", atol=1e-3, reason="float32").exact is False


def test_starting_by_chance_needs_chance():
    with pytest.raises(ValueError, match="no draw_chance"):
        Suite("s", "r", "c", start="chance")


def test_a_scenario_may_only_reach_known_features():
    with pytest.raises(ValueError, match="unknown features"):
        Suite("s", "r", "c", scenarios=(Scenario("sc", {}, (0,), ("nothing",)),))


def test_a_part_may_only_name_known_configurations():
    with pytest.raises(ValueError, match=r"policy 'p' names unknown configurations \['b'\]"):
        Suite("s", "r", "c", configs=(Config("a"),), policies=(Policy("p", configs=("b",)),))
    Feature("f", lambda t: np.zeros(0))


def test_deviations_are_read_from_toml(tmp_path):
    path = tmp_path / "deviations.toml"
    path.write_text(
        '[[deviation]]\nid="a"\nfield="x"\ncondition="terminated"\nreason="r"\nlink="l"\n'
    )
    assert load_deviations(path)[0].condition == "terminated"
