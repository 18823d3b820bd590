// What needs the server: the slower methods, watched as they paint; regions by brush; a library of
// cards; many photos in many styles, and clips, in a queue.

import { clips } from "./clips.js";
import { library } from "./library.js";
import { many } from "./many.js";
import { painting } from "./painting.js";
import { make, plain } from "./parts.js";
import { Queue } from "./queue.js";
import { Server } from "./server.js";

export function start(page, about) {
  document.head.append(make("link", { rel: "stylesheet", href: new URL("studio.css", import.meta.url).href }));
  if (!about.trusted) {
    page.say("Open the address that gesso studio printed: this one has no token, or an old one.");
    return;
  }
  const server = new Server(page.api, about.limits);
  painting(page, about, server);
  library(page, about, server);
  const queue = new Queue(page, server);
  many(page, about, server, queue);
  clips(page, about, server, queue);
  queue.start();
}

/** The styles that are chosen, as the server takes them. */
export async function stylesOf(page, server) {
  return Promise.all(page.styles().map(async (style) => {
    if (style.card) return { card: await server.send(style.card, plain(style.title), "cards") };
    if (!style.blob) return { bundled: style.name };
    return { picture: await server.send(style.blob, style.name ?? style.title) };
  }));
}
