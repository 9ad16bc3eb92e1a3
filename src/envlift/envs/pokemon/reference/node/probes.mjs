// Level 1: single functions and tables of Showdown, asked for at run time from `Dex.forGen(1)`.
//
// `N` rows. A probe writes its row into a live battle and calls Showdown's own function.

import { createHash } from "node:crypto";
import { Lane, seedText } from "./battle.mjs";
import { BOOSTS, MOVES, NO_TYPE, SPECIES, STATS, STATUSES, TYPES, dex, moveOf, speciesOf, statusCode, typeCode } from "./showdown.mjs";
import { Values } from "./wire.mjs";

/** Codes of the volatiles that rows of moves name; 0 is none. */
export const VOLATILES = [
  ...["", "confusion", "flinch", "partialtrappinglock", "mustrecharge", "lockedmove", "rage", "bide"],
  ...["disable", "leechseed", "mist", "focusenergy", "lightscreen", "reflect", "substitute"],
  ...["minimize", "defensecurl"],
];

// What a probe throws out of Showdown once it has what it asked for.
class Stop {
  constructor(value) {
    this.value = value;
  }
}

function stopped(work) {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof Stop) return thrown.value;
    throw thrown;
  }
  return undefined;
}

let scratch;

// Two members who hinder nothing: every probe writes what it needs over them.
function arena() {
  scratch ??= new Lane("gen1customgame", [0, 0], [[{ species: "Dragonite", moves: ["splash"], level: 100 }], [{ species: "Dragonite", moves: ["splash"], level: 100 }]]);
  const { battle } = scratch;
  delete battle.randomChance;
  delete battle.actions.moveHit;
  battle.lastDamage = 0;
  for (const { pokemon } of battle.sides) {
    const [member] = pokemon;
    member.status = "";
    member.set.species = "Dragonite";
    member.clearVolatile();
    member.level = 100;
    member.types = ["Dragon"];
    member.hp = member.maxhp;
  }
  return { battle, own: battle.sides[0].pokemon[0], foe: battle.sides[1].pokemon[0] };
}

const types = (codes, at) => [codes[at * 2], codes[at * 2 + 1]].filter((code) => code !== NO_TYPE).map((code) => TYPES[code]);

function setBoth(stats, physical, special, value) {
  for (const name of [physical, special, special === "spa" ? "spd" : special]) stats[name] = value;
}

function put(member, id, entries) {
  member.volatiles[id] = { id, name: id, target: member, ...entries };
}

function active(code) {
  const move = dex.getActiveMove(moveOf(code).id);
  // As useMoveInner does before a move is tried.
  move.ignoreImmunity ??= move.category === "Status";
  return move;
}

/**
 * `actions.getDamage`: all [N] unless it says so.
 *
 * @param given `seed` [N, 2]; `move`; of the attacker `level`, `species` (its speed decides critical
 *   hits), `attacker_types` [N, 2], `attack` and `base_attack` (modified and unmodified), `focus_energy`;
 *   of the defender `defender_types` [N, 2], `defense`, `base_defense`, `screen`, `defender_hp`
 * @returns `damage` (-1 Showdown's false, -2 its undefined), `critical`, `seed` [N, 2] afterwards
 */
function damage(given) {
  const rows = given.move.length;
  const results = {
    damage: new Values("int32", [rows]),
    critical: new Values("bool", [rows]),
    seed: new Values("uint32", [rows, 2]),
  };
  for (let row = 0; row < rows; row++) {
    const { battle, own, foe } = arena();
    battle.prng.setSeed(seedText(given.seed.subarray(row * 2, row * 2 + 2)));
    own.level = given.level[row];
    own.set.species = speciesOf(given.species[row]).name;
    own.types = types(given.attacker_types, row);
    foe.types = types(given.defender_types, row);
    setBoth(own.modifiedStats, "atk", "spa", given.attack[row]);
    setBoth(own.baseStoredStats, "atk", "spa", given.base_attack[row]);
    setBoth(foe.modifiedStats, "def", "spd", given.defense[row]);
    setBoth(foe.baseStoredStats, "def", "spd", given.base_defense[row]);
    foe.hp = given.defender_hp[row];
    if (given.focus_energy[row]) put(own, "focusenergy", {});
    if (given.screen[row]) for (const id of ["reflect", "lightscreen"]) put(foe, id, {});
    const move = active(given.move[row]);
    const done = battle.actions.getDamage(own, foe, move);
    results.damage.data[row] = done === false ? -1 : (done ?? -2);
    results.critical.data[row] = foe.getMoveHitData(move).crit ? 1 : 0;
    const [a, b, c, d] = battle.prng.rng.seed;
    results.seed.data.set([a * 65536 + b, c * 65536 + d], row * 2);
  }
  scratch = undefined; // base stats were overwritten
  return results;
}

