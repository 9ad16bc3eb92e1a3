"""What a suite file imports: the fields, policies and configurations that say what is compared."""

from envlift.verify.suite.declare import (
    Component,
    Config,
    Deviation,
    Feature,
    Field,
    Horizon,
    PairError,
    Part,
    Place,
    Policy,
    Scenario,
    Suite,
    Trace,
    Transfer,
    applies,
    load_deviations,
)
from envlift.verify.suite.default import DEFAULT_TOLERANCE, default_suite, for_pair

__all__ = [
    "DEFAULT_TOLERANCE",
    "Component",
    "Config",
    "Deviation",
    "Feature",
    "Field",
    "Horizon",
    "PairError",
    "Part",
    "Place",
    "Policy",
    "Scenario",
    "Suite",
    "Trace",
    "Transfer",
    "applies",
    "default_suite",
    "for_pair",
    "load_deviations",
]
