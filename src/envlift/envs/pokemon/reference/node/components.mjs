// What `call` reaches: probes, bots, whole battles, a lane's log, the teams of a seed.

import { randomTeams } from "./battle.mjs";
import { BOTS, Dice } from "./bots.mjs";
import { play } from "./play.mjs";
import { PROBES } from "./probes.mjs";
import { STATS, dex, moveCode } from "./showdown.mjs";
import { Values } from "./wire.mjs";

/** What bots would do in the present states: `bots` [2], `seed` [1] -> `actions` int32 [B, 2]. */
function botActions(given, host) {
  const bots = [...given.bots].map((code) => BOTS[code]);
  const dice = new Dice(given.seed[0]);
  const actions = new Values("int32", [host.lanes.length, 2]);
  host.lanes.forEach((lane, row) => {
    bots.forEach((bot, side) => (actions.data[row * 2 + side] = bot(lane, side, dice)));
  });
  return { actions };
}

/** Showdown's log of the lane `log_lane`, UTF-8: `log` of the present battle, `finished` of the last. */
function log(_, host) {
  if (!host.lanes[host.logLane]) throw new Error("no log is kept; name a lane in the option log_lane");
  const bytes = (text) => {
    const data = new Uint8Array(Buffer.from(text));
    return new Values("uint8", [data.length], data);
  };
  return { log: bytes(host.lanes[host.logLane].log()), finished: bytes(host.finishedLog) };
}

/**
 * The teams that the generator draws: `seed` [N, 2] -> int32, all [N, 2, 6, ...]: `species`, `level`,
 * `moves` [..., 4], `ivs` and `evs` [..., 5] (HP first).
 */
function teams(given) {
  const rows = given.seed.length / 2;
  const shapes = { species: [], level: [], moves: [4], ivs: [5], evs: [5] };
  const results = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, new Values("int32", [rows, 2, 6, ...shape])]));
  const stats = ["hp", ...STATS];
  for (let row = 0; row < rows; row++) {
    randomTeams(given.seed.subarray(row * 2, row * 2 + 2)).flat().forEach((member, at) => {
      const place = row * 12 + at;
      results.species.data[place] = dex.species.get(member.species).num;
      results.level.data[place] = member.level;
      member.moves.forEach((move, k) => (results.moves.data[place * 4 + k] = moveCode(dex.moves.get(move).id)));
      stats.forEach((stat, i) => {
        results.ivs.data[place * 5 + i] = member.ivs[stat];
        results.evs.data[place * 5 + i] = member.evs[stat];
      });
    });
  }
  return results;
}

export const COMPONENTS = { ...PROBES, bot_actions: botActions, play, log, teams };
