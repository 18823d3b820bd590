// The worker, asked from the page.

const worker = new Worker(new URL("../paint/worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
let count = 0;

worker.addEventListener("message", ({ data }) => {
  const { id, step, error, ...answer } = data;
  const one = waiting.get(id);
  if (!one) return;
  if (step) return one.step?.(step);
  waiting.delete(id);
  if (error) one.reject(Error(error));
  else one.resolve(answer);
});

worker.addEventListener("error", (event) => {
  for (const one of waiting.values()) one.reject(Error(event.message || "the painter stopped"));
  waiting.clear();
});

/** What the worker answers to a job; `step` is given pixels on the way there. */
export function ask(kind, job = {}, step = null, transfer = []) {
  const id = ++count;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, step });
    worker.postMessage({ ...job, id, kind }, transfer);
  });
}
