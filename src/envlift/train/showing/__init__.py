"""What a person sees of a run: a panel, films, trackers."""
