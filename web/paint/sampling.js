// Pictures at other sizes, and means over windows: `gesso.runtime.sampling`.
//
// A picture is {c, h, w, data}: c planes of h × w numbers in a Float32Array.

const LANCZOS = 3;
const PARTS = 2 ** 22; // of a weight, where Pillow computes by whole numbers

/** A picture of these sizes, filled with `data` or zeros. */
export function picture(c, h, w, data = new Float32Array(c * h * w)) {
  return { c, h, w, data };
}

/** One plane, sharing memory. */
export function plane(image, i) {
  const size = image.h * image.w;
  return picture(1, image.h, image.w, image.data.subarray(i * size, (i + 1) * size));
}

/** A picture of what `run` makes of every number. */
export function mapped(image, run) {
  return picture(image.c, image.h, image.w, image.data.map(run));
}

const triangle = { reach: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) };
const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const lanczos = { reach: LANCZOS, at: (x) => (Math.abs(x) < LANCZOS ? sinc(x) * sinc(x / LANCZOS) : 0) };
const smooth = { reach: 2, at: (x) => cubic(Math.abs(x), -0.5) };

function cubic(x, steep) {
  if (x <= 1) return ((steep + 2) * x - (steep + 3)) * x * x + 1;
  return x < 2 ? ((steep * x - 5 * steep) * x + 8 * steep) * x - 4 * steep : 0;
}

/** Antialiased where it shrinks, as Pillow has it. */
export const bilinear = (image, h, w) => resampled(image, h, w, triangle);
/** As pictures of 8 bits are read at a size: Pillow's Lanczos, by whole numbers from 0 to 255. */
export const sharp = (image, h, w) => mapped(resampled(mapped(image, (x) => Math.round(255 * x)), h, w, lanczos, true), (x) => x / 255);
/** As torch resizes tensors: antialiased bicubic. */
export const antialiased = (image, h, w) => clamp(resampled(image, h, w, smooth));

/** Clamped to [0, 1], in place. */
export function clamp(image) {
  const { data } = image;
  for (let i = 0; i < data.length; i++) data[i] = data[i] < 0 ? 0 : data[i] > 1 ? 1 : data[i];
  return image;
}

function resampled(image, h, w, kernel, bytes = false) {
  const taps = (own, size) => (bytes ? inParts(weights(own, size, kernel)) : weights(own, size, kernel));
  const kept = bytes ? toByte : asIs;
  const wide = w === image.w ? image : acrossRows(image, taps(image.w, w), kept);
  return h === image.h ? wide : acrossColumns(wide, taps(image.h, h), kept);
}

const asIs = (x) => x;
const toByte = (sum) => Math.min(255, Math.max(0, Math.floor(sum + 0.5)));

/** Weights rounded to 22 binary places, of which sums are exact. */
function inParts({ first, taps }) {
  return { first, taps: taps.map((row) => row.map((x) => Math.trunc(x * PARTS + Math.sign(x) / 2) / PARTS)) };
}

function weights(own, size, { reach, at }) {
  const scale = own / size;
  const broad = Math.max(1, scale);
  const first = new Int32Array(size);
  const taps = [];
  for (let i = 0; i < size; i++) {
    const middle = (i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(middle - reach * broad + 0.5));
    const to = Math.min(own, Math.trunc(middle + reach * broad + 0.5));
    const row = Float64Array.from({ length: to - from }, (_, k) => at((k + from - middle + 0.5) * (1 / broad)));
    const sum = row.reduce((a, b) => a + b, 0);
    first[i] = from;
    taps.push(row.map((x) => x * (1 / sum)));
  }
  return { first, taps };
}

function acrossRows(image, { first, taps }, kept = asIs) {
  const out = picture(image.c, image.h, first.length);
  for (let y = 0, to = 0; y < image.c * image.h; y++) {
    const row = y * image.w;
    for (let x = 0; x < first.length; x++, to++) {
      let sum = 0;
      const own = taps[x];
      for (let k = 0, from = row + first[x]; k < own.length; k++) sum += own[k] * image.data[from + k];
      out.data[to] = kept(sum);
    }
  }
  return out;
}

function acrossColumns(image, { first, taps }, kept = asIs) {
  const out = picture(image.c, first.length, image.w);
  const line = new Float64Array(image.w);
  for (let c = 0; c < image.c; c++) {
    for (let y = 0; y < first.length; y++) {
      line.fill(0);
      for (let k = 0; k < taps[y].length; k++) {
        const from = (c * image.h + first[y] + k) * image.w;
        for (let x = 0; x < image.w; x++) line[x] += taps[y][k] * image.data[from + x];
      }
      out.data.set(line.map(kept), (c * out.h + y) * out.w);
    }
  }
  return out;
}