/**
 * The threshold of 256 below which a move hits, from `actions.tryMoveHit`: all [N].
 *
 * @param given `move`, `accuracy_stage` of the user, `evasion_stage` of the target; the accuracies that
 *   a user in Thrash or Rage has stored, `locked_move_accuracy` and `rage_accuracy` (0: is in none);
 *   `target_recharges`, `target_trapped` (by the user)
 * @returns `threshold` (-1 hits without a draw, -2 fails before), and both stored ones afterwards
 */
function accuracy(given) {
  const rows = given.move.length;
  const results = Object.fromEntries(
    ["threshold", "locked_move_accuracy", "rage_accuracy"].map((name) => [name, new Values("int32", [rows])]),
  );
  for (let row = 0; row < rows; row++) {
    const { battle, own, foe } = arena();
    own.boosts.accuracy = given.accuracy_stage[row];
    foe.boosts.evasion = given.evasion_stage[row];
    foe.status = "slp"; // Dream Eater fails on others
    const locked = given.locked_move_accuracy[row];
    const rage = given.rage_accuracy[row];
    if (locked) put(own, "lockedmove", { move: "thrash", time: 9, accuracy: locked });
    if (rage) put(own, "rage", { move: "rage", accuracy: rage });
    if (given.target_recharges[row]) put(foe, "mustrecharge", {});
    if (given.target_trapped[row]) put(foe, "partiallytrapped", { source: own, duration: 2 });
    battle.randomChance = (threshold) => {
      throw new Stop(threshold);
    };
    battle.actions.moveHit = () => {
      throw new Stop(-1);
    };
    const move = active(given.move[row]);
    const found = stopped(() => battle.actions.tryMoveHit(foe, own, move));
    results.threshold.data[row] = found ?? -2;
    results.locked_move_accuracy.data[row] = own.volatiles.lockedmove?.accuracy ?? 0;
    results.rage_accuracy.data[row] = own.volatiles.rage?.accuracy ?? 0;
  }
  scratch = undefined; // Showdown was left in the middle of a move
  return results;
}

/** The threshold of 256 below which a hit is critical: `move`, `species`, `focus_energy` [N]; -1 none. */
function criticalRate(given) {
  const rows = given.move.length;
  const threshold = new Values("int32", [rows]);
  for (let row = 0; row < rows; row++) {
    const { battle, own, foe } = arena();
    own.set.species = speciesOf(given.species[row]).name;
    if (given.focus_energy[row]) put(own, "focusenergy", {});
    battle.randomChance = (value) => {
      throw new Stop(value);
    };
    const move = active(given.move[row]);
    threshold.data[row] = stopped(() => battle.actions.getDamage(own, foe, move)) ?? -1;
  }
  scratch = undefined;
  return { threshold };
}

/**
 * `pokemon.boostBy`: all [N].
 *
 * @param given `stat` (0 to 5, the order of boosts), `stored`, `modified` (of that stat), `stage`, `delta`
 * @returns `modified` and `stage` afterwards, `changed` (1 true, 0 failed at a limit of the stat, -1
 *   false: the stage could go no further), `worked` whether a move counts it as a change
 */
