"""Any pair, started by seed, that may drift apart as it plays."""

from envlift.verify.suite import Field, Suite

WHY = "rounding of its own grows as it plays"
SUITE = Suite(
    name="drifting",
    reference="",
    candidate="",
    start="seed",
    observation=Field("observation", atol=1e-6, drift=1e3, reason=WHY),
    reward=Field("reward", atol=1e-6, drift=1e3, reason=WHY),
)
