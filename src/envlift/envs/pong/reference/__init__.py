"""PufferLib 3.0's own Pong in C, fetched, compiled and driven; a fast environment never sees it."""
