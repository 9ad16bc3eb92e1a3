"""OpenAI's gym 0.26: a class for each environment, as the reference protocol wants them."""

import gym
import numpy as np


class Old:
    id = ""

    def __init__(self):
        self.env = gym.make(self.id, disable_env_checker=True)

    def spec(self):
        seen, act = self.env.observation_space, self.env.action_space
        spec = {
            "name": f"gym {gym.__version__} {self.id}",
            "observation": {"shape": list(seen.shape), "dtype": np.dtype(seen.dtype).name},
            "action": {"shape": list(act.shape), "dtype": np.dtype(act.dtype).name},
            "pins": {"gym": gym.__version__, "numpy": np.__version__},
        }
        if hasattr(act, "n"):
            return {**spec, "num_actions": int(act.n)}
        low, high = act.low.reshape(-1).tolist(), act.high.reshape(-1).tolist()
        return {**spec, "action_low": low, "action_high": high}

    def reset(self, seed, chance=None):
        return self.env.reset(seed=int(seed))[0]

    def step(self, action, chance=None):
        return self.env.step(action)[:4]


class CartPole(Old):
    id = "CartPole-v1"


class Pendulum(Old):
    id = "Pendulum-v1"


class MountainCar(Old):
    id = "MountainCar-v0"


class Acrobot(Old):
    id = "Acrobot-v1"


class Taxi(Old):
    id = "Taxi-v3"


class FrozenLake(Old):
    id = "FrozenLake-v1"


class Blackjack(Old):
    id = "Blackjack-v1"


class CliffWalking(Old):
    id = "CliffWalking-v0"
