// Every photo in every style.

import { stylesOf } from "./main.js";
import { Work, button, choice, make, picker, row } from "./parts.js";
import { counted, pictureFormat, wayField, wayWords } from "./ways.js";

const PICTURE = /\.(jpe?g|png|webp|avif|hei[cf]|tiff?|bmp|gif|jp2)$/i;

export function many(page, about, server, queue) {
  const panel = page.panel("Many photos");
  const photos = picker(update, { accept: "image/*", multiple: true });
  const folder = picker(update, { webkitdirectory: true });
  const paintings = picker(update, { webkitdirectory: true });
  const which = choice([["chosen", "the chosen"], ["bundled", "all that come with gesso"], ["folder", "a folder of paintings…"]], "chosen");
  const [way, format] = [wayField(about), pictureFormat("jpg")];
  const count = make("p", { className: "soft" });
  const work = new Work(page.say);
  const go = button("Paint all", paint, { className: "main" });
  const choose = (field, others) => () => { others.forEach((one) => { one.value = ""; }); field.click(); };
  panel.append(
    make("div", { className: "line" }, button("Photos…", choose(photos, [folder])), button("Folder…", choose(folder, [photos]))),
    row("Styles", which), row("How", way), row("File", format), count, make("div", { className: "line" }, go), work.element,
  );
  which.addEventListener("change", () => { if (which.value === "folder") paintings.click(); update(); });
  page.on("change", update);
  update();

  const given = () => [...photos.files, ...[...folder.files].filter((file) => PICTURE.test(file.name))];
  const given_paintings = () => [...paintings.files].filter((file) => PICTURE.test(file.name));

  function styleCount() {
    if (which.value === "bundled") return page.bundled().length;
    return which.value === "folder" ? given_paintings().length : page.styles().length;
  }

  function update() {
    const [some, styles] = [[...photos.files, ...folder.files].length ? given().length : 0, styleCount()];
    const all = some * styles;
    go.disabled = !all || all > about.limits.items;
    const words = `${counted(some, "photo")} × ${counted(styles, "style")}`;
    count.textContent = !some ? "Every photo in every style" : all > about.limits.items ? `${words}: ${all} pictures; allowed are ${about.limits.items}` : `${words}: ${counted(all, "picture")}`;
  }

  async function paint() {
    await work.during("Sending", async (see, signal) => {
      const { strength, color, size } = page.settings();
      const bad = [];
      const ids = await sent(given(), bad, signal);
      const styles = await wanted(bad, signal);
      if (!ids.length || !styles.length) throw Error(bad[0] ?? "No photo and no style could be read.");
      const known = which.value === "chosen" ? page.styles() : [];
      const words = { photos: ids, styles, ...wayWords(way, known), controls: { strength, color }, size, format: format.value };
      await queue.add("grid", words, `${counted(ids.length, "photo")} × ${counted(styles.length, "style")}`);
      if (bad.length) page.say(`${counted(bad.length, "file")} left out. ${bad[0]}`);
    });
  }

  async function wanted(bad, signal) {
    if (which.value === "bundled") return page.bundled().map((bundled) => ({ bundled }));
    if (which.value === "folder") return (await sent(given_paintings(), bad, signal)).map((picture) => ({ picture }));
    return stylesOf(page, server);
  }

  /** The ids of files that can be read; what is wrong with the others goes to `bad`. */
  async function sent(files, bad, signal) {
    const ids = [];
    for (const [n, file] of files.entries()) {
      signal.throwIfAborted();
      work.show(`Sending ${n + 1} of ${files.length}`, n / files.length);
      try { ids.push(await server.send(file, file.name)); } catch (error) { bad.push(error.message); }
    }
    return ids;
  }
}
