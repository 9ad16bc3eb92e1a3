"""The ids of all environments; importing envlift, or this module, tells Gymnasium of them.

``gymnasium.make("envlift.adapters.ids:envlift/pong-v1")`` does so by itself, in every process:
Gymnasium imports what stands before the colon. (Since 1.0 it reads no entry points.)
"""

from __future__ import annotations

from envlift.adapters.gymnasium import register_ids

IDS = register_ids()
"""One per environment, with its version."""
