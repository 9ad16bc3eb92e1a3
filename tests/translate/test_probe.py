"""What `envlift init` sees of a reference."""

from envlift.translate.init.probe import look


def test_acrobots_rounding_is_measured_in_play_not_after_its_float32_reset():
    probe = look("gymnasium:Acrobot-v1", {})
    assert probe.attributes == ("state",)
    assert probe.left_out == {}
    assert 0 < probe.close["state.state"].once < 1e-5
    assert probe.close["state.state"].later >= probe.close["state.state"].once
