// The server behind the page, if there is one (web/README.md).

const token = taken();

function taken() {
  const address = new URL(location.href);
  const found = address.searchParams.get("token");
  if (found) {
    sessionStorage.setItem("token", found);
    address.searchParams.delete("token");
    history.replaceState(null, "", address);
  }
  return sessionStorage.getItem("token") ?? "";
}

/** The answer of the server's `api/PATH`. Throws Error with its text. */
export async function api(path, { headers = {}, ...options } = {}) {
  const answer = await fetch(`api/${path}`, { ...options, headers: { ...headers, "X-Gesso-Token": token } });
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw Error(said.error ?? said.detail ?? `${path}: ${answer.status}`);
}

/** What the server says of itself; null where there is none. */
export async function about() {
  try {
    const answer = await api("about");
    return answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : null;
  } catch {
    return null;
  }
}
