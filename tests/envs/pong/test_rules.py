"""Each quirk of the reference, computed by hand from its source, in both targets."""

import numpy as np
import pytest

import envlift
from envlift.envs.pong.env import Params
from envlift.envs.pong.state import Draws

from .conftest import Play, make_state

FAR = -1000.0  # a paddle that cannot meet the ball


def expected_observation(yl, yr, x, y, vx, vy):
    return np.array(
        [(yl + 35) / 640, (yr + 35) / 640, x / 500, y / 640, (vx + 10) / 20, (vy + 13) / 26, 0, 0]
    )


@pytest.mark.parametrize(("action", "moved"), [(0, 285), (1, 293), (2, 277), (3, 285)])
def test_actions_stay_up_down_and_nothing_else(play: Play, action, moved):
    assert play(action).state.paddle_yr == moved


@pytest.mark.parametrize(("start", "action", "end"), [(600, 1, 605), (-30, 2, -35), (597, 1, 605)])
def test_agent_paddle_is_kept_on_the_court(play: Play, start, action, end):
    assert play(action, paddle_yr=start).state.paddle_yr == end


@pytest.mark.parametrize(("ball_y", "end"), [(300, 277), (322, 287), (340, 293), (328, 293)])
def test_opponent_aims_its_middle_at_the_lower_edge_of_the_ball_before_it_moves(
    play: Play, ball_y, end
):
    assert play(ball_y=ball_y, ball_vy=13).state.paddle_yl == end


@pytest.mark.parametrize(("start", "ball_y", "end"), [(604, 660, 605), (-34, -20, -35)])
def test_opponent_paddle_is_kept_on_the_court(play: Play, start, ball_y, end):
    assert play(paddle_yl=start, ball_y=ball_y).state.paddle_yl == end


@pytest.mark.parametrize(
    ("ball_y", "vy", "end_y", "end_vy"),
    [
        (3, -5, -2, 5),
        (606, 5, 611, -5),
        (5, -5, 0, -5),  # the edge itself is inside
        (603, 5, 608, 5),
        (-9, 4, -5, -4),  # still outside: turned back out, as in the reference
    ],
)
def test_walls_turn_the_ball_and_leave_it_where_it_is(play: Play, ball_y, vy, end_y, end_vy):
    state = play(ball_y=ball_y, ball_vy=vy).state
    assert (state.ball_y, state.ball_vy) == (end_y, end_vy)


@pytest.mark.parametrize(("ball_y", "met"), [(254, True), (253, True), (246, False), (245, False)])
def test_left_paddle_meets_the_ball_by_more_than_an_edge(play: Play, ball_y, met):
    # The opponent moves down by 8 from 286 to 278: met is ball_y + 32 > 278.
    nxt = play(ball_x=5, ball_vx=-10, ball_y=ball_y, paddle_yl=286)
    assert (nxt.reward == 0) == met
    if met:
        assert (nxt.state.ball_x, nxt.state.ball_vx, nxt.state.n_bounces) == (-5, 10, 3)


@pytest.mark.parametrize(("ball_y", "met"), [(361, True), (362, True), (363, False)])
def test_left_paddle_meets_the_ball_below_its_upper_edge(play: Play, ball_y, met):
    # The opponent moves up by 8 from 285 to 293: met is ball_y < 363.
    nxt = play(ball_x=5, ball_vx=-10, ball_y=ball_y)
    assert (nxt.reward == 0) == met


def test_left_edge_itself_is_inside(play: Play):
    nxt = play(ball_x=10, ball_vx=-10, ball_y=600, paddle_yl=0)
    assert (nxt.state.ball_x, nxt.state.ball_vx, nxt.reward) == (0, -10, 0)


