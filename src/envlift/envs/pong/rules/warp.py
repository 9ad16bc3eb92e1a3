"""The rules of Pong as typed Warp functions on ONE game, stage by stage as in ``rules/jax.py``.

The stages select (``wp.where``) instead of branching, so that a CPU plays sixteen games in one
vector register; their documentation stands beside their namesakes in ``rules/jax.py``.
``rules/warp_batched.py`` makes JAX functions of them.
"""

# mypy: ignore-errors
# ruff: noqa: D103
# Warp's kernel language looks like Python but has its own types, which Warp checks.

from functools import cache
from typing import Any

import warp as wp

from envlift.envs.pong.rules import constants as c
from envlift.targets import chance, warp_chance

# Warp reads module-level numbers of a kernel as constants, by their plain name.
COURT_WIDTH = wp.constant(c.WIDTH)
COURT_HEIGHT = wp.constant(c.HEIGHT)
PADDLE_HEIGHT = wp.constant(c.PADDLE_HEIGHT)
BALL_WIDTH = wp.constant(c.BALL_WIDTH)
BALL_HEIGHT = wp.constant(c.BALL_HEIGHT)
PADDLE_SPEED = wp.constant(c.PADDLE_SPEED)
SPEED_X = wp.constant(c.BALL_INITIAL_SPEED_X)
SPEED_Y = wp.constant(c.BALL_INITIAL_SPEED_Y)
SPEED_Y_INCREMENT = wp.constant(c.BALL_SPEED_Y_INCREMENT)
MAX_SPEED_Y = wp.constant(c.BALL_MAX_SPEED_Y)
HORIZONTAL_SPEED_Y = wp.constant(c.HORIZONTAL_SPEED_Y)
MIN_PADDLE_Y = wp.constant(c.MIN_PADDLE_Y)
MAX_PADDLE_Y = wp.constant(c.MAX_PADDLE_Y)
HALF_PADDLE = wp.constant(c.HALF_PADDLE)
START_PADDLE_Y = wp.constant(c.START_PADDLE_Y)
START_BALL_X = wp.constant(c.START_BALL_X)
START_BALL_Y = wp.constant(c.START_BALL_Y)
REWARD_WIN = wp.constant(c.REWARD_WIN)
REWARD_LOSE = wp.constant(c.REWARD_LOSE)
REWARD_BOUNCE = wp.constant(c.REWARD_BOUNCE)
NUM_ACTIONS = wp.constant(wp.uint32(c.NUM_ACTIONS))
RESET = wp.constant(wp.uint32(chance.RESET))
ACTION = wp.constant(wp.uint32(chance.ACTION))

Observation = wp.types.vector(length=c.OBSERVATION_SIZE, dtype=wp.float32)


@wp.struct
class Game:
    """One game: the fields of ``pong.state.State``, in the same order."""

    paddle_yl: wp.float32
    paddle_yr: wp.float32
    ball_x: wp.float32
    ball_y: wp.float32
    ball_vx: wp.float32
    ball_vy: wp.float32
    score_l: wp.int32
    score_r: wp.int32
    tick: wp.int32
    n_bounces: wp.int32
    win: wp.int32
    observations: Observation


@wp.func
def clip(value: wp.float32, low: wp.float32, high: wp.float32):
    raised = wp.where(value < low, low, value)
    return wp.where(raised > high, high, raised)


@wp.func
def paddle_direction(action: wp.int32):
    return wp.where(action == 1, 1.0, wp.where(action == 2, -1.0, 0.0))


@wp.func
def move_paddles(game: Game, direction: wp.float32):
    game.paddle_yr = clip(game.paddle_yr + PADDLE_SPEED * direction, MIN_PADDLE_Y, MAX_PADDLE_Y)
    delta = clip(game.ball_y - (game.paddle_yl + HALF_PADDLE), -PADDLE_SPEED, PADDLE_SPEED)
    game.paddle_yl = clip(game.paddle_yl + delta, MIN_PADDLE_Y, MAX_PADDLE_Y)
    return game


@wp.func
def move_ball(game: Game):
    game.ball_x = game.ball_x + game.ball_vx
    game.ball_y = game.ball_y + game.ball_vy
    return game


@wp.func
def turned(speed: wp.float32):
    # Warp's minus is `0 - speed`, which turns 0 into 0; C's gives -0.
    return speed * wp.float32(-1.0)


