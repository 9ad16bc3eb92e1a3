"""A tiny reference that misbehaves on request; speaks the protocol by itself, without envlift."""

import json
import os
import signal
import subprocess
import sys
import time

MODE = sys.argv[1]
NUMBER = {"shape": [], "dtype": "float32"}
SPEC = {
    "name": "naughty",
    "observation": {"shape": [2], "dtype": "float32"},
    "action": {"shape": [], "dtype": "int32"},
    "num_actions": 3,
    "state": {"x": NUMBER, "n": {"shape": [], "dtype": "int32"}},
}
SPECS = {
    "spec-missing": {key: value for key, value in SPEC.items() if key != "action"},
    "spec-unknown": {**SPEC, "obervation": NUMBER},
    "spec-dtype": {**SPEC, "observation": {"shape": [2], "dtype": "float128"}},
    "spec-shape": {**SPEC, "observation": {"shape": "two", "dtype": "float32"}},
    "spec-mask": {**SPEC, "num_actions": None, "legal_actions": True},
    "spec-bounds": {**SPEC, "action_low": [0, 0]},
    "spec-no-object": [1],
    "spec-binary": {**SPEC, "binary": "yes"},
    "bad-binary": {**SPEC, "binary": True},
    "bad-binary-shape": {**SPEC, "binary": True},
    "bad-binary-dtype": {**SPEC, "binary": True},
}
played = 0
lanes = 0


def arrays(steps):
    count = steps * lanes
    state = {"x": [0.5] * count, "n": [1] * count}
    return {
        "observation": [0.25] * (2 * count),
        "reward": [1] * count,
        "terminated": [0] * count,
        "truncated": [False] * count,
        "final_observation": [0.25] * (2 * count),
        "state": state,
        "final_state": {name: list(values) for name, values in state.items()},
    }


def misbehave(request, answer):
    """Change the answer to the second step message (steps 5 to 9), or do worse."""
    at = 3 * lanes + 1  # step 5 + 3 = 8, lane 1
    if MODE == "crash":
        print("the engine exploded", file=sys.stderr, flush=True)
        os._exit(3)
    elif MODE == "killed":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif MODE == "hang":
        print("thinking", file=sys.stderr, flush=True)
        time.sleep(600)
    elif MODE == "closed":
        os.close(1)
        time.sleep(600)
    elif MODE == "garbage":
        print("Segmentation fault? no, hello", flush=True)
    elif MODE == "no-object":
        print("[1,2]", flush=True)
    elif MODE == "half":
        sys.stdout.write('{"id":3,"obs')
        sys.stdout.flush()
        os._exit(0)
    elif MODE == "wrong-id":
        answer["id"] = 77
    elif MODE == "short":
        answer["observation"].pop()
    elif MODE == "nested":
        answer["observation"] = [[0.25, 0.25]] * (len(answer["observation"]) // 2)
        answer["observation"] *= 2
    elif MODE == "scalar":
        answer["reward"] = 1.0
    elif MODE == "strings":
        answer["reward"][at] = "1"
    elif MODE == "fraction":
        answer["state"]["n"][at] = 1.5
    elif MODE == "overflow":
        answer["state"]["n"][at] = 2**31
    elif MODE == "flag":
        answer["terminated"][at] = 2
    elif MODE == "nan-observation":
        answer["observation"][2 * at + 1] = float("nan")
    elif MODE == "null-observation":
        answer["observation"][2 * at + 1] = None
    elif MODE == "nan-reward":
        answer["reward"][at] = float("nan")
    elif MODE == "inf-state":
        answer["state"]["x"][at] = float("inf")
    elif MODE == "nan-final-state":
        answer["final_state"]["x"][at] = float("nan")
    elif MODE == "no-reward":
        del answer["reward"]
    elif MODE == "no-field":
        del answer["state"]["x"]
    elif MODE == "error":
        return {"id": request["id"], "error": "the rules ran out", "step": 3, "lane": 1}
    elif MODE == "bad-binary":
        answer["observation"] = {"dtype": "float32", "shape": [5, lanes, 2], "offset": 8}
    elif MODE == "bad-binary-shape":
        answer["observation"] = {"dtype": "float32", "shape": [5, lanes, 1], "offset": 0}
        return {**answer, "binary": 20 * lanes}
    elif MODE == "bad-binary-dtype":
        answer["observation"] = {"dtype": "float64", "shape": [5, lanes, 2], "offset": 0}
        return {**answer, "binary": 80 * lanes}
    return answer


def main():
    global lanes, played
    if MODE == "silent":
        return
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in iter(sys.stdin.buffer.readline, b""):
        request = json.loads(line)
        sys.stdin.buffer.read(request.get("binary", 0))
        op, answer = request["op"], {"id": request["id"]}
        if op == "spec":
            lanes = request["num_lanes"]
            answer["spec"] = SPECS.get(MODE, SPEC)
        elif op == "reset":
            answer |= {key: value for key, value in arrays(1).items() if key != "reward"}
            if MODE == "nan-reset":
                answer["observation"][3] = float("nan")
        elif op == "step":
            answer |= arrays(request["steps"])
            played += 1
            if played == 2:
                answer = misbehave(request, answer)
        elif op == "get_state" and MODE == "grandchild":
            child = subprocess.Popen(["sleep", "600"])
            print(child.pid, file=sys.stderr, flush=True)
            answer["state"] = arrays(1)["state"]
        elif op == "close" and MODE == "stubborn":
            time.sleep(600)
        data = json.dumps(answer).encode() + b"\n" + b"\0" * answer.get("binary", 0)
        if MODE == "twice" and op == "reset":
            data += data
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        if MODE == "flood" and op == "spec":
            # Read the beginning of the next request and fill stderr before reading the rest.
            sys.stdin.buffer.peek()
            for _ in range(60_000):
                sys.stderr.write("flood " * 13 + "\n")
        if op == "close":
            return


main()
