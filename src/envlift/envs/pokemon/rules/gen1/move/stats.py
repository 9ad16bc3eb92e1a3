"""Stages of stats (``boostBy`` and the boost of a move, ``data/mods/gen1/scripts.ts``)."""

# mypy: ignore-errors

import warp as wp

from envlift.envs.pokemon.rules.gen1.parts.ids import Stat
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule
from envlift.envs.pokemon.rules.gen1.parts.pokemon import active_hp, modify_stat


@rule
def stage_percent(stage: wp.int32) -> wp.int32:
    """Return what a stage makes of a stat or an accuracy, in percent."""
    if stage >= 0:
        return 100 + 50 * stage
    if stage == -1:
        return 66
    if stage == -2:
        return 50
    if stage == -3:
        return 40
    if stage == -4:
        return 33
    if stage == -5:
        return 28
    return 25


@rule
def boost_by(b: Battle, t: wp.int32, stat: wp.int32, amount: wp.int32) -> wp.bool:
    """Move one stage; a stat at 999 or 1 stops it one stage earlier and counts as a failure."""
    place = At.BOOSTS + t * 6 + stat
    before = b[place]
    if (amount > 0 and before >= 6) or (amount < 0 and before <= -6):
        return False
    after = wp.clamp(before + amount, -6, 6)
    b[place] = after
    if stat == Stat.ACCURACY or stat == Stat.EVASION:
        return True
    modified = At.MODIFIED_STATS + t * 4 + stat
    if amount > 0 and b[modified] == 999:
        b[place] = after - 1
        return False
    if amount < 0 and b[modified] == 1:
        b[place] = after + 1
        return False
    b[modified] = b[At.STORED_STATS + t * 4 + stat]
    modify_stat(b, t, stat, stage_percent(after), 100)
    if amount > 0:
        b[modified] = wp.min(b[modified], 999)
    return True


@rule
def boost(
    b: Battle, t: wp.int32, stat: wp.int32, amount: wp.int32, s: wp.int32, by_status_move: wp.bool
) -> wp.bool:
    """Move a stage of ``t`` as side ``s`` wants; Mist stops what the foe's status moves lower."""
    if active_hp(b, t) == 0:
        return False
    if b[At.MIST + t] != 0 and amount < 0 and s != t and by_status_move:
        return False
    return boost_by(b, t, stat, amount)


@rule
def build_rage(b: Battle, t: wp.int32, s: wp.int32):
    """Raise the attack of who is in a rage."""
    if b[At.RAGE_ACCURACY + t] != 0 and b[At.BOOSTS + t * 6 + Stat.ATK] < 6:
        boost(b, t, Stat.ATK, 1, s, False)
