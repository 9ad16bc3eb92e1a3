"""Gymnasium, and OpenAI's gym 0.26 on NumPy 1 in a virtual environment of its own."""

from envlift.verify.suite import Config, Suite

OLD = {"interpreter": "build/pairs/gym026"}
SUITE = Suite(
    name="from equal seeds",
    reference="",
    candidate="",
    start="seed",
    configs=(Config("default", candidate=OLD),),
)