@pytest.mark.parametrize(("serve", "vy"), [(0, -1), (1, 0), (2**31 - 2, -1), (2**31 - 1, 0)])
def test_agent_scores_and_the_round_restarts_with_a_serve_toward_it(play: Play, serve, vy):
    nxt = play(1, serve, ball_x=5, ball_vx=-10, ball_y=600, ball_vy=4, paddle_yl=0, score_r=3)
    s = nxt.state
    assert (nxt.reward, s.score_l, s.score_r, s.win) == (1, 0, 4, 1)
    assert (s.paddle_yl, s.paddle_yr, s.ball_x, s.ball_y) == (285, 285, 100, 304)
    assert (s.ball_vx, s.ball_vy, s.tick, s.n_bounces) == (10, vy, 0, 0)
    assert not nxt.terminated
    assert not nxt.truncated


def test_observation_is_stale_after_a_point_that_does_not_end_the_game(play: Play):
    nxt = play(ball_x=5, ball_vx=-10, ball_y=600, paddle_yl=0)
    np.testing.assert_array_equal(nxt.state.observations, np.full(8, 0.125))


def test_observation_is_fresh_otherwise_and_scores_divide_to_zero(play: Play):
    nxt = play(1, ball_vy=-4, score_l=20, score_r=20)
    want = expected_observation(277, 293, 260, 296, 10, -4)
    np.testing.assert_allclose(nxt.state.observations, want, rtol=2e-7)


@pytest.mark.parametrize(("yr", "met"), [(331, True), (332, False), (231, True), (230, False)])
def test_right_paddle_meets_the_ball_by_more_than_an_edge(play: Play, yr, met):
    # The ball spans 300 to 332.
    nxt = play(ball_x=465, paddle_yr=yr)
    assert (nxt.reward == np.float32(0.1)) == met
    assert (nxt.reward == -1) == (not met)


@pytest.mark.parametrize(
    ("action", "vy", "end_vy"),
    [(0, 5, 5), (1, 5, 8), (2, 5, 2), (1, 12, 13), (2, -12, -13), (2, 3, 3), (0, 0, 3), (1, -3, 3)],
)
def test_agent_bounce_spins_the_ball_and_never_leaves_it_horizontal(play: Play, action, vy, end_vy):
    nxt = play(action, ball_x=465, ball_vy=vy)
    assert nxt.reward == np.float32(0.1)
    assert (nxt.state.ball_vx, nxt.state.ball_vy, nxt.state.n_bounces) == (-10, end_vy, 3)


def test_agent_bounce_puts_the_ball_back_on_the_court(play: Play):
    nxt = play(ball_x=465, ball_y=4, ball_vy=-10, paddle_yr=0)
    assert (nxt.state.ball_x, nxt.state.ball_y, nxt.state.ball_vy) == (468, 0, 10)
    nxt = play(ball_x=465, ball_y=604, ball_vy=10, paddle_yr=600)
    assert (nxt.state.ball_x, nxt.state.ball_y, nxt.state.ball_vy) == (468, 608, -10)


def test_right_edge_itself_is_inside(play: Play):
    nxt = play(ball_x=458, paddle_yr=FAR)
    assert (nxt.state.ball_x, nxt.state.ball_vx, nxt.reward) == (468, 10, 0)


def test_agent_concedes(play: Play):
    nxt = play(ball_x=465, paddle_yr=0, score_l=3, win=1)
    s = nxt.state
    assert (nxt.reward, s.score_l, s.score_r, s.win, s.ball_x) == (-1, 4, 0, 0, 100)
    np.testing.assert_array_equal(s.observations, np.full(8, 0.125))


@pytest.mark.parametrize("side", ["l", "r"])
def test_final_point_ends_the_game_and_resets_nothing(play: Play, side):
    fields = (
        {"ball_x": 5, "ball_vx": -10, "ball_y": 600, "paddle_yl": 0, "score_r": 20}
        if side == "r"
        else {"ball_x": 465, "ball_y": 600, "paddle_yr": 0, "score_l": 20, "win": 1}
    )
    nxt = play(1, **fields)
    s = nxt.state
    assert nxt.terminated
    assert not nxt.truncated
    assert (s.score_l, s.score_r) == ((0, 21) if side == "r" else (21, 0))
    assert (s.win, nxt.reward) == ((1, 1) if side == "r" else (0, -1))
    assert (s.ball_x, s.ball_y, s.tick) == (-5 if side == "r" else 475, 600, 6)
    np.testing.assert_array_equal(s.observations, np.full(8, 0.125))


