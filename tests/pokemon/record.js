'use strict';
// Plays battles in Pokémon Showdown (@pkmn/sim) and writes every state as the fields of
// envlift.envs.pokemon.state.State, in that order: int32, little endian.
//
// node record.js FIELDS.json OUT.bin FIRST_SEED BATTLES random|all|themed FORMAT PERTURB
//
// Per battle: how many states, then per state its numbers and the two actions that followed (-1 at the
// end). Run it where `npm install @pkmn/sim@0.10.11 @pkmn/randoms@0.10.6` was run.
const fs = require('fs');
const path = require('path');
const load = name => require(require.resolve(name, {paths: [process.cwd(), __dirname]}));
const {Battle, Teams, PRNG, Dex} = load('@pkmn/sim');
const {TeamGenerators} = load('@pkmn/randoms');
const themes = require('./themes');

const [, , fieldsFile, outFile, firstSeed, battles, kind, format, perturb] = process.argv;
const FIELDS = JSON.parse(fs.readFileSync(fieldsFile, 'utf8')); // [[name, size], ...]
Teams.setGeneratorFactory(TeamGenerators);
const dex = Dex.forGen(1);
const TYPES = ['Bug', 'Dragon', 'Electric', 'Fighting', 'Fire', 'Flying', 'Ghost', 'Grass', 'Ground', 'Ice', 'Normal', 'Poison', 'Psychic', 'Rock', 'Water'];
const STATUS = {'': 0, slp: 1, psn: 2, brn: 3, frz: 4, par: 5, tox: 6, fnt: 0};
const STATS = ['atk', 'def', 'spe', 'spa'];
const BOOSTS = ['atk', 'def', 'spe', 'spa', 'accuracy', 'evasion'];
const SPECIAL = {'': 0, '00': 0, cannotmove: 166};
const moveNumber = id => (id in SPECIAL ? SPECIAL[id] : dex.moves.get(id).num);
const member = p => p.set.__i;

/** The fields of one state, by name. */
function fieldsOf(b) {
  const o = {};
  const put = (name, n, value) => { (o[name] = o[name] || [])[n] = Number(value); };
  const seed = b.prng.getSeed().split(',').map(Number);
  o.seed = [seed[0] * 65536 + seed[1], seed[2] * 65536 + seed[3]];
  put('turn', 0, b.turn);
  put('last_damage', 0, b.lastDamage);
  put('request', 0, !b.ended && b.requestState === 'switch');
  put('result', 0, !b.ended ? -1 : b.winner === 'A' ? 0 : b.winner === 'B' ? 1 : 2);
  b.sides.forEach((side, s) => {
    put('legal', s, legalBits(b, side));
    put('last_selected_move', s, moveNumber(side.lastSelectedMove));
    put('last_selected_slot', s, side.lastSelectedMoveSlot);
    put('last_move', s, side.lastMove ? side.lastMove.num : 0);
    put('fainted_this_turn', s, !!side.faintedThisTurn);
    put('switch_flag', s, !b.ended && !!side.active[0].switchFlag);
    for (let i = 0; i < 6; i++) put('order', s * 6 + i, i < side.pokemon.length ? member(side.pokemon[i]) : i);
    for (let i = 0; i < 6; i++) memberFields(put, s * 6 + i, side, side.pokemon.find(p => member(p) === i));
    activeFields(put, s, side.active[0]);
  });
  return o;
}

function memberFields(put, m, side, p) {
  put('species', m, p ? p.baseSpecies.num : 0);
  put('level', m, p ? p.level : 0);
  put('max_hp', m, p ? p.maxhp : 0);
  put('hp', m, p ? p.hp : 0);
  STATS.forEach((k, i) => put('stats', m * 4 + i, p ? p.baseStoredStats[k] : 0));
  put('speed_iv', m, p ? p.set.ivs.spe & 30 : 0);
  put('speed_ev', m, p ? p.set.evs.spe : 0);
  for (let k = 0; k < 4; k++) {
    const slot = p && p.baseMoveSlots[k];
    put('moves', m * 4 + k, slot ? dex.moves.get(slot.id).num : 0);
    put('pp', m * 4 + k, slot ? slot.pp : 0);
  }
  const status = p && !p.fainted ? STATUS[p.status] : 0;
  put('status', m, status);
  put('sleep_time', m, status === 1 ? p.statusState.time : 0);
  put('sleep_own', m, status === 1 && p.statusState.source.side === side);
  put('sub_fainted', m, p && !!p.subFainted);
  put('fainted', m, !p || p.fainted);
}

