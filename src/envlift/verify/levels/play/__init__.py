"""Level 3: whole episodes, side by side or as distributions."""
