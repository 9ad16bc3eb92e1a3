"""The form of a kernel for CUDA, compiled and run on the CPU."""

import jax
import pytest

from envlift.targets import warp_cpu
from envlift.targets.warp import BatchedRule


@pytest.fixture
def form_for_cuda(monkeypatch):
    """Compile and run on the CPU what CUDA is given: one lane per thread, state in two arrays.

    Gives a list to which each launch that is made adds the name of its rule.
    """
    launch, used = BatchedRule.launch, []

    def registers(self, layout, num_steps, num_lanes, registers):
        used.append(self.name)
        return launch(self, layout, num_steps, num_lanes, registers=True)

    monkeypatch.setattr(BatchedRule, "launch", registers)
    monkeypatch.setattr(warp_cpu, "ROLLOUT_BLOCK", 1)
    yield used
    jax.clear_caches()
