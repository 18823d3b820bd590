// The camera, painted frame after frame, until one is taken as the photo.

import { ask } from "./engine.js";
import { setPhoto } from "./files.js";
import { say, seen, show } from "./hero.js";
import { change, job, on, state, tell } from "./state.js";

const LIVE_PX = 256;
const [button, video] = ["camera", "video"].map((id) => document.getElementById(id));
const canvas = document.createElement("canvas");
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
  for (const began = { at: performance.now(), frames: 0 }; stream; ) await frame(began);
}

/** What the camera sees, mirrored, with a longer side of so many pixels at most. */
function drawn(longer) {
  const scale = Math.min(1, longer / Math.max(video.videoWidth, video.videoHeight));
  const [w, h] = [video.videoWidth, video.videoHeight].map((n) => Math.max(8, Math.round(n * scale)));
  Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.setTransform(-1, 0, 0, 1, w, 0);
  context.drawImage(video, 0, 0, w, h);
  return context.getImageData(0, 0, w, h);
}

async function frame(began) {
  const pixels = drawn(LIVE_PX);
  try {
    const found = await ask("frame", { ...job(), pixels });
    if (!stream) return;
    show(pixels, { photo: true });
    show(found.pixels);
  } catch (error) {
    stop();
    return say(error.message);
  }
  began.frames++;
  const seconds = (performance.now() - began.at) / 1000;
  if (seconds < 1) return;
  const rate = began.frames / seconds;
  say(`${rate.toFixed(rate < 10 ? 1 : 0)} frames a second, ${pixels.width} × ${pixels.height} px`);
  tell("rate", rate);
  Object.assign(began, { at: performance.now(), frames: 0 });
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
