"""Public environments with one rule wrong, where random play does not come."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from gymnasium.envs.classic_control.acrobot import AcrobotEnv
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.envs.classic_control.mountain_car import MountainCarEnv
from gymnasium.envs.classic_control.pendulum import PendulumEnv
from gymnasium.envs.toy_text.cliffwalking import CliffWalkingEnv


class NoWall(MountainCarEnv):
    """MountainCar without the rule of the left wall, which takes the speed away."""

    def step(self, action):
        position, velocity = self.state
        velocity += (action - 1) * self.force + np.cos(3 * position) * (-self.gravity)
        velocity = np.clip(velocity, -self.max_speed, self.max_speed)
        position = np.clip(position + velocity, self.min_position, self.max_position)
        over = bool(position >= self.goal_position and velocity >= self.goal_velocity)
        self.state = (position, velocity)
        return np.array(self.state, dtype=np.float32), -1.0, over, False, {}


class FastAcrobot(AcrobotEnv):
    """Acrobot whose second joint may turn faster."""

    MAX_VEL_2 = 10 * np.pi


class FastPendulum(PendulumEnv):
    """Pendulum that may turn faster."""

    def __init__(self, **options):
        super().__init__(**options)
        self.max_speed = 9


class Sticky(CartPoleEnv):
    """CartPole whose track is sticky near its ends."""

    def step(self, action):
        observation, *rest = super().step(action)
        x, x_dot, theta, theta_dot = self.state
        if abs(x) > 1.9:
            self.state = np.array([x, 0.9 * x_dot, theta, theta_dot], np.float64)
            observation = np.array(self.state, dtype=np.float32)
        return observation, *rest


class WrongCell(CliffWalkingEnv):
    """CliffWalking where one cell in the far corner leads down instead of left."""

    def __init__(self, **options):
        super().__init__(**options)
        self.P[11][3] = self.P[11][2]


gym.register("NoWall-v0", entry_point=NoWall, max_episode_steps=200)
gym.register("FastAcrobot-v0", entry_point=FastAcrobot, max_episode_steps=500)
gym.register("FastPendulum-v0", entry_point=FastPendulum, max_episode_steps=200)
gym.register("Sticky-v0", entry_point=Sticky, max_episode_steps=500)
gym.register("WrongCell-v0", entry_point=WrongCell)
