// The square in which up to four styles are mixed.

import { change, on, state } from "./state.js";

const [mixture, pad, list] = ["mixture", "pad", "shares"].map((id) => document.getElementById(id));
const STEP = 0.05;
let at = [0.5, 0.5];
let known = [];

on("change", ({ styles }) => {
  if (styles && (styles.length !== known.length || styles.some((style, k) => style !== known[k]))) drawn(styles);
  shown();
});

pad.addEventListener("pointerdown", (event) => {
  pad.setPointerCapture(event.pointerId);
  moved(event);
});
pad.addEventListener("pointermove", (event) => pad.hasPointerCapture(event.pointerId) && moved(event));
pad.addEventListener("keydown", (event) => {
  const way = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
  if (!way) return;
  event.preventDefault();
  put(at[0] + way[0], at[1] + way[1]);
});

function moved(event) {
  const box = pad.getBoundingClientRect();
  put((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
}

function put(x, y) {
  at = [x, y].map((v) => Math.min(1, Math.max(0, v)));
  const shares = sharesAt(...at, state.styles.length);
  state.styles.forEach((style, k) => (style.share = shares[k]));
  change({ shares });
}

/** The shares of styles in the corners: left and right of two; from the upper left in rows of more.
 * A corner without a style leaves its share to the others. */
export function sharesAt(x, y, count) {
  const corners = count === 2 ? [1 - x, x] : [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y].slice(0, count);
  const sum = corners.reduce((a, b) => a + b, 0);
  return corners.map((v) => (sum > 1e-9 ? v / sum : 1 / count));
}

function drawn(styles) {
  known = [...styles];
  mixture.hidden = styles.length < 2;
  for (const image of pad.querySelectorAll("img")) image.remove();
  pad.classList.toggle("two", styles.length === 2);
  styles.forEach(({ tile }, k) => {
    const image = Object.assign(new Image(), { src: tile.querySelector("img")?.src ?? "icon.svg", alt: "", draggable: false });
    image.className = `${k % 2 ? "right" : ""} ${k > 1 ? "low" : ""}`;
    pad.prepend(image);
  });
  at = [0.5, 0.5];
  const shares = sharesAt(...at, styles.length);
  styles.forEach((style, k) => (style.share = shares[k]));
}

function shown() {
  if (mixture.hidden) return;
  pad.style.setProperty("--x", `${100 * at[0]}%`);
  pad.style.setProperty("--y", `${100 * at[1]}%`);
  const words = state.styles.map(({ title, share }) => [title, `${Math.round(100 * share)} %`]);
  pad.setAttribute("aria-valuetext", words.map((pair) => pair.reverse().join(" ")).join(", "));
  list.replaceChildren(
    ...state.styles.map(({ title, share }) => {
      const [name, part] = [title, `${Math.round(100 * share)} %`].map((text) => Object.assign(document.createElement("span"), { textContent: text }));
      const item = document.createElement("li");
      item.append(name, part);
      return item;
    }),
  );
}
