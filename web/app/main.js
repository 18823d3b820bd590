// The page: puts its parts together.

import { live } from "./camera.js";
import { ask } from "./engine.js";
import { setPhoto } from "./files.js";
import { during, say, seen, show } from "./hero.js";
import { kept, registered } from "./offline.js";
import "./pad.js";
import { about as aboutServer, api } from "./server.js";
import { recalled } from "./settings.js";
import { change, job, on, state, styleSize, tell } from "./state.js";
import { addAll, bundled, fill } from "./tiles.js";

const EXAMPLE = { photo: "contents/town.jpg", style: "wheatfield" };
const SOON = 60; // ms after the last change
const IDLE = 1500; // ms after a picture, until the rest is fetched

const timers = { paint: 0, keep: 0 };
const numbers = document.documentElement.dataset; // `asked` and `painted`: equal when the picture is of the last change
let [asked, taken] = [0, 0]; // changes so far; those that the picture in work knows of
let [last, seenKey] = ["", ""]; // what is in work, and what is seen

on("change", () => {
  numbers.asked = ++asked;
  clearTimeout(timers.paint);
  timers.paint = setTimeout(paint, SOON);
});

async function paint() {
  if (!state.photo || !state.styles.length || live()) return;
  taken = asked;
  const wanted = job();
  const key = JSON.stringify(wanted);
  if (key === seenKey) numbers.painted = taken;
  if (key === last) return;
  [last, seenKey] = [key, ""];
  try {
    const made = await during(ask("paint", wanted, (step) => last === key && show(step)));
    if (made.late || last !== key) return;
    show(made.photo, { photo: true });
    show(made.pixels);
    say(`${made.pixels.width} × ${made.pixels.height} px, painted in ${made.seconds.toFixed(1)} s on ${made.runs}`);
    seenKey = key;
    numbers.painted = taken;
    tell("painted", wanted);
  } catch (error) {
    if (last !== key) return;
    last = "";
    say(error.message);
  }
}

/** Whether the graphics card can be used. */
async function graphics() {
  if (!navigator.gpu || !("Suspending" in WebAssembly)) return false;
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  return adapter !== null && !adapter.info?.isFallbackAdapter;
}

/** What is given to the part that needs a server (web/README.md). */
const page = {
  api,
  on,
  say,
  setPhoto,
  hero: document.getElementById("frame"),
  addStyle: (file) => addAll([file]),
  photo: () => state.photo,
  styles: () => state.styles.map(({ name, title, share, blob, card }) => ({ name, title, share, blob: blob ?? null, card: card ?? null })),
  settings: () => ({ method: state.method, strength: state.strength, color: state.color, style_size: styleSize(), size: state.size }),
  bundled,
  async show(blob, file = null) {
    show(await createImageBitmap(blob), { file });
    if (file) tell("shown");
  },
  panel(title, { open = false } = {}) {
    const panel = Object.assign(document.createElement("details"), { className: "panel", open });
    const summary = document.createElement("summary");
    summary.append(Object.assign(document.createElement("h2"), { textContent: title }));
    panel.append(summary);
    document.getElementById("panels").append(panel);
    return panel;
  },
};

/** Fetches the rest, once, so that the page works offline. */
async function keep(about, gpu) {
  if (document.documentElement.dataset.offline) return;
  document.documentElement.dataset.offline = "soon";
  document.documentElement.dataset.offline = (await kept(about, gpu).catch(() => false)) ? "ready" : "";
}

async function started() {
  seen(0);
  recalled();
  const gpu = await graphics();
  const base = new URL("../", import.meta.url).href;
  const start = () => ask("start", { base, cores: navigator.hardwareConcurrency ?? 1, gpu });
  const { about } = await during(start().catch(start)); // once more, if something was lost on the way
  const usual = Object.fromEntries(Object.entries(about.methods).map(([name, method]) => [name, method.style_size]));
  change({ usual });
  fill(about.styles, EXAMPLE.style);
  const photo = await (await fetch(EXAMPLE.photo)).blob();
  if (!state.photo) await setPhoto(new File([photo], "example.jpg"));
  const server = await aboutServer();
  if (server && about.files["studio/main.js"]) (await import("../studio/main.js")).start(page, server);
  on("painted", () => {
    clearTimeout(timers.keep);
    timers.keep = setTimeout(() => keep(about, gpu), IDLE);
  });
}

if (!(await registered())) started().catch((error) => say(error.message));
