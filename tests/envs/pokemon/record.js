'use strict';
// Plays battles in Pokémon Showdown (@pkmn/sim) and writes every state as the fields of
// envlift.envs.pokemon.state.State, in that order: int32, little endian.
//
// node record.js FIELDS.json OUT.bin FIRST_SEED BATTLES random|all|themed FORMAT PERTURB
//
// Per battle: how many states, four words of seeds (battle, team generator), then per state its
// numbers, the two actions that followed (-1 at the end), and whether numbers were then overwritten: the
// state after that follows. Run it where `npm install @pkmn/sim@0.10.11 @pkmn/randoms@0.10.6` was run.
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
const STATUS = {'': 0, brn: 1, frz: 2, par: 3, psn: 4, slp: 5, tox: 6, fnt: 7};
const STATS = ['atk', 'def', 'spe', 'spa'];
const BOOSTS = ['atk', 'def', 'spe', 'spa', 'accuracy', 'evasion'];
const SPECIAL = {'': 0, '00': 0, cannotmove: 166};
const moveNumber = id => (id in SPECIAL ? SPECIAL[id] : dex.moves.get(id).num);
const member = p => p.set.__i;

/** The fields of one state, by name. */
function fieldsOf(b) {
  const o = {};
  const put = (name, n, value) => { (o[name] = o[name] || [])[n] = Number(value); };
  o.seed = words(b.prng.getSeed());
  put('turn', 0, b.turn);
  put('last_damage', 0, b.lastDamage);
  put('winner', 0, !b.ended ? -1 : b.winner === 'A' ? 0 : b.winner === 'B' ? 1 : 2);
  b.sides.forEach((side, s) => {
    put('request', s, requestOf(b, side));
    put('legal', s, legalBits(b, side));
    put('last_selected_move', s, moveNumber(side.lastSelectedMove));
    put('last_selected_move_slot', s, side.lastSelectedMoveSlot);
    put('last_move', s, side.lastMove ? side.lastMove.num : 0);
    put('fainted_this_turn', s, !!side.faintedThisTurn);
    for (let i = 0; i < 6; i++) put('order', s * 6 + i, i < side.pokemon.length ? member(side.pokemon[i]) : -1);
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
  STATS.forEach((k, i) => put('base_stored_stats', m * 4 + i, p ? p.baseStoredStats[k] : 0));
  put('spe_iv', m, p ? p.set.ivs.spe & 30 : 0);
  put('spe_ev', m, p ? p.set.evs.spe : 0);
  for (let k = 0; k < 4; k++) {
    const slot = p && p.baseMoveSlots[k];
    put('moves', m * 4 + k, slot ? dex.moves.get(slot.id).num : 0);
    put('pp', m * 4 + k, slot ? slot.pp : 0);
  }
  const status = !p ? 0 : p.fainted ? 7 : STATUS[p.status];
  put('status', m, status);
  put('sleep_time', m, status === 5 ? p.statusState.time : 0);
  put('sleep_by_own_side', m, status === 5 && p.statusState.source.side === side);
  put('sub_fainted', m, !!p && !!p.subFainted);
}

function activeFields(put, s, p) {
  const v = p.volatiles, on = id => (v[id] ? 1 : 0), of = (id, key) => (v[id] ? v[id][key] : 0);
  put('active_species', s, p.species.num);
  for (let k = 0; k < 2; k++) put('active_types', s * 2 + k, p.types[k] ? TYPES.indexOf(p.types[k]) : 15);
  STATS.forEach((k, i) => put('stored_stats', s * 4 + i, p.storedStats[k]));
  STATS.forEach((k, i) => put('modified_stats', s * 4 + i, p.modifiedStats[k]));
  if (p.modifiedStats.spa !== p.modifiedStats.spd || p.boosts.spa !== p.boosts.spd) throw new Error('two Specials');
  BOOSTS.forEach((k, i) => put('boosts', s * 6 + i, p.boosts[k]));
  for (let k = 0; k < 4; k++) {
    const slot = p.moveSlots[k];
    put('active_moves', s * 4 + k, slot ? dex.moves.get(slot.id).num : 0);
    put('active_pp', s * 4 + k, slot ? slot.pp : 0);
    put('active_own', s * 4 + k, !!slot && slot === p.baseMoveSlots[k]);
  }
  put('transformed', s, p.transformed);
  put('active_last_move', s, p.lastMove ? p.lastMove.num : 0);
  put('speed', s, p.speed);
  for (const [name, id] of [['must_recharge', 'mustrecharge'], ['flinch', 'flinch'], ['invulnerability', 'invulnerability'], ['focus_energy', 'focusenergy'], ['leech_seed', 'leechseed'], ['light_screen', 'lightscreen'], ['reflect', 'reflect'], ['mist', 'mist']]) put(name, s, on(id));
  put('confusion_time', s, of('confusion', 'time'));
  put('partially_trapped_duration', s, of('partiallytrapped', 'duration'));
  put('partially_trapped_source', s, on('partiallytrapped') ? member(v.partiallytrapped.source) : -1);
  put('partially_trapped_maybe_locked', s, on('partiallytrapped') && !!v.partiallytrapped.maybeLocked);
  put('fake_partially_trapped_duration', s, of('fakepartiallytrapped', 'duration'));
  put('fake_partially_trapped_counterpart', s, on('fakepartiallytrapped') ? member(v.fakepartiallytrapped.counterpart) : -1);
  const lock = v.partialtrappinglock;
  put('partial_trapping_lock_duration', s, lock ? lock.duration : 0);
  put('partial_trapping_lock_total_duration', s, lock ? lock.totalDuration : 0);
  put('partial_trapping_lock_move', s, lock ? moveNumber(lock.move) : 0);
  put('partial_trapping_lock_damage', s, lock ? lock.damage : 0);
  put('partial_trapping_lock_locked', s, lock ? member(lock.locked) : -1);
  put('locked_move', s, on('lockedmove') ? moveNumber(v.lockedmove.move) : 0);
  put('locked_move_time', s, of('lockedmove', 'time'));
  put('locked_move_accuracy', s, of('lockedmove', 'accuracy'));
  put('two_turn_move', s, on('twoturnmove') ? moveNumber(v.twoturnmove.move) : 0);
  put('residual_damage_counter', s, on('residualdmg') ? v.residualdmg.counter : -1);
  put('bide_time', s, of('bide', 'time'));
  put('bide_damage', s, of('bide', 'damage'));
  put('disable_slot', s, on('disable') ? v.disable.slotIndex : -1);
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
    active.moves.forEach((m, j) => { if (!m.disabled) out.push([j, 'move ' + (j + 1)]); });
    if (active.moves.length === 1 && isForced(side)) out[0][0] = side.lastSelectedMoveSlot;
  }
  if (!active || !active.trapped) for (let j = 1; j < side.pokemon.length; j++) if (!side.pokemon[j].fainted) out.push([4 + member(side.pokemon[j]), 'switch ' + (j + 1)]);
  return out;
}

/** Whether the one entry of a request is no choice: a lock, `fight`, recharge, Struggle. */
function isForced(side) {
  const p = side.active[0], v = p.volatiles;
  const locked = v.mustrecharge || v.lockedmove || v.twoturnmove || v.rage;
  const semi = !p.maybeLocked && (v.partialtrappinglock || v.bide);
  const fight = p.status === 'slp' || p.status === 'frz' || (v.partiallytrapped && !p.maybeLocked);
  return locked || semi || fight || !p.moveSlots.some(m => m.pp > 0 && !m.disabled);
}

function requestOf(b, side) {
  const request = side.activeRequest;
  if (b.ended || !request || request.wait) return 0;
  return request.forceSwitch ? 2 : 1;
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
  const battleSeed = `${seed & 65535},7,8,${(seed >> 16) + 9}`;
  const b = new Battle({formatid: format, seed: battleSeed, debug: false});
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
  const header = [states, ...words(battleSeed), ...(kind === 'random' ? words(teamSeed(seed)) : [0, 0])];
  fs.writeSync(out, Buffer.from(Int32Array.from([...header, ...numbers]).buffer));
}

const teamSeed = seed => `${seed & 65535},2,3,${4 + (seed >> 16)}`;

/** Two words of 32 bits, high first, of a seed in four of 16. */
function words(text) {
  const [a, b, c, d] = text.split(',').map(Number);
  return [(a << 16) | b, (c << 16) | d];
}

function randomTeams(seed) {
  const generator = Teams.getGenerator('gen1randombattle', teamSeed(seed));
  return [generator.getTeam(), generator.getTeam()];
}

const out = fs.openSync(outFile, 'w');
for (let i = 0; i < +battles; i++) play(+firstSeed + i, out);
fs.closeSync(out);
