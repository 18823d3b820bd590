// What may be asked for beside the page's own settings: which method, and which kind of file.

import { choice } from "./parts.js";

const LONGER = { draft: "quick draft", balanced: "painted", best: "painted with care" };

/** A field of all presets and methods. */
export function wayField({ presets, methods }) {
  const ways = [
    ...presets.map((preset) => [`preset:${preset.name}`, LONGER[preset.name] ?? preset.name]),
    ...methods.map((method) => [`method:${method.name}`, method.title]),
  ];
  const field = choice(ways, "preset:draft");
  field.title = "Which method paints, and how long it may take";
  return field;
}

/** What a request says of it; cards know their method. */
export function wayWords(field, styles) {
  const [kind, name] = field.value.split(":");
  return styles.some((style) => style.card) ? {} : { [kind]: name };
}

export const pictureFormat = (usual) => choice(["png", "jpg", "webp", "avif", "tiff"].map((name) => [name, name.toUpperCase()]), usual);

/** "1 photo", "2 photos". */
export const counted = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;
