"""The eight buttons as bits of a mask."""

from __future__ import annotations

from collections.abc import Iterable

#: Bit of each button, as the machine takes them.
BUTTONS = {
    "right": 0x01,
    "left": 0x02,
    "up": 0x04,
    "down": 0x08,
    "a": 0x10,
    "b": 0x20,
    "select": 0x40,
    "start": 0x80,
}


def mask_of(names: Iterable[str]) -> int:
    """Return the mask in which these buttons are held.

    Raises:
        ValueError: for a name that no button has; the message lists the known ones.
    """
    mask = 0
    for name in names:
        if name not in BUTTONS:
            raise ValueError(f"no button is named {name!r}; known: {', '.join(BUTTONS)}")
        mask |= BUTTONS[name]
    return mask
