// The cards that stay on this computer.

import { stylesOf } from "./main.js";
import { Work, button, make, plain } from "./parts.js";
import { save } from "./server.js";

export function library(page, about, server) {
  const panel = page.panel("Cards");
  const list = make("ul", { className: "cards" });
  const work = new Work(page.say);
  const keep = button("Keep this style", add, { title: "Makes a card of the chosen style" });
  const mix = button("Mix the marked", blend, { disabled: true });
  panel.append(list, make("div", { className: "line" }, keep, mix), work.element);
  const marked = new Set();
  refresh();

  async function refresh() {
    try {
      const cards = await server.json("cards");
      for (const name of marked) if (!cards.some((card) => card.name === name)) marked.delete(name);
      list.replaceChildren(...cards.map(shown));
    } catch (error) {
      page.say(error.message);
    }
    mix.disabled = marked.size < 2;
  }

  function shown(card) {
    const mark = make("input", { type: "checkbox", checked: marked.has(card.name), ariaLabel: `mark ${card.name}` });
    mark.addEventListener("change", () => { marked[mark.checked ? "add" : "delete"](card.name); mix.disabled = marked.size < 2; });
    const picture = make("img", { alt: "", width: 40, height: 40 });
    if (card.thumbnail) server.blob(path(card, "/thumbnail")).then((blob) => { picture.src = URL.createObjectURL(blob); }, () => {});
    const name = make("input", { className: "name", value: card.name, ariaLabel: "name of the card", maxLength: 63 });
    name.addEventListener("change", () => change(() => server.json(path(card), { name: name.value }, "PATCH")));
    const file = () => server.blob(path(card, "/file"));
    return make("li", { title: card.damaged ? "damaged" : `${card.method}${card.style ? `, of ${card.style}` : ""}` }, mark, picture, name,
      button("Use", () => use(card, file)),
      button("↓", async () => save(await file(), `${card.name}.safetensors`), { ariaLabel: `save ${card.name}` }),
      button("×", () => confirm(`Remove the card ${card.name} for good?`) && change(() => server.api(path(card), { method: "DELETE" })), { ariaLabel: `remove ${card.name}` }));
  }

  async function use(card, file) {
    try {
      const found = new File([await file()], `${card.name}.safetensors`);
      server.sent.set(found, Promise.resolve({ name: card.name })); // it is there already
      page.addStyle(found);
    } catch (error) {
      page.say(error.message);
    }
  }

  async function change(run) {
    try { await run(); } catch (error) { page.say(error.message); }
    await refresh();
  }

  async function add() {
    const [chosen] = page.styles();
    if (!chosen) return page.say("Choose a style first.");
    if (chosen.card) return change(() => server.send(chosen.card, plain(chosen.title), "cards"));
    await work.during("Making a card", async (see, signal) => {
      const [style] = await stylesOf(page, server);
      const name = plain(chosen.title);
      return server.run("card", { style, name, method: page.settings().method }, see, signal);
    });
    await refresh();
  }

  async function blend() {
    const names = [...marked];
    await work.during("Mixing", (see, signal) => {
      const cards = Object.fromEntries(names.map((name) => [name, 1 / names.length]));
      return server.run("mixture", { cards, name: plain(names.join(" and ")) }, see, signal);
    });
    await refresh();
  }
}

function path(card, more = "") {
  return `cards/${encodeURIComponent(card.name)}${more}`;
}
