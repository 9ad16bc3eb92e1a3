"""What the fast targets share: chance, and Warp rules as batched JAX functions.

Nothing is imported here: an environment in pure JAX never loads Warp.
"""
