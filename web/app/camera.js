// The camera, painted frame after frame, until one is taken as the photo.

import { ask } from "./engine.js";
import { setPhoto } from "./files.js";
import { say, seen, show } from "./hero.js";
import { change, job, on, state } from "./state.js";

const LIVE_PX = 256;
const WHOLE_PX = 4; // of which the sides of a frame are multiples
const AT_ONCE = 2; // frames on their way: while one is painted the next one is there
const [button, video] = ["camera", "video"].map((id) => document.getElementById(id));
const canvas = document.createElement("canvas");
const lately = { since: 0, frames: [] }; // how long the parts of the last second's frames took, in ms
let stream = null;
let before = null; // the method before the camera was on

button.addEventListener("click", () => (stream ? taken() : begin()));
on("change", ({ photo }) => photo && stream && stop());

/** Whether the camera is on. */
export const live = () => stream !== null;

async function begin() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, facingMode: "user" }, audio: false });
  } catch (error) {
    return say(error.name === "NotAllowedError" ? "The camera is not allowed to be used" : "There is no camera to use");
  }
  button.setAttribute("aria-pressed", true);
  button.textContent = "Take it";
  video.srcObject = stream;
  await video.play();
  before = state.method;
  if (!state.styles.some((style) => style.method)) change({ method: "meta_networks" }); // the quick one
  seen(0);
  Object.assign(lately, { since: performance.now(), frames: [] });
  for (let k = 0; k < AT_ONCE; k++) painting(stream);
}

/** What the camera sees, mirrored, with a longer side of so many pixels at most; sides that are
 * multiples of `whole`. */
function drawn(longer, whole = 1) {
  const scale = Math.min(1, longer / Math.max(video.videoWidth, video.videoHeight));
  const [w, h] = [video.videoWidth, video.videoHeight].map((n) => whole * Math.max(1, Math.round((n * scale) / whole)));
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.setTransform(-1, 0, 0, 1, w, 0);
  context.drawImage(video, 0, 0, w, h);
  return context.getImageData(0, 0, w, h);
}

/** Paints one frame after the other, as long as the camera is the same. */
async function painting(own) {
  try {
    while (stream === own) await frame(own);
  } catch (error) {
    if (stream !== own) return;
    stop();
    say(error.message);
  }
}

async function frame(own) {
  let began = performance.now();
  const pixels = drawn(LIVE_PX, WHOLE_PX);
  const camera = performance.now() - began;
  const found = await ask("frame", { ...job(), pixels }, null, [pixels.data.buffer]);
  if (stream !== own) return;
  began = performance.now();
  show(found.photo, { photo: true });
  show(found.pixels);
  lately.frames.push({ camera, ...found.spent, shown: performance.now() - began });
  const seconds = (performance.now() - lately.since) / 1000;
  if (seconds >= 1) counted(seconds, found.pixels);
}

/** Says how many frames a second there were, and keeps how long their parts took (web/README.md). */
function counted(seconds, { width, height }) {
  const { frames } = lately;
  const rate = frames.length / seconds;
  const mean = (name) => frames.reduce((sum, spent) => sum + (spent[name] ?? 0), 0) / frames.length;
  const parts = Object.keys(frames[0]).map((name) => [name, Number(mean(name).toFixed(2))]);
  say(`${rate.toFixed(rate < 10 ? 1 : 0)} frames a second, ${width} × ${height} px`);
  document.documentElement.dataset.frame = JSON.stringify({ rate, ...Object.fromEntries(parts) });
  Object.assign(lately, { since: performance.now(), frames: [] });
}

/** Makes what the camera sees the photo. */
async function taken() {
  drawn(Infinity);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  stop();
  await setPhoto(new File([blob], "camera.png", { type: "image/png" }));
}

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = video.srcObject = null;
  button.setAttribute("aria-pressed", false);
  button.textContent = "Camera";
  if (before) change({ method: before });
}
