"""How the fast rules are shown to be the plain Python ones, and those the written rules."""
