"""What taxi and its reference are compared by: everything is whole numbers, so all of it exactly.

The default rules (`is_rainy` and `fickle_passenger` off) have no chance but the start. Chance of a
start is compared as a table of frequencies over all 500 states, because a test on the number of the
state would hardly see a passenger in a wrong place.

Where the modules' functions are looked for (they are compared before there is an environment):
`taxi.codec:encode`, `taxi.codec:decode`, `taxi.grid:action_mask`, `taxi.grid:LOCS`.
"""

import sys
from collections import deque
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from envlift.translate.components import from_function
from envlift.translate.fields import field
from envlift.translate.project import load_project
from envlift.verify.suite import Component, Config, Feature, Field, Policy, Scenario, Suite

HERE = Path(__file__).parent
# Last, so that nothing here stands before a library.
if str(HERE) not in sys.path:
    sys.path.append(str(HERE))

PROJECT = load_project(HERE)

SOUTH, NORTH, EAST, WEST, PICKUP, DROPOFF = range(6)
MOVES = {SOUTH: (1, 0), NORTH: (-1, 0), EAST: (0, 1), WEST: (0, -1)}
STANDS = np.array([(0, 0), (0, 4), (4, 0), (4, 3)])
NAMES = "RGYB"
ABOARD = 4
LIMIT = 200
# Read off the map by eye: there is a wall on the east side of these squares.
WALLS = {(0, 1), (1, 1), (3, 0), (3, 2), (4, 0), (4, 2)}


def number(row, col, passenger, destination):
    """The state's number, as the reference's docstring gives it."""
    return ((row * 5 + col) * 5 + passenger) * 4 + destination


def parts(s):
    """Row, column, passenger, destination."""
    return s // 100, s // 20 % 5, s // 4 % 5, s % 4


def neighbour(row, col, action):
    """The square that a move leads to, the same if the way is blocked."""
    down, right = MOVES[action]
    wall = (row, col) if right == 1 else (row, col - 1)
    if right and wall in WALLS:
        return row, col
    return min(max(row + down, 0), 4), min(max(col + right, 0), 4)


def _ways():
    """The move [stand, row, column] that begins a shortest way to a stand."""
    ways = np.zeros((4, 5, 5), dtype=np.int64)
    for stand, goal in enumerate(map(tuple, STANDS.tolist())):
        known, waiting = {goal}, deque([goal])
        while waiting:
            here = waiting.popleft()
            for row in range(5):
                for col in range(5):
                    for action in MOVES:
                        if (row, col) not in known and neighbour(row, col, action) == here:
                            ways[stand, row, col] = action
                            known.add((row, col))
                            waiting.append((row, col))
    return ways


WAYS = _ways()


# -- who plays ------------------------------------------------------------------------------------


def fetch_and_bring(s, goal):
    """Fetch the passenger, bring him to stand `goal` [B], put him down there."""
    row, col, passenger, _ = parts(s)
    riding = passenger == ABOARD
    target = np.where(riding, goal, np.minimum(passenger, 3))
    arrived = (np.stack([row, col], axis=-1) == STANDS[target]).all(axis=-1)
    return np.where(arrived, np.where(riding, DROPOFF, PICKUP), WAYS[target, row, col])


def clumsy(rng, actions, share):
    """Replace a share of the actions by any."""
    other = rng.integers(0, 6, size=actions.shape)
    return np.where(rng.random(actions.shape) < share, other, actions)


def driver(rng, observation, state):
    """Brings passengers where they want to go, with mistakes."""
    s = state["s"]
    return clumsy(rng, fetch_and_bring(s, s % 4), 0.15)


