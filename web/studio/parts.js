// Small parts of the page's own make.

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function button(text, run, properties = {}) {
  const element = make("button", { type: "button", textContent: text, ...properties });
  element.addEventListener("click", run);
  return element;
}

export function row(text, field) {
  return make("label", { className: "row" }, make("span", { textContent: text }), field);
}

export function choice(words, value) {
  const field = make("select", {}, ...words.map(([name, text]) => make("option", { value: name, textContent: text })));
  field.value = value;
  return field;
}

/** A hidden field of files, which buttons click. */
export function picker(run, properties) {
  const field = make("input", { type: "file", hidden: true, ...properties });
  field.addEventListener("change", run);
  document.body.append(field);
  return field;
}

/** A name as cards may have it. */
export function plain(text) {
  return text.replace(/[^\p{L}\p{N} .()'+_-]/gu, " ").replace(/^[^\p{L}\p{N}]+/u, "").slice(0, 60).replace(/[ .]+$/, "") || "style";
}

/** A line of work: what is done, how far it is, and a way to give it up. */
export class Work {
  constructor(say) {
    this.say = say;
    this.text = make("span", { className: "of-work" });
    this.bar = make("progress", { max: 1, value: 0 });
    this.stop = button("Stop", () => this.control?.abort());
    this.element = make("div", { className: "work", hidden: true }, this.text, this.bar, this.stop);
  }

  /** Does `run(see, signal)` with its job shown; errors are said. Returns what it returns. */
  async during(title, run) {
    this.control?.abort();
    const control = (this.control = new AbortController());
    this.show(title);
    try {
      const job = await run((now) => control === this.control && this.see(title, now), control.signal);
      if (job?.state === "cancelled") this.say(`${title}: stopped`);
      else if (job?.errors?.length) this.say(job.errors[0]);
      return job;
    } catch (error) {
      this.say(control.signal.aborted ? `${title}: stopped` : error.message);
      return null;
    } finally {
      if (control === this.control) this.element.hidden = true;
    }
  }

  show(text, share) {
    this.element.hidden = false;
    this.text.textContent = text;
    if (share === undefined) this.bar.removeAttribute("value");
    else this.bar.value = share;
  }

  see(title, job) {
    if (job.state === "waiting") return this.show(`${title}: waiting`);
    const { done = 0, total = 0 } = job.progress;
    const inner = total > 1 ? done / total : 0;
    if (job.steps > 1) this.show(`${title}: ${job.done} of ${job.steps}`, (job.done + inner) / job.steps);
    else if (total > 1) this.show(`${title}: ${Math.round(done)} of ${Math.round(total)}`, inner);
    else this.show(title);
  }
}