@wp.func
def bounce_walls(game: Game):
    outside = game.ball_y < 0.0 or game.ball_y + BALL_HEIGHT > COURT_HEIGHT
    game.ball_vy = wp.where(outside, turned(game.ball_vy), game.ball_vy)
    return game


@wp.func
def overlaps(ball_y: wp.float32, paddle_y: wp.float32):
    return ball_y + BALL_HEIGHT > paddle_y and ball_y < paddle_y + PADDLE_HEIGHT


@wp.func
def left_side(game: Game):
    reached = game.ball_x < 0.0
    met = overlaps(game.ball_y, game.paddle_yl)
    bounced = reached and met
    scored = reached and not met
    game.ball_vx = wp.where(bounced, turned(game.ball_vx), game.ball_vx)
    game.n_bounces = game.n_bounces + wp.int32(bounced)
    game.score_r = game.score_r + wp.int32(scored)
    game.win = wp.where(scored, 1, game.win)
    return game, scored


@wp.func
def right_side(game: Game, direction: wp.float32):
    reached = game.ball_x + BALL_WIDTH > COURT_WIDTH
    met = overlaps(game.ball_y, game.paddle_yr)
    bounced = reached and met
    conceded = reached and not met
    # A sum, not a product, for the reason given in rules/jax.py.
    spin = direction + direction + direction
    ball_vy = clip(game.ball_vy + spin, -MAX_SPEED_Y, MAX_SPEED_Y)
    ball_vy = wp.where(wp.abs(ball_vy) <= HORIZONTAL_SPEED_Y, SPEED_Y_INCREMENT, ball_vy)
    game.ball_vx = wp.where(bounced, turned(game.ball_vx), game.ball_vx)
    game.ball_vy = wp.where(bounced, ball_vy, game.ball_vy)
    game.ball_x = wp.where(bounced, clip(game.ball_x, 0.0, COURT_WIDTH - BALL_WIDTH), game.ball_x)
    game.ball_y = wp.where(bounced, clip(game.ball_y, 0.0, COURT_HEIGHT - BALL_HEIGHT), game.ball_y)
    game.n_bounces = game.n_bounces + wp.int32(bounced)
    game.score_l = game.score_l + wp.int32(conceded)
    game.win = wp.where(conceded, 0, game.win)
    return game, bounced, conceded


@wp.func
def serve_speed(serve: wp.int32):
    return wp.float32((serve & 1) - 1) * SPEED_Y


@wp.func
def reset_round(game: Game, serve: wp.int32):
    game.paddle_yl = START_PADDLE_Y
    game.paddle_yr = START_PADDLE_Y
    game.ball_x = START_BALL_X
    game.ball_y = START_BALL_Y
    game.ball_vx = SPEED_X
    game.ball_vy = serve_speed(serve)
    game.tick = 0
    game.n_bounces = 0
    return game


@wp.func
def score_observation(score: wp.int32, max_score: wp.int32):
    return wp.where(score >= max_score, 1.0, 0.0)


@wp.func
def compute_observations(game: Game, max_score: wp.int32):
    court_y = MAX_PADDLE_Y - MIN_PADDLE_Y
    return Observation(
        (game.paddle_yl - MIN_PADDLE_Y) / court_y,
        (game.paddle_yr - MIN_PADDLE_Y) / court_y,
        game.ball_x / COURT_WIDTH,
        game.ball_y / COURT_HEIGHT,
        (game.ball_vx + SPEED_X) / (2.0 * SPEED_X),
        (game.ball_vy + MAX_SPEED_Y) / (2.0 * MAX_SPEED_Y),
        score_observation(game.score_l, max_score),
        score_observation(game.score_r, max_score),
    )


@wp.func
def look(game: Game, max_score: wp.int32):
    game.observations = compute_observations(game, max_score)
    return game


@wp.func
def frame(game: Game, direction: wp.float32, reward: wp.float32):
    game = move_paddles(game, direction)
    game = move_ball(game)
    game = bounce_walls(game)
    game, scored = left_side(game)
    game, bounced, conceded = right_side(game, direction)
    reward = wp.where(bounced, REWARD_BOUNCE, reward)
    reward = wp.where(scored, REWARD_WIN, reward)
    reward = wp.where(conceded, REWARD_LOSE, reward)
    return game, reward, scored or conceded


@wp.func
def select_observation(condition: wp.bool, yes: Observation, no: Observation):
    chosen = Observation()
    for i in range(wp.static(c.OBSERVATION_SIZE)):
        chosen[i] = wp.where(condition, yes[i], no[i])
    return chosen


