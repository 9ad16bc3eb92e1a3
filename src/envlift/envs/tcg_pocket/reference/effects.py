"""The effect codes of step 8, of Trainers and of Abilities (X, Z-6, C, L-1).

``carry_out`` goes through the codes of a card from where it stands. A code that needs a choice asks
before it changes anything, so that it can be taken up again from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable

from envlift.envs.tcg_pocket.reference import board, knockouts
from envlift.envs.tcg_pocket.reference.can import energy_number
from envlift.envs.tcg_pocket.reference.chance import MOST_COINS, heads
from envlift.envs.tcg_pocket.reference.options import OPPOSING, OWN, ask
from envlift.envs.tcg_pocket.reference.program import (
    ability_of,
    energy_targets,
    gate_open,
    heal_targets,
    hit_targets,
    of_names,
    of_type,
    ops_of,
    switch_targets,
)
from envlift.envs.tcg_pocket.reference.rulebook import note, rule
from envlift.envs.tcg_pocket.reference.state import (
    ACTIVE,
    Condition,
    Decision,
    Game,
    InHand,
    Player,
    Pokemon,
    Prevent,
    Work,
)
from envlift.envs.tcg_pocket.tables import Op

OF_EARLIER_STEPS = {
    *("COPY_ATTACK", "FAIL", "DMG_SET_PER", "DMG_ADD", "DMG_ADD_PER", "SELF_DAMAGE"),
    *("FLIP", "HIT"),
}
"""Codes of an attack that act before step 8 of K-4."""


@rule
def carry_out(game: Game) -> None:
    """K-4.8, P-4, A-1: carry out the effect codes in their order, from where the work stands."""
    pending = game.pending
    ops = ops_of(game)
    while pending.op < len(ops):
        op = ops[pending.op]
        early = pending.kind == Work.ATTACK and op.code in OF_EARLIER_STEPS
        if not early and gate_open(game, op):
            EFFECTS[op.code](game, op)
        else:
            next_op(game)


def next_op(game: Game) -> None:
    """Leave an effect code behind, with what it kept."""
    game.pending.op += 1
    game.pending.units = game.pending.chosen = 0


@rule
def flip(game: Game, op: Op) -> None:
    """X-1, F-3: flip the coins of FLIP; "until tails" stops at the first tails."""
    pending, coins = game.pending, op.params["coins"]
    note("X-1")
    pending.heads = pending.coins = 0
    if coins == "until_tails":
        while True:
            shown = heads(game.chance)
            pending.coins += 1
            if not shown or pending.coins == MOST_COINS:
                return
            pending.heads += 1
    for _ in range(coins):
        pending.heads += heads(game.chance)
        pending.coins += 1


@rule
def touches(game: Game, pokemon: Pokemon) -> bool:
    """K-5, X-26: whether an effect has any consequence for a Pokémon.

    Not if it is at 0 HP, and not if an opponent's attack would put it on one that prevents that.
    """
    shielded = (
        game.pending.kind == Work.ATTACK
        and any(pokemon is p for _, p in game.other.in_play)
        and pokemon.prevent == Prevent.DAMAGE_AND_EFFECTS
    )
    out = game.knocked_out(pokemon)
    if out or shielded:
        note("K-5" if out else "X-26")
    return not out and not shielded


def user(game: Game) -> Pokemon:
    """Return who attacks or uses the Ability."""
    place = game.pending.place if game.pending.kind == Work.ABILITY else ACTIVE
    found = game.own.places[place]
    assert found is not None, "who acts is in play"
    return found


# -- codes --------------------------------------------------------------------------------------


@rule
def _flip(game: Game, op: Op) -> None:
    """X-1: of a Trainer or an Ability."""
    flip(game, op)
    next_op(game)


@rule
def _choose_own(game: Game, op: Op) -> None:
    """X-30: CHOOSE_OWN, the player picks one own Pokémon of a type, before the coins."""
    if any(of_type(game, p, op.params.get("type")) for _, p in game.own.in_play):
        game.pending.target = ask(game, Decision.CHOOSE, game.turn_player) - OWN
    next_op(game)


@rule
def _hit(game: Game, op: Op) -> None:
    """X-6, A-5: damage by an Ability, not modified by anything."""
    me = game.turn_player
    own = op.params["side"] == "own"
    side = game.players[me if own else 1 - me]
    places = hit_targets(side, op)
    if op.params["pick"] == "choose" and places:
        places = [ask(game, Decision.HIT, me) - (OWN if own else OPPOSING)]
    for place in places:
        pokemon = side.places[place]
        assert pokemon is not None, "a target is in play"
        pokemon.damage += op.params["n"]
        note("A-5", "X-6")
    next_op(game)


@rule
def _discard_own_energy(game: Game, op: Op) -> None:
    """X-8, K-6: of a type; any with all: everything."""
    number, n = op.params["type"], op.params["n"]
    own = game.own
    if number == "any":
        for each in range(len(own.active.energy)):
            board.discard_energy(own, own.active, each, own.active.energy[each])
    else:
        board.discard_energy(own, own.active, energy_number(number), n)
    next_op(game)


@rule
def _discard_opp_energy(game: Game, op: Op) -> None:
    """X-9: random Energy of the opponent's Active Pokémon."""
    if touches(game, game.other.active):
        for _ in range(op.params["n"]):
            board.discard_random_energy(game, game.other, game.other.active)
    next_op(game)


