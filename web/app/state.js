// What is chosen, and who wants to know when it changes.

const heard = new Map();

/** The state of the page. A style is {key, name, title, blob, method, tile}: `name` of a bundled
 * one, `method` of a card, which takes no other. */
export const state = {
  photo: null, // {key, blob, name, width, height}
  styles: [], // chosen ones, with their `share`
  strength: 1,
  color: "style",
  method: "adain",
  size: 768,
  strokes: 0, // steps from the usual size
  usual: {}, // of styles, by method
};

export const MOST_STYLES = 4;
const FINEST = [0.5, 0.63, 0.8, 1, 1.25, 1.6, 2];

/** Calls `run` at every event of that name. */
export function on(name, run) {
  heard.set(name, [...(heard.get(name) ?? []), run]);
}

/** Says that something is so now. */
export function tell(name, about) {
  for (const run of heard.get(name) ?? []) run(about);
}

/** Changes the state, and says so. */
export function change(values) {
  Object.assign(state, values);
  tell("change", values);
}

/** The longer side in px at which styles are looked at, in steps of 16; null: the usual one. */
export function styleSize({ method, strokes, usual } = state) {
  return strokes ? Math.round((usual[method] * FINEST[strokes + 3]) / 16) * 16 : null;
}

/** The job of painting what is chosen. */
export function job() {
  const styles = state.styles.map(({ key, name, share }) => ({ key, name, share }));
  const { method, strength, color, size } = state;
  return { photo: state.photo?.key, size, method, strength, color, styles, strokes: styleSize() };
}
