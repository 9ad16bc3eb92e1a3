"""One variant of the game (``tables.variants``): ``SUITE`` of the seed in ``TCG_POCKET_VARIANT``.

``python -m envlift.envs.tcg_pocket.verification.variants SEED`` runs it.
"""

import os

from envlift.envs.tcg_pocket.verification.suite import variant_suite

SUITE = variant_suite(int(os.environ.get("TCG_POCKET_VARIANT", "1")))
