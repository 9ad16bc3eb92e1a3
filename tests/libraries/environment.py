"""Make the environment of these tests if it is not there, and print its interpreter."""

from __future__ import annotations

from pathlib import Path

from envlift.reference.processes.venv import environment

if __name__ == "__main__":
    print(environment(Path(__file__).with_name("requirements.txt")))
