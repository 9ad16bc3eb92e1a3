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


class Pendulum32(gym.Env):
    """Pendulum computed in float32, with the numbers as arguments."""

    def __init__(self, g=10.0, max_speed=8.0):
        high = np.array([1.0, 1.0, 8.0], np.float32)
        self.observation_space = gym.spaces.Box(-high, high, dtype=np.float32)
        self.action_space = gym.spaces.Box(-2.0, 2.0, (1,), np.float32)
        self.g, self.max_speed = np.float32(g), np.float32(max_speed)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        high = np.array([np.pi, 1.0])
        self.state = self.np_random.uniform(-high, high).astype(np.float32)
        return self.look(), {}

    def look(self):
        th, speed = self.state
        return np.array([np.cos(th), np.sin(th), speed], np.float32)

    def step(self, action):
        th, speed = self.state
        u = np.float32(np.clip(action, -2.0, 2.0)[0])
        turned = (th + np.float32(np.pi)) % np.float32(2 * np.pi) - np.float32(np.pi)
        cost = turned**2 + np.float32(0.1) * speed**2 + np.float32(0.001) * u**2
        push = np.float32(3) * self.g / np.float32(2) * np.sin(th) + np.float32(3) * u
        speed = np.clip(speed + push * np.float32(0.05), -self.max_speed, self.max_speed)
        self.state = np.array([th + speed * np.float32(0.05), speed], np.float32)
        return self.look(), float(-cost), False, False, {}


gym.register("Pendulum32-v0", entry_point=Pendulum32, max_episode_steps=200)
for name, changes in (("Light", {"g": 9.8}), ("Fast", {"max_speed": 8.5})):
    gym.register(f"{name}32-v0", entry_point=Pendulum32, max_episode_steps=200, kwargs=changes)
