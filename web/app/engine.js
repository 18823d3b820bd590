// The worker, asked from the page.

const waiting = new Map();
let worker = null;
let count = 0;

/** The worker; another one in the place of one that could not begin. */
function working() {
  if (worker) return worker;
  const made = new Worker(new URL("../paint/worker.js", import.meta.url), { type: "module" });
  let begun = false;
  made.addEventListener("message", ({ data }) => {
    begun = true;
    heard(data);
  });
  made.addEventListener("error", (event) => {
    if (!begun) worker = null;
    for (const one of waiting.values()) one.reject(Error(event.message || "the painter stopped"));
    waiting.clear();
  });
  return (worker = made);
}

function heard({ id, step, error, ...answer }) {
  const one = waiting.get(id);
  if (!one) return;
  if (step) return one.step?.(step);
  waiting.delete(id);
  if (error) one.reject(Error(error));
  else one.resolve(answer);
}

/** What the worker answers to a job; `step` is given pixels on the way there. */
export function ask(kind, job = {}, step = null, transfer = []) {
  const id = ++count;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, step });
    working().postMessage({ ...job, id, kind }, transfer);
  });
}
