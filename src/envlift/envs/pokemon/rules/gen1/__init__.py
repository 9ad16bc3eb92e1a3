"""Generation 1 as Pokémon Showdown plays it, in Warp, on ONE battle.

A battle lies in one array of int32, ``b``; ``memory.At`` says what lies where. ``s`` is a side (0
or 1), ``t`` the side that a move is aimed at, ``m`` a Pokémon: side * 6 + its place in the team.
Functions are named after Showdown's, and draw in its order.

| file | what it holds |
|---|---|
| ``batched`` | the rules as JAX functions |
| ``kernel`` | what is compiled: a state is copied into ``b``, played, copied back |
| ``choices`` | requests, legal choices, what a choice does; ``step`` |
| ``start``, ``teams`` | a new battle; the generator of random teams |
| ``turn`` | the loop over actions, switches, faints, the end of a turn |
| ``endless`` | battles in which nobody can make progress |
| ``queue`` | actions and their order |
| ``moves`` | runMove, what may stop it, useMove |
| ``hit`` | tryMoveHit, moveHit |
| ``damage`` | getDamage |
| ``effects`` | the interpreter of effect codes |
| ``after`` | partial trapping, recharge, damage by status |
| ``stats``, ``pokemon`` | stages; HP, status, volatiles |
| ``prng``, ``data``, ``ids``, ``memory`` | draws; tables; numbers; where fields lie |

A function is a ``@rule``: one of Warp's, in which ``b[i]`` is a number.
"""
