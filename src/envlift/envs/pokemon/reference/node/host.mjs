// Pokémon Showdown as a reference: `node host.mjs FOLDER`, FOLDER with the pinned packages.
//
// Many battles in one process, spoken to by the reference protocol over stdin and stdout.

import { writeSync } from "node:fs";
import { ACTIONS, Lane, randomTeams, teamOf } from "./battle.mjs";
import { COMPONENTS } from "./components.mjs";
import { OBSERVATIONS } from "./observation.mjs";
import { pins } from "./showdown.mjs";
import { counts, watch } from "./sites.mjs";
import { FIELDS, read, size, write } from "./state.mjs";
import { Values, listen, pack, unpack } from "./wire.mjs";

const FORMATS = ["gen1randombattle", "gen1ou", "gen1customgame"];
const OPTIONS = ["format", "teams", "log_lane", "observation", "draw_sites"];

/** All lanes and what they were told. */
const host = { lanes: [], format: FORMATS[0], teams: null, logLane: -1, finishedLog: "", count: 0, view: null, watched: false };

function spec({ num_lanes, config }) {
  const unknown = Object.keys(config).find((name) => !OPTIONS.includes(name));
  if (unknown) throw new Error(`there is no option ${JSON.stringify(unknown)}; known: ${OPTIONS.join(", ")}`);
  const { format = FORMATS[0], teams = null, log_lane: logLane = -1, observation = "request", draw_sites: watched = false } = config;
  const views = Object.keys(OBSERVATIONS);
  if (!views.includes(observation)) {
    throw new Error(`observation is ${JSON.stringify(observation)}; known: ${views.join(", ")}`);
  }
  if (!FORMATS.includes(format)) throw new Error(`format is ${JSON.stringify(format)}; known: ${FORMATS.join(", ")}`);
  if (teams === null && format !== FORMATS[0]) {
    throw new Error(`${format} needs "teams", a list of teams; only ${FORMATS[0]} draws its own`);
  }
  if (teams !== null && !teams.length) throw new Error('"teams" is empty; give at least one team');
  Object.assign(host, { format, teams: teams && teams.map(teamOf), logLane, watched, count: num_lanes, view: OBSERVATIONS[observation] });
  const array = (dtype, ...shape) => ({ dtype, shape });
  return {
    spec: {
      name: `Pokémon Showdown ${format}`,
      observation: array("int16", 2, host.view.size),
      action: array("int32", 2),
      action_space: { kind: "MultiDiscrete", shape: [2], dtype: "int32", nvec: ACTIONS, start: 0 },
      reward: array("float32", 2),
      legal_actions: true,
      state: Object.fromEntries(Object.entries(FIELDS).map(([name, [dtype, shape]]) => [name, { dtype, shape }])),
      info: { illegal: array("bool", 2) },
      chance: array("uint32", 4),
      pins: pins(),
      binary: true,
    },
  };
}

function begin(chance, at, lane) {
  const [battleHigh, battleLow, teamHigh, teamLow] = chance.subarray(at * 4, at * 4 + 4);
  const { teams } = host;
  const pair = teams
    ? [teams[teamHigh % teams.length], teams[teamLow % teams.length]]
    : randomTeams([teamHigh, teamLow]);
  return new Lane(host.format, [battleHigh, battleLow], pair, lane === host.logLane, host.watched);
}

function newState(axes) {
  return Object.fromEntries(
    Object.entries(FIELDS).map(([name, [dtype, shape]]) => [name, new Values(dtype, [...axes, ...shape])]),
  );
}

const numbers = (state) => Object.fromEntries(Object.entries(state).map(([name, { data }]) => [name, data]));

// What one answer holds: arrays of the axes `[T, B]` or `[B]`, filled row by row.
class Answer {
  constructor(axes, wanted, isStep) {
    const observation = () => new Values("int16", [...axes, 2, host.view.size]);
    this.fields = { observation: observation() };
    if (isStep) {
      this.fields.reward = new Values("float32", [...axes, 2]);
      this.fields.terminated = new Values("bool", axes);
      this.fields.truncated = new Values("bool", axes);
    }
    for (const name of wanted) {
      if (name === "legal_actions") this.fields[name] = new Values("bool", [...axes, 2 * ACTIONS]);
      else if (name === "info") this.fields[name] = { illegal: new Values("bool", [...axes, 2]) };
      else if (name === "final_observation") this.fields[name] = observation();
      else this.fields[name] = newState(axes);
    }
    this.state = this.fields.state && numbers(this.fields.state);
    this.finalState = this.fields.final_state && numbers(this.fields.final_state);
  }

