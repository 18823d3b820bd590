// The controls beside the picture.

import { change, on, state } from "./state.js";

const form = document.getElementById("settings");
const { elements } = form;
const WORDS = ["finest", "finer", "fine", "usual", "broad", "broader", "broadest"];

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", ({ target }) => {
  if (target.name === "strength") change({ strength: target.valueAsNumber / 100 });
  else if (target.name === "strokes") change({ strokes: target.valueAsNumber - 3 });
  else if (target.name === "size") change({ size: remembered(target.value) });
  else change({ [target.name]: target.value });
});

/** The size, which this browser remembers. */
function remembered(size) {
  localStorage.setItem("size", size);
  return Number(size);
}

/** Takes up the size that was chosen last, or one that this computer paints in a few seconds. */
export function recalled() {
  const wanted = localStorage.getItem("size") ?? (navigator.hardwareConcurrency >= 4 ? "768" : "512");
  const known = [...elements.size].find((one) => one.value === wanted);
  if (!known) return;
  known.checked = true;
  change({ size: Number(known.value) });
}

on("change", () => {
  elements["strength-shown"].value = `${Math.round(100 * state.strength)} %`;
  elements["strokes-shown"].value = WORDS[state.strokes + 3];
  elements.strokes.setAttribute("aria-valuetext", WORDS[state.strokes + 3]);
  elements.strokes.disabled = state.styles.length > 0 && state.styles.every((style) => style.method);
  const card = state.styles.some((style) => style.method);
  for (const one of elements.method) {
    one.checked = one.value === state.method;
    one.disabled = card && !one.checked;
  }
});
