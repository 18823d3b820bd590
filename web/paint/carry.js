// What was done to a small copy, carried over to the picture: `gesso.runtime.carry`.

import { bicubic, bilinear, clamp, mapped, picture, plane, smaller, windowMeans } from "./sampling.js";

const SMALLEST_PX = 8; // of a side with detail
const WINDOW_PX = 9; // in which it is compared
const LEAST = 1e-9;
const MOST = 1.5;

/** `change` of a picture, made in a smaller copy where it has more than so many pixels. */
export async function atMost(pixels, image, change) {
  if (!pixels || image.h * image.w <= pixels) return change(image);
  const small = smaller(image, pixels);
  return carried(image, small, await change(small));
}

/** A picture in [0, 1], changed as its smaller copy was. */
export function carried(image, small, changed) {
  const { c, h, w } = image;
  const out = picture(c, h, w);
  const shares = kept(small, changed);
  for (let i = 0; i < c; i++) {
    const [own, before, after, share] = [
      plane(image, i).data,
      bicubic(plane(small, i), h, w).data,
      bicubic(plane(changed, i), h, w).data,
      bilinear(plane(shares, i), h, w).data,
    ];
    const to = plane(out, i).data;
    for (let k = 0; k < to.length; k++) to[k] = (own[k] - before[k]) * share[k] + after[k];
  }
  return clamp(out);
}

/** How much of the finest detail is still there after the change, from −MOST to MOST. */
function kept(small, changed) {
  const [before, after] = [detail(small), detail(changed)];
  const both = windowMeans(mapped(before, (x, i) => x * after.data[i]), WINDOW_PX).data;
  const own = windowMeans(mapped(before, (x) => x * x), WINDOW_PX).data;
  const fresh = windowMeans(mapped(after, (x) => x * x), WINDOW_PX).data;
  return mapped(before, (_, i) => {
    const [b, o, n] = [both[i] + LEAST, own[i] + LEAST, fresh[i] + LEAST];
    return Math.min(MOST, Math.max(-MOST, (b / o) * ((b * b) / (o * n))));
  });
}

function detail(image) {
  if (Math.min(image.h, image.w) < SMALLEST_PX) return image;
  const rough = bilinear(bilinear(image, image.h >> 1, image.w >> 1), image.h, image.w);
  return mapped(image, (x, i) => x - rough.data[i]);
}
