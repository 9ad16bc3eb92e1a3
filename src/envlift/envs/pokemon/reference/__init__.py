"""Pokémon Showdown, unpatched, fetched and driven in Node; a fast environment never sees it."""
