// The game of counter.py as a reference in JavaScript, for Node 20, in plain text messages:
//
//     process:node examples/references/counter.mjs
//
// One JSON line comes in for each that goes out; arrays are flat lists, the last axis fastest.

let lanes = [];
let goal = 5;
let slip = 0.25;
let limit = 40;

const observe = (lane) => [lane.position / goal, lane.energy];
const newGame = (seed) => ({ position: Math.abs(seed % 2), steps: 0, energy: 1 });

function move(action, chance) {
  const direction = action === 1 ? 1 : -1;
  return chance < slip ? -direction : direction;
}

// Collects the fields of one answer, lane after lane and step after step.
class Answer {
  constructor(wanted) {
    this.wanted = wanted;
    this.fields = { observation: [] };
  }

  add(name, value) {
    (this.fields[name] ??= []).push(value);
  }

  state(name, lane) {
    if (!this.wanted.includes(name)) return;
    const state = (this.fields[name] ??= { position: [], steps: [], energy: [] });
    for (const [field, values] of Object.entries(state)) values.push(lane[field]);
  }

  see(lane) {
    this.fields.observation.push(...observe(lane));
    this.state("state", lane);
  }
}

function spec({ num_lanes, config }) {
  ({ goal = 5, slip = 0.25, limit = 40 } = config);
  lanes = Array.from({ length: num_lanes }, () => newGame(0));
  const number = (dtype) => ({ shape: [], dtype });
  return {
    spec: {
      name: "counter",
      observation: { shape: [2], dtype: "float64" },
      action: number("int32"),
      num_actions: 2,
      state: { position: number("int32"), steps: number("int32"), energy: number("float64") },
      chance: number("float64"),
      pins: { node: process.version },
    },
  };
}

function reset(request) {
  const answer = new Answer(request.return);
  lanes = request.seeds.map(newGame);
  for (const lane of lanes) answer.see(lane);
  return answer.fields;
}

function step(request) {
  const answer = new Answer(request.return);
  const wantsFinal = request.return.includes("final_observation");
  request.actions.forEach((action, at) => {
    if (action !== 0 && action !== 1) {
      const place = { step: Math.floor(at / lanes.length), lane: at % lanes.length };
      throw Object.assign(new Error(`action ${action} is neither 0 nor 1`), { place });
    }
    let lane = lanes[at % lanes.length];
    lane.position += move(action, request.chance[at]);
    lane.steps += 1;
    lane.energy -= 0.1 * lane.energy;
    const terminated = Math.abs(lane.position) >= goal;
    const truncated = !terminated && lane.steps >= limit;
    answer.add("reward", terminated ? Math.sign(lane.position) : 0);
    answer.add("terminated", terminated);
    answer.add("truncated", truncated);
    if (wantsFinal) (answer.fields.final_observation ??= []).push(...observe(lane));
    answer.state("final_state", lane);
    if (terminated || truncated) {
      lane = lanes[at % lanes.length] = newGame(request.reset_seeds[at]);
    }
    answer.see(lane);
  });
  return answer.fields;
}

function getState() {
  const answer = new Answer(["state"]);
  for (const lane of lanes) answer.state("state", lane);
  return { state: answer.fields.state };
}

function setState({ state }) {
  lanes = lanes.map((_, at) => ({
    position: state.position[at],
    steps: state.steps[at],
    energy: state.energy[at],
  }));
  return {};
}

function call(request) {
  if (request.component !== "move") {
    throw new Error(`no component is named "${request.component}"; known: move`);
  }
  const { action, chance } = request.arguments;
  const data = action.data.map((one, at) => move(one, chance.data[at]));
  return { results: { result: { dtype: "int64", shape: [data.length], data } } };
}

const operations = {
  spec,
  reset,
  step,
  get_state: getState,
  set_state: setState,
  call,
  coverage: () => ({ coverage: {} }),
  close: () => ({}),
};

function answer(line) {
  const request = JSON.parse(line);
  let result;
  try {
    result = operations[request.op](request);
  } catch (error) {
    result = { error: error.message, ...error.place };
  }
  process.stdout.write(`${JSON.stringify({ id: request.id, ...result })}\n`);
  if (request.op === "close") process.stdin.destroy();
}

const pieces = [];
process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk) => {
  const lines = chunk.split("\n");
  pieces.push(lines[0]);
  for (const next of lines.slice(1)) {
    answer(pieces.splice(0).join(""));
    pieces.push(next);
  }
});
