"""Rules of Pokémon TCG Pocket in Warp, on ONE game.

A game lies in one array of int32, ``b``; ``memory.At`` says what lies where. ``p`` is a player,
``k`` a place (0 the Active Spot, 1 to 3 the Bench), ``op`` a row of the table of effect codes.
Cards and effects are rows of tables that one interpreter reads. Letters and numbers in docstrings
are those of ``rules.md``.

| file | what it holds |
|---|---|
| ``batched`` | the rules as JAX functions |
| ``kernel`` | what is compiled: a state is copied into ``b``, played, copied back |
| ``flow`` | from decision to decision: ``step``, what an action does, what goes on after it |
| ``start`` | set-up |
| ``legal`` | which actions a decision allows |
| ``usable`` | which Trainers and Abilities could change anything |
| ``attack``, ``damage`` | attacking (K), damage of an attack (M) |
| ``ops`` | the interpreter of effect codes that ask for nothing |
| ``asking`` | of those that ask for a choice, and of Energy from the zone |
| ``turn`` | start and end of a turn, Checkup, knock-outs, end of the game |
| ``board``, ``cards`` | Pokémon in play; hand, deck and discard pile |
| ``look`` | what both players see |
| ``chance``, ``data``, ``ids``, ``memory`` | draws; tables; numbers; where fields lie |
"""
