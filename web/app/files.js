// Files that are dropped, pasted or chosen; pictures that are saved.

import { ask } from "./engine.js";
import { during, picture, say } from "./hero.js";
import { change, job, state } from "./state.js";
import { addAll } from "./tiles.js";

const [open, input, tiles, savePicture, saveCard] = ["open-photo", "photo-file", "tiles", "save-picture", "save-card"].map((id) => document.getElementById(id));
let count = 0;

/** Makes a file the photo. */
export async function setPhoto(file) {
  try {
    const key = `photo ${++count}`;
    const size = await during(ask("photo", { key, blob: file }));
    change({ photo: { key, blob: file, name: file.name ?? "photo", ...size } });
  } catch (error) {
    say(`${file.name ?? "photo"}: ${error.message}`);
  }
}

open.addEventListener("click", () => input.click());
input.addEventListener("change", () => {
  if (input.files.length) setPhoto(input.files[0]);
  input.value = "";
});

addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dragging"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  const files = [...event.dataTransfer.files];
  const styles = files.filter((file) => /\.safetensors$/i.test(file.name));
  const pictures = files.filter((file) => !styles.includes(file));
  if (event.target.closest?.("aside")) addAll(files);
  else {
    if (pictures.length) setPhoto(pictures[0]);
    addAll([...styles, ...pictures.slice(1)]);
  }
});
addEventListener("paste", (event) => {
  const [file] = event.clipboardData?.files ?? [];
  if (file) setPhoto(file);
});

savePicture.addEventListener("click", () => saved(picture(), "png"));
saveCard.addEventListener("click", () => saved(card(), "safetensors"));

async function card() {
  const { bytes } = await during(ask("file", job()));
  return new Blob([bytes], { type: "application/octet-stream" });
}

async function saved(made, ending) {
  try {
    const link = document.createElement("a");
    const file = await made;
    link.href = URL.createObjectURL(file);
    link.download = file.name ?? `${named(ending)}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    say(`${link.download} is saved`);
  } catch (error) {
    say(error.message);
  }
}

function named(ending) {
  const style = state.styles.map(({ title }) => title.replaceAll(" ", "-")).join("+");
  const photo = state.photo?.name.replace(/\.[^.]*$/, "") || "camera";
  return (ending === "png" ? `${photo}-${style}` : `${style}.${state.method}`).replace(/[^\p{L}\p{N}.+_-]/gu, "-").slice(0, 120);
}
