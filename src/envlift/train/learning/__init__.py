"""PPO and the two collectors."""
