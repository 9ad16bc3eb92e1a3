// The state of a battle, read from a live one and written into a live one. README.md has the table.

import { ACTIONS, Lane, seedText } from "./battle.mjs";
import {
  BOOSTS, NO_TYPE, STATS, STATUSES, TYPES, CANNOT_MOVE, dex, moveCode, moveOf, speciesOf, statusCode, typeCode,
} from "./showdown.mjs";

const P = 2, M = 6, K = 4;

/** name -> [dtype, shape]; the order is that of the table in README.md. */
export const FIELDS = {
  seed: ["uint32", [2]],
  turn: ["int16", []],
  last_damage: ["int32", []],
  request: ["int8", [P]],
  winner: ["int8", []],
  legal: ["int16", [P]],
  order: ["int8", [P, M]],
  last_selected_move: ["uint8", [P]],
  last_selected_move_slot: ["int8", [P]],
  last_move: ["uint8", [P]],
  fainted_this_turn: ["bool", [P]],
  species: ["uint8", [P, M]],
  level: ["uint8", [P, M]],
  spe_iv: ["uint8", [P, M]],
  spe_ev: ["uint8", [P, M]],
  max_hp: ["int16", [P, M]],
  base_stored_stats: ["int16", [P, M, 4]],
  hp: ["int16", [P, M]],
  status: ["uint8", [P, M]],
  sleep_time: ["int8", [P, M]],
  sleep_by_own_side: ["bool", [P, M]],
  moves: ["uint8", [P, M, K]],
  pp: ["uint8", [P, M, K]],
  sub_fainted: ["bool", [P, M]],
  revealed: ["uint8", [P, M]],
  revealed_moves: ["uint8", [P, M]],
  active_species: ["uint8", [P]],
  active_types: ["uint8", [P, 2]],
  speed: ["int16", [P]],
  stored_stats: ["int16", [P, 4]],
  modified_stats: ["int16", [P, 4]],
  boosts: ["int8", [P, 6]],
  active_moves: ["uint8", [P, K]],
  active_pp: ["uint8", [P, K]],
  active_own: ["bool", [P, K]],
  active_last_move: ["uint8", [P]],
  transformed: ["bool", [P]],
  must_recharge: ["bool", [P]],
  confusion_time: ["uint8", [P]],
  flinch: ["bool", [P]],
  partially_trapped_duration: ["uint8", [P]],
  partially_trapped_source: ["int8", [P]],
  partially_trapped_maybe_locked: ["bool", [P]],
  fake_partially_trapped_duration: ["uint8", [P]],
  fake_partially_trapped_counterpart: ["int8", [P]],
  partial_trapping_lock_duration: ["uint8", [P]],
  partial_trapping_lock_total_duration: ["uint8", [P]],
  partial_trapping_lock_move: ["uint8", [P]],
  partial_trapping_lock_damage: ["int32", [P]],
  partial_trapping_lock_locked: ["int8", [P]],
  locked_move: ["uint8", [P]],
  locked_move_time: ["uint8", [P]],
  locked_move_accuracy: ["uint8", [P]],
  two_turn_move: ["uint8", [P]],
  invulnerability: ["bool", [P]],
  residual_damage_counter: ["int16", [P]],
  bide_time: ["uint8", [P]],
  bide_damage: ["int32", [P]],
  disable_time: ["uint8", [P]],
  disable_slot: ["int8", [P]],
  disable_move: ["uint8", [P]],
  focus_energy: ["bool", [P]],
  leech_seed: ["bool", [P]],
  light_screen: ["bool", [P]],
  reflect: ["bool", [P]],
  mist: ["bool", [P]],
  rage_accuracy: ["uint8", [P]],
  substitute_hp: ["int16", [P]],
};

export const size = (shape) => shape.reduce((product, length) => product * length, 1);