function activeFields(put, s, p) {
  const v = p.volatiles, on = id => (v[id] ? 1 : 0), of = (id, key) => (v[id] ? v[id][key] : 0);
  put('active_species', s, p.species.num);
  for (let k = 0; k < 2; k++) put('types', s * 2 + k, p.types[k] ? TYPES.indexOf(p.types[k]) : 15);
  STATS.forEach((k, i) => put('stored_stats', s * 4 + i, p.storedStats[k]));
  STATS.forEach((k, i) => put('modified_stats', s * 4 + i, p.modifiedStats[k]));
  if (p.modifiedStats.spa !== p.modifiedStats.spd || p.boosts.spa !== p.boosts.spd) throw new Error('two Specials');
  BOOSTS.forEach((k, i) => put('boosts', s * 6 + i, p.boosts[k]));
  for (let k = 0; k < 4; k++) {
    const slot = p.moveSlots[k];
    put('active_moves', s * 4 + k, slot ? dex.moves.get(slot.id).num : 0);
    put('active_pp', s * 4 + k, slot ? slot.pp : 0);
  }
  put('transformed', s, p.transformed);
  put('active_last_move', s, p.lastMove ? p.lastMove.num : 0);
  put('speed', s, p.speed);
  for (const [name, id] of [['must_recharge', 'mustrecharge'], ['flinch', 'flinch'], ['invulnerable', 'invulnerability'], ['focus_energy', 'focusenergy'], ['leech_seed', 'leechseed'], ['light_screen', 'lightscreen'], ['reflect', 'reflect'], ['mist', 'mist'], ['bide', 'bide'], ['disable', 'disable'], ['rage', 'rage'], ['substitute', 'substitute']]) put(name, s, on(id));
  put('confusion', s, of('confusion', 'time'));
  put('trapped', s, of('partiallytrapped', 'duration'));
  put('trapped_by', s, on('partiallytrapped') ? member(v.partiallytrapped.source) : 0);
  put('trapped_maybe', s, on('partiallytrapped') && !!v.partiallytrapped.maybeLocked);
  put('fake_trapped', s, of('fakepartiallytrapped', 'duration'));
  put('fake_partner', s, on('fakepartiallytrapped') ? member(v.fakepartiallytrapped.counterpart) : 0);
  const lock = v.partialtrappinglock;
  put('lock', s, lock ? lock.duration : 0);
  put('lock_total', s, lock ? lock.totalDuration : 0);
  put('lock_move', s, lock ? moveNumber(lock.move) : 0);
  put('lock_damage', s, lock ? lock.damage : 0);
  put('lock_on', s, lock ? member(lock.locked) : 0);
  put('thrash', s, on('lockedmove') ? moveNumber(v.lockedmove.move) : 0);
  put('thrash_time', s, of('lockedmove', 'time'));
  put('thrash_accuracy', s, of('lockedmove', 'accuracy'));
  put('charge', s, on('twoturnmove') ? moveNumber(v.twoturnmove.move) : 0);
  put('toxic', s, on('residualdmg') ? v.residualdmg.counter : -1);
  put('bide_time', s, of('bide', 'time'));
  put('bide_damage', s, of('bide', 'damage'));
  put('disable_slot', s, of('disable', 'slotIndex'));
  put('disable_move', s, on('disable') ? moveNumber(v.disable.move) : 0);
  put('disable_time', s, of('disable', 'time'));
  put('rage_accuracy', s, of('rage', 'accuracy'));
  put('substitute_hp', s, of('substitute', 'hp'));
}

/** Legal actions of a side as [action, Showdown's choice]; 0 to 3 are slots, 4 + k member k. */
function legal(b, side) {
  const request = side.activeRequest;
  if (b.ended || !request || request.wait) return [[0, null]];
  const out = [];
  const active = request.active && request.active[0];
  if (active) {
    const single = active.moves.length === 1 && side.active[0].moveSlots.length > 1 || ['recharge', 'struggle', 'fight'].includes(active.moves[0].id);
    active.moves.forEach((m, j) => { if (!m.disabled) out.push([j, 'move ' + (j + 1)]); });
    if (active.moves.length === 1) out[0][0] = lockedSlot(side);
  }
  if (!active || !active.trapped) for (let j = 1; j < side.pokemon.length; j++) if (!side.pokemon[j].fainted) out.push([4 + member(side.pokemon[j]), 'switch ' + (j + 1)]);
  return out;
}

