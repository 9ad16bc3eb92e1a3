"""The game in plain Python, written from the rules alone: what the fast engine is compared with.

``rules.md`` beside this folder numbers the rules; every function names those that it carries out.
Nothing here is made for speed, and nothing of the fast engine is imported.
"""
