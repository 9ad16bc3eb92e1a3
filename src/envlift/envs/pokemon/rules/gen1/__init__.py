"""Generation 1 as Pokémon Showdown plays it, in Warp, on ONE battle.

A battle lies in one array of int32, ``b``; ``memory.At`` says what lies where. ``s`` is a side (0
or 1), ``t`` the side that a move is aimed at, ``m`` a Pokémon: side * 6 + its place in the team.

| file | what it holds, in Showdown's words |
|---|---|
| ``memory`` | where each field of the state lies |
| ``ids`` | effect codes, statuses, stats |
| ``data`` | moves, species, types |
| ``prng`` | the generator and its draws |
| ``pokemon`` | stats, HP, status and volatiles of a Pokémon |
| ``queue`` | actions and their order |
| ``before`` | what may stop a move; runMove, useMove |
| ``hit`` | tryMoveHit, moveHit |
| ``damage`` | getDamage |
| ``effects`` | the interpreter of effect codes |
| ``after`` | what follows a move: partial trapping, damage by status |
| ``turn`` | the loop over actions, switches, ends |
| ``choices`` | requests, legal choices, what a choice does |
| ``start`` | a new battle from two teams |
"""
