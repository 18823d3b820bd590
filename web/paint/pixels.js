// Picture files → numbers, numbers → pixels.

import { picture, sharp, sides } from "./sampling.js";

export const MOST_PIXELS = 50_000_000;

/** The pixels (ImageData) of a picture file, upright. Throws Error in one line. */
export async function opened(blob) {
  const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image", premultiplyAlpha: "none" }).catch(() => {
    throw Error("not a picture that this browser can open");
  });
  const { width: w, height: h } = bitmap;
  if (w * h > MOST_PIXELS) throw Error(`${w} × ${h} px; allowed are ${MOST_PIXELS / 1e6} million pixels`);
  const context = new OffscreenCanvas(w, h).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, w, h);
}

/** A picture's colours in [0, 1], three planes, of pixels (ImageData), scaled to a longer side of
 * `size` px where given; with `alpha`, a plane of its own, where there is transparency. */
export function fromPixels({ width: w, height: h, data }, size) {
  const target = size ? sides(h, w, size) : [h, w];
  const places = target[0] * target[1];
  const out = picture(3, ...target);
  const channel = (c) => {
    const whole = picture(1, h, w);
    for (let i = 0; i < h * w; i++) whole.data[i] = data[4 * i + c] / 255;
    return h * w === places && target[0] === h ? whole.data : sharp(whole, ...target).data;
  };
  for (let c = 0; c < 3; c++) out.data.set(channel(c), c * places);
  if (!transparent(data)) return out;
  out.alpha = channel(3);
  for (let i = 0; i < places; i++) if (!out.alpha[i]) for (let c = 0; c < 3; c++) out.data[c * places + i] = 1;
  return out;
}

/** The colours of a picture file, as `fromPixels`. */
export const decoded = async (blob, size) => fromPixels(await opened(blob), size);

function transparent(data) {
  for (let i = 3; i < data.length; i += 4) if (data[i] < 255) return true;
  return false;
}

/** Pixels (ImageData) of a picture in [0, 1], rounded to 8 bits. */
export function toPixels(image, alpha) {
  const count = image.h * image.w;
  const out = new ImageData(image.w, image.h);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < 3; c++) out.data[4 * i + c] = 255 * image.data[c * count + i]; // rounds
    out.data[4 * i + 3] = alpha ? 255 * alpha[i] : 255;
  }
  return out;
}
