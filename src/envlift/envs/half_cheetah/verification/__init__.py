"""Evidence that the cheetah is MuJoCo's."""
