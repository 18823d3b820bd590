// A photo in a look, finished as `gesso.Controls` does it: `gesso.runtime.looks`.

import { atMost, carried } from "./carry.js";
import { Colors, LUMA, grey, lacking, matchedLuma, withLuma, withPalette } from "./colors.js";
import { emptied } from "./ground.js";
import { about, file, run } from "./methods.js";
import { decoded } from "./pixels.js";
import { picture, smaller } from "./sampling.js";
import { atDistance } from "./strength.js";
import { blended, inputsOf, neutral } from "./styles.js";
import { inPlace } from "./tint.js";

/** A mixture of cards of one method, ready to paint. */
export class Look {
  found = new WeakMap(); // by the network's inputs: what it makes of ordinary pictures

  /** `found` is what `mixture` made of the cards. */
  static async of(method, found) {
    const look = new Look();
    Object.assign(look, { method, ...found, own: (await about()).methods[method] });
    look.given = await inputsOf(method, found.tensors);
    return look;
  }

  /** The photo, painted with these settings ({strength, color}); `step` is given pictures on the
   * way there. */
  async painted(photo, { strength = 1, color = "style" }, step = () => {}) {
    if (strength === 0) return photo;
    const full = (this.full ??= new Map());
    if (!full.has(color) || full.get(color).photo !== photo) full.set(color, { photo, made: await this.dressed(photo, color, 1, this.given, step) });
    const { made } = full.get(color);
    if (strength === 1) return made;
    step(atDistance(photo, made, made, strength));
    const soft = await this.dressed(photo, color, strength, await this.softened(photo, strength), () => {});
    return atDistance(photo, soft, made, strength);
  }

  /** The network's inputs of the cards blended with the photo as its own style. */
  async softened(photo, strength) {
    if (this.neutralOf !== photo) {
      this.neutral = await neutral(this.method, photo, () => this.ordinary());
      this.neutralOf = photo;
    }
    return inputsOf(this.method, blended([this.neutral, this], [1 - strength, strength]));
  }

  async dressed(photo, color, strength, given, step) {
    if (color === "luminance") {
      const light = matchedLuma(await this.finished(grey(photo), null, 0, given, step), photo);
      return withLuma(photo, light);
    }
    const palette = color === "style" ? this.palette : null;
    const made = await this.finished(photo, palette, strength * this.own.color_share, given, step);
    if (color === "content") return inPlace(Colors.of(made).matched(made, Colors.of(photo)), photo);
    return this.tint ? this.tint.limited(made) : made;
  }

  async finished(photo, palette, share, given, step) {
    const rough = await atMost(this.own.paint_pixels, photo, (image) => this.coarseToFine(image, given, step));
    const colored = palette && share ? withPalette(rough, photo, palette, share) : rough;
    return emptied(colored, photo);
  }

  /** The photo, painted after smaller copies, each of which the next begins with. */
  async coarseToFine(photo, given, step) {
    let [before, made] = [photo, photo];
    for (let n = halvings(Math.max(photo.h, photo.w), this.own.paint_from); n >= 0; n--) {
      const copy = n ? smaller(photo, Math.floor((photo.h * photo.w) / 4 ** n)) : photo;
      const begun = before === photo ? copy : carried(copy, before, made);
      [before, made] = [copy, await this.passed(begun, given)];
      if (n) step(made);
    }
    return made;
  }

  /** What the network makes of a photo, the flat and dark ones among ordinary pictures. */
  async passed(photo, given = this.given) {
    const around = lacking(photo) ? await this.surroundings(given) : this.nothing();
    const inputs = { image: [[1, 3, photo.h, photo.w], photo.data], ...given, ...around };
    const { picture: made } = await run(this.method, "network", inputs, ["picture"]);
    return picture(3, photo.h, photo.w, made.data);
  }

  nothing() {
    const moments = new Float32Array(this.own.moments[0] * this.own.moments[1]);
    return { among: [[1], Float32Array.of(0)], light: [[1], Float32Array.of(0.5)], moments: [this.own.moments, moments] };
  }

  async surroundings(given) {
    const { light, moments } = await this.ordinary(given);
    return { among: [[1], Float32Array.of(1)], light: [[1], Float32Array.of(light)], moments: [this.own.moments, moments] };
  }

  /** What the network finds in ordinary pictures, and how light it makes them. */
  ordinary(given = this.given) {
    if (!this.found.has(given)) this.found.set(given, this.ofOrdinary(given));
    return this.found.get(given);
  }

  async ofOrdinary(given) {
    const column = await decoded(new Blob([await file("ordinary.png")], { type: "image/png" }));
    const [side, count] = [column.w, column.h / column.w];
    const size = side * side;
    const some = new Float32Array(count * 3 * size);
    for (let n = 0; n < count; n++) for (let c = 0; c < 3; c++) some.set(column.data.subarray((c * count + n) * size, (c * count + n + 1) * size), (3 * n + c) * size);
    const found = await run(this.method, "network", { image: [[count, 3, side, side], some], ...given, ...this.nothing() });
    const light = found.picture.data.reduce((sum, x, i) => sum + LUMA[Math.floor(i / size) % 3] * x, 0) / (count * size);
    return { light, moments: found.own_moments.data };
  }
}

function halvings(size, begin) {
  let count = 0;
  while (begin && size / 2 ** (count + 1) >= 0.75 * begin) count++;
  return count;
}
