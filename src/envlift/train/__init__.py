"""PPO: one learner, two collectors (fused with a JAX environment, or stepping a ``VectorEnv``)."""
