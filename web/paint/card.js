// Files of gesso (docs/file-formats.md): cards written and read, weights read.

import { narrowed, widened } from "./halves.js";

const MOST_CARD_BYTES = 2 ** 28;
const MOST_HEADER_BYTES = 1_000_000;
const START = '{"__metadata__":{"gesso":"{\\"sha256\\":\\"';
const SLOT = 8 + START.length;
const ZEROS = "0".repeat(64);
const SIZES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1, BOOL: 1 };
const PICTURES = [[[0x89, 0x50, 0x4e, 0x47], "image/png"], [[0xff, 0xd8, 0xff], "image/jpeg"], [[0x52, 0x49, 0x46, 0x46], "image/webp"]]; // prettier-ignore

/** A safetensors file's tensors by name, and gesso's own header. Throws Error in one line. */
export function parsed(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length > 8 ? Number(view.getBigUint64(0, true)) : 0;
  if (!length || length > MOST_HEADER_BYTES || 8 + length > bytes.length) throw Error("not a card, or damaged");
  let table, header;
  try {
    table = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length)));
    header = JSON.parse(table.__metadata__.gesso);
  } catch {
    throw Error("not a file of gesso, or damaged");
  }
  delete table.__metadata__;
  const data = bytes.subarray(8 + length);
  const tensors = Object.fromEntries(Object.entries(table).map(([name, entry]) => [name, tensorOf(entry, data)]));
  return { tensors, header };
}

function tensorOf(entry, data) {
  const { dtype, shape, data_offsets: place } = entry ?? {};
  const good = SIZES[dtype] && Array.isArray(shape) && Array.isArray(place) && place.length === 2;
  const count = good ? shape.reduce((a, b) => a * b, 1) : NaN;
  if (!(count * SIZES[dtype] === place[1] - place[0] && place[0] >= 0 && place[1] <= data.length)) throw Error("file damaged");
  return { dtype, shape, bytes: data.subarray(...place) };
}

/** The numbers of a tensor as Float32Array. */
export function numbersOf({ dtype, bytes }) {
  const own = bytes.slice().buffer;
  if (dtype === "F16") return widened(new Uint16Array(own));
  if (dtype === "F32") return new Float32Array(own);
  throw Error(`numbers of type ${dtype}`);
}

/** A card from its file: {method, tensors: name → {shape, data}, config, settings, base,
 * thumbnail, provenance}. Throws Error in one line. */
export async function readCard(bytes) {
  if (bytes.length > MOST_CARD_BYTES) throw Error(`${bytes.length} bytes; allowed are ${MOST_CARD_BYTES}`);
  const { tensors, header } = parsed(bytes);
  if (header.kind !== "card") throw Error(`a ${String(header.kind).slice(0, 20)} file, not a style card`);
  if (header.format !== 1) throw Error("written by a newer gesso");
  if ((await digest(zeroed(bytes))) !== header.sha256) throw Error("damaged: its contents do not match its SHA-256");
  const row = tensors.values ? numbersOf(tensors.values) : new Float32Array();
  if (!row.every(Number.isFinite)) throw Error("it holds NaN or infinity");
  const { method, config, settings, base, provenance } = header;
  const thumbnail = tensors.thumbnail ? new Uint8Array(tensors.thumbnail.bytes) : null;
  return { method, config, settings, base, provenance, thumbnail, tensors: split(row, header.tensors) };
}

function split(row, layout) {
  const found = {};
  let at = 0;
  for (const part of String(layout).split(",")) {
    const [name, sides = ""] = part.split(" ");
    const shape = sides ? sides.split("x").map(Number) : [];
    const size = shape.reduce((a, b) => a * b, 1);
    if (!(size >= 0 && at + size <= row.length)) throw Error("damaged: fewer numbers than it says");
    found[name] = { shape, data: row.subarray(at, (at += size)) };
  }
  return found;
}

/** The file of a card, its numbers as halves. */
export async function writtenCard(card) {
  const names = Object.keys(card.tensors).sort();
  const size = names.reduce((sum, name) => sum + card.tensors[name].data.length, 0);
  const row = new Float32Array(size);
  let at = 0;
  for (const name of names) {
    row.set(card.tensors[name].data, at);
    at += card.tensors[name].data.length;
  }
  const parts = [{ name: "values", dtype: "F16", shape: [size], bytes: new Uint8Array(narrowed(row).buffer) }];
  if (card.thumbnail) parts.push({ name: "thumbnail", dtype: "U8", shape: [card.thumbnail.length], bytes: card.thumbnail });
  const { method, config, settings, base, provenance } = card;
  const layout = names.map((name) => `${name} ${card.tensors[name].shape.join("x")}`).join(",");
  const fields = { method, config, settings, base, provenance, format: 1, kind: "card", tensors: layout };
  return signed(assembled(parts, `{"sha256":"${ZEROS}",${sortedJson(fields).slice(1)}`));
}

function assembled(parts, text) {
  const table = { __metadata__: { gesso: text } };
  let place = 0;
  for (const { name, dtype, shape, bytes } of parts) table[name] = { dtype, shape, data_offsets: [place, (place += bytes.length)] };
  let head = new TextEncoder().encode(JSON.stringify(table));
  const length = Math.ceil(head.length / 8) * 8;
  const out = new Uint8Array(8 + length + place).fill(32, 8, 8 + length);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(head, 8);
  parts.reduce((at, { bytes }) => (out.set(bytes, at), at + bytes.length), 8 + length);
  return out;
}

async function signed(bytes) {
  bytes.set(new TextEncoder().encode(await digest(bytes)), SLOT);
  return bytes;
}

function zeroed(bytes) {
  const copy = bytes.slice();
  copy.fill(0x30, SLOT, SLOT + 64);
  return copy;
}

async function digest(bytes) {
  if (!crypto.subtle) throw Error("cards need a page that is served by https or from this computer");
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (x) => x.toString(16).padStart(2, "0")).join("");
}

function sortedJson(value) {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${sortedJson(value[key])}`).join(",")}}`;
}

/** The media type of a picture by its first bytes, or null. */
export function pictureType(bytes) {
  return PICTURES.find(([magic]) => magic.every((x, i) => bytes[i] === x))?.[1] ?? null;
}
