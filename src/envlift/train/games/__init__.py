"""Games of more than one player: self-play, matches between contenders, ratings, the arena."""
