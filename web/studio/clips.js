// A clip, frame by frame.

import { stylesOf } from "./main.js";
import { Work, button, choice, make, picker, row } from "./parts.js";
import { wayField, wayWords } from "./ways.js";

const FORMATS = [["mp4", "MP4"], ["webm", "WebM"], ["mov", "MOV"], ["mkv", "MKV"], ["gif", "GIF"], ["webp", "WebP"]];

export function clips(page, about, server, queue) {
  const panel = page.panel("Clip");
  const clip = picker(update, { accept: "video/*,image/gif,image/webp" });
  const name = make("span", { className: "soft grow" });
  const [start, end] = ["from the beginning", "to the end"].map((placeholder) => make("input", { placeholder, pattern: "[0-9]{1,6}([:.][0-9]{1,6}){0,3}", title: "Seconds, or 1:30" }));
  const format = choice(FORMATS, "mp4");
  const [way, steady] = [wayField(about), make("input", { type: "checkbox", checked: true })];
  const work = new Work(page.say);
  const go = button("Paint the clip", paint, { className: "main" });
  panel.append(
    make("div", { className: "line" }, button("Clip…", () => clip.click()), name),
    row("How", way), row("From", start), row("To", end), row("File", format), row("Steady", steady), make("div", { className: "line" }, go), work.element,
  );
  page.on("change", update);
  update();

  function update() {
    go.disabled = !clip.files.length || !page.styles().length;
    name.textContent = clip.files[0]?.name ?? "a video, or an animation";
  }

  async function paint() {
    const [file] = clip.files;
    for (const field of [start, end]) if (!field.reportValidity()) return;
    await work.during(`Sending ${file.name}`, async (see, signal) => {
      const { strength, color, size } = page.settings();
      const [id, styles] = [await server.send(file, file.name, "clips"), page.styles()];
      signal.throwIfAborted();
      const controls = { strength, color, ...(styles.length > 1 && { weights: styles.map((style) => style.share) }) };
      const words = { clip: id, styles: await stylesOf(page, server), ...wayWords(way, styles), controls, size, format: format.value, steady: steady.checked };
      if (start.value) words.start = start.value;
      if (end.value) words.end = end.value;
      await queue.add("clip", words, file.name);
    });
  }
}
