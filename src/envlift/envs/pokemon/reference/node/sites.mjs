// Where Showdown drew chance from: each call of its generator, by the places that made it.

import { basename } from "node:path";

// Between the generator and who wanted a number.
const BETWEEN = new Set(["random", "randomChance", "sample", "shuffle", "speedSort", "next"]);
// These serve many; whoever called them is named too.
const SERVE_MANY = new Set(["eachEvent", "runEvent"]);
const FRAMES = 14;

/** Counts by place, `file:line`, or `file:line from file:line` behind an event. */
export const counts = {};

/** Count the draws of a battle from now on. */
export function watch(battle) {
  const { rng } = battle.prng;
  const next = rng.next.bind(rng);
  rng.next = () => {
    const place = placeOf(frames());
    counts[place] = (counts[place] ?? 0) + 1;
    return next();
  };
}

function frames() {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  Error.prepareStackTrace = (_, sites) => sites;
  const { stack } = new Error();
  Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  return stack;
}

const named = (site) => (site.getMethodName() ?? site.getFunctionName() ?? "").split(".").pop();
const text = (site) => `${basename(site.getFileName() ?? "")}:${site.getLineNumber()}`;

function placeOf(sites) {
  const foreign = sites.filter((site) => !(site.getFileName() ?? "").endsWith("sites.mjs"));
  const first = foreign.findIndex((site) => !BETWEEN.has(named(site)));
  const found = foreign[first];
  if (!found) return "unknown";
  if (!SERVE_MANY.has(named(found))) return text(found);
  return `${text(found)} from ${text(foreign[first + 1])}`;
}
