// One photo, painted by the server with any method, while one watches.

import { stylesOf } from "./main.js";
import { masks } from "./masks.js";
import { Work, button, choice, make, row } from "./parts.js";
import { pictureFormat, wayField, wayWords } from "./ways.js";

const FEATHER_PX = 6; // of painted regions
const PREVIEW_PX = 1600; // larger pictures are shown as the server's smaller copies

export function painting(page, about, server) {
  const panel = page.panel("Paint with gesso", { open: true });
  const way = wayField(about);
  const brush = masks(page);
  const polish = make("input", { type: "number", min: 0, max: 1000, placeholder: "usual" });
  const size = choice([["page", "as above"], ["own", "the photo’s own"]], "page");
  const format = pictureFormat("png");
  const work = new Work(page.say);
  const go = button("Paint", paint, { className: "main" });
  panel.append(row("How", way), row("Polish", polish), row("Size", size), row("File", format), brush.element, make("div", { className: "line" }, go), work.element);

  async function paint() {
    const photo = page.photo();
    if (!photo || !page.styles().length) return page.say("A photo and a style are needed.");
    await work.during("Painting", async (see, signal) => {
      const words = await asked(photo);
      let [shown, showing] = [0, false];
      const job = await server.run("picture", words, async (now) => {
        see(now);
        if (now.preview <= shown || showing || now.state !== "running") return;
        [shown, showing] = [now.preview, true];
        try {
          const picture = await server.blob(`jobs/${now.id}/preview`);
          if (!signal.aborted) await page.show(picture);
        } catch { /* the next one will do */ } finally { showing = false; }
      }, signal);
      if (job.results.length) await finished(job.results[0]);
      return job;
    });
  }

  async function finished({ id, name, width, height }) {
    const file = new File([await server.blob(`pictures/${id}/file`)], name);
    const asItIs = Math.max(width, height) <= PREVIEW_PX && !name.endsWith(".tiff");
    await page.show(asItIs ? file : await server.blob(`pictures/${id}/preview`), file);
    page.say(`${name}: ${width} × ${height} px`);
  }

  async function asked(photo) {
    const { strength, color, size: chosen } = page.settings();
    const styles = page.styles();
    const controls = { strength, color };
    const regions = await brush.files();
    if (regions.length) controls.feather = FEATHER_PX;
    else if (styles.length > 1) controls.weights = styles.map((style) => style.share);
    if (polish.value !== "") controls.polish = Number(polish.value);
    return {
      photo: await server.send(photo.blob, photo.name), styles: await stylesOf(page, server), ...wayWords(way, styles), controls,
      masks: await Promise.all(regions.map((blob, i) => server.send(blob, `region-${i + 1}.png`))),
      size: size.value === "own" ? null : chosen, format: format.value,
    };
  }
}
