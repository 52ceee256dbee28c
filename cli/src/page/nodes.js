// Nodes: listed by what they belong to, drawn as a graph, and all that is known of one. It knows no film.
import { add, allNodes, anew, by, bytes, learn, link, nodeOf, onOpen, onState, openNode, soon, spell, stateOf } from "./base.js";
import { path } from "./gantt.js";

/** The beginning of a text that is shown. */
const SHOWN_BYTES = 32 << 10;
let edges = { from: new Map(), to: new Map() };
let drawn = new Map();
let names = [];
let isDrawn = false;
let asked = 0;

// -- the list

const groups = () => {
  const wanted = by("find").value.trim().toLowerCase();
  const found = new Map();
  for (const node of allNodes().values()) {
    if (wanted && !node.name.toLowerCase().includes(wanted) && !node.kind.toLowerCase().includes(wanted)) continue;
    const group = node.group ?? "on their own";
    if (!found.has(group)) found.set(group, []);
    found.get(group).push(node.name);
  }
  return found;
};
const counts = (members) => {
  const found = new Map();
  for (const name of members) found.set(stateOf(name), (found.get(stateOf(name)) ?? 0) + 1);
  return [...found].filter(([state]) => state).map(([state, count]) => `${count} ${state}`).join(", ");
};
const list = soon(() => {
  const found = groups();
  const opened = new Set([...by("groups").children].filter((it) => it.open).map((it) => it.dataset.group));
  const all = document.createDocumentFragment();
  for (const [group, members] of found) {
    const details = add(all, "details");
    details.dataset.group = group;
    const summary = add(details, "summary");
    summary.dataset.group = group;
    add(summary, "span", group);
    add(summary, "span", "", "soft counts");
    // What nobody looks into costs nothing.
    const fill = () => {
      if (!details.open || details.lastElementChild.tagName === "UL") return;
      const ul = add(details, "ul");
      for (const name of members) link(add(ul, "li"), name);
    };
    details.addEventListener("toggle", fill);
    details.open = opened.has(group) || (by("find").value.trim() !== "" && found.size <= 8);
    fill();
  }
  anew(by("groups"), all);
  count();
});
const count = soon(() => {
  const found = groups();
  for (const details of by("groups").children) {
    const members = found.get(details.dataset.group) ?? [];
    details.querySelector(".counts").textContent = `  ${members.length} ${members.length === 1 ? "node" : "nodes"}: ${counts(members)}`;
  }
});
by("find").addEventListener("input", list);

// -- the graph

const LIVE = ["failed", "running", "ran"];
/** What is drawn in the place of a node: itself, or a group that it is in. */
const placeOf = (node) => [node.name, node.group, node.kind].find((name) => drawn.has(name));
/** Shows how what is drawn under a name stands: a group as the member of which most is to be said. */
const markDrawn = (title, members) => {
  const element = drawn.get(title);
  const state = members.length === 1 ? stateOf(members[0]) : LIVE.find((it) => members.some((name) => stateOf(name) === it)) ?? "";
  element.classList.remove(...LIVE);
  if (LIVE.includes(state)) element.classList.add(state);
  element.setAttribute("aria-label", [title, members.length > 1 ? `${members.length} nodes` : "", state].filter(Boolean).join(", "));
};
const markAll = (only) => {
  const members = new Map();
  for (const node of allNodes().values()) {
    const title = placeOf(node);
    if (title === undefined || (only !== undefined && title !== only)) continue;
    if (!members.has(title)) members.set(title, []);
    members.get(title).push(node.name);
  }
  for (const [title, names] of members) markDrawn(title, names);
};
onState((name) => {
  count();
  if (!drawn.size) return;
  const node = nodeOf(name);
  if (name === undefined) markAll();
  else if (node) markAll(placeOf(node) ?? "");
});
const drawGraph = async () => {
  const svg = await fetch("graph.svg");
  if (!svg.ok || !isDrawn) return;
  const parsed = new DOMParser().parseFromString(await svg.text(), "image/svg+xml").documentElement;
  drawn = new Map();
  const picture = document.importNode(parsed, true);
  for (const element of picture.querySelectorAll(".node")) {
    const name = names[Number(element.dataset.node)];
    drawn.set(name, element);
    element.dataset.name = name;
    element.setAttribute("tabindex", "0");
    element.setAttribute("role", "button");
    element.setAttribute("aria-label", name);
    const choose = () => {
      if (nodeOf(name)) return openNode(name, element);
      const group = [...by("groups").children].find((details) => details.dataset.group === name);
      if (group) { group.open = true; group.scrollIntoView({ block: "nearest" }); group.firstElementChild.focus(); }
    };
    element.addEventListener("click", choose);
    element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); }
    });
  }
  markAll();
  anew(by("picture"), picture);
};
by("draw").addEventListener("click", () => {
  isDrawn = !isDrawn;
  by("picture").hidden = !isDrawn;
  by("draw").setAttribute("aria-expanded", String(isDrawn));
  by("draw").textContent = isDrawn ? "Hide the graph" : "Show the graph";
  if (isDrawn) drawGraph();
});

