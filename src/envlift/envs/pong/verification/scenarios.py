"""Moments in which Pong's rules meet, most of them rare in play."""

from __future__ import annotations

from envlift.verify.suite import Scenario

STAY, UP, DOWN = 0, 1, 2
PER_FRAME = ("discrete",)

LAST_POINT = {"score_l": 20, "score_r": 20}
OLD_VIEW = {"observations": [0.5] * 8}
AT_LEFT = {"ball_x": 5.0, "ball_vx": -10.0}
AT_RIGHT = {"ball_x": 460.0, "ball_vx": 10.0}

SCENARIOS = (
    Scenario(
        "the agent makes the last point",
        {**LAST_POINT, **AT_LEFT, "ball_y": 500.0, "paddle_yl": 0.0},
        actions=(STAY,),
        chance=(0,),
        reaches=("game won by the agent", "fresh observation after a game"),
        configs=PER_FRAME,
    ),
    Scenario(
        "the opponent makes the last point",
        {**LAST_POINT, **AT_RIGHT, "ball_y": 500.0, "paddle_yr": 0.0},
        actions=(STAY,),
        chance=(1,),
        reaches=("game won by the opponent", "fresh observation after a game"),
        configs=PER_FRAME,
    ),
    Scenario(
        "a point, and the observation stays behind for one step",
        {**AT_RIGHT, **OLD_VIEW, "ball_y": 500.0, "paddle_yr": 0.0, "ball_vy": 4.0},
        actions=(STAY, STAY, UP),
        chance=(1, 0, 0),
        reaches=("opponent scores", "stale observation after a point"),
        configs=PER_FRAME,
    ),
    Scenario(
        "return in the corner: the wall turns the ball in the frame of the hit",
        {**AT_RIGHT, "ball_y": 1.0, "ball_vy": -12.0, "paddle_yr": -20.0},
        actions=(UP, STAY, STAY),
        chance=(0, 0, 0),
        reaches=("right paddle returns", "vertical speed limited to 13"),
        configs=PER_FRAME,
    ),
    Scenario(
        "return with opposite speed: the ball must not fly level",
        {**AT_RIGHT, "ball_y": 300.0, "ball_vy": 3.0, "paddle_yr": 290.0},
        actions=(DOWN, STAY),
        chance=(0, 0),
        reaches=("right paddle returns", "horizontal ball avoided"),
        configs=PER_FRAME,
    ),
    Scenario(
        "the ball just touches the paddle's edge",
        {**AT_RIGHT, "ball_y": 300.0, "ball_vy": 0.0, "paddle_yr": 331.0},
        actions=(STAY,),
        chance=(0,),
        reaches=("right paddle returns",),
        configs=PER_FRAME,
    ),
    Scenario(
        "the ball just misses the paddle's edge",
        {**AT_RIGHT, "ball_y": 300.0, "ball_vy": 0.0, "paddle_yr": 332.0},
        actions=(STAY,),
        chance=(0,),
        reaches=("opponent scores",),
        configs=PER_FRAME,
    ),
    Scenario(
        "left return out of reach of the opponent by one pixel",
        {**AT_LEFT, "ball_y": 300.0, "ball_vy": 0.0, "paddle_yl": 222.0},
        actions=(STAY, STAY),
        chance=(0, 0),
        reaches=("agent scores",),
        configs=PER_FRAME,
    ),
    Scenario(
        "left return at the paddle's edge",
        {**AT_LEFT, "ball_y": 300.0, "ball_vy": 0.0, "paddle_yl": 223.0},
        actions=(STAY, STAY),
        chance=(0, 0),
        reaches=("left paddle returns",),
        configs=PER_FRAME,
    ),
    Scenario(
        "a point in the middle of a window drops the rest of it",
        {**AT_RIGHT, **OLD_VIEW, "ball_x": 440.0, "ball_y": 500.0, "paddle_yr": 0.0},
        actions=(STAY, STAY),
        chance=(0, 0),
        reaches=("opponent scores", "stale observation after a point"),
        configs=("frameskip8",),
    ),
    Scenario(
        "an action outside [-1, 1] is clipped",
        {"paddle_yr": 300.5},
        actions=([3.5], [-0.25], [-7.0]),
        chance=(0, 0, 0),
        reaches=("fraction of a pixel",),
        configs=("continuous",),
    ),
    Scenario(
        "a ball just slow enough counts as level",
        # The float32 next to 0.01 is below 0.01, with which the reference compares in double.
        {**AT_RIGHT, "ball_y": 300.0, "ball_vy": 0.009999999776482582, "paddle_yr": 290.0},
        actions=([0.0], [0.0]),
        chance=(0, 0),
        reaches=("right paddle returns", "horizontal ball avoided"),
        configs=("continuous",),
    ),
)