@rule
def _discard_hand(game: Game, op: Op) -> None:
    """X-10: random cards of a hand."""
    player = game.other if op.params["side"] == "opp" else game.own
    for _ in range(op.params["n"]):
        if player.hand:
            held = player.hand.pop(game.chance.below(len(player.hand)))
            player.discard.append(held.card)
    next_op(game)


@rule
def _mill(game: Game, op: Op) -> None:
    """X-11: cards from the top of decks."""
    players = {"own": [game.own], "opp": [game.other], "both": [game.own, game.other]}
    for player in players[op.params["side"]]:
        board.mill(player, op.params["n"])
    next_op(game)


@rule
def _zone_energy(game: Game, op: Op) -> None:
    """X-12, Z-6: new Energy of a type, unit by unit."""
    pending, own, to = game.pending, game.own, op.params["to"]
    if to in ("bench_any_way", "bench_each_of_chosen", "bench_one", "own_one"):
        _place_units(game, op)
        return
    n = pending.heads if op.params["n"] == "heads" else op.params["n"]
    place = {"active": ACTIVE, "chosen": pending.target}.get(to)
    pokemon = user(game) if place is None else own.places[place] if place >= 0 else None
    if pokemon is None or not of_type(game, pokemon, op.params.get("to_type")):
        next_op(game)
        return
    if pending.units == 0:
        pending.units = n
    while pending.units:
        _attach_unit(game, pokemon, op)
    if n == 0:
        next_op(game)


@rule
def _place_units(game: Game, op: Op) -> None:
    """X-12: units for Benched or named Pokémon that their owner chooses."""
    pending, own, to = game.pending, game.own, op.params["to"]
    if pending.units == 0 and pending.chosen == 0:
        pending.units = pending.heads if op.params["n"] == "heads" else op.params["n"]
        if to == "bench_each_of_chosen":
            pending.units = op.params["choose"]
    at = pending.op
    while pending.op == at:
        places = energy_targets(game, own, op)
        if not places or pending.units == 0:
            next_op(game)
            return
        all_of_them = to == "bench_each_of_chosen" and len(places) <= pending.units
        if all_of_them:
            place = places[0]
            pending.units = len(places)
        else:
            place = ask(game, Decision.ENERGY, game.turn_player) - OWN
        pokemon = own.places[place]
        assert pokemon is not None, "a target is in play"
        if to == "bench_each_of_chosen":
            pending.chosen |= 1 << place
        _attach_unit(game, pokemon, op)
        if to in ("bench_one", "own_one"):
            while pending.op == at and own.places[place] is pokemon:
                _attach_unit(game, pokemon, op)


@rule
def _attach_unit(game: Game, pokemon: Pokemon, op: Op) -> None:
    """Z-6, Z-7, K-5: one unit; the code is left behind with its last one."""
    game.pending.units -= 1
    if game.pending.units == 0:
        next_op(game)
    number = energy_number(op.params["type"])
    if touches(game, pokemon):
        note("X-12")
        pokemon.energy[number] += 1
        if game.options.zone_trigger == "any":
            on_zone_attach(game, pokemon, number)


@rule
def on_zone_attach(game: Game, pokemon: Pokemon, number: int) -> None:
    """X-28, G-1: the Ability that waits for Energy of a type from the zone, and its check."""
    (place,) = [place for place, p in game.own.in_play if p is pokemon]
    ability = ability_of(game, pokemon, place, "on_zone_attach")
    if ability is None or ability.energy is None or energy_number(ability.energy) != number:
        return
    note("X-28")
    for op in ability.ops:
        trigger(game, pokemon, op)
    knockouts.check(game)


@rule
def trigger(game: Game, pokemon: Pokemon, op: Op) -> None:
    """X-28, X-29: carry out a code of a triggered Ability; it has no choices.

    Raises:
        ValueError: for a code that no triggered Ability of these sets has.
    """
    me = game.turn_player
    if op.code == "HEAL" and op.params["who"] == "self":
        heal(pokemon, op.params["n"])
    elif op.code == "HIT" and op.params["pick"] == "each":
        side = game.players[me if op.params["side"] == "own" else 1 - me]
        for place in hit_targets(side, op):
            target = side.places[place]
            assert target is not None, "a target is in play"
            target.damage += op.params["n"]
            note("A-5", "X-6")
    elif op.code == "ZONE_ENERGY" and op.params["to"] == "self":
        number = energy_number(op.params["type"])
        for _ in range(op.params["n"]):
            note("X-12")
            pokemon.energy[number] += 1
            if game.options.zone_trigger == "any":
                on_zone_attach(game, pokemon, number)
    else:
        raise ValueError(f"a triggered Ability has {op.code} {op.params}, which asks for a choice")


