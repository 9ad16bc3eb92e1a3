"""What PPO learns here and in Stable-Baselines3, at equal settings, and how long it takes.

``python -m envlift.bench.learning`` runs what is missing of a table and shows it; ``tasks`` says
what is compared, ``worker`` trains here and ``sb3_worker`` there, each run in a process of its own.
"""
