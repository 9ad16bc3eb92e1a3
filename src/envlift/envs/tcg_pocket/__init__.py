"""Pokémon TCG Pocket, sets A1 and P-A, from written rules."""
