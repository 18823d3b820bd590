// Styles → cards, and cards → what a network takes: `gesso.runtime.looks`.

import { pictureType } from "./card.js";
import { Colors, lacking } from "./colors.js";
import { rounded } from "./halves.js";
import { about, generator, run } from "./methods.js";
import { decoded } from "./pixels.js";
import { antialiased, bilinear, sharp, sides } from "./sampling.js";
import { Tint } from "./tint.js";

const SMALLEST_PX = 64;
const THUMBNAIL_SIDES = [96, 64, 48, 32];
const PALETTE = "style_colors";

/** The card of a painting, looked at with a longer side of `size` px. */
export async function cardOf(method, painting, name, size) {
  const own = (await about()).methods[method];
  const image = looked(painting, size ?? own.style_size, sharp);
  const tensors = await numbersFor(method, image);
  for (const one of Object.values(tensors)) one.data = rounded(one.data);
  const settings = { [PALETTE]: Colors.of(image).numbers(), style_size: size ?? own.style_size };
  const provenance = { ...(name && { style: name.slice(0, 200) }), created: new Date().toISOString().slice(0, 10), gesso: (await about()).gesso };
  return { method, tensors, config: own.config, settings, base: own.base, thumbnail: await thumbnail(image, own.thumbnail_bytes), provenance };
}

/** The card of a photo as its own style, which changes as little as the method can. */
export async function neutral(method, photo, ordinary) {
  const { style_size: size, levels } = (await about()).methods[method];
  if (!levels) return { tensors: await numbersFor(method, looked(photo, size, antialiased)) };
  const tensors = await numbersFor(method, photo);
  const share = lacking(photo);
  if (share) await amongOrdinary(method, tensors, share, ordinary);
  return { tensors };
}

/** Statistics pooled with those of ordinary pictures. */
async function amongOrdinary(method, tensors, share, ordinary) {
  const { levels, widths } = (await about()).methods[method];
  const { moments } = await ordinary();
  const all = moments.length / 2;
  levels.forEach((level, k) => {
    const first = widths.slice(0, k).reduce((a, b) => a + b, 0);
    const [mean, deviation] = [tensors[`mean.${level}`].data, tensors[`deviation.${level}`].data];
    for (let i = 0; i < widths[k]; i++) {
      const [far, spread] = [moments[first + i], moments[all + first + i]];
      const middle = (1 - share) * mean[i] + share * far;
      const within = (1 - share) * (deviation[i] ** 2 + (mean[i] - middle) ** 2);
      deviation[i] = Math.sqrt(within + share * (spread + (far - middle) ** 2));
      mean[i] = middle;
    }
  });
}

function looked(image, size, scaled) {
  const own = Math.max(image.h, image.w) === size ? image : scaled(image, ...sides(image.h, image.w, size));
  const [h, w] = [own.h, own.w].map((n) => Math.max(SMALLEST_PX, n));
  return h === own.h && w === own.w ? own : bilinear(own, h, w);
}

async function numbersFor(method, image) {
  const { levels, widths } = (await about()).methods[method];
  const found = await run(method, "style", { style: [[1, 3, image.h, image.w], image.data] });
  if (!levels) return { hidden: { shape: [found.hidden.data.length], data: Float32Array.from(found.hidden.data) } };
  const { data, dims } = found.statistics;
  const tensors = {};
  levels.forEach((level, k) => {
    const first = widths.slice(0, k).reduce((a, b) => a + b, 0);
    ["mean", "deviation"].forEach((kind, row) => {
      const from = row * dims[1] + first;
      tensors[`${kind}.${level}`] = { shape: [widths[k]], data: data.slice(from, from + widths[k]) };
    });
  });
  return tensors;
}

async function thumbnail(image, most) {
  for (const side of THUMBNAIL_SIDES) {
    const longer = Math.min(side, Math.max(image.h, image.w));
    const small = longer < side ? image : sharp(image, ...sides(image.h, image.w, longer));
    const canvas = new OffscreenCanvas(small.w, small.h);
    const size = small.h * small.w;
    const pixels = new ImageData(small.w, small.h);
    for (let i = 0; i < size; i++) for (let c = 0; c < 4; c++) pixels.data[4 * i + c] = c === 3 ? 255 : Math.round(255 * small.data[c * size + i]);
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.75 });
    if (blob.size <= most) return new Uint8Array(await blob.arrayBuffer());
  }
  return null;
}

