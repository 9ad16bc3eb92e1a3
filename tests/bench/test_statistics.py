import pytest

from envlift.bench.plan import calls
from envlift.bench.show import short
from envlift.bench.statistics import Rate, paired_ratio, rate


def test_a_rate_is_the_median_and_the_spread() -> None:
    assert rate(100, [1.0, 2.0, 10.0, 4.0, 5.0]) == Rate(25.0, 10.0, 100.0)


def test_one_lucky_repetition_does_not_move_the_median() -> None:
    assert rate(100, [1.0, 1.0, 1e-6, 1.0, 1.0]).median == 100.0


@pytest.mark.parametrize("seconds", [[], [1.0, 0.0], [-1.0]])
def test_times_that_cannot_be_are_refused(seconds: list[float]) -> None:
    with pytest.raises(ValueError, match=r"repetition"):
        rate(1, seconds)


def test_noise_that_hits_both_sides_of_a_pair_cancels() -> None:
    assert paired_ratio([10.0, 1.0, 20.0], [5.0, 0.5, 10.0]) == Rate(2.0, 2.0, 2.0)


def test_a_ratio_without_pairs_is_refused() -> None:
    with pytest.raises(ValueError, match="repetition of both"):
        paired_ratio([1.0], [])


def test_a_repetition_lasts_long_enough() -> None:
    assert calls(0.1, 0.3) == 3
    assert calls(0.11, 0.3) == 3
    assert calls(5.0, 0.3) == 1


@pytest.mark.parametrize(
    ("number", "text"),
    [(196e6, "196M"), (2.754e9, "2.75G"), (35.46e6, "35.5M"), (999.8e6, "1.00G"), (120, "120")],
)
def test_rates_are_written_in_three_digits(number: float, text: str) -> None:
    assert short(number) == text
