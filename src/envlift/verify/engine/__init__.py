"""Both sides play the same actions; what they show is compared."""