/** Raises Error, in one line, for a card that these methods cannot run. */
export async function check(card) {
  const own = (await about()).methods[card.method];
  if (!own) throw Error(`a card of ${card.method}; the page takes those of ${Object.keys((await about()).methods).join(" and ")}`);
  if (card.base !== own.base) throw Error(card.base ? "a card of other weights" : "a card of a whole network; the page takes those without --kernels and --refine");
  const wanted = own.levels ? own.levels.flatMap((level, k) => [`mean.${level}`, `deviation.${level}`].map((n) => [n, own.widths[k]])) : [["hidden", own.config.hidden * own.groups.length]];
  for (const [name, size] of wanted) if (card.tensors[name]?.data.length !== size) throw Error(`damaged: it lacks ${name}`);
  const colors = card.settings?.[PALETTE];
  if (colors !== undefined && !(Array.isArray(colors) && colors.length === 12 && colors.every(Number.isFinite))) throw Error("damaged: its palette");
}

/** Cards mixed in shares that sum to 1: tensors, palette and tint. */
export async function mixture(cards, shares) {
  const seen = await Promise.all(cards.map((card) => card.thumbnail && decoded(new Blob([card.thumbnail], { type: pictureType(card.thumbnail) ?? "" }))));
  const palettes = cards.map((card) => card.settings?.[PALETTE]);
  return {
    tensors: blended(cards, shares),
    palette: palettes.every(Boolean) ? Colors.union(palettes.map((row) => Colors.fromNumbers(row)), shares) : null, // prettier-ignore
    tint: seen.every(Boolean) ? Tint.of(seen) : null,
  };
}

/** The tensors of cards in these shares. */
export function blended(cards, shares) {
  const sum = (name) => cards[0].tensors[name].data.map((_, i) => cards.reduce((total, card, k) => total + shares[k] * card.tensors[name].data[i], 0));
  return Object.fromEntries(Object.entries(cards[0].tensors).map(([name, { shape }]) => [name, { shape, data: sum(name) }]));
}

/** One card of several, as `gesso mix` makes it. */
export async function mixedCard(cards, shares, palette) {
  if (cards.length === 1) return cards[0];
  const [{ method, config, base }] = cards;
  const tensors = blended(cards, shares);
  const blend = cards.flatMap((card, k) => parts(card, shares[k]));
  const provenance = { blend, created: new Date().toISOString().slice(0, 10), gesso: (await about()).gesso };
  return { method, config, base, tensors, settings: palette ? { [PALETTE]: palette.numbers() } : {}, thumbnail: null, provenance };
}

function parts(card, share) {
  const mixed = card.provenance?.blend;
  if (!Array.isArray(mixed) || !mixed.length) return [{ style: String(card.provenance?.style ?? ""), weight: share }];
  return mixed.map((part) => ({ style: String(part.style ?? ""), weight: share * part.weight }));
}

/** What a method's network takes of a card's tensors: name → [shape, numbers]. */
export async function inputsOf(method, tensors) {
  const { levels, widths, settings, shapes } = (await about()).methods[method];
  if (levels) {
    const rows = ["mean", "deviation"].flatMap((kind) => levels.flatMap((level) => [...tensors[`${kind}.${level}`].data]));
    const usual = Object.entries(settings).map(([name, value]) => [name, [[1], Float32Array.of(value)]]);
    return { statistics: [[2, widths.reduce((a, b) => a + b, 0)], Float32Array.from(rows)], ...Object.fromEntries(usual) };
  }
  const groups = Object.entries(await generator(method));
  const size = tensors.hidden.data.length / groups.length;
  return Object.fromEntries(groups.map(([group, layer], k) => [group, [shapes[group], kernel(layer, tensors.hidden.data.subarray(k * size, (k + 1) * size))]]));
}

/** left · (right · hidden) + bias. */
function kernel({ right, left, bias }, hidden) {
  const rank = right.length / hidden.length;
  const few = Float64Array.from({ length: rank }, (_, r) => hidden.reduce((sum, x, k) => sum + x * right[r * hidden.length + k], 0));
  return bias.map((b, i) => few.reduce((sum, x, r) => sum + x * left[i * rank + r], b));
}
