// The bundled methods: what lies in files, read when it is first needed, and ready to run.

import { numbersOf, parsed, readCard } from "./card.js";

let ort, base, threads, providers;
let [cores, gpu] = [1, false];
const known = new Map();

/** `make` once for every key; a failure is forgotten, so that it may be tried again. */
function once(key, make) {
  if (!known.has(key)) {
    const made = make();
    made.catch(() => known.delete(key));
    known.set(key, made);
  }
  return known.get(key);
}

/** Loads the runtime: for the graphics card if that is asked for, with threads where the page is
 * isolated. */
export async function start(address, most, graphics) {
  [base, cores, gpu] = [address, most, graphics];
  for (const key of [...known.keys()]) if (key.startsWith("session ")) known.delete(key);
  ort = await import(`${base}ort/ort.${gpu ? "jspi" : "wasm"}.min.mjs`);
  ort.env.wasm.wasmPaths = `${base}ort/`;
  ort.env.wasm.numThreads = threads = self.crossOriginIsolated ? Math.max(1, Math.min(4, cores)) : 1;
  ort.env.logLevel = "error";
  providers = gpu ? ["webgpu", "wasm"] : ["wasm"];
}

/** What it runs on, in words. */
export const runs = () => (gpu ? "the graphics card" : threads > 1 ? `${threads} cores` : "1 core");

/** Goes on without the graphics card; false where none is used. */
export async function withoutGraphics() {
  if (!gpu) return false;
  await start(base, cores, false);
  return true;
}

/** The bytes of a file of the page. */
export const file = (path) =>
  once(`file ${path}`, async () => {
    const answer = await fetch(base + path);
    if (!answer.ok) throw Error(`${path}: ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  });

/** What the page knows of itself. */
export const about = () => once("about", async () => JSON.parse(new TextDecoder().decode(await file("files.json"))));

const session = (name, part) =>
  once(`session ${name} ${part}`, async () => {
    const { graph, weights } = (await about()).methods[name][part];
    const [data, ...files] = await Promise.all([graph, ...weights.map((w) => `weights/${w}`)].map(file));
    const externalData = weights.map((path, i) => ({ path, data: files[i] }));
    return ort.InferenceSession.create(data, { executionProviders: providers, externalData });
  });

/** The outputs of a method's graph by name: {dims, data}; inputs are [shape, numbers]. */
export async function run(name, part, given, wanted) {
  const made = await session(name, part);
  const feeds = Object.fromEntries(Object.entries(given).map(([n, [shape, data]]) => [n, new ort.Tensor("float32", data, shape)]));
  return made.run(feeds, wanted);
}

/** The card of a bundled style. */
export const bundledCard = (method, name) => once(`card ${method} ${name}`, async () => readCard(await file(`cards/${method}/${name}.safetensors`)));

/** The layers that make kernels of a hidden vector: group → {right, left, bias}. */
export const generator = (name) =>
  once(`generator ${name}`, async () => {
    const { tensors } = parsed(await file(`weights/${name}.safetensors`));
    const part = (group, kind) => numbersOf(tensors[`generate.${group}.${kind}`]);
    const { groups } = (await about()).methods[name];
    return Object.fromEntries(groups.map((g) => [g, { right: part(g, "right"), left: part(g, "left"), bias: part(g, "bias") }]));
  });