/** How all nodes stand is asked for anew. */
export const loadGraph = async () => {
  const mine = ++asked;
  const answer = await fetch("graph.json");
  if (!answer.ok || mine !== asked) return;
  const picture = await answer.json();
  names = picture.drawn;
  edges = { from: new Map(), to: new Map() };
  const put = (map, key, value) => { if (!map.has(key)) map.set(key, new Set()); map.get(key).add(value); };
  for (const edge of picture.edges) { put(edges.from, edge.from, edge.to); put(edges.to, edge.to, edge.from); }
  by("name").textContent = picture.project ?? "reel";
  document.title = picture.project ?? "reel";
  learn(picture.nodes);
  list();
  path(picture["critical-path"], picture["critical-path-seconds"]);
  if (isDrawn) await drawGraph();
  // What is known of the node that is open is of the last build.
  if (!by("about").hidden && opened !== null) await tell(opened);
};

// -- one node

let opener = null;
let opened = null;
const close = () => {
  by("about").hidden = true;
  opened = null;
  if (opener?.isConnected) opener.focus();
};
addEventListener("keydown", (event) => { if (event.key === "Escape" && !by("about").hidden) close(); });

const heading = (text) => add(by("about"), "h3", text);
const preview = async (parent, node, artifact) => {
  const source = `artifact?node=${encodeURIComponent(node)}&port=${encodeURIComponent(artifact.port)}&v=${artifact.digest.slice(0, 12)}`;
  const kind = artifact.media.split("/")[0];
  const is = { video: "video", audio: "audio", image: "img" }[kind];
  const note = add(parent, "div", `${artifact.port}: ${artifact.media}, ${bytes(artifact.bytes)}`, "soft");
  if (is && artifact.media !== "image/svg+xml") {
    const element = add(parent, is);
    if (is === "img") element.alt = `what ${node} made`;
    else { element.controls = true; element.preload = "metadata"; element.setAttribute("aria-label", `what ${node} made`); }
    element.src = source;
    return;
  }
  if (kind !== "text" && artifact.media !== "application/json" && artifact.media !== "application/x-subrip") return;
  const answer = await fetch(source, artifact.bytes > SHOWN_BYTES ? { headers: { Range: `bytes=0-${SHOWN_BYTES - 1}` } } : {});
  if (!answer.ok) return;
  let text = await answer.text();
  if (artifact.media === "application/json" && artifact.bytes <= SHOWN_BYTES) {
    try { text = JSON.stringify(JSON.parse(text), null, 1); } catch { /* then as it is */ }
  }
  const pre = document.createElement("pre");
  pre.textContent = artifact.bytes > SHOWN_BYTES ? `${text}…` : text;
  pre.tabIndex = 0;
  note.after(pre);
};
const inputs = (all) => {
  if (!all.length) return;
  heading("Takes");
  const ul = add(by("about"), "ul");
  for (const { slot, from } of all) {
    const li = add(ul, "li");
    add(li, "span", `${slot}: `, "soft");
    for (const it of from.slice(0, 50)) {
      if (it.node) link(li, it.node);
      else add(li, "span", it.file ?? `“${it.text.length > 200 ? `${it.text.slice(0, 199)}…` : it.text}”`);
    }
    if (from.length > 50) add(li, "span", ` and ${from.length - 50} more`, "soft");
  }
};
const why = (told) => {
  if (!told) return;
  heading("Why");
  add(by("about"), "div", told.message);
  const ul = add(by("about"), "ul");
  for (const { nodes, cause } of told.chains.slice(0, 6)) {
    add(ul, "li", `${nodes.join(" ← ")} ← ${cause.message}${cause.at ? `, ${cause.at}` : ""}`);
    for (const reason of (cause.reasons ?? []).slice(0, 4)) {
      if (reason.old !== null && reason.new !== null) add(ul, "li", `${reason.old} → ${reason.new}`, "soft");
    }
  }
};
const manifest = (key, fields) => {
  if (!fields) return;
  heading("Key");
  const details = add(by("about"), "details");
  add(details, "summary", `${key.slice(0, 16)}…, of ${fields.length} facts`);
  const table = add(details, "table");
  for (const { name, value, note } of fields) {
    const row = add(table, "tr");
    add(row, "td", name).title = name;
    add(row, "td", note ? `${value} (${note})` : value);
  }
};

onOpen(async (name, from) => {
  opener = from ?? document.activeElement;
  opened = name;
  await tell(name);
  by("about").scrollTop = 0;
  by("about").focus();
});
/** Tells all that is known of a node. */
const tell = async (name) => {
  const about = by("about");
  const answer = await fetch(`node?name=${encodeURIComponent(name)}`);
  if (opened !== name) return;
  const closing = document.createElement("button");
  closing.textContent = "×";
  closing.className = "close";
  closing.setAttribute("aria-label", "Close");
  closing.addEventListener("click", close);
  anew(about, closing);
  about.hidden = false;
  add(about, "h2", name);
  if (!answer.ok) { add(about, "p", await answer.text()); return; }
  const node = await answer.json();
  const facts = [node.kind, stateOf(name), node.seconds === null ? null : spell(node.seconds), node.place];
  add(about, "div", facts.filter(Boolean).join(" · "), "soft");
  if (node.artifacts.length) heading("Made");
  for (const artifact of node.artifacts) preview(add(about, "div"), name, artifact);
  why(node.why);
  inputs(node.inputs);
  const takers = [...(edges.from.get(name) ?? [])];
  if (takers.length) heading("Goes to");
  const goes = add(about, "div");
  for (const taker of takers.slice(0, 50)) link(goes, taker);
  manifest(node.key, node.manifest);
  heading("Last run");
  add(about, "div", node.result);
  if (node.log) add(about, "pre", node.log);
};
