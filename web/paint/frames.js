// Frames of the camera: one pass of a network and the colours; no empty ground, no coarse to fine.

import { Colors, grey, lacks, matchedLuma, shareOf, withLuma } from "./colors.js";
import { run } from "./methods.js";
import { picture } from "./sampling.js";
import { mixed } from "./strength.js";
import { inPlace } from "./tint.js";

const EVERY = 2; // lines and columns, of which a frame's colours are measured

/** How long the parts of some work take, in ms. */
export class Laps {
  spent = {};
  #since = performance.now();

  /** What was done since the last lap is of that name. */
  lap(name) {
    const now = performance.now();
    this.spent[name] = now - this.#since;
    this.#since = now;
  }
}

/** A frame painted in a look, with sides that are multiples of 4 px. */
export async function framed(look, frame, { color = "style", strength = 1 }, laps) {
  if (!strength) return frame;
  const seen = color === "luminance" ? grey(frame) : frame;
  const lack = lacks(seen);
  laps.lap("read");
  const made = look.own.frames ? await passed(look, seen, lack) : await look.passed(seen);
  laps.lap("network");
  const dressed = colored(look, made, frame, color, lack);
  return strength < 1 ? mixed(frame, dressed, strength) : dressed;
}

/** What the method's network of frames makes of one. */
async function passed(look, frame, lack) {
  const inputs = { image: [[1, 3, frame.h, frame.w], frame.data], ...look.given, ...(await around(look, lack)) };
  const { picture: made } = await run(look.method, "frames", inputs, ["picture"]);
  return picture(3, frame.h, frame.w, made.data);
}

/** The ordinary pictures among which a frame is normalised that is flat or dark. */
async function around(look, lack) {
  const { moments: shape } = look.own;
  const flat = Object.values(lack).some(Boolean);
  const { light, moments } = flat ? await look.ordinary() : { light: 0.5, moments: new Float32Array(shape[0] * shape[1]) };
  return { share: [[1], Float32Array.of(shareOf(lack, light))], moments: [shape, moments] };
}

function colored(look, made, frame, color, lack) {
  if (color === "luminance") return withLuma(frame, matchedLuma(made, frame));
  if (color === "content") return inPlace(Colors.of(made, EVERY).matched(made, Colors.of(frame, EVERY)), frame);
  const way = look.own.color_share * (1 - Math.max(...Object.values(lack)));
  const dressed = look.palette && way ? Colors.of(made, EVERY).nearer(made, look.palette, way) : made;
  return look.tint ? look.tint.limited(dressed) : dressed;
}
