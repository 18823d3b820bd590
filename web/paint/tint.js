// The range of a muted picture's colours, and colours in their places: `gesso.controls.chroma`.

import { LUMA, luma, withLuma } from "./colors.js";
import { eigen } from "./matrix.js";
import { bilinear, picture, plane, windowMeans } from "./sampling.js";

const [SOME, PLACES] = [100_000, 48];
const [MUTED, ROUNDING, OUTER] = [25 / 255, 3 / 255, 0.01];

/** A picture's R − Y and B − Y, two planes. */
function opponent(image) {
  const size = image.h * image.w;
  const light = luma(image).data;
  const out = picture(2, image.h, image.w);
  for (let i = 0; i < size; i++) {
    out.data[i] = image.data[i] - light[i];
    out.data[size + i] = image.data[2 * size + i] - light[i];
  }
  return out;
}

function colored(chroma, light) {
  const size = light.h * light.w;
  const out = picture(3, light.h, light.w);
  for (let i = 0; i < size; i++) {
    const [red, blue] = [light.data[i] + chroma.data[i], light.data[i] + chroma.data[size + i]];
    out.data[i] = red;
    out.data[size + i] = (light.data[i] - LUMA[0] * red - LUMA[2] * blue) / LUMA[1];
    out.data[2 * size + i] = blue;
  }
  return withLuma(out, light);
}

/** The range of a muted picture's colours. */
export class Tint {
  /** That of pictures together; null unless all are grey or nearly so. */
  static of(images) {
    const known = images.flatMap(some);
    const sizes = Float64Array.from(known, ([a, b]) => Math.hypot(a, b)).sort();
    const at = (1 - OUTER) * (sizes.length - 1);
    const low = Math.floor(at);
    const outer = sizes[low] + (at - low) * (sizes[Math.min(low + 1, sizes.length - 1)] - sizes[low]);
    if (outer > MUTED) return null;
    const tint = new Tint();
    Object.assign(tint, { directions: [[1, 0], [0, 1]], least: [0, 0], most: [0, 0] }); // prettier-ignore
    if (outer < ROUNDING) return tint;
    tint.directions = eigen(covariance(known)).vectors;
    const along = known.map((x) => tint.along(x));
    for (const k of [0, 1]) {
      tint.least[k] = along.reduce((least, x) => Math.min(least, x[k]), Infinity);
      tint.most[k] = along.reduce((most, x) => Math.max(most, x[k]), -Infinity);
    }
    return tint;
  }

  along([a, b]) {
    return [0, 1].map((k) => this.directions[0][k] * a + this.directions[1][k] * b);
  }

  /** A picture whose colours are in the range; luminance stays. */
  limited(image) {
    const { h, w } = image;
    const chroma = opponent(image);
    const [reds, blues] = [plane(chroma, 0).data, plane(chroma, 1).data];
    const [[a, b], [c, d]] = this.directions;
    for (let i = 0; i < h * w; i++) {
      const one = Math.min(this.most[0], Math.max(this.least[0], a * reds[i] + c * blues[i]));
      const other = Math.min(this.most[1], Math.max(this.least[1], b * reds[i] + d * blues[i]));
      reds[i] = a * one + b * other;
      blues[i] = c * one + d * other;
    }
    return colored(chroma, luma(image));
  }
}

function some(image) {
  const size = image.h * image.w;
  const every = 1 + Math.floor(size / SOME);
  const chroma = opponent(image).data;
  const found = [];
  for (let i = 0; i < size; i += every) found.push([chroma[i], chroma[size + i]]);
  return found;
}

function covariance(rows) {
  const mean = [0, 1].map((k) => rows.reduce((sum, x) => sum + x[k], 0) / rows.length);
  const of = (i, j) => rows.reduce((sum, x) => sum + (x[i] - mean[i]) * (x[j] - mean[j]), 0) / (rows.length - 1);
  return [[of(0, 0), of(0, 1)], [of(1, 0), of(1, 1)]]; // prettier-ignore
}

/** A picture with the colours that its photo has in the same places. */
export function inPlace(image, photo) {
  const [own, wanted] = [opponent(image), opponent(photo)];
  const away = picture(2, own.h, own.w, wanted.data.map((x, i) => x - own.data[i])); // prettier-ignore
  const moved = blurred(away, Math.max(1, Math.floor(Math.min(photo.h, photo.w) / PLACES)));
  const made = colored(picture(2, own.h, own.w, own.data.map((x, i) => x + moved.data[i])), luma(image)); // prettier-ignore
  const tint = Tint.of([photo]);
  return tint ? tint.limited(made) : made;
}

/** Averaged over about 3·reach px by way of a copy with one pixel for `reach`. */
function blurred(image, reach) {
  const [h, w] = [Math.ceil(image.h / reach), Math.ceil(image.w / reach)];
  return bilinear(windowMeans(areas(image, h, w), 3), image.h, image.w);
}

/** Means over areas, as torch's `interpolate(mode="area")`. */
function areas(image, h, w) {
  const out = picture(image.c, h, w);
  const ends = (i, own, size) => [Math.floor((i * own) / size), Math.ceil(((i + 1) * own) / size)];
  for (let c = 0, to = 0; c < image.c; c++) {
    for (let y = 0; y < h; y++) {
      const [top, bottom] = ends(y, image.h, h);
      for (let x = 0; x < w; x++, to++) {
        const [left, right] = ends(x, image.w, w);
        let sum = 0;
        for (let i = top; i < bottom; i++) for (let j = left; j < right; j++) sum += image.data[(c * image.h + i) * image.w + j];
        out.data[to] = sum / ((bottom - top) * (right - left));
      }
    }
  }
  return out;
}
