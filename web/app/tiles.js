// The styles to choose from: bundled ones, and those that were added.

import { during, say } from "./hero.js";
import { ask } from "./engine.js";
import { MOST_STYLES, change, on, state } from "./state.js";

const [tiles, own, mix, chosen, input] = ["tiles", "open-style", "mix", "chosen", "style-file"].map((id) => document.getElementById(id));
let mixing = false;
let count = 0;
let names = [];

/** The names of the styles that come with the page. */
export const bundled = () => names;

/** Fills the tiles with the bundled styles, and chooses one. */
export function fill(known, first) {
  names = known;
  const made = names.map((name) => added({ name, title: name, image: `thumbs/${name}.webp` }));
  choose(made.find((style) => style.name === first));
}

own.addEventListener("click", () => input.click());
input.addEventListener("change", async () => {
  await addAll(input.files);
  input.value = "";
});
mix.addEventListener("click", () => {
  mixing = !mixing;
  mix.setAttribute("aria-pressed", mixing);
  if (!mixing && state.styles.length > 1) choose(state.styles[0]);
  say(mixing ? "Choose up to four styles" : "");
});
on("change", shown);

/** Adds files as styles: pictures and cards. The first one is chosen. */
export async function addAll(files) {
  for (const file of files) {
    try {
      choose(await during(add(file)));
    } catch (error) {
      say(`${file.name}: ${error.message}`);
    }
  }
}

async function add(file) {
  const key = `style ${++count}`;
  const title = file.name.replace(/\.[^.]*$/, "");
  if (!/\.safetensors$/i.test(file.name)) {
    await ask("painting", { key, blob: file, name: file.name });
    return added({ key, title, blob: file, image: URL.createObjectURL(file) });
  }
  const { method, thumbnail } = await ask("card", { key, blob: file });
  return added({ key, title, card: file, method, image: thumbnail && URL.createObjectURL(thumbnail) });
}

function added(style) {
  const tile = document.createElement("button");
  Object.assign(tile, { type: "button", className: "tile", title: style.title });
  tile.setAttribute("aria-label", style.title);
  if (style.image) {
    const image = Object.assign(new Image(), { src: style.image, alt: "", loading: "lazy", decoding: "async" });
    tile.append(image);
  } else tile.textContent = style.title.slice(0, 8);
  tile.addEventListener("click", (event) => {
    if (mixing || event.shiftKey || event.ctrlKey || event.metaKey) toggle(style);
    else choose(style);
  });
  if (style.name) tiles.append(tile);
  else own.after(tile);
  style.tile = tile;
  return style;
}

function choose(style) {
  if (mixing && state.styles.length && !state.styles.includes(style)) return toggle(style);
  put([style]);
}

function toggle(style) {
  const others = state.styles.filter((one) => one !== style);
  if (others.length < state.styles.length) return others.length && put(others);
  if (others.length >= MOST_STYLES) return say(`At most ${MOST_STYLES} styles are mixed`);
  if (!mixing) mix.setAttribute("aria-pressed", (mixing = true));
  put([...others, style]);
}

/** Chooses styles; a card decides on the method, and goes with no card of another one. */
function put(styles) {
  const method = styles.at(-1).method ?? styles.find((style) => style.method)?.method ?? state.method;
  const fitting = styles.filter((style) => !style.method || style.method === method);
  for (const style of fitting) style.share = 1 / fitting.length;
  change({ styles: fitting, method });
}

function shown() {
  for (const tile of tiles.querySelectorAll(".tile:not(.own)")) {
    tile.setAttribute("aria-pressed", state.styles.some((style) => style.tile === tile));
  }
  chosen.textContent = state.styles.map((style) => style.title).join(" + ");
}
