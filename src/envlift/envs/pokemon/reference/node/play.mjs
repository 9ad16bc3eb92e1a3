// Whole battles played inside of this process: what Showdown's speed and bots are measured with.

import { Lane, WAIT, randomTeams } from "./battle.mjs";
import { BOTS, Dice } from "./bots.mjs";
import { Values } from "./wire.mjs";

const one = (dtype, value) => new Values(dtype, [1], dtype === "int64" ? BigInt64Array.of(BigInt(value)) : Float64Array.of(value));
const first = (given, name, otherwise) => given[name]?.[0] ?? otherwise;

/**
 * Play battles, one after the other.
 *
 * @param given `battles` [1], or `decisions` [1]: joint ones, after which it stops in the middle; `seed` [1], 1 if left out; `bots` [2], places in `BOTS`, random ones if
 *   left out; `swap` [1], 1 if the two change seats with every battle
 * @returns each [1]: `seconds` of all, `cpu_seconds` (of this process), `making` (seconds of making
 *   battles and teams), `turns`, `decisions` (joint
 *   ones), `choices` (a player's own), `wins` of the first and of the second bot, `ties`, `checksum`
 */
export function play(given, host) {
  const most = first(given, "decisions", Infinity);
  const count = first(given, "battles", most === Infinity ? 1 : Infinity);
  const dice = new Dice(first(given, "seed", 1));
  const codes = given.bots ? [...given.bots] : [0, 0];
  const swap = first(given, "swap", 0) === 1;
  const bots = codes.map((code) => BOTS[code]);
  if (bots.includes(undefined)) throw new Error(`bots are ${codes}; known: 0 random, 1 max damage, 2 heuristic`);
  const total = { turns: 0, decisions: 0, choices: 0, ties: 0, checksum: 0 };
  const wins = [0, 0];
  const started = performance.now();
  const used = process.cpuUsage();
  let making = 0;
  for (let battle = 0; battle < count && total.decisions < most; battle++) {
    const seats = swap && battle % 2 ? [1, 0] : [0, 1];
    const from = performance.now();
    const pair = host.teams ? [dice.pick(host.teams), dice.pick(host.teams)] : randomTeams([dice.word(), dice.word()]);
    const lane = new Lane(host.format, [dice.word(), dice.word()], pair);
    making += performance.now() - from;
    while (!lane.ended && total.decisions < most) {
      total.decisions++;
      lane.choose(
        seats.map((bot, side) => {
          if (lane.ask(side).kind === WAIT) return 0;
          total.choices++;
          return bots[bot](lane, side, dice);
        }),
      );
    }
    total.turns += lane.battle.turn;
    total.checksum = (total.checksum * 31 + lane.battle.prng.rng.seed[0]) % 2 ** 31;
    if (lane.winner === 2) total.ties++;
    else if (lane.ended) wins[seats[lane.winner]]++;
    lane.battle.destroy();
  }
  const { user, system } = process.cpuUsage(used);
  return {
    cpu_seconds: one("float64", (user + system) / 1e6),
    seconds: one("float64", (performance.now() - started) / 1000),
    making: one("float64", making / 1000),
    ...Object.fromEntries(Object.entries(total).map(([name, value]) => [name, one("int64", value)])),
    wins: one("int64", wins[0]),
    losses: one("int64", wins[1]),
  };
}
