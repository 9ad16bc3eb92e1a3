"""What everything else is made of: fields, tables, draws, a Pokémon, random teams."""
