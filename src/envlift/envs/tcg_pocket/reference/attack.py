"""Attacking: the procedure of K-4."""

from __future__ import annotations

from envlift.envs.tcg_pocket.reference import damage, effects, knockouts
from envlift.envs.tcg_pocket.reference.chance import heads
from envlift.envs.tcg_pocket.reference.options import ATTACK, COPY, OPPOSING, OWN, ask, copy
from envlift.envs.tcg_pocket.reference.program import (
    attack_of,
    gate_open,
    hit_targets,
    pays,
)
from envlift.envs.tcg_pocket.reference.rulebook import note, rule
from envlift.envs.tcg_pocket.reference.state import Condition, Decision, Game, Pending, Work

CHOICES = 3
OTHER_EFFECTS = 8
KNOCK_OUTS = 9


@rule
def declare(game: Game, action: int) -> None:
    """K-4.1, K-4.2, C-5: declare an attack; a confused Pokémon fails on tails."""
    active = game.own.active
    if game.turn == 1:
        note("T-7")
    if active.condition == Condition.CONFUSED:
        note("C-5")
        if not heads(game.chance):
            return
    game.pending = Pending(Work.ATTACK, active.cards[-1], attack=action - ATTACK, step=CHOICES)
    note_use(game)
    carry_on(game)


@rule
def note_use(game: Game) -> None:
    """X-3, X-4: remember the use of an attack that effects ask for by its name."""
    number = damage.watched_number(game, attack_of(game).name)
    if number:
        game.attack_now = number
        game.own.attack_uses[number - 1] += 1


@rule
def carry_on(game: Game) -> None:
    """K-4, X-16: steps 3 to 9, from where the attack stands."""
    pending = game.pending
    if pending.step == CHOICES:
        if not strike(game):
            game.pending = Pending()
            return
        pending.step, pending.op = OTHER_EFFECTS, 0
    if pending.step == OTHER_EFFECTS:
        effects.carry_out(game)
        pending.step = KNOCK_OUTS
        knockouts.check(game)
    game.pending = Pending()


@rule
def strike(game: Game) -> bool:
    """K-4, X-2, X-7: steps 3 to 7; False if the attack does nothing (K-4.4, X-23)."""
    if not choose_copied(game):
        return False
    choose_target(game)
    ops = attack_of(game).ops
    for op in ops:
        if op.code == "FLIP":
            effects.flip(game, op)
    if any(op.code == "FAIL" and gate_open(game, op) for op in ops):
        note("X-2")
        return False
    damage.deal(game)
    damage.react(game)
    return True


@rule
def choose_copied(game: Game) -> bool:
    """X-23: choose the attack that COPY_ATTACK carries out; False if it cannot be paid."""
    pending = game.pending
    if pending.copied_card or not any(op.code == "COPY_ATTACK" for op in attack_of(game).ops):
        return True
    if not copy(game, game.turn_player):
        return False
    note("X-23")
    place, number = divmod(ask(game, Decision.COPY, game.turn_player) - COPY, 2)
    pokemon = game.other.places[place]
    assert pokemon is not None, "the copied Pokémon is in play"
    chosen = game.top(pokemon).attacks[number]
    if not pays(game.own.active.energy, chosen.cost):
        return False
    pending.copied_card, pending.copied_attack, pending.op = pokemon.cards[-1], number, 0
    note_use(game)
    return True


@rule
def choose_target(game: Game) -> None:
    """K-4.3, X-6: choose the target of HIT, before the coins."""
    pending, me = game.pending, game.turn_player
    for at, op in enumerate(attack_of(game).ops):
        if op.code == "HIT" and op.params["pick"] == "choose" and pending.target < 0:
            own = op.params["side"] == "own"
            pending.op = at
            if hit_targets(game.players[me if own else 1 - me], op):
                first = OWN if own else OPPOSING
                pending.target = ask(game, Decision.HIT, me) - first