def test_max_score_is_a_parameter(backend: str):
    env = envlift.make("pong", backend=backend)
    state = make_state(ball_x=465, paddle_yr=0, score_l=2)
    draws = Draws(np.int32(0))
    assert env.transition(state, 0, draws, Params(3)).terminated
    assert not env.transition(state, 0, draws, Params(4)).terminated


def test_a_step_is_one_tick_and_any_number_of_frames(play: Play):
    s = play(1, frameskip=4).state
    assert (s.tick, s.ball_x, s.paddle_yr) == (6, 290, 317)


def test_a_point_drops_the_rest_of_the_window_and_shows_the_frame_before_it(play: Play):
    # Frame 1 moves the ball to 5 and the opponent from 0 to 8; frame 2 makes the point.
    nxt = play(ball_x=15, ball_vx=-10, ball_y=600, paddle_yl=0, frameskip=4)
    s = nxt.state
    assert (nxt.reward, s.ball_x, s.paddle_yl, s.paddle_yr, s.tick) == (1, 100, 285, 285, 0)
    want = expected_observation(8, 285, 5, 600, -10, 0)
    np.testing.assert_allclose(s.observations, want, rtol=2e-7)


def test_a_point_in_the_first_frame_of_a_window_leaves_the_observation_stale(play: Play):
    nxt = play(ball_x=5, ball_vx=-10, ball_y=600, paddle_yl=0, frameskip=4)
    np.testing.assert_array_equal(nxt.state.observations, np.full(8, 0.125))


def test_a_paddle_that_comes_too_late_does_not_turn_a_point_into_a_bounce(play: Play):
    # Frame 1: the paddle's upper edge reaches 300, where the ball's lower edge is, and misses it.
    # One frame later it would have met the ball.
    nxt = play(1, ball_x=465, paddle_yr=222, frameskip=2)
    assert (nxt.reward, nxt.state.score_l, nxt.state.ball_x) == (-1, 1, 100)


def test_the_reward_of_a_bounce_lasts_to_the_end_of_the_window(play: Play):
    assert play(ball_x=465, frameskip=4).reward == np.float32(0.1)


def test_a_point_overwrites_the_reward_of_a_bounce(play: Play):
    # A ball fast enough to cross the court twice in a window: 468, then 8, then -452.
    nxt = play(ball_x=400, ball_vx=460, ball_vy=13, paddle_yr=290, paddle_yl=-35, frameskip=4)
    assert (nxt.reward, nxt.state.score_r) == (1, 1)


def test_chance_matters_only_to_a_serve(play: Play):
    for serve in (0, 1):
        assert play(serve=serve).state.ball_vy == 0


@pytest.mark.parametrize(("action", "direction"), [(0.5, 0.5), (3.0, 1.0), (-1.5, -1.0)])
def test_continuous_direction_is_clipped(play: Play, action, direction):
    state = play([action], continuous=True).state
    assert state.paddle_yr == 285 + 8 * direction


def test_continuous_spin_rounds_twice_like_the_reference(play: Play):
    direction, vy = np.float32(0.7), np.float32(0.3)
    state = play([direction], continuous=True, ball_x=465, ball_vy=vy).state
    assert state.ball_vy == np.float32(vy + np.float32(3 * direction))


def test_initial_state(backend: str):
    env = envlift.make("pong", backend=backend)
    s = env.initial(Draws(np.int32(0)))
    assert (s.paddle_yl, s.paddle_yr, s.ball_x, s.ball_y, s.ball_vx, s.ball_vy) == (
        *(285, 285, 100, 304, 10, -1),
    )
    assert (s.score_l, s.score_r, s.tick, s.n_bounces, s.win) == (0, 0, 0, 0, 0)
    want = expected_observation(285, 285, 100, 304, 10, -1)
    np.testing.assert_allclose(env.observe(s), want, rtol=2e-7)
