// The reference protocol in its binary form (docs/reference-protocol.md).

const KINDS = {
  bool: Uint8Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array,
  int32: Int32Array, uint32: Uint32Array, int64: BigInt64Array, float32: Float32Array, float64: Float64Array,
};

/** One array of a message: its dtype, its shape and its numbers, the last axis fastest. */
export class Values {
  constructor(dtype, shape, data) {
    this.dtype = dtype;
    this.shape = shape;
    this.data = data ?? new KINDS[dtype](shape.reduce((product, length) => product * length, 1));
  }
}

// Of int64 nothing beyond 2^53 comes in; plain numbers are easier to live with than BigInt.
const plain = (data) => (data instanceof BigInt64Array ? Float64Array.from(data, Number) : data);

// Turn the arrays of a request into their numbers.
export function unpack(value, raw) {
  if (Array.isArray(value) || value === null || typeof value !== "object") return value;
  if (typeof value.dtype === "string" && Array.isArray(value.shape)) {
    const Kind = KINDS[value.dtype];
    if (!Kind) throw new Error(`the dtype ${value.dtype} is not known here; known: ${Object.keys(KINDS).join(", ")}`);
    if (value.data) return Kind === BigInt64Array ? Float64Array.from(value.data) : Kind.from(value.data);
    const count = value.shape.reduce((product, length) => product * length, 1);
    const start = raw.byteOffset + value.offset;
    // Copied, because a view needs an aligned start.
    return plain(new Kind(raw.buffer.slice(start, start + count * Kind.BYTES_PER_ELEMENT)));
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, unpack(one, raw)]));
}

// Turn an answer into bytes: a line, then the arrays one behind the other.
export function pack(answer) {
  const pieces = [];
  let offset = 0;
  const line = JSON.stringify(answer, (_, value) => {
    if (!(value instanceof Values)) return value;
    const { buffer, byteOffset, byteLength } = value.data;
    pieces.push(Buffer.from(buffer, byteOffset, byteLength));
    const about = { dtype: value.dtype, shape: value.shape, offset };
    offset += byteLength;
    return about;
  });
  const header = offset ? `${line.slice(0, -1)},"binary":${offset}}\n` : `${line}\n`;
  return Buffer.concat([Buffer.from(header), ...pieces]);
}

// Call `answer(header, raw)` for each whole message that comes in.
export function listen(stream, answer) {
  let waiting = Buffer.alloc(0);
  stream.on("data", (chunk) => {
    waiting = waiting.length ? Buffer.concat([waiting, chunk]) : chunk;
    for (;;) {
      const end = waiting.indexOf(10);
      if (end < 0) return;
      const header = JSON.parse(waiting.subarray(0, end).toString());
      const length = end + 1 + (header.binary ?? 0);
      if (waiting.length < length) return;
      const raw = waiting.subarray(end + 1, length);
      waiting = waiting.subarray(length);
      answer(header, raw);
    }
  });
}
