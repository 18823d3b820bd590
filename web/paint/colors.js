// A style's palette, and the photo's colours: `gesso.runtime.colors`, `gesso.controls.color`.

import { applied, changed, times } from "./matrix.js";
import { clamp, picture } from "./sampling.js";

const [MOST, NOISE] = [4, (2 / 255) ** 2];
const [MEASURED, LINES] = [1_000_000, 512];
export const LUMA = [0.299, 0.587, 0.114];
const STEP = 6 / 12 / 255 ** 2;
const LIMITS = { detail: [STEP, 1.5 * STEP], contrast: [0, 20 / 255], light: [1 / 4, 1 / 3] };

/** The mean of a picture's colours and their covariance. */
export class Colors {
  constructor(mean, covariance) {
    Object.assign(this, { mean, covariance });
  }

  static of({ h, w, data }, every = 1) {
    const size = h * w;
    let [count, red, green, blue] = [0, 0, 0, 0];
    for (let y = 0; y < h; y += every) {
      for (let i = y * w; i < (y + 1) * w; i += every, count++) {
        red += data[i];
        green += data[size + i];
        blue += data[2 * size + i];
      }
    }
    const mean = [red / count, green / count, blue / count];
    let [rr, rg, rb, gg, gb, bb] = [0, 0, 0, 0, 0, 0];
    for (let y = 0; y < h; y += every) {
      for (let i = y * w; i < (y + 1) * w; i += every) {
        const [r, g, b] = [data[i] - mean[0], data[size + i] - mean[1], data[2 * size + i] - mean[2]];
        rr += r * r;
        rg += r * g;
        rb += r * b;
        gg += g * g;
        gb += g * b;
        bb += b * b;
      }
    }
    const rows = [[rr, rg, rb], [rg, gg, gb], [rb, gb, bb]]; // prettier-ignore
    return new Colors(mean, rows.map((row) => row.map((x) => x / count)));
  }

  static fromNumbers(row) {
    return new Colors(row.slice(0, 3), [row.slice(3, 6), row.slice(6, 9), row.slice(9, 12)]);
  }

  /** Those of pictures side by side, of areas in these shares. */
  static union(parts, shares) {
    const whole = shares.reduce((a, b) => a + b, 0);
    const areas = shares.map((x) => x / whole);
    const mean = [0, 1, 2].map((c) => parts.reduce((sum, part, k) => sum + areas[k] * part.mean[c], 0));
    const of = (part, i, j) => part.covariance[i][j] + (part.mean[i] - mean[i]) * (part.mean[j] - mean[j]);
    const rows = [0, 1, 2];
    return new Colors(mean, rows.map((i) => rows.map((j) => parts.reduce((sum, part, k) => sum + areas[k] * of(part, i, j), 0))));
  }

  /** Both in one row, rounded as cards keep them. */
  numbers() {
    return [...this.mean, ...this.covariance.flat()].map((x) => Number(x.toFixed(6)) + 0);
  }

  /** A picture of these colours, moved that way to the target's by the map that moves least. */
  nearer(image, target, way) {
    const [root, inverse] = [power(this.covariance, 0.5), power(this.covariance, -0.5)];
    const rough = times(inverse, power(times(root, target.covariance, root), 0.5), inverse);
    const even = rough.map((row, i) => row.map((x, j) => (x + rough[j][i]) / 2));
    const spread = changed(even, (x) => Math.min(MOST, Math.max(0, x)));
    const moved = applied(spread, this.mean);
    const matrix = spread.map((row, i) => row.map((x, j) => way * x + (i === j ? 1 - way : 0)));
    return clamp(turned(image, matrix, target.mean.map((x, c) => way * (x - moved[c])))); // prettier-ignore
  }

  /** A picture of these colours, with mean and covariance of the target's (CORAL). */
  matched(image, target) {
    const spread = times(power(target.covariance, 0.5), power(this.covariance, -0.5));
    const moved = applied(spread, this.mean);
    return clamp(turned(image, spread, target.mean.map((x, c) => x - moved[c]))); // prettier-ignore
  }
}

function power(covariance, exponent) {
  return changed(covariance, (x) => Math.max(x, exponent < 0 ? NOISE : 0) ** exponent);
}

function turned(image, matrix, shift) {
  const size = image.h * image.w;
  const out = picture(3, image.h, image.w);
  for (let c = 0; c < 3; c++) {
    const [r, g, b] = matrix[c];
    for (let i = 0; i < size; i++) {
      out.data[c * size + i] = r * image.data[i] + g * image.data[size + i] + b * image.data[2 * size + i] + shift[c];
    }
  }
  return out;
}