// Every volatile that generation 1 knows; one that is not here has no field. The last two do nothing
// in generation 1 (no handler but onRestart): they are neither read nor written.
const VOLATILES = new Set([
  ...["mustrecharge", "confusion", "flinch", "partiallytrapped", "fakepartiallytrapped"],
  ...["partialtrappinglock", "lockedmove", "twoturnmove", "invulnerability", "residualdmg", "bide"],
  ...["disable", "focusenergy", "leechseed", "lightscreen", "reflect", "mist", "rage", "substitute"],
  ...["minimize", "defensecurl"],
]);

/**
 * Write the state of one lane into row `row` of arrays with one entry per field.
 *
 * @throws {Error} where Showdown holds something that no field can say
 */
export function read(lane, state, row) {
  const put = (name, index, value) => {
    state[name][row * size(FIELDS[name][1]) + index] = value;
  };
  const { battle } = lane;
  const [a, b, c, d] = battle.prng.rng.seed;
  put("seed", 0, a * 65536 + b);
  put("seed", 1, c * 65536 + d);
  put("turn", 0, battle.turn);
  put("last_damage", 0, battle.lastDamage);
  put("winner", 0, lane.winner);
  battle.sides.forEach((side, p) => readSide(lane, side, p, put));
}

function readSide(lane, side, p, put) {
  const { kind } = lane.ask(p);
  put("request", p, kind > 2 ? 1 : kind);
  const mask = new Uint8Array(ACTIONS);
  lane.writeMask(p, mask, 0);
  put("legal", p, mask.reduce((bits, one, action) => bits | (one << action), 0));
  put("last_selected_move", p, moveCode(side.lastSelectedMove));
  put("last_selected_move_slot", p, side.lastSelectedMoveSlot);
  put("last_move", p, moveCode(side.lastMove?.id));
  put("fainted_this_turn", p, side.faintedThisTurn ? 1 : 0);
  const team = lane.members[p];
  for (let m = 0; m < M; m++) {
    const at = p * M + m;
    put("revealed", at, lane.revealed[p][m]);
    put("revealed_moves", at, lane.revealedMoves[p][m]);
    put("order", at, m < team.length ? lane.indices.get(side.pokemon[m]) : -1);
    if (m < team.length) readMember(team[m], at, put);
    else clearMember(at, put);
  }
  readActive(lane, side.pokemon[0], p, put);
}

function clearMember(at, put) {
  for (const name of MEMBER) put(name, at, 0);
  for (let i = 0; i < 4; i++) {
    put("base_stored_stats", at * 4 + i, 0);
    put("moves", at * K + i, 0);
    put("pp", at * K + i, 0);
  }
}

const MEMBER = [
  ...["species", "level", "spe_iv", "spe_ev", "max_hp", "hp", "status", "sleep_time"],
  ...["sleep_by_own_side", "sub_fainted"],
];

function readMember(member, at, put) {
  const asleep = member.status === "slp" && !member.fainted;
  put("species", at, member.baseSpecies.num);
  put("level", at, member.level);
  put("spe_iv", at, member.set.ivs.spe);
  put("spe_ev", at, member.set.evs.spe);
  put("max_hp", at, member.maxhp);
  put("hp", at, member.hp);
  put("status", at, statusCode(member.fainted ? "fnt" : member.status));
  put("sleep_time", at, asleep ? member.statusState.time : 0);
  put("sleep_by_own_side", at, asleep && member.statusState.source?.side === member.side ? 1 : 0);
  put("sub_fainted", at, member.subFainted ? 1 : 0);
  STATS.forEach((stat, i) => put("base_stored_stats", at * 4 + i, member.baseStoredStats[stat]));
  for (let k = 0; k < K; k++) {
    const slot = member.baseMoveSlots[k];
    put("moves", at * K + k, slot ? moveCode(slot.id) : 0);
    put("pp", at * K + k, slot ? slot.pp : 0);
  }
}

