// What a side is asked, in numbers: the request as Showdown sends it, [2, 16] a lane.

import { moveCode } from "./showdown.mjs";

/** The names of the entries, in order; README.md says what they mean. */
export const OBSERVATION = [
  ...["kind", "trapped", "maybe_locked", "entries"],
  ...["move_0", "pp_0", "disabled_0", "move_1", "pp_1", "disabled_1"],
  ...["move_2", "pp_2", "disabled_2", "move_3", "pp_3", "disabled_3"],
];

// Entries that are no moves have no number of their own: `kind` says what they are.
const NO_MOVES = new Set(["fight", "recharge"]);

export function observe(lane, data, row) {
  for (const side of [0, 1]) {
    const { kind, trapped, maybeLocked, entries } = lane.ask(side);
    let at = (row * 2 + side) * OBSERVATION.length;
    data[at++] = kind;
    data[at++] = trapped ? 1 : 0;
    data[at++] = maybeLocked ? 1 : 0;
    data[at++] = entries.length;
    for (let slot = 0; slot < 4; slot++) {
      const entry = entries[slot];
      data[at++] = entry && !NO_MOVES.has(entry.id) ? moveCode(entry.id) : 0;
      data[at++] = entry?.pp ?? 0;
      data[at++] = entry?.disabled ? 1 : 0;
    }
  }
}