@rule
def _move_energy(game: Game, op: Op) -> None:
    """X-13: all Energy of a type from the Bench to the Active Pokémon."""
    number = energy_number(op.params["type"])
    if touches(game, game.own.active):
        for _, pokemon in game.own.bench:
            game.own.active.energy[number] += pokemon.energy[number]
            pokemon.energy[number] = 0
    next_op(game)


@rule
def heal(pokemon: Pokemon, n: int) -> None:
    """X-14: remove damage, not below 0."""
    note("X-14")
    pokemon.damage = max(0, pokemon.damage - n)


@rule
def _heal(game: Game, op: Op) -> None:
    """X-14: the user, all own Pokémon, or one that is chosen."""
    n = game.pending.damage if op.params["n"] == "damage_done" else op.params["n"]
    who = op.params["who"]
    if who == "own_one":
        found = []
        if heal_targets(game, game.own, op):
            place = ask(game, Decision.HEAL, game.turn_player) - OWN
            found = [p for at, p in game.own.in_play if at == place]
    elif who == "own_each":
        found = [p for _, p in game.own.in_play if of_type(game, p, op.params.get("type"))]
    else:
        found = [user(game)]
    for pokemon in found:
        if touches(game, pokemon):
            heal(pokemon, n)
    next_op(game)


@rule
def set_status(game: Game, pokemon: Pokemon, status: str) -> None:
    """C-2, C-3: a Special Condition is set; of three the newest stays."""
    note("C-1")
    if status == "Poisoned":
        pokemon.poisoned = True
    elif status == "Burned":
        pokemon.burned = True
    else:
        if pokemon.condition:
            note("C-3" if pokemon.condition == Condition[status.upper()] else "C-2")
        pokemon.condition = Condition[status.upper()]
        pokemon.paralyzed_turn = game.turn if status == "Paralyzed" else 0


@rule
def _status(game: Game, op: Op) -> None:
    """X-15, C-1: a Special Condition for an Active Pokémon."""
    who = game.own.active if op.params["who"] == "self" else game.other.active
    if touches(game, who):
        set_status(game, who, op.params["status"])
    next_op(game)


def adds(number: int) -> None:
    """Note that a number is added to one of its kind."""
    if number:
        note("L-4")


@rule
def _next_turn(game: Game, op: Op) -> None:
    """X-16, L-1, L-4: a lasting effect is put on a Pokémon or on the opponent."""
    note("X-16")
    kind, n = op.params["kind"], op.params.get("n", 0)
    me, defender = game.own.active, game.other.active
    if kind == "opp_no_supporter":
        game.other.no_supporter = True
    elif kind.startswith("defender_") and touches(game, defender):
        if kind == "defender_deals_less":
            adds(defender.deals_less)
            defender.deals_less += n
        elif kind == "defender_no_attack":
            defender.no_attack = True
        elif kind == "defender_no_retreat":
            defender.no_retreat = True
    elif kind == "self_takes_less":
        adds(me.takes_less)
        me.takes_less += n
    elif kind == "self_counter":
        adds(me.counter)
        me.counter += n
    elif kind == "self_prevent":
        me.prevent = max(me.prevent, Prevent[op.params["what"].upper()])
    elif kind == "own_attack_more":
        ends = game.turn + 2
        old = me.attack_more if me.attack_more_until == ends else 0
        adds(old)
        me.attack_more, me.attack_more_until = old + n, ends
        me.attack_more_name = game.tables.watched.index(op.params["attack"]) + 1
    next_op(game)


@rule
def _switch_own(game: Game, op: Op) -> None:
    """X-17: the attacker's owner chooses who comes to the Active Spot."""
    if game.own.bench and touches(game, game.own.active):
        board.swap(game.own, ask(game, Decision.SWITCH, game.turn_player) - OWN)
        note("X-17", "R-6")
    next_op(game)


@rule
def _switch_opp(game: Game, op: Op) -> None:
    """X-18: the opponent's Active Pokémon goes to the Bench, another one comes."""
    other, me = game.other, game.turn_player
    if switch_targets(game, other, op) and touches(game, other.active):
        by_player = op.params["chooser"] == "player"
        chosen = ask(game, Decision.SWITCH, me if by_player else 1 - me)
        board.swap(other, chosen - (OPPOSING if by_player else OWN))
        note("X-18", "R-6")
    next_op(game)


