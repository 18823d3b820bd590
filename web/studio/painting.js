// One photo, painted by the server with any method, while one watches.

import { stylesOf } from "./main.js";
import { Work, button, choice, make, row } from "./parts.js";
import { save } from "./server.js";

const LONGER = { draft: "quick draft", balanced: "painted", best: "painted with care" };

export function painting(page, about, server) {
  const panel = page.panel("Paint with gesso");
  const ways = [
    ...about.presets.map((preset) => [`preset:${preset.name}`, LONGER[preset.name] ?? preset.name]),
    ...about.methods.map((method) => [`method:${method.name}`, method.title]),
  ];
  const way = choice(ways, "preset:draft");
  const polish = make("input", { type: "number", min: 0, max: 1000, placeholder: "usual" });
  const format = choice(["png", "jpg", "webp", "avif", "tiff"].map((name) => [name, name.toUpperCase()]), "png");
  const work = new Work(page.say);
  const made = { blob: null, name: "" };
  const keep = button("Save", () => made.blob && save(made.blob, made.name), { disabled: true });
  const go = button("Paint", paint, { className: "main" });
  way.title = "Which method paints, and how long it may take";
  panel.append(row("How", way), row("Polish", polish), row("File", format), make("div", { className: "line" }, go, keep), work.element);

  async function paint() {
    const photo = page.photo();
    if (!photo || !page.styles().length) return page.say("A photo and a style are needed.");
    await work.during("Painting", async (see, signal) => {
      const words = await asked(photo);
      let shown = 0, showing = false;
      const job = await server.run("picture", words, async (now) => {
        see(now);
        if (now.preview <= shown || showing || now.state !== "running") return;
        [shown, showing] = [now.preview, true];
        try {
          await page.show(await server.blob(`jobs/${now.id}/preview`));
        } catch { /* the next one will do */ } finally { showing = false; }
      }, signal);
      const [result] = job.results;
      if (result) {
        made.blob = await server.blob(`pictures/${result.id}/file`);
        made.name = result.name;
        keep.disabled = false;
        await page.show(await server.blob(`pictures/${result.id}/preview`));
        page.say(`${result.name}: ${result.width} × ${result.height} px`);
      }
      return job;
    });
  }

  async function asked(photo) {
    const { strength, color, size } = page.settings();
    const styles = page.styles();
    const controls = { strength, color };
    if (styles.length > 1) controls.weights = styles.map((style) => style.share);
    if (polish.value !== "") controls.polish = Number(polish.value);
    const [kind, name] = way.value.split(":");
    const known = styles.some((style) => style.card) ? {} : { [kind]: name }; // a card knows its method
    return {
      photo: await server.send(photo.blob, photo.name), styles: await stylesOf(page, server), ...known, controls, size,
      format: format.value,
    };
  }
}
