// What the sides see, in numbers: what is asked as Showdown sends it, [2, 16] a lane, or what a
// player of the fast environment is shown, [2, 224].

import { BOOSTS, NO_TYPE, STATS, moveCode, statusCode, typeCode } from "./showdown.mjs";

/** The names of the entries, in order; README.md says what they mean. */
const REQUEST = [
  ...["kind", "trapped", "maybe_locked", "entries"],
  ...["move_0", "pp_0", "disabled_0", "move_1", "pp_1", "disabled_1"],
  ...["move_2", "pp_2", "disabled_2", "move_3", "pp_3", "disabled_3"],
];

// Entries that are no moves have no number of their own: `kind` says what they are.
const NO_MOVES = new Set(["fight", "recharge"]);

function observeRequest(lane, data, row) {
  for (const side of [0, 1]) {
    const { kind, trapped, maybeLocked, entries } = lane.ask(side);
    let at = (row * 2 + side) * REQUEST.length;
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

const M = 6, K = 4;
const numbered = (slots, of) => Array.from({ length: K }, (_, k) => (slots[k] ? of(slots[k]) : 0));
// 0 nothing, 1 a move, 2 a replacement: kinds of requests from 3 on offer one entry.
const asked = (lane, side) => (lane.ask(side).kind > 2 ? 1 : lane.ask(side).kind);
const status = (member) => statusCode(member.fainted ? "fnt" : member.status);
const stands = (member) => (member.side.pokemon[0] === member ? 1 : 0);

function ownMember(member) {
  if (!member) return Array(6 + STATS.length + 2 * K).fill(0);
  const slots = member.baseMoveSlots;
  return [
    ...[member.baseSpecies.num, member.level, member.hp, member.maxhp, status(member), stands(member)],
    ...STATS.map((stat) => member.baseStoredStats[stat]),
    ...numbered(slots, ({ id }) => moveCode(id)),
    ...numbered(slots, ({ pp }) => pp),
  ];
}

// As Showdown writes a foe's condition: "57/100 par", or "0 fnt". In formats whose players have not
// agreed to percentages it writes other numbers; what the fast environment shows is the same in all.
function percent(member) {
  const { reportPercentages, reportExactHP } = member.battle;
  if (reportPercentages && !reportExactHP) return parseInt(member.getHealth().shared, 10);
  const rounded = Math.ceil((100 * member.hp) / member.maxhp);
  return rounded === 100 && member.hp < member.maxhp ? 99 : rounded;
}

function foeMember(member, bits) {
  if (!member) return Array(5 + K).fill(0);
  const shown = numbered(member.baseMoveSlots, ({ id }) => moveCode(id)).filter((_, k) => bits & (1 << k));
  shown.sort((a, b) => a - b);
  return [
    ...[member.baseSpecies.num, member.level, percent(member), status(member), stands(member)],
    ...numbered(shown, (move) => move),
  ];
}

function activeOf(member) {
  const { volatiles: v, types } = member;
  const flags = [
    ...[member.transformed, v.mustrecharge, v.confusion, v.invulnerability, v.bide, v.focusenergy],
    ...[v.leechseed, v.lightscreen, v.reflect, v.mist, v.rage, v.substitute],
  ];
  return [
    ...[member.species.num, typeCode(types[0]), types.length > 1 ? typeCode(types[1]) : NO_TYPE],
    ...BOOSTS.map((stat) => member.boosts[stat]),
    ...[member.lastMove?.id, v.twoturnmove?.move, v.lockedmove?.move, v.disable?.move].map(moveCode),
    ...flags.map((flag) => (flag ? 1 : 0)),
  ];
}

function playersNumbers(lane, side) {
  const { battle, members } = lane;
  const [own, foe] = [battle.sides[side], battle.sides[1 - side]];
  const seen = lane.revealed[1 - side];
  const foes = Array.from({ length: M }, (_, k) => members[1 - side][seen.indexOf(k + 1)]);
  return [
    ...[battle.turn, asked(lane, side), asked(lane, 1 - side), foe.pokemon.length],
    ...Array.from({ length: M }, (_, m) => ownMember(members[side][m])).flat(),
    ...activeOf(own.pokemon[0]),
    ...numbered(own.pokemon[0].moveSlots, ({ id }) => moveCode(id)),
    ...numbered(own.pokemon[0].moveSlots, ({ pp }) => pp),
    ...foes.flatMap((member) => foeMember(member, lane.revealedMoves[1 - side][lane.indices.get(member)])),
    ...activeOf(foe.pokemon[0]),
  ];
}

function observePlayers(lane, data, row) {
  for (const side of [0, 1]) data.set(playersNumbers(lane, side), (row * 2 + side) * PLAYERS);
}

const PLAYERS = 224;

/** By the option `observation`: how many numbers a side sees, and what writes them. */
export const OBSERVATIONS = {
  request: { size: REQUEST.length, observe: observeRequest },
  players: { size: PLAYERS, observe: observePlayers },
};
