"""A Game Boy in PyBoy's place: ``from envlift.gameboy import PyBoy, WindowEvent``.

What training scripts use of PyBoy 2.8, on a compiled machine. ``docs/gameboy.md`` lists what
is there and what is not.
"""

from envlift.envs.gameboy.pyboy import PyBoy, WindowEvent

__all__ = ["PyBoy", "WindowEvent"]
