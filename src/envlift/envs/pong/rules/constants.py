"""The numbers of Pong: the defaults of ``pong.py`` in PufferLib 3.0.0.

Lengths are in pixels, speeds in pixels per frame; y grows from the floor. They are Python numbers,
not traced parameters, so that both compilers fold them: a court one could vary would cost every
step a load and a real division per observation.
"""

WIDTH = 500.0
HEIGHT = 640.0
PADDLE_HEIGHT = 70.0
BALL_WIDTH = 32.0
BALL_HEIGHT = 32.0
PADDLE_SPEED = 8.0
BALL_INITIAL_SPEED_X = 10.0
BALL_INITIAL_SPEED_Y = 1.0
BALL_SPEED_Y_INCREMENT = 3.0
BALL_MAX_SPEED_Y = 13.0
MAX_SCORE = 21

# What ``init`` and ``reset_round`` compute from them.
MIN_PADDLE_Y = -PADDLE_HEIGHT / 2
MAX_PADDLE_Y = HEIGHT - PADDLE_HEIGHT / 2
START_PADDLE_Y = HEIGHT / 2 - PADDLE_HEIGHT / 2
START_BALL_X = WIDTH / 5
START_BALL_Y = HEIGHT / 2 - BALL_HEIGHT / 2
HALF_PADDLE = PADDLE_HEIGHT / 2

REWARD_WIN = 1.0
REWARD_LOSE = -1.0
REWARD_BOUNCE = 0.1

# The C compares ``fabsf(vy) < 0.01`` in double precision. No float32 lies between this one, just
# below 0.01, and 0.01 itself, so ``<=`` in single precision decides the same.
HORIZONTAL_SPEED_Y = 0.01

OBSERVATION_SIZE = 8
NUM_ACTIONS = 3
