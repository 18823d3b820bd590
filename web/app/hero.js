// The picture: the painted one, and the photo beside it.

const [stage, frame, after, before, compare, busy, said] = ["stage", "frame", "after", "before", "compare", "busy", "say"].map((id) => document.getElementById(id));

let sides = [0, 0];
let pending = 0;
let whole = null;

compare.addEventListener("input", () => seen(compare.valueAsNumber));

/** Shows that share of the photo, in percent from the left. */
export function seen(percent) {
  compare.value = percent;
  frame.style.setProperty("--seen", `${percent}%`);
  frame.style.setProperty("--line-seen", percent > 0 && percent < 100 ? 1 : 0);
  compare.setAttribute("aria-valuetext", percent ? `${percent} % photo` : "the whole picture is painted");
}

/** Shows pixels (ImageData), or anything that can be drawn: as the picture, or as the photo. `file` is
 * the picture's, where what is shown is only a smaller copy. */
export function show(image, { photo = false, file = null } = {}) {
  if (!photo) whole = file;
  const [w, h] = [image.width, image.height];
  if (Math.abs(w / h - sides[0] / sides[1]) > 0.02 || !sides[0]) stage.style.setProperty("--ratio", w / h);
  sides = [w, h];
  const canvas = photo ? before : after;
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d");
  if (image instanceof ImageData) context.putImageData(image, 0, 0);
  else context.drawImage(image, 0, 0);
}

/** The file of the picture: the one that was given with it, or a PNG of what is seen. */
export function picture() {
  if (whole) return Promise.resolve(whole);
  return new Promise((resolve, reject) => after.toBlob((blob) => (blob ? resolve(blob) : reject(Error("no picture yet"))), "image/png"));
}

/** The line under the picture, which screen readers read. */
export function say(text) {
  if (said.textContent !== text) said.textContent = text;
}

/** Shows that something is being done until what is given is. */
export async function during(promise) {
  pending++;
  const slow = setTimeout(() => (busy.hidden = false), 150);
  try {
    return await promise;
  } finally {
    clearTimeout(slow);
    if (!--pending) busy.hidden = true;
  }
}
