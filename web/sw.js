// Service worker: the whole page offline, and isolated from other pages, which threads need.

const CACHE = "gesso-VERSION";
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};
const BASE = new URL(".", self.location).pathname;

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => event.waitUntil(taken()));

self.addEventListener("message", (event) => event.data === "claim" && event.waitUntil(self.clients.claim()));

async function taken() {
  await self.clients.claim();
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("gesso-") && name !== CACHE).map((name) => caches.delete(name)));
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const ours = url.origin === self.location.origin && url.pathname.startsWith(BASE);
  if (event.request.method !== "GET" || !ours || url.pathname.startsWith(`${BASE}api/`)) return;
  event.respondWith(answered(event.request, url));
});

/** From the cache; else from the network, and kept. */
async function answered(request, url) {
  const cache = await caches.open(CACHE);
  const key = url.pathname === BASE ? `${BASE}index.html` : url.pathname;
  const kept = await cache.match(key);
  if (kept) return kept;
  const found = await fetch(request);
  if (!found.ok || found.type !== "basic") return found;
  const headers = new Headers(found.headers);
  for (const [name, value] of Object.entries(ISOLATED)) headers.set(name, value);
  const whole = new Response(found.body, { status: 200, headers });
  const keep = whole.clone();
  await cache.put(key, keep).catch(() => {});
  return whole;
}