function statChange(given) {
  const rows = given.stat.length;
  const results = Object.fromEntries(["modified", "stage", "changed", "worked"].map((name) => [name, new Values("int32", [rows])]));
  for (let row = 0; row < rows; row++) {
    const { own } = arena();
    const stat = BOOSTS[given.stat[row]];
    const isStat = STATS.includes(stat);
    if (isStat) own.storedStats[stat] = given.stored[row];
    if (isStat) own.modifiedStats[stat] = given.modified[row];
    own.boosts[stat] = given.stage[row];
    const changed = own.boostBy({ [stat]: given.delta[row] });
    results.modified.data[row] = isStat ? own.modifiedStats[stat] : given.modified[row];
    results.stage.data[row] = own.boosts[stat];
    results.changed.data[row] = changed === true ? 1 : changed === 0 ? 0 : -1;
    results.worked.data[row] = changed ? 1 : 0;
  }
  return results;
}

/** `effectiveness` int32 [15, 15], attacker first, in tenths: 0, 5, 10 or 20. */
function typeChart() {
  const effectiveness = new Values("int32", [TYPES.length, TYPES.length]);
  TYPES.forEach((attacker, row) =>
    TYPES.forEach((defender, column) => {
      const tenths = dex.getImmunity(attacker, defender) ? { "-1": 5, 0: 10, 1: 20 }[dex.getEffectiveness(attacker, defender)] : 0;
      effectiveness.data[row * TYPES.length + column] = tenths;
    }),
  );
  return { effectiveness };
}

/** `immune` bool [15, 8]: whether a type keeps a status (by code) off. */
function statusImmunity() {
  const immune = new Values("bool", [TYPES.length, STATUSES.length]);
  TYPES.forEach((type, row) =>
    STATUSES.forEach((status, column) => {
      immune.data[row * STATUSES.length + column] = status && !dex.getImmunity(status, type) ? 1 : 0;
    }),
  );
  return { immune };
}

/** Every row of the species table: `num`, `types` [151, 2], `base_stats` [151, 5] (HP first). */
function species() {
  const rows = SPECIES.length;
  const results = { num: new Values("int32", [rows]), types: new Values("int32", [rows, 2]), base_stats: new Values("int32", [rows, 5]) };
  SPECIES.forEach((one, row) => {
    results.num.data[row] = one.num;
    results.types.data.set([typeCode(one.types[0]), one.types[1] ? typeCode(one.types[1]) : NO_TYPE], row * 2);
    results.base_stats.data.set(["hp", ...STATS].map((stat) => one.baseStats[stat]), row * 5);
  });
  return results;
}

const volatile = (name) => {
  const code = VOLATILES.indexOf(name ?? "");
  if (code < 0) throw new Error(`the volatile ${name} of a move has no code`);
  return code;
};
const boosts = (given) => BOOSTS.map((stat) => given?.[stat] ?? 0);
const pair = (value, otherwise) => (Array.isArray(value) ? value : value ? [value, value] : otherwise);

// name -> [length of a row, what it is]; 0 stands for what a move does not have.
const MOVE_COLUMNS = {
  num: [1, (move) => move.num],
  type: [1, (move) => (move.type === "???" ? NO_TYPE : typeCode(move.type))],
  category: [1, (move) => ["Physical", "Special", "Status"].indexOf(move.category)],
  power: [1, (move) => move.basePower],
  accuracy: [1, (move) => (move.accuracy === true ? 0 : move.accuracy)],
  pp: [1, (move) => move.pp],
  max_pp: [1, (move, battle) => battle.calculatePP(move, move.noPPBoosts ? 0 : 3)],
  priority: [1, (move) => move.priority],
  crit_ratio: [1, (move) => move.critRatio],
  hits: [2, (move) => pair(move.multihit, [1, 1])],
  drain: [2, (move) => move.drain ?? [0, 0]],
  recoil: [2, (move) => move.recoil ?? [0, 0]],
  secondary_chance: [1, (move) => move.secondary?.chance ?? 0],
  secondary_status: [1, (move) => statusCode(move.secondary?.status ?? "")],
  secondary_volatile: [1, (move) => volatile(move.secondary?.volatileStatus)],
  secondary_boosts: [6, (move) => boosts(move.secondary?.boosts)],
  status: [1, (move) => statusCode(move.status ?? "")],
  volatile: [1, (move) => volatile(move.volatileStatus === "partiallytrapped" ? "partialtrappinglock" : move.volatileStatus)],
  self_volatile: [1, (move) => volatile(move.self?.volatileStatus)],
  boosts: [6, (move) => boosts(move.boosts)],
  ohko: [1, (move) => (move.ohko ? 1 : 0)],
  self_destruct: [1, (move) => (move.selfdestruct ? 1 : 0)],
  fixed_damage: [1, (move) => (move.damage === "level" ? -1 : (move.damage ?? 0))],
  targets_self: [1, (move) => (move.target === "self" ? 1 : 0)],
  charges: [1, (move) => (move.flags.charge ? 1 : 0)],
  ignores_immunity: [1, (move) => ((move.ignoreImmunity ?? move.category === "Status") ? 1 : 0)],
  secondary_rate: [1, (move) => secondaryRate(move)],
  callbacks: [1, (move) => callbacks(move)],
};

