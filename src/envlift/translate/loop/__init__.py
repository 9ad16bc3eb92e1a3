"""The loop of turns: what comes next, the workspace, what does not count, what is written down."""
