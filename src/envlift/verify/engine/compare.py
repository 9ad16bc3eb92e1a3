"""Comparing two records, field by field. NaN is equal to the reference's NaN and to nothing else.

Shape letters: ``T`` steps, ``B`` lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from envlift.reference.failure import ReferenceFailure
from envlift.reference.types import Array, Record, StateDict
from envlift.verify.suite import Deviation, Field, PairError, Suite, Trace

MOST_ENTRIES = 64
"""Differing entries of one field that are told."""


@dataclass(frozen=True)
class Mismatch:
    """Where and how one field differs.

    Attributes:
        field: the field compared.
        bad: bool [T, B].
        reference, candidate: what was compared, [T, B, ...].
    """

    field: Field
    bad: Array
    reference: Array
    candidate: Array

    def at(self, t: int, b: int) -> list[tuple[str, Any, Any]]:
        """Return the label and both values of every differing entry of a cell, in order.

        Of a picture the first ``MOST_ENTRIES``. What has another shape, or is one number, is one
        entry.
        """
        reference, candidate = self.reference[t, b], self.candidate[t, b]
        whole = [(self.field.name, reference.tolist(), candidate.tolist())]
        if reference.shape != candidate.shape or reference.ndim == 0:
            return whole
        entries = np.argwhere(differs(reference, candidate, self.field))[:MOST_ENTRIES].tolist()
        found = [(self._label(i), reference[*i].item(), candidate[*i].item()) for i in entries]
        return found or whole

    def _label(self, index: list[int]) -> str:
        if len(index) == 1 and index[0] < len(self.field.labels):
            return f"{self.field.name}.{self.field.labels[index[0]]}"
        return f"{self.field.name}[{', '.join(map(str, index))}]"


def differs(reference: Array, candidate: Array, field: Field) -> Array:
    """Return a bool array, true where two arrays of one shape differ.

    NaN differs from every number; where both are NaN, that is the reference's own value.
    """
    return np.asarray(_differs(reference, candidate, field) & ~(_nan(reference) & _nan(candidate)))


def _nan(values: Array) -> Array:
    return np.isnan(values) if values.dtype.kind in "fc" else np.zeros(values.shape, np.bool_)


def refuse_nan_of_reference(found: Sequence[Mismatch], operation: str) -> None:
    """Raise if the first difference is a NaN of the reference: nobody can be held to that.

    Args:
        found: what differs, each [T, B, ...].
        operation: what was asked, for the message.

    Raises:
        ReferenceFailure: naming the field.
    """
    if not found:
        return
    t, lane = np.argwhere(np.any([mismatch.bad for mismatch in found], axis=0))[0].tolist()
    for mismatch in found:
        label, reference, candidate = mismatch.at(t, lane)[0]
        if mismatch.bad[t, lane] and _is_nan(reference) and not _is_nan(candidate):
            raise ReferenceFailure(
                f"{label} is nan, the candidate has {candidate}", operation=operation, lane=lane
            )


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and np.isnan(value)


def _differs(reference: Array, candidate: Array, field: Field) -> Array:
    found = _beyond_tolerance(reference, candidate, field)
    if field.exact_at and reference.ndim and reference.shape[-1] > max(field.exact_at):
        at = list(field.exact_at)
        found[..., at] |= reference[..., at] != candidate[..., at]
    return found


def _beyond_tolerance(reference: Array, candidate: Array, field: Field) -> Array:
    if field.ulp:
        return np.asarray(ulp_distance(reference, candidate) > field.ulp)
    if reference.dtype.kind not in "fc":
        return np.asarray(~(reference == candidate))
    if field.exact:
        # Every bit counts: -0.0 is not 0.0.
        zeros = (reference == 0) & (np.signbit(reference) != np.signbit(candidate))
        return np.asarray(~(reference == candidate) | zeros)
    a, b = reference.astype(np.float64), candidate.astype(np.float64)
    with np.errstate(invalid="ignore"):
        close = np.abs(b - a) <= field.atol + field.rtol * np.abs(a)
        return np.asarray(~(close | (np.isinf(a) & (a == b))))


def ulp_distance(reference: Array, candidate: Array) -> Array:
    """Return how many representable numbers lie between two float arrays; NaN is infinitely far."""
    if reference.dtype != candidate.dtype or reference.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"ulp needs float32 or float64 on both sides, not {reference.dtype} and "
            f"{candidate.dtype}; use atol instead"
        )
    integer = np.int32 if reference.dtype == np.float32 else np.int64

    def ordered(values: Array) -> Array:
        bits = np.ascontiguousarray(values).view(integer).astype(np.float64)
        low = float(np.iinfo(integer).min)
        return np.where(bits < 0, low - bits, bits)

    distance = np.abs(ordered(reference) - ordered(candidate))
    return np.where(np.isnan(reference) | np.isnan(candidate), np.inf, distance)


def compare_field(reference: Array, candidate: Array, field: Field, lead: int = 2) -> Mismatch:
    """Compare one field of shape [T, B, ...] (``lead`` = 2 leading axes).

    A missing entry, another shape and another kind of number (a bool for an int, say) all differ.
    """
    shape = reference.shape[:lead]
    kinds = {"b": "b", "i": "i", "u": "i", "f": "f"}
    same_kind = kinds.get(reference.dtype.kind) == kinds.get(candidate.dtype.kind)
    if reference.shape != candidate.shape or not same_kind:
        return Mismatch(field, np.ones(shape, dtype=bool), reference, candidate)
    bad = differs(reference, candidate, field)
    return Mismatch(
        field, np.asarray(bad.any(axis=tuple(range(lead, bad.ndim)))), reference, candidate
    )


def compare_states(
    reference: StateDict, candidate: StateDict, fields: Sequence[Field]
) -> list[Mismatch]:
    """Compare the named state fields, each [T, B, ...]."""
    found = []
    for field in fields:
        if field.name not in reference or field.name not in candidate:
            side = "reference" if field.name not in reference else "candidate"
            known = reference if field.name not in reference else candidate
            raise PairError(
                f"the {side} has no state field {field.name!r}; it has "
                f"{', '.join(sorted(known)) or 'none'}. Rename it in the suite, or translate with "
                "to_reference / to_candidate"
            )
        found.append(compare_field(reference[field.name], candidate[field.name], field))
    return found


def compare_records(
    suite: Suite,
    reference: Record,
    candidate: Record,
    trace: Trace,
    deviation_counts: dict[str, int],
    after_end: bool = True,
    compared: Array | None = None,
) -> list[Mismatch]:
    """Compare everything two records [T, B, ...] show.

    Args:
        suite: fields and allowed deviations.
        reference: what the reference did.
        candidate: what the candidate did, state translated into the reference's fields.
        trace: the reference's trace, for the deviations' conditions.
        deviation_counts: raised by the number of rows in which an allowed difference was seen.
        after_end: whether what follows an end is comparable in this record; where not, the
            observation and state of an ended row are compared before its reset only.
        compared: bool [T, B], false in rows of which nothing is compared; None for all.

    Returns:
        One mismatch per field that differs somewhere, in the order: flags, reward, state,
        observation, masks.
    """
    ended = trace.terminated | trace.truncated
    for side, record in (("reference", reference), ("candidate", candidate)):
        if record.reward is None or record.terminated is None or record.truncated is None:
            raise PairError(f"the {side}'s record has no reward or end flags")
    found = [
        compare_field(_array(reference.terminated), _array(candidate.terminated), TERMINATED),
        compare_field(_array(reference.truncated), _array(candidate.truncated), TRUNCATED),
        compare_field(*_rewards(reference.reward, candidate.reward), suite.reward),
    ]
    after = compare_states(reference.state, candidate.state, suite.state)
    after.append(compare_field(reference.observation, candidate.observation, suite.observation))
    found += after if after_end else [_without(mismatch, ended) for mismatch in after]
    found += _compare_ends(suite, reference, candidate, ended)
    found += compare_info(suite, reference, candidate)
    if reference.legal_actions is not None or candidate.legal_actions is not None:
        found.append(_compare_masks(reference, candidate, ended if not after_end else None))
    if compared is not None:
        found = [_without(mismatch, ~compared) for mismatch in found]
    found = [_allow(mismatch, suite.deviations, trace, deviation_counts) for mismatch in found]
    found = [mismatch for mismatch in found if mismatch.bad.any()]
    refuse_nan_of_reference(found, "step")
    return found


TERMINATED = Field("terminated")
TRUNCATED = Field("truncated")
LEGAL_ACTIONS = Field("legal_actions")


def _array(value: Array | None) -> Array:
    assert value is not None
    return value


def _rewards(reference: Array | None, candidate: Array | None) -> tuple[Array, Array]:
    """Return both rewards in the narrower of the two precisions, which is as far as both go.

    Python floats on one side meet float32 on the other; two float64 are compared as such.
    """
    one, other = _array(reference), _array(candidate)
    wide = one.dtype == other.dtype == np.float64
    dtype = np.float64 if wide else np.float32
    return one.astype(dtype), other.astype(dtype)


def _without(mismatch: Mismatch, rows: Array) -> Mismatch:
    return Mismatch(mismatch.field, mismatch.bad & ~rows, mismatch.reference, mismatch.candidate)


def _compare_ends(
    suite: Suite, reference: Record, candidate: Record, ended: Array
) -> list[Mismatch]:
    """Compare the last observation and state of ended episodes, where the reference shows them."""
    found = []
    if reference.final_observation is not None and candidate.final_observation is not None:
        field = suite.observation
        final = compare_field(reference.final_observation, candidate.final_observation, field)
        found.append(_without(_renamed(final), ~ended))
    if reference.final_state is not None and candidate.final_state is not None:
        for final in compare_states(reference.final_state, candidate.final_state, suite.state):
            found.append(_without(_renamed(final), ~ended))
    return found


def compare_info(suite: Suite, reference: Record, candidate: Record) -> list[Mismatch]:
    """Compare the numbers of info that both sides name, and whether they are there."""
    found = []
    for name in reference.info:
        plain = name.removesuffix("?")
        if name not in candidate.info or plain in suite.info_left_out:
            continue
        ours, theirs = reference.info[name], candidate.info[name]
        field = Field(f"info.{plain} is there") if name != plain else _info_field(suite, name)
        if ours.dtype.kind in "biu" and theirs.dtype.kind in "biu":
            ours, theirs = ours.astype(np.int64), theirs.astype(np.int64)
        else:
            ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
        mismatch = compare_field(ours, theirs, field)
        if name == plain:
            both = reference.info[f"{name}?"] & candidate.info[f"{name}?"]
            mismatch = _without(mismatch, ~both)
        found.append(mismatch)
    return found


def _info_field(suite: Suite, name: str) -> Field:
    if suite.info is not None:
        return replace(suite.info, name=f"info.{name}")
    close = suite.observation
    atol, rtol = max(close.atol, 1e-6), max(close.rtol, 1e-5)
    return Field(f"info.{name}", atol=atol, rtol=rtol, reason="numbers of info may be rounded")


def _renamed(mismatch: Mismatch) -> Mismatch:
    field = replace(mismatch.field, name=f"final {mismatch.field.name}")
    return Mismatch(field, mismatch.bad, mismatch.reference, mismatch.candidate)


def _compare_masks(reference: Record, candidate: Record, skip: Array | None) -> Mismatch:
    """Compare masks; a side that shows none allows every action."""
    shown = reference.legal_actions if reference.legal_actions is not None else None
    other = candidate.legal_actions if candidate.legal_actions is not None else None
    if shown is None:
        shown = np.ones_like(_array(other))
    if other is None:
        other = np.ones_like(shown)
    mismatch = compare_field(shown, other, LEGAL_ACTIONS)
    return mismatch if skip is None else _without(mismatch, skip)


def _allow(
    mismatch: Mismatch, deviations: Sequence[Deviation], trace: Trace, counts: dict[str, int]
) -> Mismatch:
    for deviation in deviations:
        if deviation.field == mismatch.field.name and mismatch.bad.any():
            allowed = mismatch.bad & deviation.allows(trace)
            counts[deviation.id] = counts.get(deviation.id, 0) + int(allowed.sum())
            mismatch = _without(mismatch, allowed)
    return mismatch


def allowed_text(field: Field) -> str:
    """Say in words what would have passed."""
    if field.ulp:
        return f"{field.ulp} unit{'s' if field.ulp > 1 else ''} in the last place"
    if field.exact:
        return "nothing: exact"
    return f"{field.atol:g} + {field.rtol:g} * |reference|"