// The threshold of 256 below which Showdown draws a move's secondary effect, 0 without one.
function secondaryRate({ id, secondary }) {
  if (!secondary) return 0;
  const { battle, own, foe } = arena();
  battle.randomChance = (threshold) => {
    throw new Stop(threshold);
  };
  const move = dex.getActiveMove(id);
  move.ignoreImmunity ??= false;
  move.lastHit = true;
  const { getDamage } = battle.actions;
  battle.actions.getDamage = () => 1; // its own draw comes first
  try {
    return stopped(() => battle.actions.moveHit(foe, own, move)) ?? 0;
  } finally {
    battle.actions.getDamage = getDamage;
    scratch = undefined; // Showdown was left in the middle of a move
  }
}

/** What Metronome draws from, in its order: `moves` int32 [163]. */
function metronome() {
  const { battle, own } = arena();
  battle.sample = (list) => {
    throw new Stop(list);
  };
  const found = stopped(() => dex.moves.get("metronome").onHit.call(battle, own));
  scratch = undefined;
  return { moves: new Values("int32", [found.length], Int32Array.from(found, (move) => move.num)) };
}

// A number that changes with any function of the move: its first 31 bits of SHA-256, 0 without one.
function callbacks(move) {
  const found = [];
  const collect = (object, name) => {
    for (const [key, value] of Object.entries(object ?? {})) {
      if (typeof value === "function") found.push(`${name}${key}=${value}`);
    }
  };
  collect(move, "");
  collect(move.condition, "condition.");
  collect(move.secondary, "secondary.");
  if (!found.length) return 0;
  const digest = createHash("sha256").update(found.sort().join("\n")).digest();
  return digest.readUInt32BE(0) >>> 1;
}

/** Every row of the move table, see `MOVE_COLUMNS`: int32 [165] or [165, length]. */
function moves() {
  const { battle } = arena();
  return Object.fromEntries(
    Object.entries(MOVE_COLUMNS).map(([name, [length, value]]) => {
      const column = new Values("int32", length === 1 ? [MOVES.length] : [MOVES.length, length]);
      MOVES.forEach((move, row) => column.data.set([value(move, battle)].flat(), row * length));
      return [name, column];
    }),
  );
}

/** Draws of the generator: `seed` [N, 2], `from`, `to` [N] -> `value` [N], `seed` [N, 2] afterwards. */
function random(given) {
  const rows = given.from.length;
  const value = new Values("int32", [rows]);
  const seed = new Values("uint32", [rows, 2]);
  const { battle } = arena();
  for (let row = 0; row < rows; row++) {
    battle.prng.setSeed(seedText(given.seed.subarray(row * 2, row * 2 + 2)));
    value.data[row] = battle.random(given.from[row], given.to[row]);
    const [a, b, c, d] = battle.prng.rng.seed;
    seed.data.set([a * 65536 + b, c * 65536 + d], row * 2);
  }
  return { value, seed };
}

export const PROBES = {
  damage, accuracy, critical_rate: criticalRate, stat_change: statChange, random,
  type_chart: typeChart, status_immunity: statusImmunity, species, moves, metronome,
};
