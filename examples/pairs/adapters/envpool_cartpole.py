"""EnvPool's CartPole: seeded when it is made, and never set."""

import envpool
import numpy as np


class CartPole:
    def spec(self):
        floats = {"shape": [4], "dtype": "float32"}
        number = {"shape": [], "dtype": "int64"}
        return {
            "name": "EnvPool CartPole-v1",
            "observation": floats,
            "action": number,
            "num_actions": 2,
            "state": {"state": floats, "elapsed_steps": number},
            "pins": {"envpool": envpool.__version__},
        }

    def reset(self, seed, chance=None):
        self.env = envpool.make("CartPole-v1", env_type="gymnasium", num_envs=1, seed=int(seed))
        self.seen, self.steps = self.env.reset()[0][0], 0
        return self.seen

    def step(self, action, chance=None):
        seen, reward, terminated, truncated, _ = self.env.step(np.array([action], np.int32))
        self.seen, self.steps = seen[0], self.steps + 1
        return self.seen, float(reward[0]), bool(terminated[0]), bool(truncated[0])

    def get_state(self):
        return {"state": self.seen, "elapsed_steps": self.steps}

    def set_state(self, state):
        raise NotImplementedError("EnvPool's CartPole cannot be set")
