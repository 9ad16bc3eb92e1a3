"""Generation 1 as Pokémon Showdown plays it, in Warp, on ONE battle.

A battle lies in one array of int32, ``b``; ``parts.memory.At`` says what lies where. ``s`` is a
side (0 or 1), ``t`` the side that a move is aimed at, ``m`` a Pokémon: side * 6 + its place in the
team. Functions are named after Showdown's, and draw in its order.

| file | what it holds |
|---|---|
| ``batched`` | the rules as JAX functions |
| ``kernel`` | what is compiled: a state is copied into ``b``, played, copied back |
| ``look`` | what both players see |
| ``probes`` | single functions, for level 1 and tests |
| ``battle/choices`` | requests, legal choices, what a choice does; ``step`` |
| ``battle/queue`` | actions and their order |
| ``battle/start`` | a new battle |
| ``battle/turn`` | the loop over actions, switches, faints, the end of a turn |
| ``battle/endless`` | battles in which nobody can make progress |
| ``move/run`` | runMove, what may stop it, useMove |
| ``move/hit`` | tryMoveHit, moveHit |
| ``move/damage`` | getDamage |
| ``move/effects`` | the interpreter of effect codes |
| ``move/after`` | partial trapping, recharge, damage by status |
| ``move/stats`` | stages |
| ``parts/pokemon`` | HP, status, volatiles |
| ``parts/prng``, ``parts/teams`` | draws; the generator of random teams |
| ``parts/data``, ``parts/ids``, ``parts/memory`` | tables; numbers; where fields lie |

A function is a ``@rule``: one of Warp's, in which ``b[i]`` is a number.
"""
