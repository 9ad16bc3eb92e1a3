"""Pokémon battles of generation 1, from Pokémon Showdown."""
