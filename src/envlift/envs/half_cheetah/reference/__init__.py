"""Gymnasium's HalfCheetah-v5 on MuJoCo, in its own environment; a fast one never sees it."""
