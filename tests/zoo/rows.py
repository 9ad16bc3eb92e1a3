"""The zoo's list: two environments, how they are compared, and what a user must be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PASS, FAIL, INCONCLUSIVE, USAGE = 0, 1, 2, 4

SEED = HERE / "suites" / "by_seed.py"
DICE = HERE / "suites" / "dice.py"
DRIFTING = HERE / "suites" / "drifting.py"
SMALL = ("--quick",)


@dataclass(frozen=True)
class Row:
    """One case.

    Attributes:
        id: its name; the part of the list it belongs to comes first.
        reference, candidate: launch strings.
        code: the exit code.
        words: what must be printed; a tuple in it means one of these.
        listed: where it is given, PASS is right too, if a line of "not compared" or "not
            verified" has these words.
        suite: a suite file, None for a comparison without a suite.
        arguments: further ones.
        whole: whether the run goes on after a failed level and makes the difference short.
    """

    id: str
    reference: str
    candidate: str
    code: int
    words: tuple[str | tuple[str, ...], ...] = ()
    listed: str | None = None
    suite: Path | None = None
    arguments: tuple[str, ...] = SMALL
    whole: bool = False


def gym(module: str, name: str) -> str:
    return f"gymnasium:zoo_{module}:{name}-v0"


def served(file: str, name: str) -> str:
    return f"python:{HERE / file}.py:{name}"


# -- every action is tried -------------------------------------------------------------------------

ACTIONS = (
    *("Buttons", "AllButtons", "ButtonGrid", "LastChoice", "ChoiceStart", "ChoiceGrid", "Start"),
    *("NegativeStart", "ManyChoices", "IntBox", "IntBoxEnd", "Bytes", "HighEnd", "LowEnd"),
    *("OneSided", "Unbounded", "Half", "Wide", "Uneven", "Scalar", "Pair", "Named", "Nested"),
)

EVERY_ACTION = [
    *(
        Row(
            f"actions-{name}-wrong",
            gym("actions", f"Good{name}"),
            gym("actions", f"Bad{name}"),
            FAIL,
            ("reward",),
        )
        for name in ACTIONS
    ),
    *(
        Row(
            f"actions-{name}-self",
            gym("actions", f"Good{name}"),
            gym("actions", f"Good{name}"),
            PASS,
            arguments=(*SMALL, "--level", "L3"),
        )
        for name in ("Buttons", "ChoiceStart", "OneSided", "Half", "Pair", "Nested")
    ),
    Row(
        "actions-out-of-range",
        gym("actions", "Clips"),
        gym("actions", "ForgetsToClip"),
        FAIL,
        ("reward", "envlift repro"),
        whole=True,
    ),
    Row("masks-self", served("board", "Board"), served("board", "Board"), PASS),
    Row("masks-wrong", served("board", "Board"), served("board", "WrongMask"), FAIL, ("legal",)),
    Row("masks-rare-move", served("board", "Board"), served("board", "Three"), FAIL, ("reward",)),
    Row(
        "masks-nothing-legal", served("board", "Board"), served("board", "Stuck"), FAIL, ("legal",)
    ),
]

# -- judged before it is converted, and the rest of the contract -----------------------------------


def shown(id: str, reference: str, candidate: str, *words: str, listed: str | None = None) -> Row:
    sides = gym("shown", reference), gym("shown", candidate)
    return Row(f"shown-{id}", *sides, FAIL, words, listed, SEED)


SHOWN = [
    shown("not-whole", "Integers", "NotWhole", "observation"),
    shown("not-whole-state", "Whole", "NotWholeState", "observation"),
    shown("wraps-around", "Byte", "WrapsAround", "observation"),
    shown("transposed", "Image", "Transposed", "observation"),
    shown("extra-key", "Image", "ExtraKey", "more"),
    shown("no-array", "Shown", "Unbatched", "observation"),
    shown("another-shape", "Shown", "DoubleRow", "observation"),
    shown("outside", "Shown", "Outside", "observation"),
    shown("negative-zero", "Zeros", "Negated", "observation", listed="sign of zero"),
    shown("reward-array", "Shown", "RewardArray", "reward", listed="reward"),
    shown("reward-text", "Shown", "RewardText", "reward"),
    shown("reward-none", "Shown", "RewardNone", "reward"),
    shown("reward-rounded", "Shown", "RewardRounded", "reward"),
    shown("end-none", "Shown", "EndsNone", "terminated", listed="terminated"),
    shown("end-two", "Shown", "EndsTwo", "terminated", listed="terminated"),
    shown("end-half", "Shown", "EndsAtHalf", "terminated"),
    shown("bounds", "Shown", "Bounds", "observation", listed="bounds"),
    shown("start", "Shown", "Start", "5"),
    shown("keys", "TwoKeys", "OtherKeys", "p"),
    shown("kind-of-action", "Buttons", "Floats", "action"),
    shown("info-mask", "Shown", "Mask", "action_mask"),
    shown("info-value", "Shown", "Depth", "depth", listed="info"),
    shown("info-missing", "Shown", "NoInfo", "info", listed="info"),
    shown("info-late", "Shown", "LateInfo", "info", listed="info"),
    shown("info-path", "NotesEnd", "WrongPath", "info.path"),
    shown("info-inner", "NotesEnd", "WrongInner", "info.parts[1].x"),
    shown("info-episode", "NotesEnd", "WrongEpisode", "info.episode.r"),
    shown("info-none", "Empty", "InfoNone", "info"),
    shown("mask-seen", "MaskSeen", "MaskSeenWrong", "reward"),
    shown("mask-of-parts", "MaskOfParts", "MaskOfPartsWrong", "reward"),
    shown("buffer", "Shown", "Buffer", "observation", listed="buffer"),
    shown("action-written", "ManyButtons", "WritesAction", "action", listed="in place"),
    shown("globals", "Shown", "SeedsGlobals", "random", listed="random"),
    shown("no-seed", "Shown", "OneEpisode", "without a seed", listed="without a seed"),
    shown("seed-0", "Shown", "SeedZero", "observation[0]", listed="seed 0"),
    shown("options", "Options", "Shown", "options", listed="options"),
    *(
        Row(
            f"shown-{name}-self",
            gym("shown", name),
            gym("shown", name),
            PASS,
            suite=SEED,
        )
        for name in (
            *("Shown", "Image", "Integers", "Buttons", "NotesEnd", "MaskSeen"),
            *("MaskOfParts", "MaskInARow"),
        )
    ),
]

# -- first observations and resets -----------------------------------------------------------------

STARTS = [
    Row(
        "first-by-seed",
        gym("starts", "Drawn"),
        gym("starts", "DrawnZeros"),
        FAIL,
        ("observation[0]", "--seed"),
        suite=SEED,
        whole=True,
    ),
    Row(
        "first-within-a-drift",
        gym("starts", "Drawn"),
        gym("starts", "DrawnNear"),
        FAIL,
        ("first observations or states differ",),
        suite=DRIFTING,
        whole=True,
    ),
    *(
        Row(f"first-{name}", gym("starts", "Readable"), gym("starts", name), FAIL, ("observation",))
        for name in ("ReadableZeros", "ReadableStale")
    ),
    *(
        Row(
            f"first-ever-{name}",
            gym("starts", "Drawn"),
            gym("starts", name),
            FAIL,
            ("first episodes of new environments", word),
        )
        for name, word in (("FirstReset", "observation"), ("FirstEpisode", "reward"))
    ),
    Row("first-ever-self", gym("starts", "FirstReset"), gym("starts", "FirstReset"), PASS),
    *(
        Row(f"seeds-{name}", gym("starts", "Drawn"), gym("starts", name), FAIL, ("observation",))
        for name in ("WideSeed", "SmallSeed")
    ),
    Row(
        "first-by-chance",
        served("dice", "Dice"),
        served("dice", "DiceZero"),
        FAIL,
        ("observation",),
        suite=DICE,
        whole=True,
    ),
    Row("starts-narrow", gym("starts", "Readable"), gym("starts", "Narrow"), FAIL, ("start",)),
    Row("starts-one", gym("starts", "Readable"), gym("starts", "OneStart"), FAIL, ("distinct",)),
    Row(
        "starts-tied",
        gym("starts", "Tied"),
        gym("starts", "TiedTogether"),
        FAIL,
        ("start",),
        listed="jointly",
    ),
    Row(
        "second-episode",
        gym("starts", "Readable"),
        gym("starts", "KeepsCount"),
        FAIL,
        ("truncated",),
    ),
]

# -- a right environment must not fail -------------------------------------------------------------

SELVES = [
    *(
        Row(f"self-{name}", gym("selves", name), gym("selves", name), PASS)
        for name in (
            *("Walk", "Clock", "Goal", "Memory", "NoEffect"),
            *("Method", "Text", "Record", "Nothing", "Object", "Ragged", "ReadOnly", "Raising"),
            *("Grows", "Turns"),
        )
    ),
    Row("self-Slip", gym("selves", "Slip"), gym("selves", "Slip"), PASS),
    *(
        Row(f"wrong-{wrong}", gym("selves", right), gym("selves", wrong), FAIL)
        for right, wrong in (
            *(("Clock", "WrongClock"), ("Goal", "WrongGoal"), ("Slip", "OftenSlip")),
            *(("Memory", "Forgetful"), ("Walk", "OtherNamesWrong"), ("Walk", "LateCut")),
        )
    ),
    *(
        Row(
            f"disagrees-{name}",
            gym("selves", name),
            gym("selves", name),
            PASS,
            ("not verified", "the reference", word),
        )
        for name, word in (
            ("Unseeded", "differs from itself"),
            ("UnseededStep", "differs from itself"),
            ("HashSeeded", "PYTHONHASHSEED"),
        )
    ),
    Row(
        "disagrees-ends-later",
        gym("selves", "Unseeded"),
        gym("selves", "UnseededCut"),
        FAIL,
        ("of play to the end",),
        arguments=(*SMALL, "--lanes", "16"),
    ),
    Row(
        "disagrees-GlobalNumpy",
        gym("selves", "GlobalNumpy"),
        gym("selves", "GlobalNumpy"),
        PASS,
        ("share a generator", "--lanes 1"),
    ),
    Row(
        "disagrees-LateUnseeded",
        gym("selves", "LateUnseeded"),
        gym("selves", "LateUnseeded"),
        PASS,
        ("not compared: resets without a seed (the reference differs from itself",),
    ),
    Row(
        "self-Running",
        gym("selves", "Running"),
        gym("selves", "Running"),
        PASS,
        ("from the first one of new environments on",),
    ),
    Row(
        "wrong-Running",
        gym("selves", "Running"),
        gym("selves", "RunningWrong"),
        FAIL,
        ("observation[0] differs at step 0",),
    ),
    Row("lane-OwnLane", gym("selves", "Goal"), gym("selves", "OwnLane"), FAIL, ("reward",)),
    Row(
        "lane-GlobalNumpy",
        gym("selves", "GlobalNumpy"),
        gym("selves", "GlobalNumpy"),
        PASS,
        arguments=("--quick", "--lanes", "1"),
    ),
    Row("other-names", gym("selves", "Walk"), gym("selves", "OtherNames"), PASS, ("state",)),
    Row("float32-right", gym("selves", "Swing"), gym("selves", "SwingNarrow"), PASS),
    Row("float32-wrong", gym("selves", "Swing"), gym("selves", "SwingWrong"), FAIL),
]

# -- spaces ----------------------------------------------------------------------------------------

SEEN = (
    *("Nested", "Pairs", "Deep", "Words", "Mission", "Several", "Stack", "Half", "Graph", "OneOf"),
    *("Big", "BigInDict", "Flags"),
)

SPACES = [
    Row(f"space-{prefix}{name}", gym("spaces", name), gym("spaces", f"{prefix}{name}"), code, words)
    for name in SEEN
    for prefix, code, words in (("", PASS, ()), ("Wrong", FAIL, ("observation",)))
]

# -- whose fault it was ----------------------------------------------------------------------------

SOON = ("--timeout", "5")
FAULTS = {
    "Raises": "a bug in the step",
    "RaisesOdd": "{the}",
    "RaisesAtReset": "a bug in the reset",
    "RaisesAtSecondReset": "a bug in a later reset",
    "RaisesInInit": "a bug in the constructor",
    "Dies": "",
    "DiesLoud": "7",
    "Aborts": "",
    "Leaves": "",
    "Interrupts": "",
    "Nan": "nan",
    "Infinite": "inf",
    "NanReward": "nan",
    "WrongDtype": "float64",
    "WrongShape": "2",
    "WrongType": "None",
    "ShortAnswer": "",
    "OldReset": "",
    "NoSeed": "",
}
NUMBERS = ("Nan", "Infinite", "NanReward")
HANGS = {"Hangs": "step", "HangsInInit": ""}

BLAME = [
    *(
        Row(
            f"candidate-{name}",
            gym("blame", "Fine"),
            gym("blame", name),
            FAIL,
            ("candidate", word),
            suite=SEED,
        )
        for name, word in FAULTS.items()
    ),
    *(
        Row(
            f"reference-{name}",
            gym("blame", name),
            gym("blame", "Fine"),
            INCONCLUSIVE,
            ("the reference", word),
            suite=SEED,
        )
        for name, word in FAULTS.items()
        if name not in NUMBERS
    ),
    *(
        Row(
            f"candidate-{name}-no-suite",
            gym("blame", "Fine"),
            gym("blame", name),
            FAIL,
            ("candidate", FAULTS[name]),
            whole=True,
        )
        for name in ("Raises", "RaisesInInit", "Dies", "Nan", "WrongDtype")
    ),
    Row(
        "candidate-Hangs",
        gym("blame", "Fine"),
        gym("blame", "Hangs"),
        FAIL,
        ("the candidate", "5 s"),
        suite=SEED,
        arguments=(*SMALL, *SOON),
    ),
    Row(
        "reference-Hangs",
        gym("blame", "Hangs"),
        gym("blame", "Fine"),
        INCONCLUSIVE,
        ("the reference", "5 s"),
        suite=SEED,
        arguments=(*SMALL, *SOON),
    ),
    Row("prints", gym("blame", "Prints"), gym("blame", "Prints"), PASS, suite=SEED),
    Row(
        "reference-Nan-both",
        gym("blame", "Nan"),
        gym("blame", "Nan"),
        PASS,
        ("nan",),
        suite=SEED,
    ),
    Row(
        "reference-Nan-alone",
        gym("blame", "Nan"),
        gym("blame", "Fine"),
        INCONCLUSIVE,
        ("the reference", "nan"),
        suite=SEED,
    ),
    Row("dice-self", served("dice", "Dice"), served("dice", "Dice"), PASS, suite=DICE),
    Row(
        "dice-wrong",
        served("dice", "Dice"),
        served("dice", "LoadedDice"),
        FAIL,
        ("envlift repro",),
        suite=DICE,
        whole=True,
    ),
    Row(
        "dice-raises",
        served("dice", "Dice"),
        served("dice", "DiceRaises"),
        FAIL,
        ("the candidate", "beyond fifteen"),
        suite=DICE,
        whole=True,
    ),
]

# -- time ------------------------------------------------------------------------------------------

TIME = [
    Row(
        "slow-self",
        gym("slow", "Plain"),
        gym("slow", "Slow"),
        PASS,
        suite=SEED,
        arguments=(*SMALL, *SOON),
    ),
    Row(
        "slow-wrong",
        gym("slow", "Slow"),
        gym("slow", "SlowWrong"),
        FAIL,
        ("observation",),
        suite=SEED,
        arguments=(*SMALL, *SOON),
    ),
    Row(
        "slow-make",
        gym("slow", "Plain"),
        gym("slow", "SlowMake"),
        PASS,
        suite=SEED,
        arguments=(*SMALL, *SOON),
    ),
    Row("image-self", gym("slow", "Image"), gym("slow", "Image"), PASS, suite=SEED),
    Row("image-wrong", gym("slow", "Image"), gym("slow", "ImageWrong"), FAIL, suite=SEED),
]

# -- Gymnasium's own -------------------------------------------------------------------------------

PUBLIC = [
    *(
        Row(f"public-{id}", f"gymnasium:{id}", f"gymnasium:{id}", PASS)
        for id in ("FrozenLake-v1", "Taxi-v4", "Blackjack-v1", "Acrobot-v1")
    ),
    Row(
        "public-no-end",
        "gymnasium:CliffWalking-v1",
        "gymnasium:CliffWalking-v1",
        INCONCLUSIVE,
        ("a lane ended 0 episodes in ", "raise --max-steps"),
    ),
    Row(
        "public-time-limit",
        "gymnasium:CartPole-v0",
        "gymnasium:CartPole-v1",
        FAIL,
        ("time limit: the reference has 200, the candidate 500",),
    ),
    Row("public-pendulum", "gymnasium:Pendulum-v1", "gymnasium:phys2d/Pendulum-v0", PASS),
]

ROWS = [*EVERY_ACTION, *SHOWN, *STARTS, *SELVES, *SPACES, *BLAME, *TIME, *PUBLIC]