  see(lane, row) {
    const { observation, legal_actions: mask } = this.fields;
    host.view.observe(lane, observation.data, row);
    if (mask) for (const side of [0, 1]) lane.writeMask(side, mask.data, (row * 2 + side) * ACTIONS);
    if (this.state) read(lane, this.state, row);
  }

  seeEnd(lane, row) {
    if (this.fields.final_observation) host.view.observe(lane, this.fields.final_observation.data, row);
    if (this.finalState) read(lane, this.finalState, row);
  }
}

function reset({ chance, return: wanted }) {
  const answer = new Answer([host.count], wanted, false);
  host.lanes = Array.from({ length: host.count }, (_, lane) => begin(chance, lane, lane));
  host.lanes.forEach((lane, row) => answer.see(lane, row));
  return answer.fields;
}

const mask = new Uint8Array(ACTIONS);

function step({ steps, actions, chance, return: wanted }) {
  const answer = new Answer([steps, host.count], wanted, true);
  const { reward, terminated, info } = answer.fields;
  let row = 0;
  for (let t = 0; t < steps; t++) {
    for (let at = 0; at < host.count; at++, row++) {
      try {
        let lane = host.lanes[at];
        if (lane.ended) throw new Error("its battle is over; set another state or reset");
        const chosen = [0, 1].map((side) => {
          const action = actions[row * 2 + side];
          lane.writeMask(side, mask, 0);
          if (mask[action] === 1) return action;
          if (info) info.illegal.data[row * 2 + side] = 1;
          return mask.indexOf(1);
        });
        lane.choose(chosen);
        answer.seeEnd(lane, row);
        if (lane.ended) {
          terminated.data[row] = 1;
          if (lane.winner < 2) {
            reward.data[row * 2 + lane.winner] = 1;
            reward.data[row * 2 + 1 - lane.winner] = -1;
          }
          if (at === host.logLane) host.finishedLog = lane.log();
          lane = host.lanes[at] = begin(chance, row, at);
        }
        answer.see(lane, row);
      } catch (error) {
        throw Object.assign(error, { place: { step: t, lane: at } });
      }
    }
  }
  return answer.fields;
}

function getState() {
  const state = newState([host.count]);
  const rows = numbers(state);
  host.lanes.forEach((lane, row) => read(lane, rows, row));
  return { state };
}

function setState({ state }) {
  const missing = Object.keys(FIELDS).find((name) => !(name in state));
  if (missing) throw new Error(`the state has no field ${missing}`);
  host.lanes = Array.from({ length: host.count }, (_, row) => {
    try {
      return write(host.format, state, row, row === host.logLane);
    } catch (error) {
      throw Object.assign(error, { place: { lane: row } });
    }
  });
  return {};
}

function legalActions() {
  const legal = new Values("bool", [host.count, 2 * ACTIONS]);
  host.lanes.forEach((lane, row) => {
    for (const side of [0, 1]) lane.writeMask(side, legal.data, (row * 2 + side) * ACTIONS);
  });
  return { legal_actions: legal };
}

function call({ component, arguments: given }) {
  const found = COMPONENTS[component];
  if (!found) throw new Error(`there is no component ${JSON.stringify(component)}; known: ${Object.keys(COMPONENTS).join(", ")}`);
  return { results: found(given, host) };
}

const operations = {
  spec, reset, step, get_state: getState, set_state: setState, legal_actions: legalActions, call,
  coverage: () => ({ coverage: counts }),
  close: () => ({}),
};

listen(process.stdin, (header, raw) => {
  let result;
  try {
    const operation = operations[header.op];
    if (!operation) throw new Error(`there is no operation ${header.op}`);
    const { config, ...request } = header;
    result = operation({ ...unpack(request, raw), config });
  } catch (error) {
    if (!error.place && !(error instanceof Error)) throw error;
    process.stderr.write(`${error.stack}\n`);
    result = { error: error.message, ...error.place };
  }
  sendAll(pack({ id: header.id, ...result }));
  if (header.op === "close") process.exit(0);
});
process.stdin.on("end", () => process.exit(0));

// In one go: a message must be out before the next begins, and pipes are short.
function sendAll(bytes) {
  for (let sent = 0; sent < bytes.length; ) {
    try {
      sent += writeSync(1, bytes, sent);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}