@rule
def _draw(game: Game, op: Op) -> None:
    """X-19, H-2: draw cards."""
    board.draw(game.own, op.params["n"])
    next_op(game)


@rule
def fits(game: Game, card: int, op: Op) -> bool:
    """X-20: whether a card of the deck is what FIND looks for; a fossil is a Trainer (P-9)."""
    found, params = game.card(card), op.params
    return (
        (found.basic if params["what"] == "basic" else found.kind == "pokemon")
        and params.get("type") in (None, found.type)
        and params.get("name") in (None, found.name)
    )


@rule
def _find(game: Game, op: Op) -> None:
    """X-20, H-1, H-4, I-4: a random fitting card, then the deck is shuffled in any case."""
    own = game.own
    for _ in range(op.params["n"]):
        places = [at for at, card in enumerate(own.deck) if fits(game, card, op)]
        to_hand = op.params["to"] == "hand"
        room = board.room_in_hand(own) if to_hand else own.free_bench is not None
        if places and room:
            card = own.deck.pop(places[game.chance.below(len(places))])
            if to_hand:
                note("I-4")
                own.hand.append(InHand(card, known=True))
            else:
                board.put_on_bench(own, card)
    board.shuffle_deck(game, own)
    next_op(game)


@rule
def _return_active(game: Game, op: Op) -> None:
    """X-21, G-4, W-1, H-3: all cards of an Active Pokémon go to the hand or into the deck."""
    player = game.own if op.params["side"] == "own" else game.other
    moved = touches(game, player.active) and of_names(game, player.active, op.params.get("names"))
    next_op(game)
    if not moved:
        return
    note("X-21", "G-4")
    cards = board.leave_play(player, ACTIVE)
    if op.params["to"] == "hand":
        player.hand += [InHand(card, known=True) for card in cards]
        if len(player.hand) > player.hand_limit:
            note("H-3")
    else:
        player.deck += cards
        board.shuffle_deck(game, player)
    knockouts.look_for_end(game)
    knockouts.promote(game)


@rule
def _look(game: Game, op: Op) -> None:
    """X-22, I-3: cards become known."""
    note("I-3")
    if op.params["what"] == "opp_hand":
        for held in game.other.hand:
            held.known = True
    else:
        own = game.own
        own.deck_known = max(own.deck_known, min(op.params["n"], len(own.deck)))
    next_op(game)


@rule
def _reshuffle_hand(game: Game, op: Op) -> None:
    """X-22: a hand goes into its deck, which is shuffled and drawn from anew."""
    player: Player = game.other if op.params["side"] == "opp" else game.own
    player.deck += [held.card for held in player.hand]
    player.hand = []
    board.shuffle_deck(game, player)
    board.draw(player, op.params["draw"])
    next_op(game)


@rule
def _turn_damage(game: Game, op: Op) -> None:
    """X-27, M-3: more damage for the rest of the turn."""
    note("X-27")
    if "names" in op.params:
        game.turn_damage_named += op.params["n"]
        game.turn_damage_card = game.pending.card
    else:
        game.turn_damage_any += op.params["n"]
    next_op(game)


@rule
def _turn_retreat(game: Game, op: Op) -> None:
    """X-27, L-4: cheaper retreats for the rest of the turn."""
    note("X-27")
    adds(game.turn_retreat)
    game.turn_retreat += op.params["n"]
    next_op(game)


@rule
def _play_as_basic(game: Game, op: Op) -> None:
    """P-8, P-9: a fossil is put on the Bench as a Basic Pokémon."""
    note("P-8")
    board.put_on_bench(game.own, game.pending.card)
    next_op(game)


EFFECTS: dict[str, Callable[[Game, Op], None]] = {
    "FLIP": _flip,
    "CHOOSE_OWN": _choose_own,
    "HIT": _hit,
    "DISCARD_OWN_ENERGY": _discard_own_energy,
    "DISCARD_OPP_ENERGY": _discard_opp_energy,
    "DISCARD_HAND": _discard_hand,
    "MILL": _mill,
    "ZONE_ENERGY": _zone_energy,
    "MOVE_ENERGY": _move_energy,
    "HEAL": _heal,
    "STATUS": _status,
    "NEXT_TURN": _next_turn,
    "SWITCH_OWN": _switch_own,
    "SWITCH_OPP": _switch_opp,
    "DRAW": _draw,
    "FIND": _find,
    "RETURN_ACTIVE": _return_active,
    "LOOK": _look,
    "RESHUFFLE_HAND": _reshuffle_hand,
    "TURN_DAMAGE": _turn_damage,
    "TURN_RETREAT": _turn_retreat,
    "PLAY_AS_BASIC": _play_as_basic,
}
"""What each code does outside of the damage of an attack."""