/** With so many pixels or a few less; the ratio of sides kept. */
export function smaller(image, pixels) {
  const scale = Math.sqrt(pixels / (image.h * image.w));
  if (scale >= 1) return image;
  const [h, w] = [image.h, image.w].map((n) => Math.max(1, Math.trunc(n * scale)));
  return bilinear(image, h, w);
}

/** Sides [h, w] scaled so that the longer one is `longer`. */
export function sides(h, w, longer) {
  const scale = longer / Math.max(h, w);
  return [h, w].map((n) => Math.max(1, even(n * scale)));
}

/** Rounded, halves to the even number, as Python does. */
export function even(x) {
  const near = Math.round(x);
  return near - x === 0.5 && near % 2 ? near - 1 : near;
}

/** A larger copy of a picture (torch's cubic, without antialiasing). */
export function bicubic(image, h, w) {
  const steep = -0.75;
  const along = (own, size) => {
    const first = new Int32Array(size);
    const taps = [];
    for (let i = 0; i < size; i++) {
      const at = (i + 0.5) * (own / size) - 0.5;
      const low = Math.floor(at);
      const row = [-1, 0, 1, 2].map((tap) => cubic(Math.abs(at - low - tap), steep));
      const begin = Math.min(Math.max(low - 1, 0), own - 1);
      const end = Math.min(Math.max(low + 2, 0), own - 1);
      const sums = new Float64Array(end - begin + 1);
      row.forEach((v, k) => (sums[Math.min(Math.max(low + k - 1, 0), own - 1) - begin] += v));
      first[i] = begin;
      taps.push(sums);
    }
    return { first, taps };
  };
  return acrossRows(acrossColumns(image, along(image.h, h)), along(image.w, w));
}

/** The sums over windows of size × size of (c, h, w): (c, h − size + 1, w − size + 1), float64. */
export function windowSums({ c, h, w, data }, size) {
  const [high, wide] = [h - size + 1, w - size + 1];
  const rows = new Float64Array(c * h * wide);
  for (let y = 0; y < c * h; y++) {
    let sum = 0;
    for (let x = 0; x < w; x++) {
      sum += data[y * w + x];
      if (x >= size) sum -= data[y * w + x - size];
      if (x >= size - 1) rows[y * wide + x - size + 1] = sum;
    }
  }
  const out = new Float64Array(c * high * wide);
  const sums = new Float64Array(wide);
  for (let i = 0; i < c; i++) {
    sums.fill(0);
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < wide; x++) {
        sums[x] += rows[(i * h + y) * wide + x];
        if (y >= size) sums[x] -= rows[(i * h + y - size) * wide + x];
        if (y >= size - 1) out[(i * high + y - size + 1) * wide + x] = sums[x];
      }
    }
  }
  return { c, h: high, w: wide, data: out };
}

/** With `edge` px more at every side: zeros, or the outermost pixels (`repeat`). */
export function padded(image, edge, repeat = false) {
  const out = picture(image.c, image.h + 2 * edge, image.w + 2 * edge);
  for (let c = 0; c < image.c; c++) {
    for (let y = 0; y < out.h; y++) {
      const from = repeat ? Math.min(Math.max(y - edge, 0), image.h - 1) : y - edge;
      if (from < 0 || from >= image.h) continue;
      const row = image.data.subarray((c * image.h + from) * image.w, (c * image.h + from + 1) * image.w);
      const to = (c * out.h + y) * out.w;
      out.data.set(row, to + edge);
      if (repeat) {
        out.data.fill(row[0], to, to + edge);
        out.data.fill(row[image.w - 1], to + edge + image.w, to + out.w);
      }
    }
  }
  return out;
}

/** The mean over the window of odd `size` around every place, of what lies in the picture. */
export function windowMeans(image, size) {
  const edge = size >> 1;
  const sums = windowSums(padded(image, edge), size);
  const out = picture(image.c, image.h, image.w);
  const within = (at, side) => Math.min(at + edge, side - 1) - Math.max(at - edge, 0) + 1;
  for (let c = 0, i = 0; c < image.c; c++) {
    for (let y = 0; y < image.h; y++) {
      for (let x = 0; x < image.w; x++, i++) out.data[i] = sums.data[i] / (within(y, image.h) * within(x, image.w));
    }
  }
  return out;
}
