'use strict';
// Teams for record.js: any moves, or moves that make rules meet. Names unknown to the dex are dropped.
const THEMES = `substitute confuseray supersonic jumpkick highjumpkick psybeam confusion dizzypunch thrash petaldance
icebeam blizzard icepunch ember firespin fireblast flamethrower haze rest aurorabeam
metronome mirrormove wrap
metronome mirrormove mimic transform disable fly dig solarbeam
mimic transform disable conversion mirrormove rest splash
wrap clamp firespin bind mirrormove metronome substitute hyperbeam toxic
amnesia barrier acidarmor agility swordsdance reflect lightscreen haze explosion selfdestruct psychic growth meditate
bide counter rage seismictoss sonicboom superfang psywave doublekick thunderwave
haze toxic leechseed rest spore hypnosis thunderwave bide wrap thrash dig
substitute explosion selfdestruct metronome doublekick twineedle pinmissile spikecannon
hyperbeam spore sing thunderwave bodyslam wrap lick stunspore glare quickattack
stringshot growl screech tailwhip sandattack thunderwave ember flash agility swordsdance mist acid psychic
disable bide wrap thrash rage fly hyperbeam counter
stomp headbutt bite wrap hyperbeam quickattack boneclub hyperfang
fissure guillotine horndrill thunderwave agility dreameater hypnosis softboiled recover
splash teleport roar whirlwind disable rest leechseed
tackle ember toxic confuseray leechseed metronome rest bide
substitute dreameater hypnosis spore rest
transform metronome nightshade
recover softboiled rest seismictoss substitute`.split('\n').map(line => line.split(' '));
const STICKY = 'wrap bind clamp firespin bide thrash petaldance metronome mirrormove mimic disable haze hyperbeam rage dig fly confuseray supersonic toxic leechseed substitute transform rest counter'.split(' ');

function member(species, moves, level, i) {
  const all = n => ({hp: n, atk: n, def: n, spa: n, spd: n, spe: n});
  return {name: 'M' + i, species, moves, level, ability: 'none', item: '', nature: 'serious', gender: 'N', evs: all(255), ivs: all(30)};
}

/** Two teams; kind is `all` (six, any moves) or `themed` (one to six). */
exports.teams = function (dex, ai, kind) {
  const moves = dex.moves.all().filter(m => m.gen === 1 && m.num > 0 && m.id !== 'struggle').map(m => m.id);
  const species = dex.species.all().filter(s => s.num > 0 && s.num <= 151 && s.gen === 1 && !s.forme).map(s => s.name);
  const size = kind === 'all' ? 6 : ai.random(1, 7);
  const mirror = ai.random(100) < 50 ? Array.from({length: size}, () => ai.sample(species)) : null;
  const pick = (pool, count) => { const set = new Set(); while (set.size < count) set.add(pool()); return [...set]; };
  const themes = [ai.sample(THEMES), ai.sample(THEMES)];
  return [0, 1].map(() => Array.from({length: size}, (_, i) => {
    const name = mirror ? mirror[i] : ai.sample(species);
    if (kind === 'all') {
      const count = ai.random(10) ? 4 : ai.random(1, 5);
      const level = ai.random(100) < 70 ? 100 : ai.random(2, 101);
      return member(name, pick(() => (ai.random(100) < 45 ? ai.sample(STICKY) : ai.sample(moves)), count), level, i);
    }
    const pool = themes[ai.random(100) < 80 ? 0 : 1];
    const count = Math.min(pool.length, ai.random(1, 5));
    return member(name, pick(() => ai.sample(pool), count), ai.random(100) < 60 ? 100 : ai.random(1, 101), i);
  }));
};