/** A picture of a photo with that share of the palette, less where the photo lacks colours. */
export function withPalette(image, photo, target, share) {
  const way = share * (1 - lacking(photo));
  if (!way) return image;
  const every = Math.max(1, Math.round(Math.sqrt((image.h * image.w) / MEASURED)));
  return Colors.of(image, every).nearer(image, target, way);
}

/** How flat, smooth or dark a photo is, in [0, 1]. */
export const lacking = (photo) => Math.max(...Object.values(lacks(photo)));

/** The share of ordinary pictures among which a photo that lacks so much is normalised, where the
 * style makes them that light: a style as dark as the photo makes do with less. */
export function shareOf({ plain, dark, bright }, light) {
  const less = (extreme) => extreme * (1 - lack(Math.min(light, 1 - light), LIMITS.light));
  return Math.max(plain, light < 0.5 ? less(dark) : dark, light < 0.5 ? bright : less(bright));
}

const lack = (value, [least, most]) => Math.min(1, Math.max(0, (most - value) / (most - least)));

/** What a photo lacks, in [0, 1]: `plain`, detail or contrast; too `dark` or too `bright`. */
export function lacks(photo) {
  const { h, w } = photo;
  const every = Math.max(1, Math.floor(Math.min(h, w) / LINES));
  const light = luma(photo).data;
  let [detail, across, down, mean, rows] = [0, 0, 0, 0, 0];
  for (let y = 0; y < h; y += every, rows++) {
    for (let x = 0; x < w; x++) {
      mean += light[y * w + x];
      if (x + 2 < w) detail += (light[y * w + x] - 2 * light[y * w + x + 1] + light[y * w + x + 2]) ** 2;
    }
  }
  across = w > 2 ? detail / (rows * (w - 2)) : 1;
  mean /= rows * w;
  let columns = 0;
  for (let x = 0; x < w; x += every, columns++) {
    for (let y = 0; y + 2 < h; y++) down += (light[y * w + x] - 2 * light[(y + 1) * w + x] + light[(y + 2) * w + x]) ** 2;
  }
  down = h > 2 ? down / (columns * (h - 2)) : 1;
  const plain = Math.max(lack((across + down) / 2, LIMITS.detail), lack(contrast(photo, every), LIMITS.contrast));
  const extreme = lack(Math.min(mean, 1 - mean), LIMITS.light);
  return { plain, dark: mean < 0.5 ? extreme : 0, bright: mean < 0.5 ? 0 : extreme };
}

function contrast({ h, w, data }, every) {
  let most = 0;
  for (let c = 0; c < 3; c++) {
    let [sum, squares, count] = [0, 0, 0];
    for (let y = 0; y < h; y += every) {
      for (let x = 0; x < w; x++, count++) {
        const value = data[(c * h + y) * w + x] - 0.5;
        sum += value;
        squares += value * value;
      }
    }
    most = Math.max(most, Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2)));
  }
  return most;
}

/** The luminance of a picture, one plane. */
export function luma({ h, w, data }) {
  const size = h * w;
  const out = picture(1, h, w);
  for (let i = 0; i < size; i++) out.data[i] = LUMA[0] * data[i] + LUMA[1] * data[size + i] + LUMA[2] * data[2 * size + i];
  return out;
}

/** Three equal planes of a picture's luminance. */
export function grey(image) {
  const { h, w, data } = luma(image);
  const out = picture(3, h, w);
  for (let c = 0; c < 3; c++) out.data.set(data, c * h * w);
  return out;
}

/** The luminance of a picture, shifted and scaled to that of a photo. */
export function matchedLuma(image, photo) {
  const [own, target] = [luma(image), luma(photo)].map((one) => ({ ...one, ...spreadOf(one.data) }));
  const scale = target.deviation / Math.max(own.deviation, Math.sqrt(NOISE));
  return clamp(picture(1, own.h, own.w, own.data.map((x) => (x - own.mean) * scale + target.mean)));
}

function spreadOf(values) {
  let [mean, square] = [0, 0];
  for (const x of values) mean += x;
  mean /= values.length;
  for (const x of values) square += (x - mean) ** 2;
  return { mean, deviation: Math.sqrt(square / values.length) };
}

/** The colours of a picture at that luminance; less saturated where that would leave [0, 1]. */
export function withLuma(image, light) {
  const size = image.h * image.w;
  const own = luma(image).data;
  const out = picture(3, image.h, image.w);
  for (let i = 0; i < size; i++) {
    const at = Math.min(1, Math.max(0, light.data[i]));
    let kept = 1;
    for (let c = 0; c < 3; c++) {
      const chroma = image.data[c * size + i] - own[i];
      kept = Math.min(kept, (chroma > 0 ? 1 - at : at) / Math.max(Math.abs(chroma), 1e-6));
    }
    for (let c = 0; c < 3; c++) out.data[c * size + i] = at + kept * (image.data[c * size + i] - own[i]);
  }
  return clamp(out);
}
