// What the server does for the page: files are sent, jobs begun, watched and given up.

export const OVER = ["done", "failed", "cancelled"];
const session = sessionStorage.getItem("gesso session") ?? crypto.randomUUID();
sessionStorage.setItem("gesso session", session); // this tab's, also when the page is loaded anew

export class Server {
  /** `api` is the page's; `limits` are those of `api/about`. */
  constructor(api, limits) {
    this.api = (path, { headers = {}, ...options } = {}) => api(path, { ...options, headers: { ...headers, "X-Gesso-Session": session } });
    this.limits = limits;
    this.sent = new WeakMap();
  }

  async json(path, words, method = words === undefined ? "GET" : "POST") {
    const body = words === undefined ? {} : { body: JSON.stringify(words), headers: { "Content-Type": "application/json" } };
    const answer = await this.api(path, { method, ...body });
    return answer.status === 204 ? null : answer.json();
  }

  async blob(path) {
    return (await this.api(path)).blob();
  }

  /** The id of a picture, or the name of a card; a blob is sent once. Throws Error. */
  async send(blob, name, kind = "pictures") {
    const most = kind === "clips" ? this.limits.clip_bytes : this.limits.picture_bytes;
    if (blob.size > most) throw Error(`${name}: ${megabytes(blob.size)}; allowed are ${megabytes(most)}`);
    if (!this.sent.has(blob)) {
      const sent = this.api(`${kind}?name=${encodeURIComponent(name)}`, {
        method: "POST", body: blob, headers: { "Content-Type": "application/octet-stream" },
      }).then((answer) => answer.json());
      this.sent.set(blob, sent);
      sent.catch(() => this.sent.delete(blob));
    }
    const found = await this.sent.get(blob);
    return kind === "cards" ? found.name : found.id;
  }

  /** Begins a job and calls `see(job)` whenever it is another; resolves when it is over. */
  async run(kind, words, see, signal) {
    let job = await this.json(`jobs/${kind}`, words);
    const cancel = () => this.json(`jobs/${job.id}/cancel`, {}).catch(() => {});
    if (signal?.aborted) cancel();
    signal?.addEventListener("abort", cancel);
    while (!OVER.includes(job.state)) {
      try {
        for await (const now of this.events(job.id)) see((job = now));
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // the connection broke; the job goes on
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
    signal?.removeEventListener("abort", cancel);
    return job;
  }

  async *events(id) {
    const reader = (await this.api(`jobs/${id}/events`)).body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const parts = text.split("\n\n");
      text = parts.pop();
      for (const part of parts) if (part.startsWith("data: ")) yield JSON.parse(part.slice(6));
    }
  }
}

export function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