/** Where the one entry of a request stands: the slot of a lock, else 0. */
function lockedSlot(side) {
  const p = side.active[0];
  const hard = p.volatiles.mustrecharge || p.volatiles.lockedmove || p.volatiles.twoturnmove || p.volatiles.rage;
  const semi = !p.maybeLocked && (p.volatiles.partialtrappinglock || p.volatiles.bide);
  return hard || semi ? side.lastSelectedMoveSlot : 0;
}

function legalBits(b, side) {
  return legal(b, side).reduce((bits, [action]) => bits | (1 << action), 0);
}

/** Overwrite a number of a live battle, so that edges are met: HP, stats, PP, lastDamage. */
function disturb(b, ai) {
  const p = ai.sample(b.sides).active[0];
  if (p.hp <= 0 || p.fainted) return;
  const what = ai.random(5);
  if (what < 2) {
    const hp = ai.sample([p.maxhp - 255, p.maxhp - 511, p.maxhp - 254, Math.floor(p.maxhp / 4), Math.floor(p.maxhp / 4) + 1, 1, p.maxhp, Math.floor(p.maxhp / 2), 256, 512]);
    if (hp > 0 && hp <= p.maxhp) p.hp = hp;
  } else if (what === 2) {
    const k = ai.sample(STATS), x = ai.sample([1, 2, 255, 256, 257, 511, 512, 513, 514, 998, 999]);
    p.modifiedStats[k] = x;
    if (k === 'spa') p.modifiedStats.spd = x;
  } else if (what === 3) {
    b.lastDamage = ai.sample([0, 1, 20, 100, 300, 65535]);
  } else {
    p.moveSlots[ai.random(p.moveSlots.length)].pp = ai.sample([1, 2]);
  }
}

function play(seed, out) {
  const ai = new PRNG(`7,7,${seed >> 16},${seed & 65535}`);
  const teams = kind === 'random' ? randomTeams(seed) : themes.teams(dex, ai, kind);
  teams.forEach(team => team.forEach((p, i) => { p.__i = i; p.name = 'M' + i; }));
  const b = new Battle({formatid: format, seed: `${seed & 65535},7,8,${(seed >> 16) + 9}`, debug: false});
  b.setPlayer('p1', {name: 'A', team: teams[0]});
  b.setPlayer('p2', {name: 'B', team: teams[1]});
  const numbers = [];
  let states = 0;
  for (; ;) {
    const fields = fieldsOf(b);
    for (const [name, size] of FIELDS) for (let k = 0; k < size; k++) {
      const value = fields[name] ? fields[name][k] : 0;
      if (!Number.isFinite(value)) throw new Error(`${name}[${k}] is ${value}`);
      numbers.push(value | 0);
    }
    states++;
    if (b.ended || states > 3000) { numbers.push(-1, -1, -1); break; }
    const disturbed = perturb === '1' && ai.random(100) < 25;
    const choices = b.sides.map(side => {
      const all = legal(b, side), moves = all.filter(c => c[0] < 4);
      return moves.length && ai.random(100) < 88 ? ai.sample(moves) : ai.sample(all);
    });
    if (disturbed) disturb(b, ai);
    numbers.push(choices[0][0], choices[1][0], disturbed ? 1 : 0);
    if (disturbed) {
      const after = fieldsOf(b);
      for (const [name, size] of FIELDS) for (let k = 0; k < size; k++) numbers.push((after[name] ? after[name][k] : 0) | 0);
    }
    try {
      b.sides.forEach((side, s) => { if (choices[s][1]) { if (!side.choose(choices[s][1])) throw new Error('REJECTED ' + side.choice.error); } });
      b.commitChoices();
    } catch (e) {
      if (/REJECTED/.test(e.message)) throw e;
      numbers.push(...new Array(FIELDS.reduce((n, f) => n + f[1], 0)).fill(-99), -1, -1, -1); // Showdown gave up
      states++;
      break;
    }
  }
  b.destroy();
  fs.writeSync(out, Buffer.from(Int32Array.from([states, ...numbers]).buffer));
}

function randomTeams(seed) {
  const generator = Teams.getGenerator('gen1randombattle', [seed & 65535, 2, 3, 4 + (seed >> 16)]);
  return [generator.getTeam(), generator.getTeam()];
}

const out = fs.openSync(outFile, 'w');
for (let i = 0; i < +battles; i++) play(+firstSeed + i, out);
fs.closeSync(out);