function readActive(lane, active, p, put) {
  const { types, volatiles: v } = active;
  const unknown = Object.keys(v).find((id) => !VOLATILES.has(id));
  if (unknown) throw new Error(`${active} has the volatile ${unknown}, which no field holds`);
  for (const [one, other] of [[active.modifiedStats, "stats"], [active.storedStats, "stored stats"], [active.boosts, "stages"]]) {
    if (one.spa !== one.spd) throw new Error(`the ${other} of ${active} differ in spa and spd; Special is one field`);
  }
  put("active_species", p, active.species.num);
  put("active_types", p * 2, typeCode(types[0]));
  put("active_types", p * 2 + 1, types.length > 1 ? typeCode(types[1]) : NO_TYPE);
  put("speed", p, active.speed);
  STATS.forEach((stat, i) => {
    put("stored_stats", p * 4 + i, active.storedStats[stat]);
    put("modified_stats", p * 4 + i, active.modifiedStats[stat]);
  });
  BOOSTS.forEach((stat, i) => put("boosts", p * 6 + i, active.boosts[stat]));
  for (let k = 0; k < K; k++) {
    const slot = active.moveSlots[k];
    put("active_moves", p * K + k, slot ? moveCode(slot.id) : 0);
    put("active_pp", p * K + k, slot ? slot.pp : 0);
    put("active_own", p * K + k, slot && slot === active.baseMoveSlots[k] ? 1 : 0);
  }
  put("active_last_move", p, moveCode(active.lastMove?.id));
  put("transformed", p, active.transformed ? 1 : 0);
  const index = (member) => (member ? lane.indices.get(member) : -1);
  put("must_recharge", p, v.mustrecharge ? 1 : 0);
  put("confusion_time", p, v.confusion?.time ?? 0);
  put("flinch", p, v.flinch ? 1 : 0);
  put("partially_trapped_duration", p, v.partiallytrapped?.duration ?? 0);
  put("partially_trapped_source", p, index(v.partiallytrapped?.source));
  put("partially_trapped_maybe_locked", p, v.partiallytrapped?.maybeLocked ? 1 : 0);
  put("fake_partially_trapped_duration", p, v.fakepartiallytrapped?.duration ?? 0);
  put("fake_partially_trapped_counterpart", p, index(v.fakepartiallytrapped?.counterpart));
  const lock = v.partialtrappinglock;
  put("partial_trapping_lock_duration", p, lock?.duration ?? 0);
  put("partial_trapping_lock_total_duration", p, lock?.totalDuration ?? 0);
  put("partial_trapping_lock_move", p, moveCode(lock?.move));
  put("partial_trapping_lock_damage", p, lock?.damage ?? 0);
  put("partial_trapping_lock_locked", p, index(lock?.locked));
  put("locked_move", p, moveCode(v.lockedmove?.move));
  put("locked_move_time", p, v.lockedmove?.time ?? 0);
  put("locked_move_accuracy", p, v.lockedmove?.accuracy ?? 0);
  put("two_turn_move", p, moveCode(v.twoturnmove?.move));
  put("invulnerability", p, v.invulnerability ? 1 : 0);
  put("residual_damage_counter", p, v.residualdmg?.counter ?? -1);
  put("bide_time", p, v.bide?.time ?? 0);
  put("bide_damage", p, v.bide?.damage ?? 0);
  put("disable_time", p, v.disable?.time ?? 0);
  put("disable_slot", p, v.disable?.slotIndex ?? -1);
  put("disable_move", p, moveCode(v.disable?.move));
  put("focus_energy", p, v.focusenergy ? 1 : 0);
  put("leech_seed", p, v.leechseed ? 1 : 0);
  put("light_screen", p, v.lightscreen ? 1 : 0);
  put("reflect", p, v.reflect ? 1 : 0);
  put("mist", p, v.mist ? 1 : 0);
  put("rage_accuracy", p, v.rage?.accuracy ?? 0);
  put("substitute_hp", p, v.substitute?.hp ?? 0);
}

