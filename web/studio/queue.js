// What waits for its turn on the server, is painted, and can be looked at and saved.

import { button, make } from "./parts.js";
import { OVER, save } from "./server.js";
import { counted } from "./ways.js";

const EVERY = 700; // ms between looks while something is under way
const MOST_SEEN = 30; // pictures of one row
const MOVING = /\.(mp4|webm|mov)$/i;
const TITLES = "gesso jobs"; // of this tab, so that they are there again when the page is loaded anew

export class Queue {
  constructor(page, server) {
    [this.page, this.server] = [page, server];
    this.rows = new Map();
    this.titles = JSON.parse(sessionStorage.getItem(TITLES) ?? "{}");
    this.list = make("ul", { className: "queue" });
    this.empty = make("p", { className: "soft", textContent: "Nothing yet: many photos and clips are painted here, one after the other." });
    this.all = button("Save everything", () => this.tried(async () => save(await server.blob("files"), "gesso.zip")), { title: "All pictures and clips made since the page was opened, as one ZIP file", disabled: true });
  }

  /** Shows itself, with what was begun before the page was loaded anew. */
  start() {
    this.page.panel("Queue", { open: true }).append(this.empty, this.list, make("div", { className: "line" }, this.all));
    if (Object.keys(this.titles).length) this.look();
  }

  /** Puts a job at the end. Throws Error where the server refuses it. */
  async add(kind, words, title) {
    const job = await this.server.json(`jobs/${kind}`, words);
    this.titled(job.id, title);
    this.see(job);
    this.look();
  }

  titled(id, title) {
    if (title === undefined) delete this.titles[id];
    else this.titles[id] = title;
    sessionStorage.setItem(TITLES, JSON.stringify(this.titles));
  }

  /** Looks at all jobs until they are over. */
  async look() {
    if (this.looking) return;
    this.looking = true;
    try {
      do {
        await new Promise((resolve) => setTimeout(resolve, EVERY));
        const jobs = await this.server.json("jobs");
        for (const job of jobs.reverse()) if (job.id in this.titles) this.see(job);
      } while ([...this.rows.values()].some((row) => !OVER.includes(row.state)));
    } catch (error) {
      this.page.say(error.message);
    }
    this.looking = false;
  }

  see(job) {
    if (!this.rows.has(job.id)) this.rows.set(job.id, new Row(this, job.id, this.titles[job.id]));
    this.rows.get(job.id).see(job);
    this.shown();
  }

  shown() {
    this.empty.hidden = this.rows.size > 0;
    this.all.disabled = ![...this.rows.values()].some((row) => row.made);
  }

  async tried(run) {
    try {
      await run();
    } catch (error) {
      this.page.say(error.message);
    }
  }

  /** Removes a job that is over, with what it made. */
  async remove(row) {
    for (const { id } of row.results) await this.server.api(`pictures/${id}`, { method: "DELETE" }).catch(() => {});
    this.rows.delete(row.id);
    this.titled(row.id);
    row.element.remove();
    this.shown();
  }
}

class Row {
  constructor(queue, id, title) {
    Object.assign(this, { queue, id, title, results: [], made: 0, state: "waiting" });
    const { server } = queue;
    this.text = make("span", { className: "of-work" });
    this.bar = make("progress", { max: 1, ariaLabel: title });
    this.keep = button("Save", () => queue.tried(() => this.saved()), { hidden: true, ariaLabel: `save ${title}` });
    this.stop = button("Stop", () => queue.tried(() => server.json(`jobs/${id}/cancel`, {})), { ariaLabel: `stop ${title}` });
    this.drop = button("×", () => queue.remove(this), { hidden: true, ariaLabel: `remove ${title}` });
    this.seen = make("div", { className: "made" });
    this.element = make("li", {}, make("div", { className: "work" }, this.text, this.bar, this.keep, this.stop, this.drop), this.seen);
    queue.list.append(this.element);
  }

  see(job) {
    const over = OVER.includes(job.state);
    this.state = job.state;
    const { done = 0, total = 0 } = job.progress;
    this.bar.value = (job.done + (total > 1 && !over ? done / total : 0)) / Math.max(1, job.steps);
    this.text.textContent = `${this.title}: ${said(job, done, total)}`;
    this.text.title = job.errors.join("\n");
    this.bar.hidden = this.stop.hidden = over;
    this.drop.hidden = !over;
    this.results = job.results;
    this.keep.hidden = !job.results.length;
    for (; this.made < job.results.length; this.made++) if (this.made < MOST_SEEN) this.add(job.results[this.made]);
  }

  add({ id, name }) {
    const picture = make("img", { alt: "" });
    const one = button("", () => this.queue.tried(() => this.looked(id, name)), { title: name, ariaLabel: `show ${name}` });
    one.append(MOVING.test(name) ? "▶" : picture);
    this.seen.append(one);
    if (!MOVING.test(name)) this.queue.server.blob(`pictures/${id}/preview`).then((blob) => { picture.src = URL.createObjectURL(blob); }, () => {});
  }

  async looked(id, name) {
    const { server, page } = this.queue;
    const file = new File([await server.blob(`pictures/${id}/file`)], name);
    if (!MOVING.test(name)) await page.show(file, file);
    else this.seen.replaceChildren(make("video", { src: URL.createObjectURL(file), controls: true, loop: true, autoplay: true, muted: true }));
    page.say(name);
  }

  async saved() {
    const { server } = this.queue;
    const [first, second] = this.results;
    if (second) save(await server.blob(`jobs/${this.id}/files`), `${this.title}.zip`);
    else save(await server.blob(`pictures/${first.id}/file`), first.name);
  }
}

function said(job, done, total) {
  if (job.state === "waiting") return "waits";
  const failed = job.errors.length ? `; ${job.errors[0]}` : "";
  if (job.state === "running") return job.steps > 1 ? `${job.done} of ${job.steps}${failed}` : total > 1 ? `${done} of ${total}` : "begins";
  const made = job.results.length ? counted(job.results.length, job.kind === "clip" ? "clip" : "picture") : "nothing made";
  return `${job.state === "cancelled" ? `stopped, ${made}` : made}${failed}`;
}
