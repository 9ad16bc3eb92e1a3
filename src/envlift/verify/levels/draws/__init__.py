"""What is drawn: starts, chance within steps, starts after an end."""
