"""PyBoy 2.8.1, in its own environment; the emulator never sees it."""
