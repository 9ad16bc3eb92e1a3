"""Counter-based chance: the same numbers in JAX and Warp, and numbers that look like chance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import warp as wp

from envlift.targets import chance, warp_chance, warp_init

warp_init.init()

KEY = jax.random.key(20_231)


@wp.kernel(enable_backward=False)
def draw(
    word_0: wp.array(dtype=wp.uint32),
    word_1: wp.array(dtype=wp.uint32),
    bits: wp.array(dtype=wp.uint32),
    action_bits: wp.array(dtype=wp.uint32),
    below: wp.array(dtype=wp.int32),
    unit: wp.array(dtype=wp.float32),
):
    i = wp.tid()
    word = warp_chance.bits(word_0[i], word_1[i])
    bits[i] = word
    action = warp_chance.stream(word_0[i], wp.uint32(chance.ACTION))
    action_bits[i] = warp_chance.bits(action, word_1[i])
    below[i] = warp_chance.below(word, wp.uint32(7))
    unit[i] = warp_chance.unit(word)


def test_warp_draws_the_same_numbers():
    keys = jax.random.split(KEY, 10_000)
    words = [wp.array(np.asarray(w), device="cpu") for w in chance.words(keys)]
    dtypes = (wp.uint32, wp.uint32, wp.int32, wp.float32)
    outs = [wp.zeros(10_000, dtype=t, device="cpu") for t in dtypes]
    wp.launch(draw, dim=10_000, inputs=words, outputs=outs, device="cpu")
    word = chance.bits(keys)
    wanted = (
        word,
        chance.bits(chance.stream(keys, chance.ACTION)),
        chance.below(word, 7),
        chance.unit(word),
    )
    for out, want in zip(outs, wanted, strict=True):
        np.testing.assert_array_equal(out.numpy(), want)


def test_known_numbers_never_change():
    """A recorded game must play again in the next version."""
    keys = jnp.array([[0, 0], [0, 1], [1, 0], [2**32 - 1, 2**32 - 1]], jnp.uint32)

    def mix(word):
        for shift, multiplier in ((16, 0x7FEB352D), (15, 0x846CA68B)):
            word = (word ^ word >> shift) * multiplier % 2**32
        return word ^ word >> 16

    wanted = [mix(mix(b) ^ a) for a, b in keys.tolist()]
    assert chance.bits(keys).tolist() == wanted


def lanes_by_steps(lanes=512, steps=512, label=0):
    keys = chance.lane_keys(KEY, lanes)
    keys = jax.vmap(lambda t: chance.at_step(keys, t))(jnp.arange(steps))
    return np.asarray(chance.bits(chance.stream(keys, label) if label else keys))  # [T, B]


def correlation(a, b):
    return abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) * np.sqrt(a.size)


def test_every_bit_is_even():
    words = lanes_by_steps()
    for bit in range(32):
        share = ((words >> bit) & 1).mean()
        assert abs(share - 0.5) * 2 * np.sqrt(words.size) < 5, bit


@pytest.mark.parametrize("bit", [0, 1, 8, 31])
def test_neighbouring_lanes_steps_and_streams_are_independent(bit):
    one = (lanes_by_steps() >> bit) & 1
    other = (lanes_by_steps(label=chance.ACTION) >> bit) & 1
    assert correlation(one[1:], one[:-1]) < 5
    assert correlation(one[:, 1:], one[:, :-1]) < 5
    assert correlation(one[1:, 1:], one[:-1, :-1]) < 5
    assert correlation(one, other) < 5


def test_numbers_do_not_repeat_more_than_chance_says():
    words = lanes_by_steps(1024, 1024)
    repeats = words.size - np.unique(words).size
    expected = words.size**2 / 2 / 2**32
    assert abs(repeats - expected) < 6 * np.sqrt(expected)


def test_one_changed_bit_of_a_key_changes_half_of_the_result():
    keys = np.asarray(jax.random.bits(KEY, (4000, 2)), np.uint32)
    before = np.asarray(chance.bits(jnp.asarray(keys)))
    for word in range(2):
        for bit in range(32):
            changed = keys.copy()
            changed[:, word] ^= np.uint32(1 << bit)
            difference = before ^ np.asarray(chance.bits(jnp.asarray(changed)))
            flips = np.unpackbits(difference.view(np.uint8)).mean()
            assert abs(flips - 0.5) < 0.02, (word, bit)


def test_below_is_even_and_unit_is_uniform():
    words = jnp.asarray(lanes_by_steps())
    for n in (1, 2, 3, 256):
        counts = np.bincount(np.asarray(chance.below(words, n)).ravel(), minlength=n)
        assert counts.size == n
        expected = words.size / n
        assert ((counts - expected) ** 2 / expected).sum() < n + 6 * np.sqrt(2 * n)
    unit = np.asarray(chance.unit(words)).ravel()
    assert unit.min() >= 0
    assert unit.max() < 1
    histogram = np.histogram(unit, 64, (0, 1))[0]
    expected = unit.size / 64
    assert ((histogram - expected) ** 2 / expected).sum() < 64 + 6 * np.sqrt(128)


def test_extremes_stay_in_range():
    ends = jnp.array([0, 2**32 - 1], jnp.uint32)
    assert chance.below(ends, 3).tolist() == [0, 2]
    assert chance.unit(ends).tolist() == [0.0, 1 - 2.0**-24]


def test_lanes_are_different_and_depend_on_the_key():
    one = np.asarray(jax.random.key_data(chance.lane_keys(KEY, 4096)))
    two = np.asarray(jax.random.key_data(chance.lane_keys(jax.random.key(20_232), 4096)))
    both = np.concatenate([one, two])
    assert np.unique(both, axis=0).shape == both.shape
    # Sequential seeds must not share shifted lanes.
    assert np.intersect1d(one[:, 1], two[:, 1]).size <= 1


def test_keys_keep_their_kind():
    raw = jax.random.key_data(KEY)
    for function in (
        lambda k: chance.stream(k, 3),
        lambda k: chance.lane_keys(k, 4),
        lambda k: chance.at_step(k, 9),
    ):
        typed, plain = function(KEY), function(raw)
        assert jnp.issubdtype(typed.dtype, jax.dtypes.prng_key)
        assert plain.dtype == jnp.uint32
        np.testing.assert_array_equal(jax.random.key_data(typed), plain)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="two uint32 words is needed"):
        chance.bits(jax.random.key(0, impl="rbg"))
    with pytest.raises(ValueError, match="one key is needed"):
        chance.lane_keys(jax.random.split(KEY, 3), 4)
    for n in (0, 257):
        with pytest.raises(ValueError, match=f"n={n} is out of range"):
            chance.below(jnp.uint32(0), n)
