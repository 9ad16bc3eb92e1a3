"""Messages and arrays, both ways, in both modes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from envlift.reference import wire
from envlift.reference.types import ArraySpec, SideSpec

ARRAYS = st.sampled_from(wire.DTYPES).flatmap(
    lambda dtype: hnp.arrays(
        dtype,
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
        elements=(
            {"allow_nan": False, "allow_infinity": False} if dtype.startswith("float") else None
        ),
    )
)


def arrive(pieces):
    """Feed a message byte by byte, as a slow pipe would, with the next one behind it."""
    data = b"".join(bytes(piece) for piece in pieces)
    frames, received = wire.Frames(), bytearray()
    for at in range(len(data)):
        assert frames(received) is None, "complete too early"
        received += data[at : at + 1]
    assert frames(received + b'{"id":9}\n') == len(data)
    return frames.header, memoryview(data)[frames.body :]


@given(st.dictionaries(st.sampled_from("abc"), ARRAYS, max_size=3), st.booleans(), st.booleans())
def test_what_is_packed_is_unpacked(arrays, binary, described):
    header, raw = arrive(wire.pack({"id": 1, "x": arrays}, binary=binary, described=described))
    for name, array in arrays.items():
        back = wire.unpack(header["x"][name], array.shape, array.dtype.name, raw)
        np.testing.assert_array_equal(back, array, strict=True)
        if binary or described:
            again = wire.unpack_described(header["x"][name], raw)
            np.testing.assert_array_equal(again, array, strict=True)


def test_views_and_foreign_byte_orders_are_packed_in_order():
    array = np.arange(12, dtype=">i4").reshape(3, 4)[::-1, ::2]
    header, raw = arrive(wire.pack({"x": array}, binary=True))
    np.testing.assert_array_equal(wire.unpack(header["x"], (3, 2), "int32", raw), array)


@pytest.mark.parametrize(
    ("value", "shape", "dtype", "says"),
    [
        ([1, 2], (3,), "int32", "expected a flat list of 3 numbers"),
        (3, (), "int32", "got 3"),
        ([[1, 2]], (1,), "int32", "flat list"),
        ([[1], [1, 2]], (2,), "float32", "flat list"),
        (["1"], (1,), "float64", "flat list"),
        ([{}], (1,), "float64", "flat list"),
        ([0.5], (1,), "uint8", "0.5 is not a whole number"),
        ([float("nan")], (1,), "int32", "nan is not a whole number"),
        ([None], (1,), "bool", "nan is not a whole number"),
        ([256], (1,), "uint8", "256 is outside of the dtype uint8"),
        ([-1], (1,), "uint64", "-1 is outside"),
        ([2**70], (1,), "uint64", "flat list"),
        ([2], (1,), "bool", "2 is outside of the dtype bool"),
        ({"dtype": "int32", "shape": [1], "data": [1.5]}, (1,), "int32", "1.5"),
        ({"dtype": "int64", "shape": [1], "data": [1]}, (1,), "int32", "expected the dtype int32"),
        ({"dtype": "int32", "shape": [1, 1], "data": [1]}, (1,), "int32", "expected the shape"),
        ({"dtype": "int32", "shape": [-1], "offset": 0}, (1,), "int32", "shape"),
        ({"dtype": "object", "shape": [1], "offset": 0}, (1,), "int32", "dtypes are bool"),
        (
            {"dtype": "int32", "shape": [2], "offset": 4},
            (2,),
            "int32",
            "outside of the 8 raw bytes",
        ),
        ({"dtype": "int32", "shape": [2], "offset": -4}, (2,), "int32", "outside of the 8 raw"),
        ({"dtype": "bool", "shape": [8], "offset": 0}, (8,), "bool", "byte 0 or 1"),
    ],
)
def test_wrong_arrays_are_explained(value, shape, dtype, says):
    raw = memoryview(b"\1\0\0\7\0\0\0\0")
    with pytest.raises(wire.WireError) as caught:
        wire.unpack(value, shape, dtype, raw)
    assert says in str(caught.value)


def test_whole_floats_are_integers_and_booleans_numbers():
    assert wire.unpack([1.0, -3.0], (2,), "int16", memoryview(b"")).tolist() == [1, -3]
    assert wire.unpack([True, 0], (2,), "bool", memoryview(b"")).tolist() == [True, False]
    assert wire.unpack([True, 2.5], (2,), "float32", memoryview(b"")).tolist() == [1.0, 2.5]
    assert wire.unpack([], (0, 3), "int8", memoryview(b"")).shape == (0, 3)


def test_plain_text_refuses_what_json_cannot_say():
    with pytest.raises(wire.WireError, match="NaN or infinite"):
        wire.pack({"x": np.array([np.nan])}, binary=False)


@pytest.mark.parametrize("line", [b"", b"[]", b"nonsense", b"\xff\xfe", b"[" * 100_000])
def test_lines_that_are_no_messages(line):
    with pytest.raises(wire.WireError, match="not a JSON object"):
        wire.parse_line(line)
    with pytest.raises(wire.WireError, match="number of bytes"):
        wire.Frames()(bytearray(b'{"binary":-4}\n'))


def test_a_spec_comes_back_as_it_was():
    spec = SideSpec(
        name="all of it",
        observation=ArraySpec((2, 3), "float32"),
        action=ArraySpec((2,), "float64"),
        action_low=(-1.0, 0.0),
        action_high=(1.0, 2.0),
        num_actions=4,
        state={"x": ArraySpec((), "bool")},
        chance=ArraySpec((1,), "uint8"),
        legal_actions=True,
        self_reset=True,
        pins={"a": "1"},
        reward=ArraySpec((2,), "float32"),
    )
    assert wire.read_spec(wire.write_spec(spec)) == spec