def stray(rng, observation, state):
    """Puts passengers down at other stands and fetches them again, before it delivers them."""
    s, elapsed = state["s"], state["elapsed_steps"]
    wrong = (s % 4 + 1 + elapsed // 40 % 3) % 4
    return fetch_and_bring(s, np.where(elapsed < 150, wrong, s % 4))


def last_moment(rng, observation, state):
    """Waits at the destination and delivers in the last step that the time limit leaves."""
    s, elapsed = state["s"], state["elapsed_steps"]
    action = fetch_and_bring(s, s % 4)
    early = (action == DROPOFF) & (elapsed < LIMIT - 1)
    return np.where(early, PICKUP, action)


def quarrel(rng, observation, state):
    """Half of the time tries to pick up or to drop off, whatever the place."""
    any_move = rng.integers(0, 4, size=state["s"].shape)
    service = rng.integers(PICKUP, DROPOFF + 1, size=state["s"].shape)
    return np.where(rng.random(any_move.shape) < 0.5, service, any_move)


POLICIES = (
    Policy("random"),
    Policy("driver", driver),
    Policy("stray", stray),
    Policy("last-moment", last_moment),
    Policy("quarrel", quarrel),
)


# -- what must have happened ------------------------------------------------------------------------


def picked_up(stand):
    return lambda t: (
        (t.action == PICKUP) & (parts(t.before["s"])[2] == stand) & (t.reward == -1)
    )


def delivered(stand):
    return lambda t: t.terminated & (t.before["s"] % 4 == stand)


def put_down(stand):
    def reached(t):
        row, col, passenger, _ = parts(t.before["s"])
        here = (row == STANDS[stand][0]) & (col == STANDS[stand][1])
        return (t.action == DROPOFF) & (passenger == ABOARD) & here & (t.reward == -1)

    return reached


def refused(action, when):
    def reached(t):
        row, col, passenger, _ = parts(t.before["s"])
        stand = (np.stack([row, col], axis=-1)[..., None, :] == STANDS).all(axis=-1).any(axis=-1)
        return (t.action == action) & (t.reward == -10) & when(passenger, stand)

    return reached


def blocked(action, where):
    def reached(t):
        row, col, _, _ = parts(t.before["s"])
        return (t.action == action) & where(row, col)

    return reached


def wall(row, col):
    """Whether there is an inner wall on the east side of each square."""
    return np.isin(row * 5 + col, [r * 5 + c for r, c in WALLS])


def riding(action):
    def reached(t):
        moved = t.before["s"] // 20 != t.after["s"] // 20
        aboard = (parts(t.before["s"])[2] == ABOARD) & (parts(t.after["s"])[2] == ABOARD)
        return (t.action == action) & moved & aboard

    return reached


ON_TIME = "delivered in the last step allowed"
OUT_OF_TIME = "the time limit ends an episode"

FEATURES = (
    *(Feature(f"picked up at {name}", picked_up(i)) for i, name in enumerate(NAMES)),
    *(Feature(f"delivered at {name}", delivered(i)) for i, name in enumerate(NAMES)),
    *(Feature(f"put down at {name}, the wrong stand", put_down(i)) for i, name in enumerate(NAMES)),
    Feature("no pick-up: a stand without him", refused(PICKUP, lambda p, s: s & (p != ABOARD))),
    Feature("no pick-up: no stand here", refused(PICKUP, lambda p, s: ~s & (p != ABOARD))),
    Feature("no pick-up: he is aboard", refused(PICKUP, lambda p, s: p == ABOARD)),
    Feature("no drop-off: nobody aboard", refused(DROPOFF, lambda p, s: p != ABOARD)),
    Feature("no drop-off: no stand here", refused(DROPOFF, lambda p, s: ~s & (p == ABOARD))),
    Feature("southern edge", blocked(SOUTH, lambda r, c: r == 4)),
    Feature("northern edge", blocked(NORTH, lambda r, c: r == 0)),
    Feature("eastern edge", blocked(EAST, lambda r, c: c == 4)),
    Feature("western edge", blocked(WEST, lambda r, c: c == 0)),
    Feature("inner wall, going east", blocked(EAST, wall)),
    Feature("inner wall, going west", blocked(WEST, lambda r, c: wall(r, c - 1) & (c > 0))),
    Feature("south with the passenger", riding(SOUTH)),
    Feature("north with the passenger", riding(NORTH)),
    Feature("east with the passenger", riding(EAST)),
    Feature("west with the passenger", riding(WEST)),
    Feature(OUT_OF_TIME, lambda t: t.truncated & ~t.terminated),
    Feature(ON_TIME, lambda t: t.truncated & t.terminated),
)

SCENARIOS = (
    Scenario(
        "delivery in step 200",
        state={"s": number(4, 3, ABOARD, 3), "elapsed_steps": LIMIT - 1},
        actions=(DROPOFF,),
        reaches=(ON_TIME,),
    ),
    Scenario(
        "time runs out one step before the destination",
        state={"s": number(3, 3, ABOARD, 3), "elapsed_steps": LIMIT - 1},
        actions=(SOUTH,),
        reaches=(OUT_OF_TIME,),
    ),
    Scenario(
        "put down at the wrong stand, fetched again, delivered",
        state={"s": number(0, 0, ABOARD, 2), "elapsed_steps": 3},
        actions=(DROPOFF, DROPOFF, PICKUP, SOUTH, SOUTH, SOUTH, SOUTH, DROPOFF),
        reaches=(
            "put down at R, the wrong stand",
            "no drop-off: nobody aboard",
            "picked up at R",
            "delivered at Y",
        ),
    ),
    Scenario(
        "a wall from both sides",
        state={"s": number(1, 1, 0, 1), "elapsed_steps": 0},
        actions=(EAST, SOUTH, EAST, NORTH, WEST),
        reaches=("inner wall, going east", "inner wall, going west"),
    ),
    Scenario(
        "he waits at his destination already, which no episode starts with",
        state={"s": number(0, 4, 1, 1), "elapsed_steps": 0},
        actions=(DROPOFF, PICKUP, DROPOFF),
        reaches=("no drop-off: nobody aboard", "picked up at G", "delivered at G"),
    ),
)


# -- functions side by side -------------------------------------------------------------------------

STARTS = 1 << 18
FREQUENCY = f"frequencies of {STARTS:,} starts, whose standard deviation is 1.1e-4 for each state"


def frequencies(env):
    """How often the candidate's episodes start in each state, against the reference's table."""

    def call(arguments):
        import jax

        keys = jax.random.split(jax.random.key(17), STARTS)
        start = jax.jit(jax.vmap(lambda key: env.initial(env.sample_initial(key)).s))
        counts = np.bincount(np.asarray(start(keys)), minlength=500)
        # A table has one row.
        return {"result": counts[None] / STARTS}

    return call


COMPONENTS = (
    Component(
        "encode",
        fields=(Field("result"),),
        candidate=from_function("taxi.codec:encode"),
        row=st.fixed_dictionaries(
            {
                "taxi_row": st.integers(0, 4),
                "taxi_col": st.integers(0, 4),
                "pass_loc": st.integers(0, 4),
                "dest_idx": st.integers(0, 3),
            }
        ),
        dtypes=dict.fromkeys(("taxi_row", "taxi_col", "pass_loc", "dest_idx"), "int32"),
    ),
    Component(
        "decode",
        fields=(Field("result", labels=("taxi_row", "taxi_col", "pass_loc", "dest_idx")),),
        candidate=from_function("taxi.codec:decode"),
        row=st.fixed_dictionaries({"i": st.integers(0, 499)}),
        dtypes={"i": "int32"},
    ),
    Component(
        "action_mask",
        fields=(Field("result"),),
        candidate=from_function("taxi.grid:action_mask"),
        row=st.fixed_dictionaries({"state": st.integers(0, 499)}),
        dtypes={"state": "int32"},
    ),
    Component("locs", fields=(Field("result"),), candidate=from_function("taxi.grid:LOCS")),
    Component(
        "initial_state_distrib",
        fields=(Field("result", atol=8e-4, reason=FREQUENCY),),
        candidate=frequencies,
    ),
)


def random_states(rng, n, config):
    """Any of the 500 states, also those that no episode reaches; often just before the limit."""
    elapsed = rng.integers(0, LIMIT, size=n)
    return {
        "s": rng.integers(0, 500, size=n),
        "elapsed_steps": np.where(rng.random(n) < 0.25, LIMIT - 1, elapsed),
    }


SUITE = Suite(
    name=PROJECT.name,
    reference=PROJECT.reference.launch,
    candidate=PROJECT.candidate,
    observation=field(PROJECT, "observation"),
    reward=field(PROJECT, "reward"),
    state=(
        field(PROJECT, "state.s"),
        field(PROJECT, "state.elapsed_steps"),
    ),
    # The reference's state is copied into the candidate once per episode: with the rain and the
    # fickleness off nothing else is drawn.
    start="copy",
    configs=(Config("default", PROJECT.reference.config, {}),),
    features=FEATURES,
    policies=POLICIES,
    scenarios=SCENARIOS,
    components=COMPONENTS,
    random_states=random_states,
    corpus=HERE / "fixtures",
    not_verified=(
        "the options is_rainy and fickle_passenger, which are not translated",
        'info: "prob" is always 1 here, "action_mask" is compared as a function only',
        "whether a learned policy notices a difference (no margin is fixed)",
    ),
)
