// A brush for where each style goes.

import { button, make, row } from "./parts.js";

const COLORS = ["#e4572e", "#2e86ab", "#f3a712", "#6a994e"];
const LONGER_PX = 1024;
const STEP = 0.02; // of the picture, by an arrow key
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HELP = "Paint over the picture where each style goes; the last style has the rest.";

/** `element` holds the tools; `files()` are the masks as PNG: of every style but the last, or none
 * where nothing is painted. */
export function masks(page) {
  const canvas = make("canvas", { className: "over regions", hidden: true, tabIndex: 0, ariaLabel: "Regions: arrow keys move the brush, Shift paints" });
  canvas.setAttribute("role", "img");
  const layers = [];
  const brushes = make("div", { className: "brushes", role: "radiogroup", ariaLabel: "Whose place is painted" });
  const size = make("input", { type: "range", min: 2, max: 40, value: 14 });
  const toggle = button("Regions…", () => show(canvas.hidden), { title: "A place for each of several styles" });
  const clear = button("Clear", () => { layers.forEach(wipe); draw(); });
  const hint = make("p", { className: "soft" });
  const tools = make("div", { className: "tools", hidden: true }, make("p", { className: "soft", textContent: HELP }), brushes, row("Brush", size), make("div", { className: "line" }, clear));
  const element = make("div", { className: "masks" }, make("div", { className: "line" }, toggle, hint), tools);
  let [active, last, at, photo] = [0, null, [0.5, 0.5], null];
  page.hero.append(canvas);
  page.on("change", update);
  page.on("shown", () => show(false));
  update();

  function update() {
    const styles = page.styles();
    toggle.disabled = !page.photo() || styles.length < 2;
    if (toggle.disabled) show(false);
    if (page.photo() && page.photo() !== photo) fit((photo = page.photo()));
    while (layers.length < styles.length) layers.push(make("canvas", { width: canvas.width, height: canvas.height }));
    layers.length = styles.length;
    active = Math.min(active, Math.max(0, styles.length - 1));
    const titles = styles.map((style) => style.title).join("\n");
    if (titles !== brushes.dataset.titles) offer(styles, (brushes.dataset.titles = titles));
    explained();
    draw();
  }

  function offer(styles) {
    brushes.replaceChildren(...styles.map((style, i) => {
      const field = make("input", { type: "radio", name: "brush", checked: i === active });
      field.addEventListener("change", () => { active = i; });
      const mark = make("span", { textContent: style.title });
      mark.style.setProperty("--mark", COLORS[i % COLORS.length]);
      return make("label", {}, field, mark);
    }));
  }

  function fit({ width, height }) {
    const scale = LONGER_PX / Math.max(width, height);
    for (const layer of [canvas, ...layers]) [layer.width, layer.height] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  }

  function explained() {
    const used = canvas.hidden && layers.length > 1 && layers.some(isPainted);
    hint.textContent = layers.length < 2 ? "for two styles or more: Mix" : used ? "are painted, and used" : "";
  }

  function show(on) {
    canvas.hidden = tools.hidden = !on;
    toggle.setAttribute("aria-pressed", String(on));
    explained();
    draw();
  }

  function stroke(to) {
    const place = ([x, y]) => [x * canvas.width, y * canvas.height];
    layers.forEach((layer, i) => {
      const pen = layer.getContext("2d", { willReadFrequently: true });
      pen.globalCompositeOperation = i === active ? "source-over" : "destination-out";
      Object.assign(pen, { lineWidth: width(), lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
      pen.beginPath();
      pen.moveTo(...place(last ?? to));
      pen.lineTo(...place(to));
      pen.stroke();
    });
    last = at = to;
    draw();
  }

  const width = () => (size.valueAsNumber / 100) * Math.min(canvas.width, canvas.height);

  function draw() {
    if (canvas.hidden) return;
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    layers.forEach((layer, i) => {
      pen.globalAlpha = 0.55;
      pen.drawImage(tinted(layer, COLORS[i % COLORS.length]), 0, 0);
    });
    if (document.activeElement !== canvas) return;
    pen.globalAlpha = 1;
    Object.assign(pen, { lineWidth: 3, strokeStyle: COLORS[active % COLORS.length] });
    pen.beginPath();
    pen.arc(at[0] * canvas.width, at[1] * canvas.height, width() / 2, 0, 2 * Math.PI);
    pen.stroke();
  }

  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); last = null; stroke(placed(event)); });
  canvas.addEventListener("pointermove", (event) => event.buttons && stroke(placed(event)));
  canvas.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (!way) return;
    event.preventDefault();
    const to = at.map((v, k) => Math.min(1, Math.max(0, v + STEP * way[k])));
    [last, at] = [at, to];
    if (event.shiftKey) stroke(to);
    else draw();
  });
  canvas.addEventListener("focus", draw);
  canvas.addEventListener("blur", draw);

  async function files() {
    if (layers.length < 2 || !layers.some(isPainted)) return [];
    return Promise.all(layers.slice(0, -1).map(asFile));
  }

  return { element, files };
}

const placed = ({ clientX, clientY, target }) => {
  const box = target.getBoundingClientRect();
  return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
};

const wipe = (layer) => layer.getContext("2d").clearRect(0, 0, layer.width, layer.height);

const isPainted = (layer) => layer.width > 0 && layer.getContext("2d").getImageData(0, 0, layer.width, layer.height).data.some((value, i) => i % 4 === 3 && value > 0);

function tinted(layer, color) {
  const made = make("canvas", { width: layer.width, height: layer.height });
  const ink = made.getContext("2d");
  ink.drawImage(layer, 0, 0);
  Object.assign(ink, { globalCompositeOperation: "source-in", fillStyle: color });
  ink.fillRect(0, 0, made.width, made.height);
  return made;
}

/** White on black. */
function asFile(layer) {
  const whole = make("canvas", { width: layer.width, height: layer.height });
  const pen = whole.getContext("2d");
  pen.fillRect(0, 0, whole.width, whole.height);
  pen.drawImage(layer, 0, 0);
  return new Promise((resolve) => whole.toBlob(resolve, "image/png"));
}