/**
 * Make a live battle that is in the state of row `row`.
 *
 * @throws {Error} where a real battle cannot be in it: the message names field and value
 */
export function write(formatid, state, row, logged = false) {
  const all = (name) => {
    const count = size(FIELDS[name][1]);
    return state[name].subarray(row * count, (row + 1) * count);
  };
  const get = (name, index = 0) => all(name)[index];
  const teams = [0, 1].map((p) => team(p, get));
  const lane = new Lane(formatid, [0, 0], teams, logged);
  const { battle } = lane;
  battle.turn = get("turn");
  battle.lastDamage = get("last_damage");
  battle.queue.clear();
  battle.faintQueue = [];
  for (const p of [0, 1]) writeSide(lane, p, get);
  for (const p of [0, 1]) writeActive(lane, p, get);
  ask(lane, get);
  // Last, because asking may draw.
  battle.prng.setSeed(seedText(all("seed")));
  return lane;
}

function team(p, get) {
  const members = [];
  for (let m = 0; m < M; m++) {
    const at = p * M + m;
    if (!get("species", at)) break;
    const species = speciesOf(get("species", at));
    const level = get("level", at);
    const member = { name: species.name, species: species.name, level, moves: [], ivs: {}, evs: {}, ability: "", item: "", nature: "", gender: "N" };
    for (let k = 0; k < K; k++) {
      const move = get("moves", at * K + k);
      if (move) member.moves.push(moveOf(move).id);
    }
    if (!member.moves.length) throw new Error(`moves[${p}, ${m}] holds no move; a member has 1 to 4`);
    STATS.forEach((stat, i) => trainFor(member, species, stat, get("base_stored_stats", at * 4 + i), [p, m, i], get));
    // Special is one stat; HP is written as it is.
    member.ivs.spd = member.ivs.spa;
    member.evs.spd = member.evs.spa;
    members.push(member);
  }
  if (!members.length) throw new Error(`species[${p}] holds no member; a team has 1 to 6`);
  return members;
}

// Showdown works a member's stats out anew at each switch, so its set has to lead to them.
function trainFor(member, species, stat, wanted, place, get) {
  const stats = (training) => Math.floor(Math.floor(2 * species.baseStats[stat] + training) * member.level / 100 + 5);
  if (stat === "spe") {
    const at = place[0] * M + place[1];
    member.ivs.spe = get("spe_iv", at);
    member.evs.spe = get("spe_ev", at);
    if (stats(member.ivs.spe + Math.floor(member.evs.spe / 4)) === wanted) return;
  } else {
    for (let training = 93; training >= 0; training--) {
      if (stats(training) !== wanted) continue;
      member.ivs[stat] = Math.min(30, training - (training % 2));
      member.evs[stat] = 4 * (training - member.ivs[stat]);
      return;
    }
  }
  const why = stat === "spe" ? "not what spe_iv and spe_ev give" : "out of reach of any IV and EV";
  throw new Error(`base_stored_stats[${place}] is ${wanted}, ${why} for ${species.name} at level ${member.level}`);
}

function writeSide(lane, p, get) {
  const { battle } = lane;
  const side = battle.sides[p];
  const team = lane.members[p];
  const order = team.map((_, place) => team[get("order", p * M + place)]);
  if (new Set(order).size !== team.length || order.includes(undefined)) {
    throw new Error(`order[${p}] does not name each of the ${team.length} members once`);
  }
  side.pokemon = order;
  side.active = [order[0]];
  order.forEach((member, place) => {
    member.position = place;
    member.isActive = member.isStarted = place === 0;
  });
  const selected = get("last_selected_move", p);
  side.lastSelectedMove = selected === CANNOT_MOVE ? "cannotmove" : selected ? moveOf(selected).id : "00";
  side.lastSelectedMoveSlot = get("last_selected_move_slot", p);
  side.lastMove = activeMove(get("last_move", p));
  side.faintedThisTurn = get("fainted_this_turn", p) ? order[0] : null;
  for (let m = 0; m < M; m++) {
    lane.revealed[p][m] = get("revealed", p * M + m);
    lane.revealedMoves[p][m] = get("revealed_moves", p * M + m);
  }
  team.forEach((member, m) => writeMember(battle, member, p * M + m, get));
  side.pokemonLeft = team.filter((member) => !member.fainted).length;
}

