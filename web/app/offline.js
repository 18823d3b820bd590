// The service worker, and what it keeps so that the page works without a network.

/** Registers the worker. Where the page is not isolated yet, which threads need, it is loaded once
 * more, this time from the worker. Returns whether that is about to happen. */
export async function registered() {
  if (!("serviceWorker" in navigator)) return false;
  try {
    await navigator.serviceWorker.register("sw.js");
    await navigator.serviceWorker.ready;
  } catch {
    return false;
  }
  if (!navigator.serviceWorker.controller) await new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done, { once: true }));
  if (crossOriginIsolated || sessionStorage.getItem("isolated")) return false;
  sessionStorage.setItem("isolated", "tried");
  location.reload();
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
