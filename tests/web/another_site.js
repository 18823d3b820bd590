// What another site's page may try: name → "refused", "opaque" (which it cannot read), or what it read.
async ([api, token]) => {
  const json = { "Content-Type": "application/json" };
  const secret = { "X-Gesso-Token": token };
  const body = '{"name": "stolen"}';
  const ways = {
    read: [`${api}/about`],
    cookies: [`${api}/about`, { credentials: "include" }],
    opaque: [`${api}/about`, { mode: "no-cors" }],
    token: [`${api}/cards`, { headers: secret }],
    json: [`${api}/jobs/picture`, { method: "POST", headers: { ...secret, ...json }, body }],
    text: [`${api}/jobs/picture`, { method: "POST", mode: "no-cors", body }],
    form: [`${api}/cards?name=a`, { method: "POST", mode: "no-cors", body: new URLSearchParams("a=b") }],
    parts: [`${api}/cards?name=a`, { method: "POST", mode: "no-cors", body: new FormData() }],
    bytes: [`${api}/pictures?name=a`, { method: "POST", headers: { ...secret, "Content-Type": "application/octet-stream" }, body }],
    patch: [`${api}/cards/a`, { method: "PATCH", headers: { ...secret, ...json }, body }],
    delete: [`${api}/cards/a`, { method: "DELETE", headers: secret }],
    page: [`${api}/../`, { mode: "no-cors" }],
  };
  const found = {};
  for (const [name, [url, options]] of Object.entries(ways))
    found[name] = await fetch(url, options).then((a) => a.type === "opaque" ? "opaque" : a.text(), () => "refused");
  for (const [tag, key] of [["img", "src"], ["script", "src"], ["iframe", "src"], ["link", "href"]]) {
    const element = document.createElement(tag);
    if (tag === "link") element.rel = "stylesheet";
    element[key] = `${api}/about`;
    found[tag] = await new Promise((done) => {
      element.onerror = () => done("refused");
      element.onload = () => done(tag === "iframe" ? (element.contentDocument?.body?.innerText || "refused") : "loaded");
      document.body.append(element);
    });
  }
  return found;
}