const activeMove = (code) => (code ? dex.getActiveMove(moveOf(code).id) : null);

function writeMember(battle, member, at, get) {
  const hp = get("hp", at);
  member.maxhp = member.baseMaxhp = get("max_hp", at);
  member.hp = hp;
  if (hp < 0 || hp > member.maxhp) throw new Error(`hp[${Math.floor(at / M)}, ${at % M}] is ${hp}, it must be 0 to max_hp, ${member.maxhp}`);
  member.fainted = member.faintQueued = hp === 0;
  if (hp === 0) member.isActive = member.isStarted = false;
  member.switchFlag = false;
  member.status = hp ? STATUSES[get("status", at)] : "fnt";
  const asleep = member.status === "slp";
  const source = !asleep ? undefined : get("sleep_by_own_side", at) ? member : member.side.foe.pokemon[0];
  member.statusState = battle.initEffectState({ id: member.status, target: member, source });
  if (asleep) member.statusState.time = member.statusState.startTime = get("sleep_time", at);
  member.subFainted = get("sub_fainted", at) ? true : null;
  member.baseMoveSlots.forEach((slot, k) => {
    slot.pp = get("pp", at * K + k);
    slot.disabled = false;
  });
  member.clearVolatile();
  member.speed = member.storedStats.spe;
}

function writeActive(lane, p, get) {
  const { battle } = lane;
  const active = battle.sides[p].pokemon[0];
  active.species = speciesOf(get("active_species", p));
  active.types = [0, 1].map((i) => get("active_types", p * 2 + i)).filter((type) => type !== NO_TYPE).map((type) => TYPES[type]);
  active.speed = get("speed", p);
  active.transformed = get("transformed", p) === 1;
  active.lastMove = activeMove(get("active_last_move", p));
  STATS.forEach((stat, i) => {
    active.storedStats[stat] = get("stored_stats", p * 4 + i);
    active.modifiedStats[stat] = get("modified_stats", p * 4 + i);
  });
  BOOSTS.forEach((stat, i) => (active.boosts[stat] = get("boosts", p * 6 + i)));
  for (const special of [active.storedStats, active.modifiedStats, active.boosts]) special.spd = special.spa;
  active.moveSlots = [];
  for (let k = 0; k < K; k++) {
    const at = p * K + k;
    const code = get("active_moves", at);
    if (!code) break;
    const own = active.baseMoveSlots[k];
    if (get("active_own", at)) {
      if (!own || moveCode(own.id) !== code || own.pp !== get("active_pp", at)) {
        throw new Error(`active_own[${p}, ${k}] is set, but its move or its PP is not that of the member`);
      }
      active.moveSlots.push(own);
    } else {
      const move = moveOf(code);
      const { name, id, pp: maxpp, target } = move;
      active.moveSlots.push({ move: name, id, pp: get("active_pp", at), maxpp, target, disabled: false, used: false, virtual: true });
    }
  }
  writeVolatiles(lane, active, p, get);
}