@wp.func
def select(condition: wp.bool, yes: Game, no: Game):
    chosen = Game()
    chosen.paddle_yl = wp.where(condition, yes.paddle_yl, no.paddle_yl)
    chosen.paddle_yr = wp.where(condition, yes.paddle_yr, no.paddle_yr)
    chosen.ball_x = wp.where(condition, yes.ball_x, no.ball_x)
    chosen.ball_y = wp.where(condition, yes.ball_y, no.ball_y)
    chosen.ball_vx = wp.where(condition, yes.ball_vx, no.ball_vx)
    chosen.ball_vy = wp.where(condition, yes.ball_vy, no.ball_vy)
    chosen.score_l = wp.where(condition, yes.score_l, no.score_l)
    chosen.score_r = wp.where(condition, yes.score_r, no.score_r)
    chosen.tick = wp.where(condition, yes.tick, no.tick)
    chosen.n_bounces = wp.where(condition, yes.n_bounces, no.n_bounces)
    chosen.win = wp.where(condition, yes.win, no.win)
    chosen.observations = select_observation(condition, yes.observations, no.observations)
    return chosen


@wp.func
def copy(game: Game):
    """Return a copy; a plain assignment would name the same game twice."""
    return select(True, game, game)


@cache
def make_play(frameskip: int) -> Any:
    """Return the Warp function of a step of ``frameskip`` frames up to a point and its count.

    It returns the game (observed, the round not reset), the reward, and whether there was a point
    and whether that ended the game.
    """

    @wp.func
    def play(game: Game, direction: wp.float32, max_score: wp.int32):
        observations = game.observations
        game.tick = game.tick + 1
        game, reward, point = frame(game, direction, 0.0)
        stale = point
        seen = copy(game)
        for _ in range(wp.static(frameskip - 1)):
            before = copy(game)
            after, reward_after, point_after = frame(game, direction, reward)
            reward = wp.where(point, reward, reward_after)
            game = select(point, before, after)
            point = point or point_after
            seen = select(point, seen, game)
        fresh = compute_observations(seen, max_score)
        game.observations = select_observation(stale, observations, fresh)
        ended = point and (game.score_l == max_score or game.score_r == max_score)
        return game, reward, point, ended

    return play


@cache
def make_step(frameskip: int) -> Any:
    """Return the Warp function of ``rules/jax.py``'s ``step``."""
    play = make_play(frameskip)

    @wp.func
    def step(game: Game, direction: wp.float32, serve: wp.int32, max_score: wp.int32):
        game, reward, point, ended = play(game, direction, max_score)
        played = copy(game)
        served = reset_round(game, serve)
        return select(point and not ended, served, played), reward, ended

    return step


@cache
def make_autoreset_step(frameskip: int) -> Any:
    """Return the Warp function of ``Env.step`` in the mode ``same_step``: chance, rules, reset."""
    play = make_play(frameskip)

    @wp.func
    def autoreset_step(
        game: Game, direction: wp.float32, word_0: wp.uint32, word_1: wp.uint32, max_score: wp.int32
    ):
        game, reward, point, ended = play(game, direction, max_score)
        played = copy(game)
        # Only one of the two serves is used, so only that one is drawn.
        serve_word = wp.where(ended, warp_chance.stream(word_0, RESET), word_0)
        serve = wp.int32(warp_chance.bits(serve_word, word_1) >> wp.uint32(1))
        served = reset_round(game, serve)
        game = select(point, served, played)
        game.score_l = wp.where(ended, 0, game.score_l)
        game.score_r = wp.where(ended, 0, game.score_r)
        game.win = wp.where(ended, 0, game.win)
        fresh = compute_observations(game, max_score)
        game.observations = select_observation(ended, fresh, game.observations)
        return game, reward, ended

    return autoreset_step


@cache
def make_random_step(frameskip: int, continuous: bool) -> Any:
    """Return ``autoreset_step`` with a random action drawn from the same key."""
    autoreset_step = make_autoreset_step(frameskip)

    @wp.func
    def random_step(game: Game, word_0: wp.uint32, word_1: wp.uint32, max_score: wp.int32):
        action = warp_chance.bits(warp_chance.stream(word_0, ACTION), word_1)
        if wp.static(continuous):
            direction = 2.0 * warp_chance.unit(action) - 1.0
        else:
            direction = paddle_direction(warp_chance.below(action, NUM_ACTIONS))
        return autoreset_step(game, direction, word_0, word_1, max_score)

    return random_step
