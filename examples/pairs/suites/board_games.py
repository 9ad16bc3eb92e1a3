"""PettingZoo's board games and pgx's, each in its own virtual environment; no chance in them."""

from envlift.verify.suite import Config, Suite

SUITE = Suite(
    name="board games",
    reference="",
    candidate="",
    start="seed",
    configs=(
        Config(
            "default",
            reference={"interpreter": "build/pairs/farama"},
            candidate={"interpreter": "build/pairs/jaxgames"},
        ),
    ),
)
