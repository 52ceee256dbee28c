// What the parts of the page share: elements, words for times, and how nodes stand. It asks nobody for anything.

export const by = (id) => document.getElementById(id);

/** A new element at the end of another. */
export const add = (parent, tag, text, name) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  parent.append(element);
  return element;
};

/** Seconds as on a clock: `00:31.4`, `1:02:03.5`. */
export const clock = (seconds) => {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60, tenths % 600];
  return `${hours ? `${hours}:` : ""}${two(minutes)}:${two(Math.floor(rest / 10))}.${rest % 10}`;
};

export const spell = (seconds) => (seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`);

export const bytes = (amount) => {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  for (; amount >= 1024 && unit < units.length - 1; unit += 1) amount /= 1024;
  return unit ? `${amount.toFixed(1)} ${units[unit]}` : `${amount} B`;
};

/** What comes often is done once, with the next picture of the screen. */
export const soon = (task) => {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => { waits = false; task(); });
  };
};

/** Puts a box together anew; what had the focus in it has it again, where it is still there. */
export const anew = (box, children) => {
  const had = box.contains(document.activeElement) ? document.activeElement : undefined;
  const key = had?.dataset.name ?? had?.dataset.group ?? had?.getAttribute("aria-label");
  box.replaceChildren(children);
  if (!key) return;
  const same = (it) => (it.dataset.name ?? it.dataset.group ?? it.getAttribute("aria-label")) === key;
  const places = [...box.querySelectorAll("button, summary, [tabindex]")];
  (places.find((it) => it.tagName === had.tagName && same(it)) ?? places.find(same))?.focus({ preventScroll: true });
};

export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// How nodes stand: what the graph says, and over it what the build that goes on has done.
const live = new Map();
const known = new Map();
const listeners = [];

export const stateOf = (name) => live.get(name) ?? known.get(name)?.state ?? "";
export const nodeOf = (name) => known.get(name);
export const allNodes = () => known;

/** Calls `heard` with the name of each node that stands in another way; without a name all may. */
export const onState = (heard) => listeners.push(heard);

export const mark = (name, state) => {
  live.set(name, state);
  for (const heard of listeners) heard(name);
};

/** A build begins: what the last one did is in the past. */
export const forget = () => {
  live.clear();
  for (const heard of listeners) heard();
};

export const learn = (nodes) => {
  known.clear();
  for (const node of nodes) known.set(node.name, node);
  for (const heard of listeners) heard();
};

let open = () => {};
/** Who shows all that is known of a node. */
export const onOpen = (shows) => { open = shows; };

/** A button that stands for a node, with a dot for its state. */
export const link = (parent, name) => {
  const button = add(parent, "button", undefined, `node-link ${stateOf(name)}`);
  add(button, "span", undefined, "dot");
  add(button, "span", name);
  button.dataset.name = name;
  const state = stateOf(name);
  button.setAttribute("aria-label", state ? `${name}, ${state}` : name);
  button.addEventListener("click", () => open(name, button));
  return button;
};

export const openNode = (name, from) => open(name, from);

// Buttons that stand for nodes follow these, wherever they are.
onState((name) => {
  const which = name === undefined ? ".node-link" : `.node-link[data-name="${CSS.escape(name)}"]`;
  for (const button of document.querySelectorAll(which)) {
    const state = stateOf(button.dataset.name);
    button.className = `node-link ${state}`;
    button.setAttribute("aria-label", state ? `${button.dataset.name}, ${state}` : button.dataset.name);
  }
});
