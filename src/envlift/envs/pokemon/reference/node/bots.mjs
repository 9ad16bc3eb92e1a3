// Players on Showdown's side: they see the live battle and return one of the ten actions.

import { ACTIONS } from "./battle.mjs";
import { dex } from "./showdown.mjs";

/** A small generator (xorshift32) for what bots draw; it has nothing to do with Showdown's. */
export class Dice {
  constructor(seed) {
    this.x = (seed ^ 0x9e3779b9) >>> 0 || 1;
  }

  word() {
    this.x ^= this.x << 13;
    this.x ^= this.x >>> 17;
    this.x ^= this.x << 5;
    return (this.x >>>= 0);
  }

  below(n) {
    return Math.floor((this.word() / 2 ** 32) * n);
  }

  pick(items) {
    return items[this.below(items.length)];
  }
}

const mask = new Uint8Array(ACTIONS);

function legal(lane, side) {
  lane.writeMask(side, mask, 0);
  const actions = [];
  for (let action = 0; action < ACTIONS; action++) if (mask[action]) actions.push(action);
  return actions;
}

/** How much a move of this type does to these types: 0, 1/4, 1/2, 1, 2 or 4. */
function effectiveness(type, types) {
  if (type === "???") return 1;
  if (!dex.getImmunity(type, types)) return 0;
  return 2 ** types.reduce((sum, one) => sum + dex.getEffectiveness(type, one), 0);
}

const GUESSED = new Set(["counter", "psywave", "bide"]);

// Expected damage of a move, in the units of HP; stats of the foe are guessed from its species.
function power(move, own, foe) {
  let base = move.basePower;
  if (move.damage === "level") return own.level * 0.9;
  if (move.id === "superfang") return foe.hp / 2;
  if (move.damage) return move.damage;
  if (GUESSED.has(move.id)) return 10;
  if (move.ohko) return foe.modifiedStats.spe > own.modifiedStats.spe ? 0 : 90;
  if (move.id === "dreameater" && foe.status !== "slp") return 0;
  if (move.flags.charge) base /= 2;
  if (move.self?.volatileStatus === "mustrecharge") base *= 0.7;
  if (move.multihit) base *= Array.isArray(move.multihit) ? 3 : 2;
  const physical = move.category === "Physical";
  const attack = own.modifiedStats[physical ? "atk" : "spa"];
  const defense = foe.species.baseStats[physical ? "def" : "spa"];
  return (
    base *
    (own.types.includes(move.type) ? 1.5 : 1) *
    effectiveness(move.type, foe.types) *
    (move.accuracy === true ? 1 : move.accuracy / 100) *
    (attack / ((2 * defense * foe.level) / 100 + 5)) *
    (((2 * own.level) / 5 + 2) / 50)
  );
}

function matchup(own, foe) {
  const best = (attacker, target) => Math.max(...attacker.types.map((type) => effectiveness(type, target.types)));
  const faster = Math.sign(own.species.baseStats.spe - foe.species.baseStats.spe);
  return best(own, foe) - best(foe, own) + 0.1 * faster + 0.4 * (own.hp / own.maxhp - foe.hp / foe.maxhp);
}

const most = (items, score) => items.reduce((best, item) => (score(item) > score(best) ? item : best));

function random(lane, side, dice) {
  return dice.pick(legal(lane, side));
}

function maxDamage(lane, side, dice) {
  const actions = legal(lane, side);
  const moves = actions.filter((action) => action < 4);
  if (!moves.length) return dice.pick(actions);
  if (moves.length === 1) return moves[0];
  const [own] = lane.battle.sides[side].pokemon;
  const [foe] = lane.battle.sides[1 - side].pokemon;
  return most(moves, (action) => power(dex.moves.get(own.moveSlots[action].id), own, foe));
}

// Switches out of bad match-ups, spreads sleep and paralysis, heals, sets up; else max damage.
function heuristic(lane, side, dice) {
  const actions = legal(lane, side);
  const moves = actions.filter((action) => action < 4);
  const switches = actions.filter((action) => action >= 4);
  const [own] = lane.battle.sides[side].pokemon;
  const foes = lane.battle.sides[1 - side].pokemon;
  const [foe] = foes;
  const against = (action) => matchup(lane.members[side][action - 4], foe);
  if (!moves.length) return most(switches, against);
  if (moves.length === 1) return moves[0];
  const { boosts } = own;
  const weak = matchup(own, foe) < -2 || boosts.atk <= -3 || boosts.def <= -3 || boosts.spa <= -3;
  if (weak && switches.some((action) => against(action) > 0)) return most(switches, against);
  const offered = moves.map((action) => [action, dex.moves.get(own.moveSlots[action].id)]);
  const first = (wanted) => offered.find(([, move]) => wanted(move))?.[0];
  const sleeps = foes.some((member) => member.status === "slp");
  let chosen;
  if (!foe.status && !foe.volatiles.substitute) {
    chosen = first(
      (move) =>
        (move.status === "slp" ? !sleeps : move.status === "par") &&
        (move.accuracy === true || move.accuracy >= 60) &&
        (ignoresImmunity(move) || effectiveness(move.type, foe.types) > 0),
    );
  }
  if (chosen === undefined && own.hp / own.maxhp < 0.45) {
    chosen = first((move) => move.id === "recover" || move.id === "softboiled");
  }
  if (chosen === undefined && own.hp === own.maxhp && matchup(own, foe) > 0) {
    chosen = first((move) => {
      const raised = move.target === "self" && move.boosts;
      if (!raised) return false;
      return Object.values(raised).some((n) => n >= 2) && Object.keys(raised).some((stat) => boosts[stat] < 4);
    });
  }
  return chosen ?? maxDamage(lane, side, dice);
}

const ignoresImmunity = (move) => move.ignoreImmunity ?? move.category === "Status";

export const BOTS = [random, maxDamage, heuristic];
