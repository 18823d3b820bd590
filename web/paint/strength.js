// Strength: a picture as far from the photo as asked for (`gesso.controls.strength`).

import { mapped } from "./sampling.js";

/** On the way from the photo by the soft picture to the full one, the point whose distance from the
 * photo is `strength` times that of the full one. */
export function atDistance(photo, soft, full, strength) {
  let [a, b, found] = [0, 0, 0];
  const count = photo.data.length;
  for (let i = 0; i < count; i++) {
    const [away, onward] = [soft.data[i] - photo.data[i], full.data[i] - soft.data[i]];
    a += (onward * onward) / count;
    b += (away * onward) / count;
    found += (away * away) / count;
  }
  const wanted = strength ** 2 * (a + 2 * b + found);
  if (found >= wanted) return found ? mixed(photo, soft, Math.sqrt(Math.max(0, wanted) / found)) : soft;
  const missing = wanted - found;
  const root = Math.sqrt(b * b + a * missing);
  return mixed(soft, full, Math.min(1, b > 0 ? missing / (b + root) : (root - b) / a));
}

/** From one picture that share of the way to another. */
export function mixed(one, other, share) {
  return mapped(one, (x, i) => x + share * (other.data[i] - x));
}
