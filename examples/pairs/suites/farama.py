"""Two environments of packages that envlift does not have, episode by episode from equal seeds.

Both run in the virtual environment that ``python -m examples.pairs --make farama`` makes.
"""

from envlift.verify.suite import Config, Suite

APART = {"interpreter": "build/pairs/farama"}
SUITE = Suite(
    name="from equal seeds",
    reference="",
    candidate="",
    start="seed",
    configs=(Config("default", reference=APART, candidate=APART),),
)
