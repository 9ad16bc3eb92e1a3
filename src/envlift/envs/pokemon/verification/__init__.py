"""How these battles are shown to be Pokémon Showdown's."""
