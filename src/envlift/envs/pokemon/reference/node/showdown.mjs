// The pinned packages, and the codes that stand for Showdown's names (README.md, "codes").

import { createRequire } from "node:module";
import path from "node:path";

// The packages lie in envlift's cache, not beside this file.
export const PACKAGES = path.resolve(process.argv[2] ?? ".");
const require = createRequire(path.join(PACKAGES, "package.json"));
export const { Battle, Dex, PRNG, Teams } = require("@pkmn/sim");
Teams.setGeneratorFactory(require("@pkmn/randoms").TeamGenerators);

// Reads no file but the packages' own: what is running.
export function pins() {
  const version = (name) => require(`${PACKAGES}/node_modules/${name}/package.json`).version;
  return {
    node: process.version,
    "@pkmn/sim": version("@pkmn/sim"),
    "@pkmn/randoms": version("@pkmn/randoms"),
  };
}

export const dex = Dex.forGen(1);
export const STATS = ["atk", "def", "spe", "spa"]; // the fourth is Special: spa and spd are equal
export const BOOSTS = ["atk", "def", "spe", "spa", "accuracy", "evasion"];
export const STATUSES = ["", "brn", "frz", "par", "psn", "slp", "tox", "fnt"];
export const TYPES = [
  ...["Bug", "Dragon", "Electric", "Fighting", "Fire", "Flying", "Ghost", "Grass", "Ground"],
  ...["Ice", "Normal", "Poison", "Psychic", "Rock", "Water"],
];
export const NO_TYPE = TYPES.length;
export const CANNOT_MOVE = 166;

const ofGen1 = (item, most) => item.gen === 1 && item.num > 0 && item.num <= most;
export const MOVES = dex.moves
  .all()
  .filter((move) => ofGen1(move, 165))
  .sort((a, b) => a.num - b.num);
export const SPECIES = dex.species
  .all()
  .filter((species) => ofGen1(species, 151) && !species.forme)
  .sort((a, b) => a.num - b.num);

const moveCodes = new Map([
  ...[[null, 0], [undefined, 0], ["", 0], ["00", 0], ["cannotmove", CANNOT_MOVE]],
  ...MOVES.map((move) => [move.id, move.num]),
]);
const typeCodes = new Map(TYPES.map((name, code) => [name, code]));
const statusCodes = new Map(STATUSES.map((name, code) => [name, code]));

function known(codes, kind, name) {
  const code = codes.get(name);
  if (code === undefined) throw new Error(`Showdown has a ${kind} ${JSON.stringify(name)} here, which has no code`);
  return code;
}

export const moveCode = (id) => known(moveCodes, "move", id);
export const typeCode = (name) => known(typeCodes, "type", name);
export const statusCode = (name) => known(statusCodes, "status", name);
export const moveOf = (code) => item(MOVES, code, "move");
export const speciesOf = (code) => item(SPECIES, code, "species");

function item(list, code, kind) {
  const found = list[code - 1];
  if (!found) throw new Error(`no ${kind} has the code ${code}; known: 1 to ${list.length}`);
  return found;
}
