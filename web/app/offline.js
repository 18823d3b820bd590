// The service worker, and what it keeps so that the page works without a network.

const SOON = 4000; // ms in which the worker takes the page over, or does not
const AGAIN = 30_000; // ms in which the page is loaded once more at most once

/** Registers the worker. Where the page is not isolated yet, which threads need, it is loaded once
 * more, this time from the worker. Returns whether that is about to happen; false, sooner or later,
 * whatever becomes of the worker. */
export async function registered() {
  if (!("serviceWorker" in navigator)) return false;
  const late = new Promise((done) => setTimeout(done, SOON, false));
  try {
    const there = await Promise.race([controlled(navigator.serviceWorker), late]);
    if (crossOriginIsolated || !there || Date.now() - sessionStorage.getItem("loaded") < AGAIN) return false;
    sessionStorage.setItem("loaded", Date.now());
  } catch {
    return false;
  }
  location.reload();
  return true;
}

/** Waits until the worker answers for the page, which it is asked to: it takes over the pages that
 * are there when it is new, and never one that was loaded past it (Shift and reload). */
async function controlled(container) {
  const taken = new Promise((done) => container.addEventListener("controllerchange", done, { once: true }));
  const known = container.register("sw.js");
  if (container.controller) return known.catch(() => null), true;
  await known;
  (await container.ready).active.postMessage("claim");
  if (!container.controller) await taken;
  return true;
}

/** Fetches every file of the page once, smallest first, but for the graphics card's runtime where there is none. */
export async function kept({ files }, gpu) {
  if (!navigator.serviceWorker?.controller) return false;
  const wanted = Object.entries(files).filter(([name]) => (gpu || !name.includes("jspi")) && name !== "sw.js");
  wanted.sort((a, b) => a[1] - b[1]);
  for (const [name] of [["./"], ["files.json"], ...wanted]) {
    const answer = await fetch(name);
    if (!answer.ok) return false;
    await answer.arrayBuffer();
  }
  return true;
}
