"""PettingZoo's board games, the two players as one: an action is that of whoever is to act.

The observation is the board: 1 for the player who began, 2 for the other, 0 for empty. The reward
is that of the player who acted.
"""

import numpy as np
from pettingzoo.classic import connect_four_v3, tictactoe_v3


class Game:
    def __init__(self):
        self.env = self.module.env()

    def spec(self):
        number = {"shape": [], "dtype": "int64"}
        return {
            "name": f"PettingZoo {self.module.__name__.rpartition('.')[2]}",
            "observation": {"shape": list(self.shape), "dtype": "int64"},
            "action": number,
            "num_actions": self.actions,
            "legal_actions": True,
        }

    def reset(self, seed, chance=None):
        self.env.reset(seed=int(seed))
        return self.look()

    def look(self):
        seen = self.env.observe(self.env.possible_agents[0])
        mask = self.env.observe(self.env.agent_selection)["action_mask"]
        self.mask = np.asarray(mask).astype(bool)
        planes = seen["observation"].astype(np.int64)
        board = planes[..., 0] + 2 * planes[..., 1]
        return (board.T if self.by_columns else board).reshape(self.shape)

    def legal_actions(self):
        return self.mask[self.order].tolist()

    def step(self, action, chance=None):
        player = self.env.agent_selection
        self.env.step(self.order[int(action)])
        ended = self.env.terminations[player]
        return self.look(), float(self.env.rewards[player]), bool(ended), False


class TicTacToe(Game):
    """PettingZoo counts the cells column by column; here it is row by row."""

    module, shape, actions, by_columns = tictactoe_v3, (3, 3), 9, True
    order = np.arange(9).reshape(3, 3).T.reshape(-1)


class ConnectFour(Game):
    module, shape, actions, by_columns = connect_four_v3, (6, 7), 7, False
    order = np.arange(7)
