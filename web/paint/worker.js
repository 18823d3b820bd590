// The worker: all that is computed, so that the page never waits.
//
// In: {id, kind, …}; out: {id, …} once, or {id, step: pixels} on the way there, or {id, error}.
// `photo`, `painting` and `card` are kept under a key. Of jobs that paint, the last one counts.

import { pictureType, readCard, writtenCard } from "./card.js";
import { Laps, framed } from "./frames.js";
import { Look } from "./look.js";
import { about, bundledCard, file, runs, start, withoutGraphics } from "./methods.js";
import { decoded, fromPixels, opened, toPixels } from "./pixels.js";
import { cardOf, check, mixedCard, mixture } from "./styles.js";

const photos = new Map();
const paintings = new Map();
const cards = new Map();
const made = new Map(); // cards of paintings
let [latest, look, lookKey] = [0, null, ""];

const jobs = {
  start: async ({ base, cores, gpu }) => {
    await start(base, cores, gpu);
    return { about: await about() };
  },
  photo: async ({ key, blob }) => {
    photos.clear();
    const pixels = await opened(blob);
    photos.set(key, { pixels, sizes: new Map() });
    return { width: pixels.width, height: pixels.height };
  },
  painting: async ({ key, blob, name }) => {
    paintings.set(key, { image: await decoded(blob), name });
    return {};
  },
  card: async ({ key, blob }) => {
    const card = await readCard(new Uint8Array(await blob.arrayBuffer()));
    await check(card);
    cards.set(key, card);
    const type = card.thumbnail && pictureType(card.thumbnail);
    return { method: card.method, style: String(card.provenance?.style ?? ""), thumbnail: type && new Blob([card.thumbnail], { type }) };
  },
  paint: async ({ id, photo, size, ...job }) => {
    latest = id;
    const found = scaled(photo, size);
    const own = await lookOf(job);
    if (latest !== id) return { late: true };
    const began = performance.now();
    const step = (image) => {
      if (latest !== id) throw Late;
      const pixels = toPixels(image);
      postMessage({ id, step: pixels }, [pixels.data.buffer]);
    };
    const image = await own.painted(found, job, step);
    return { pixels: toPixels(image, found.alpha), photo: toPixels(found, found.alpha), seconds: (performance.now() - began) / 1000, runs: runs() };
  },
  frame: async ({ pixels, ...job }) => {
    const own = await lookOf(job);
    const laps = new Laps();
    const image = await framed(own, fromPixels(pixels), job, laps);
    const painted = toPixels(image);
    laps.lap("colours");
    return { pixels: painted, photo: pixels, spent: laps.spent };
  },
  file: async (job) => {
    const { chosen, found } = await chosenCards(job);
    const card = await mixedCard(chosen, shares(job), found.palette);
    return { bytes: await writtenCard(card) };
  },
};

const COMPUTING = ["paint", "frame", "file"];
const Late = Symbol("a later job is there");

function scaled(key, size) {
  const photo = photos.get(key);
  if (!photo) throw Error("the photo is gone");
  const { pixels, sizes } = photo;
  if (!sizes.has(size)) {
    sizes.clear();
    sizes.set(size, fromPixels(pixels, size));
  }
  return sizes.get(size);
}

const shares = ({ styles }) => styles.map((style) => style.share);

async function chosenCards({ method, styles, strokes }) {
  const chosen = await Promise.all(styles.map((style) => cardFor(method, style, strokes)));
  return { chosen, found: await mixture(chosen, shares({ styles })) };
}

async function lookOf({ method, styles, strokes }) {
  const key = JSON.stringify([method, styles, strokes]);
  if (key !== lookKey) {
    const { found } = await chosenCards({ method, styles, strokes });
    look = await Look.of(method, found);
    lookKey = key;
  }
  return look;
}

/** The card of a style: of a file, of a painting, or of a bundled style. */
async function cardFor(method, { key, name }, strokes) {
  if (cards.has(key)) {
    const card = cards.get(key);
    if (card.method !== method) throw Error(`the card is of ${card.method}`);
    return card;
  }
  const size = strokes ?? (await about()).methods[method].style_size;
  if (name && size === (await about()).methods[method].style_size) return bundledCard(method, name);
  const wanted = `${method} ${key ?? name} ${size}`;
  if (!made.has(wanted)) {
    const painting = name ? { image: await bundledPicture(name), name: `${name}.jpg` } : paintings.get(key);
    if (!painting) throw Error("the painting is gone");
    made.set(wanted, await cardOf(method, painting.image, painting.name, size));
  }
  return made.get(wanted);
}

const bundledPicture = async (name) => decoded(new Blob([await file(`styles/${name}.jpg`)], { type: "image/jpeg" }));

let queue = Promise.resolve();

addEventListener("message", ({ data: job }) => {
  if (job.kind === "paint") latest = job.id; // what runs now stops at its next step
  queue = queue.then(() => answered(job));
});

async function answered(job) {
  try {
    if (job.kind === "paint" && latest !== job.id) return postMessage({ id: job.id, late: true });
    const answer = await jobs[job.kind](job);
    const buffers = [answer.pixels?.data.buffer, answer.photo?.data.buffer, answer.bytes?.buffer].filter(Boolean);
    postMessage({ id: job.id, ...answer }, buffers);
  } catch (error) {
    if (error === Late) return postMessage({ id: job.id, late: true });
    if (COMPUTING.includes(job.kind) && (await withoutGraphics())) {
      lookKey = "";
      return answered(job);
    }
    postMessage({ id: job.id, error: String(error?.message ?? error) });
  }
}
