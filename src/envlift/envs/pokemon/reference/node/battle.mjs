// One lane: a live Battle, who its members are, what it asks for and how it is answered.

import { Battle, Dex, MOVES, SPECIES, STATS, Teams, dex, moveOf, speciesOf } from "./showdown.mjs";
import { watch } from "./sites.mjs";

const NAMES = ["Red", "Blue"];

// Notes what Showdown shows: `shown(pokemon, move name)` is called for each line of a used move.
class WatchedBattle extends Battle {
  addMove(...line) {
    this.noteMove(line);
    super.addMove(...line);
  }
  noteMove([kind, pokemon, name]) {
    if (kind === "move") this.shown?.(pokemon, name);
  }
}

// Nobody reads the log of most lanes, and writing it costs a tenth of a turn.
class QuietBattle extends WatchedBattle {
  add() {}
  addMove(...line) {
    this.noteMove(line);
  }
  addSplit() {}
  attrLastMove() {}
  hint() {}
  retargetLastMove() {}
  sendUpdates() {}
}

export const words = ([high, low]) => [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff];

// The seed of a generator as Showdown writes it: four 16-bit words, the highest first.
export const seedText = (pair) => words(pair).join(",");

// Both teams from one generator, the first side's first.
export function randomTeams(seed) {
  const generator = Teams.getGenerator("gen1randombattle", seedText(seed));
  return [generator.getTeam(), generator.getTeam()];
}

const STAT_ORDER = ["hp", ...STATS];

// A member in the codes of the state, as Showdown's set: `ivs` and `evs` are HP and the stats.
function memberOf({ species, level = 100, moves = [], ivs, evs }) {
  const found = speciesOf(species);
  const trained = (values, otherwise) => {
    const named = Object.fromEntries(STAT_ORDER.map((stat, i) => [stat, values?.[i] ?? otherwise]));
    return { ...named, spd: named.spa };
  };
  return {
    ...{ name: found.name, species: found.name, level, moves: moves.map((code) => moveOf(code).id) },
    ...{ ivs: trained(ivs, 30), evs: trained(evs, 255), ability: "", item: "", nature: "", gender: "N" },
  };
}

/**
 * A team as Showdown's sets, checked as far as a battle needs it.
 *
 * @param given Showdown's packed form, or a list of `{species, level, moves, ivs, evs}` in the codes of
 *   the state
 */
export function teamOf(given) {
  const team = typeof given === "string" ? Teams.unpack(given) : Array.isArray(given) ? given.map(memberOf) : null;
  if (!team || team.length < 1 || team.length > 6) {
    throw new Error(`a team has 1 to 6 members, packed or as a list; this is ${JSON.stringify(given)}`);
  }
  for (const member of team) {
    const species = dex.species.get(member.species || member.name);
    if (!SPECIES.includes(species)) throw new Error(`${member.species || member.name} is no Pokémon of generation 1`);
    const moves = member.moves ?? [];
    const unknown = moves.some((move) => !MOVES.includes(dex.moves.get(move)));
    if (unknown || !moves.length || moves.length > 4) {
      throw new Error(`${species.name} needs 1 to 4 moves of generation 1, it has ${JSON.stringify(moves)}`);
    }
  }
  return team;
}

export class Lane {
  /**
   * @param {string} formatid gen1randombattle, gen1ou or gen1customgame
   * @param {number[]} seed the high and the low word of the battle's generator
   * @param {object[][]} teams two teams; they are copied
   * @param {boolean} logged keep Showdown's protocol log
   * @param {boolean} watched count where the battle draws chance
   */
  constructor(formatid, seed, teams, logged = false, watched = false) {
    // A format that is handed over keeps its table of rules; looking it up anew takes milliseconds.
    const format = Dex.formats.get(formatid);
    this.battle = new (logged ? WatchedBattle : QuietBattle)({ format, formatid, seed: seedText(seed) });
    this.battle.inputLog.length = 0;
    if (watched) watch(this.battle);
    // What the foe has seen of each member: its place in the order of appearance from 1, slots as bits.
    this.revealed = [new Uint8Array(6), new Uint8Array(6)];
    this.revealedMoves = [new Uint8Array(6), new Uint8Array(6)];
    this.battle.shown = (pokemon, name) => this.showMove(pokemon, name);
    teams.forEach((team, side) => {
      this.battle.setPlayer(`p${side + 1}`, { name: NAMES[side], team: structuredClone(team) });
    });
    // No switch has happened yet: places are team indices.
    this.members = this.battle.sides.map((side) => side.pokemon.slice());
    this.indices = new Map(this.members.flatMap((team) => team.map((member, index) => [member, index])));
    this.showMembers();
  }

