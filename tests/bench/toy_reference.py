"""A reference with a loop, for the bench's own tests. Its clock is pretended, its work is not."""

from typing import Any

from envlift.reference.host import component


class Toy:
    def __init__(self, drifts: bool = False) -> None:
        self.drifts = drifts
        self.calls = 0

    def spec(self) -> dict[str, Any]:
        scalar = {"shape": [], "dtype": "int32"}
        return {"name": "toy", "observation": scalar, "action": scalar, "pins": {"toy.c": "abc"}}

    def reset(self, seed: int, chance: Any = None) -> int:
        return 0

    def step(self, action: int, chance: Any = None) -> tuple[int, float, bool, bool]:
        return 0, 0.0, False, False

    @component
    def loop(self, steps: Any, seed: Any, slow: Any) -> dict[str, Any]:
        self.calls += 1
        total = int(seed) * int(steps) + (self.calls if self.drifts else 0)
        return {"seconds": float(steps) * 1e-8 * (1 + float(slow)), "total": total}