function writeVolatiles(lane, active, p, get) {
  const { battle } = lane;
  const foes = lane.members[1 - p];
  const foe = (name) => foes[get(name, p)];
  const put = (id, entries) => {
    active.volatiles[id] = battle.initEffectState({ id, name: id, target: active, ...entries });
  };
  const move = (name) => moveOf(get(name, p)).id;
  const has = (name) => get(name, p) > 0;
  if (has("must_recharge")) put("mustrecharge", { duration: 0 });
  if (has("confusion_time")) put("confusion", { time: get("confusion_time", p) });
  if (has("flinch")) put("flinch", { duration: 1 });
  if (has("partially_trapped_duration")) {
    put("partiallytrapped", {
      duration: get("partially_trapped_duration", p),
      source: foe("partially_trapped_source"),
      sourceEffect: activeMove(get("partial_trapping_lock_move", 1 - p)) ?? dex.getActiveMove("wrap"),
      maybeLocked: has("partially_trapped_maybe_locked") || undefined,
    });
  }
  if (has("fake_partially_trapped_duration")) {
    put("fakepartiallytrapped", {
      duration: get("fake_partially_trapped_duration", p),
      counterpart: foe("fake_partially_trapped_counterpart"),
    });
  }
  if (has("partial_trapping_lock_duration")) {
    put("partialtrappinglock", {
      duration: get("partial_trapping_lock_duration", p),
      totalDuration: get("partial_trapping_lock_total_duration", p),
      move: move("partial_trapping_lock_move"),
      damage: get("partial_trapping_lock_damage", p),
      locked: foe("partial_trapping_lock_locked"),
    });
  }
  if (has("locked_move")) {
    put("lockedmove", { move: move("locked_move"), time: get("locked_move_time", p), accuracy: get("locked_move_accuracy", p) });
  }
  if (has("two_turn_move")) put("twoturnmove", { move: move("two_turn_move") });
  if (has("invulnerability")) put("invulnerability", {});
  if (get("residual_damage_counter", p) >= 0) put("residualdmg", { counter: get("residual_damage_counter", p) });
  if (has("bide_time")) put("bide", { time: get("bide_time", p), damage: get("bide_damage", p) });
  if (has("disable_time")) {
    put("disable", { time: get("disable_time", p), slotIndex: get("disable_slot", p), move: move("disable_move") });
  }
  if (has("focus_energy")) put("focusenergy", {});
  if (has("leech_seed")) put("leechseed", { sourceSlot: p ? "p1a" : "p2a" });
  if (has("light_screen")) put("lightscreen", {});
  if (has("reflect")) put("reflect", {});
  if (has("mist")) put("mist", {});
  if (has("rage_accuracy")) put("rage", { move: "rage", accuracy: get("rage_accuracy", p) });
  if (has("substitute_hp")) put("substitute", { hp: get("substitute_hp", p) });
}

// Make Showdown ask for what the state says, with what it works out at the end of a turn.
function ask(lane, get) {
  const { battle } = lane;
  const asked = [get("request", 0), get("request", 1)];
  if (get("winner") >= 0) {
    battle.requestState = "";
    battle.win(get("winner") < 2 ? battle.sides[get("winner")] : undefined);
    return;
  }
  if (![[1, 1], [2, 0], [0, 2], [2, 2]].some(([a, b]) => asked[0] === a && asked[1] === b)) {
    throw new Error(`request is [${asked}] while winner is -1; it must be 1 on both sides, or 2 where a switch is forced`);
  }
  battle.midTurn = asked.includes(2);
  battle.sides.forEach((side, p) => {
    const [active] = side.pokemon;
    const benched = side.pokemon.some((member, place) => place && !member.fainted);
    if (asked[p] === 2 && (active.hp || !benched)) {
      throw new Error(`request[${p}] is 2, but its active member ${active.hp ? "lives" : "has no one to be replaced by"}`);
    }
    if (asked[p] === 1 && !active.hp) throw new Error(`request[${p}] is 1, but its active member has fainted`);
    active.switchFlag = asked[p] === 2;
    active.trapped = active.maybeTrapped = active.maybeLocked = active.maybeDisabled = false;
    if (asked[p] === 1) battle.runEvent("DisableMove", active);
  });
  battle.makeRequest(asked.includes(2) ? "switch" : "move");
}