  // A move counts as seen if it is the team's own, in the slot that was selected.
  showMove(pokemon, name) {
    const slot = pokemon.side.lastSelectedMoveSlot;
    if (pokemon.transformed || pokemon.baseMoveSlots[slot]?.id !== dex.moves.get(name).id) return;
    this.revealedMoves[pokemon.side.n][this.indices.get(pokemon)] |= 1 << slot;
  }

  // At most one member of a side appears between two decisions.
  showMembers() {
    this.battle.sides.forEach((side, p) => {
      const index = this.indices.get(side.pokemon[0]);
      const seen = this.revealed[p];
      if (!seen[index]) seen[index] = 1 + seen.filter((rank) => rank).length;
    });
  }

  get ended() {
    return this.battle.ended;
  }

  // -1 goes on, 0 or 1 that side won, 2 tie.
  get winner() {
    if (!this.battle.ended) return -1;
    return this.battle.winner ? NAMES.indexOf(this.battle.winner) : 2;
  }

  // What Showdown asks a side for: its kind, and which actions it allows.
  ask(side) {
    const { battle } = this;
    const { activeRequest: request } = battle.sides[side];
    const asked = { kind: WAIT, entries: [], single: false, trapped: false, maybeLocked: false };
    if (battle.ended || !request || request.wait) return asked;
    if (request.forceSwitch) return { ...asked, kind: SWITCH };
    const [{ moves, trapped = false, maybeLocked = false }] = request.active;
    asked.entries = moves;
    asked.trapped = trapped;
    asked.maybeLocked = maybeLocked;
    // Only what a free choice offers has its PP beside it.
    asked.single = moves.length === 1 && moves[0].pp === undefined;
    asked.kind = asked.single ? (SINGLES[moves[0].id] ?? LOCKED) : FREE;
    return asked;
  }

  // Which of the ten actions of a side are legal, as 0 and 1 from `at` on.
  writeMask(side, mask, at) {
    const asked = this.ask(side);
    const { lastSelectedMoveSlot, pokemon } = this.battle.sides[side];
    for (let action = 0; action < ACTIONS; action++) mask[at + action] = 0;
    if (asked.kind === WAIT) mask[at] = 1;
    else if (asked.single) mask[at + lastSelectedMoveSlot] = 1;
    else asked.entries.forEach((entry, slot) => (mask[at + slot] = entry.disabled ? 0 : 1));
    if (asked.kind === WAIT || asked.trapped) return;
    for (let place = 1; place < pokemon.length; place++) {
      const member = pokemon[place];
      if (!member.fainted) mask[at + 4 + this.indices.get(member)] = 1;
    }
  }

  // Play one decision of both sides; the actions must be legal.
  choose(actions) {
    const { battle } = this;
    for (const [side, action] of actions.entries()) {
      const asked = this.ask(side);
      if (asked.kind === WAIT) continue;
      const { pokemon } = battle.sides[side];
      const text =
        action >= 4
          ? `switch ${pokemon.indexOf(this.members[side][action - 4]) + 1}`
          : `move ${asked.single ? 1 : action + 1}`;
      if (!battle.sides[side].choose(text)) {
        throw new Error(`Showdown refuses ${text} of side ${side}: ${battle.sides[side].choice.error}`);
      }
    }
    battle.commitChoices();
    battle.inputLog.length = 0;
    this.showMembers();
  }

  // Showdown's protocol lines but for the time of day, which differs between two runs.
  log() {
    return this.battle.log.filter((line) => !line.startsWith("|t:|")).join("\n");
  }
}

export const ACTIONS = 10;
export const WAIT = 0;
const FREE = 1;
const SWITCH = 2;
const LOCKED = 5;
const SINGLES = { fight: 3, recharge: 4, struggle: 6 };
