"""Rules over one array of numbers: where fields lie, and what is compiled."""

# No deferred annotations: Warp reads those of the rule.

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import warp as wp

from envlift.targets import warp_numbers
from envlift.targets.warp import BatchedRule
from envlift.targets.warp_numbers import Numbers, cold_rule, lookup, place_of, rule

FIELDS = (
    warp_numbers.Place("new", 0, None, "bool"),
    warp_numbers.Place("card", 1, 3, "uint16"),
    warp_numbers.Place("last", 4, None, "uint16"),
)
Small = warp_numbers.struct_of("Small", FIELDS)
copy_in, copy_out = warp_numbers.copies("tests.small", Small, FIELDS)
ones = lookup([[1, 2], [3, 4]])
tens = lookup([[10, 20], [30, 40], [50, 60]])


@cold_rule
def add_rows(b: Numbers, row: wp.int32):
    """Add a number of either table to the first two cards."""
    b[1] = b[1] + ones(row, 1)
    b[2] = b[2] + tens(row, 1)


@rule
def step(state: Small, row: wp.int32):
    """Add, and say that it was done."""
    numbers = wp.zeros(shape=5, dtype=wp.int32)
    b = place_of(numbers)
    copy_in(b, state)
    add_rows(b, row)
    b[0] = 1
    b[4] = b[3]
    state = copy_out(b, state)
    return state, b[1]


def test_fields_of_any_name_and_two_tables() -> None:
    played = BatchedRule(step, Small, {"seen": "int32"}, name="tests.targets.small")
    cards = np.array([[1, 2, 65_535], [4, 5, 6]], np.uint16)
    state = (jnp.zeros(2, jnp.bool_), jnp.asarray(cards), jnp.zeros(2, jnp.uint16))
    rows = jnp.array([0, 1], jnp.int32)
    new, card, last, seen = jax.jit(jax.vmap(played))(*state, rows)
    assert new.all()
    np.testing.assert_array_equal(card, cards + np.array([[2, 20, 0], [4, 40, 0]], np.uint16))
    np.testing.assert_array_equal(last, [65_535, 6])
    np.testing.assert_array_equal(seen, [3, 8])


def test_places_and_offsets_lie_one_behind_the_other() -> None:
    places = warp_numbers.places(FieldLike(p) for p in FIELDS)
    assert places == FIELDS
    found = warp_numbers.offsets(places, (("list", 20), ("count", 1)))
    assert found == {"NEW": 0, "CARD": 1, "LAST": 4, "LIST": 5, "COUNT": 25, "END": 26}


class FieldLike:
    """A field as a state's module describes it."""

    def __init__(self, place: warp_numbers.Place) -> None:
        self.name, self.dtype = place.name, place.dtype
        self.shape = () if place.size is None else (place.size,)


def test_a_number_that_does_not_fit_into_a_table_is_refused() -> None:
    assert "-32768" in warp_numbers.constant_array([[-32_768, 32_767]])
    with pytest.raises(ValueError, match="32768 does not fit"):
        warp_numbers.constant_array([[1], [32_768]])
