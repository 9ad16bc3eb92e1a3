"""The cheetah's physics and its task, as Warp functions on one environment."""
