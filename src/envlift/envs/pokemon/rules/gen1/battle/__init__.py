"""A battle turn by turn: requests and choices, the queue, the loop over actions, ends."""
