// Empty ground in one colour: `gesso.runtime.ground`.

import { bilinear, mapped, padded, picture, plane, smaller, windowSums } from "./sampling.js";

const [WINDOW, SOFT] = [1 / 16, 1 / 64]; // of the longer side
const [LEAST_PX, MOST_GROUNDS, NEAREST, MOST_PIXELS] = [17, 8, 1 / 4, 800_000];
const [LEAST_SHARE, LEAST_BORDER] = [1 / 16, 1 / 6];
const [LEVELS, ALIKE] = [1.5 / 255, 8 / 255].map(Math.fround);

/** A painted picture with every ground of its photo in one colour painted there. */
export function emptied(painted, whole) {
  const photo = smaller(whole, MOST_PIXELS);
  const found = grounds(photo);
  if (!found.length) return painted;
  const small = smaller(painted, MOST_PIXELS);
  const share = softened(found, photo);
  const calm = calmed(found, small);
  const { h, w } = painted;
  const [all, part] = small === painted ? [calm, share] : [bilinear(calm, h, w), bilinear(share, h, w)];
  return mapped(painted, (x, i) => x + part.data[i % (h * w)] * (all.data[i] - x));
}

/** Where a photo is empty: the colour of each ground and its places, which reach as far as that colour does. */
function grounds(photo) {
  const { h, w, data } = photo;
  const size = odd(Math.max(LEAST_PX, WINDOW * Math.max(h, w)));
  const left = flatWindows(photo, size);
  const found = [];
  for (let n = 0; n < MOST_GROUNDS && left.some(Boolean); n++) {
    const color = [0, 1, 2].map((c) => median(data.subarray(c * h * w, (c + 1) * h * w), left));
    const isAlike = (i) => color.every((v, c) => Math.abs(Math.fround(data[c * h * w + i] - v)) <= ALIKE);
    const alike = Uint8Array.from(left, (_, i) => isAlike(i));
    const ours = left.map((x, i) => x & alike[i]);
    alike.forEach((x, i) => x && (left[i] = 0));
    if (!isGround(ours, h, w)) continue;
    const near = highest(picture(1, h, w, Float32Array.from(ours)), size).data;
    found.push({ color, places: [...alike.keys()].filter((i) => alike[i] && near[i] > 0) });
  }
  return found;
}

/** The places of all windows of one colour: a Uint8Array of h × w. */
function flatWindows(photo, size) {
  const { h, w } = photo;
  const block = Math.min((size >> 2) + 1, h, w);
  if (!someBlockFlat(photo, block)) return new Uint8Array(h * w);
  const flat = new Float32Array(h * w).fill(1);
  for (let c = 0; c < photo.c; c++) {
    const one = plane(photo, c);
    const [high, low] = [highest(one, size), highest(mapped(one, (x) => -x), size)];
    for (let i = 0; i < flat.length; i++) if (Math.fround(high.data[i] + low.data[i]) > LEVELS) flat[i] = 0;
  }
  return Uint8Array.from(highest(picture(1, h, w, flat), size).data, (x) => (x > 0 ? 1 : 0));
}

/** Whether places are much of a picture, and much of its border. */
function isGround(places, h, w) {
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const rows = sum(places.subarray(0, w)) + sum(places.subarray((h - 1) * w));
  const columns = sum(places.filter((_, i) => i % w === 0)) + sum(places.filter((_, i) => i % w === w - 1));
  return sum(places) >= LEAST_SHARE * h * w && rows + columns >= LEAST_BORDER * 2 * (h + w);
}

function someBlockFlat({ c, h, w, data }, size) {
  for (let y = 0; y + size <= h; y += size) {
    for (let x = 0; x + size <= w; x += size) {
      let spread = 0;
      for (let k = 0; k < c && spread <= LEVELS; k++) {
        let [low, high] = [Infinity, -Infinity];
        for (let i = y; i < y + size; i++) {
          for (let j = x; j < x + size; j++) {
            const value = data[(k * h + i) * w + j];
            low = Math.min(low, value);
            high = Math.max(high, value);
          }
        }
        spread = high - low;
      }
      if (spread <= LEVELS) return true;
    }
  }
  return false;
}

/** How far every place is changed, softly towards the edges of the ground. */
function softened(found, { h, w }) {
  const edge = odd(SOFT * Math.max(h, w));
  const outside = new Float32Array(h * w).fill(1);
  for (const { places } of found) for (const i of places) outside[i] = 0;
  const away = highest(picture(1, h, w, outside), edge + 2); // enlarged, no share reaches beyond
  const sums = windowSums(padded(mapped(away, (x) => 1 - x), edge >> 1, true), edge);
  return picture(1, h, w, Float32Array.from(sums.data, (x) => x / (edge * edge)));
}

function calmed(found, small) {
  const calm = picture(3, small.h, small.w, small.data.slice());
  const size = small.h * small.w;
  for (const { color, places } of found) {
    const paint = nearest(places, small, color);
    for (const i of places) for (let c = 0; c < 3; c++) calm.data[c * size + i] = paint[c];
  }
  return calm;
}

function median(values, where) {
  const some = values.filter((_, i) => where[i]).sort();
  return some[(some.length - 1) >> 1];
}

/** The mean of those colours at the places that are nearest to a colour. */
function nearest(places, { h, w, data }, color) {
  const away = Float64Array.from(places, (i) => color.reduce((sum, v, c) => sum + (data[c * h * w + i] - v) ** 2, 0));
  const order = Uint32Array.from(places.keys()).sort((a, b) => away[a] - away[b]);
  const first = order.subarray(0, Math.max(1, Math.trunc(NEAREST * places.length)));
  return color.map((_, c) => first.reduce((sum, k) => sum + data[c * h * w + places[k]], 0) / first.length);
}

/** The highest value in the window of odd `size` around every place of one plane. */
function highest(image, size) {
  return turned(highestInRows(turned(highestInRows(image, size)), size));
}

function highestInRows({ h, w, data }, size) {
  const out = picture(1, h, w);
  const edge = size >> 1;
  const queue = new Int32Array(w); // places of falling values
  for (let y = 0; y < h; y++) {
    let [first, last] = [0, 0];
    for (let x = 0; x < w + edge; x++) {
      if (x < w) {
        while (last > first && data[y * w + queue[last - 1]] <= data[y * w + x]) last--;
        queue[last++] = x;
      }
      const at = x - edge;
      if (at < 0) continue;
      while (queue[first] < at - edge) first++;
      out.data[y * w + at] = data[y * w + queue[first]];
    }
  }
  return out;
}

function turned({ h, w, data }) {
  const out = picture(1, w, h);
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) out.data[x * h + y] = data[y * w + x];
  return out;
}

function odd(size) {
  return 2 * Math.trunc(size / 2) + 1;
}
