"""How Pong is shown to be PufferLib's Pong."""
