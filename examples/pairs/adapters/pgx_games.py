"""pgx's board games, shown as ``pettingzoo_games.py`` shows PettingZoo's."""

import jax
import numpy as np
import pgx

jax.config.update("jax_platforms", "cpu")


class Game:
    made = {}

    def __init__(self):
        if self.id not in Game.made:
            env = pgx.make(self.id)
            Game.made[self.id] = env, *map(jax.jit, (env.init, env.step, env.observe))
        self.env, self.first, self.next, self.shown = Game.made[self.id]

    def spec(self):
        number = {"shape": [], "dtype": "int64"}
        return {
            "name": f"pgx {self.id}",
            "observation": {"shape": list(self.shape), "dtype": "int64"},
            "action": number,
            "num_actions": self.env.num_actions,
            "legal_actions": True,
            "pins": {"pgx": pgx.__version__, "jax": jax.__version__},
        }

    def reset(self, seed, chance=None):
        self.state = self.first(jax.random.key(int(seed)))
        self.began = self.state.current_player
        return self.look()

    def look(self):
        planes = np.asarray(self.shown(self.state, self.began), np.int64)
        return (planes[..., 0] + 2 * planes[..., 1]).reshape(self.shape)

    def legal_actions(self):
        return np.asarray(self.state.legal_action_mask).tolist()

    def step(self, action, chance=None):
        player = int(self.state.current_player)
        self.state = self.next(self.state, int(action))
        reward = float(self.state.rewards[player])
        return self.look(), reward, bool(self.state.terminated), False


class TicTacToe(Game):
    id, shape = "tic_tac_toe", (3, 3)


class ConnectFour(Game):
    id, shape = "connect_four", (6, 7)
