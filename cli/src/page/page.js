"use strict";
// Shows what a watch tells: its film, its graph, what ran when. It asks nobody but the server that it came from.
const by = (id) => document.getElementById(id);
const add = (parent, tag, text, name) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  parent.append(element);
  return element;
};

const outputs = new Map();
let shown = null;
let version = 0;
let picture = { nodes: [], edges: [] };
let drawn = new Map();
let states = new Map();
let bars = new Map();
let last = 0;
let troubled = false;

// -- the film

const isFilm = (path) => /\.(mp4|mov|m4v)$/.test(path);
const isSound = (path) => /\.(m4a|wav|flac)$/.test(path);
const isPicture = (path) => /\.(png|jpe?g)$/.test(path);
const address = (name) => `output?name=${encodeURIComponent(name)}&v=${version}`;

const show = async (name) => {
  const path = outputs.get(name);
  if (!path) return;
  const stage = by("stage");
  const kind = isFilm(path) ? "VIDEO" : isSound(path) ? "AUDIO" : isPicture(path) ? "IMG" : "PRE";
  let element = stage.firstElementChild;
  const same = shown === name && element && element.tagName === kind;
  shown = name;
  if (!same) {
    stage.replaceChildren();
    element = add(stage, kind.toLowerCase());
    if (kind === "VIDEO" || kind === "AUDIO") element.controls = true;
    if (kind === "IMG") element.alt = name;
  }
  if (kind === "PRE") {
    element.textContent = await (await fetch(address(name))).text();
  } else if (kind === "IMG") {
    element.src = address(name);
  } else {
    // The newest film at the moment that was seen.
    const at = same ? element.currentTime : 0;
    const playing = same && !element.paused;
    element.src = address(name);
    element.addEventListener("loadedmetadata", () => {
      element.currentTime = Math.min(at, Math.max(0, element.duration - 0.05));
      if (playing) element.play().catch(() => {});
    }, { once: true });
  }
  for (const tab of by("tabs").children) tab.setAttribute("aria-selected", String(tab.textContent === name));
};

const tabs = () => {
  by("tabs").replaceChildren();
  for (const name of outputs.keys()) {
    const tab = add(by("tabs"), "button", name);
    tab.setAttribute("role", "tab");
    tab.addEventListener("click", () => show(name));
  }
  const first = [...outputs].find(([, path]) => isFilm(path)) ?? [...outputs][0];
  show(outputs.has(shown) ? shown : first?.[0]);
};

// -- the graph

const mark = (name, state) => {
  states.set(name, state);
  const node = drawn.get(name) ?? drawn.get(name.replace(/[.[].*/, ""));
  if (!node) return;
  node.classList.remove("running", "ran", "failed");
  if (state) node.classList.add(state);
};

const loadGraph = async () => {
  const [svg, data] = await Promise.all([fetch("graph.svg"), fetch("graph.json")]);
  if (!svg.ok || !data.ok) return;
  picture = await data.json();
  const parsed = new DOMParser().parseFromString(await svg.text(), "image/svg+xml").documentElement;
  by("picture").replaceChildren(document.importNode(parsed, true));
  by("name").textContent = picture.project ?? "reel";
  document.title = picture.project ?? "reel";
  drawn = new Map();
  for (const node of by("picture").querySelectorAll(".node")) {
    const known = picture.nodes[Number(node.dataset.node)];
    drawn.set(known.name, node);
    node.setAttribute("tabindex", "0");
    node.setAttribute("role", "button");
    node.setAttribute("aria-label", [known.name, known.kind, known.state].filter(Boolean).join(", "));
    node.addEventListener("click", () => tell(known));
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); tell(known); }
    });
  }
  for (const [name, state] of states) mark(name, state);
};

const tell = async (node) => {
  const about = by("about");
  about.replaceChildren();
  const close = add(about, "button", "×", "close");
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => { about.hidden = true; });
  add(about, "h2", node.name);
  const facts = [node.kind, node.state, node.seconds === null ? null : `${node.seconds.toFixed(2)} s`,
    node.bytes === null ? null : `${node.bytes} B`];
  add(about, "div", facts.filter(Boolean).join(" · "), "soft");
  const list = (title, items) => {
    if (!items.length) return;
    add(about, "h3", title);
    const ul = add(about, "ul");
    for (const item of items) add(ul, "li", item);
  };
  list("Why", node.reasons);
  list("Takes", picture.edges.filter((edge) => edge.to === node.name).map((edge) => edge.from));
  list("Files", node.files);
  list("Goes to", picture.edges.filter((edge) => edge.from === node.name).map((edge) => edge.to));
  if (node.key) list("Key", [node.key]);
  about.hidden = false;
  const log = await fetch(`log?node=${encodeURIComponent(node.name)}`);
  if (!log.ok) return;
  const told = await log.json();
  add(about, "h3", "Last run");
  add(about, "div", told.result);
  if (told.log) add(about, "pre", told.log);
};

// -- what ran when

const draw = () => {
  const gantt = by("gantt");
  const end = Math.max(last, ...[...bars.values()].map((bar) => bar.end ?? 0), 1);
  const rows = [];
  gantt.replaceChildren();
  for (const [name, bar] of bars) {
    const until = bar.end ?? end;
    let row = rows.findIndex((free) => free <= bar.begin);
    if (row < 0) row = rows.push(0) - 1;
    rows[row] = until;
    const element = add(gantt, "div", name, `bar ${bar.end === undefined ? "open" : bar.state}`);
    element.style.left = `${(bar.begin / end) * 100}%`;
    element.style.width = `${((until - bar.begin) / end) * 100}%`;
    element.style.top = `${row * 18}px`;
    element.title = `${name}: ${((until - bar.begin) / 1000).toFixed(2)} s`;
  }
  gantt.style.height = `${Math.max(rows.length, 1) * 18}px`;
};
let waits = false;
const drawSoon = () => {
  if (waits) return;
  waits = true;
  requestAnimationFrame(() => { waits = false; draw(); });
};

// -- what happens

const say = (light, text) => {
  by("light").className = `light ${light}`;
  by("state").textContent = text;
};
const handle = {
  "began": () => { bars = new Map(); states = new Map(); troubled = false; by("trouble").hidden = true; by("trouble").textContent = ""; say("busy", "building …"); },
  "changed": (event) => say("busy", `changed: ${event.files.slice(0, 3).join(", ")}`),
  "will-run": (event) => { mark(event.node, "running"); bars.set(event.node, { begin: event.at }); say("busy", event.node); },
  "did-run": (event) => { mark(event.node, "ran"); const bar = bars.get(event.node); if (bar) { bar.end = event.at; bar.state = "ran"; } },
  "did-fail": (event) => {
    mark(event.node, "failed");
    const bar = bars.get(event.node);
    if (bar) { bar.end = event.at; bar.state = "failed"; }
    trouble(`${event.node}: ${event.message}${event.help ? `\nhelp: ${event.help}` : ""}`);
  },
  "diagnostic": (event) => trouble(`${event.code ? `${event.code}: ` : ""}${event.message}${event.file ? `\n${event.file}:${event.line}` : ""}${event.help ? `\nhelp: ${event.help}` : ""}`),
  "did-publish": (event) => { if (event.written) version += 1; },
  "finished": (event) => {
    for (const { name, path } of event.outputs) outputs.set(name, path);
    version += 1;
    tabs();
    loadGraph();
    const bad = event.failed > 0 || troubled;
    say(bad ? "bad" : "good", `planned ${event.planned} = ran ${event.ran} + cached ${event.cached}${event.skipped ? ` + skipped ${event.skipped}` : ""}${event.failed ? ` + failed ${event.failed}` : ""}, ${event.seconds} s`);
  },
};
const trouble = (text) => {
  troubled = true;
  by("trouble").hidden = false;
  by("trouble").textContent += (by("trouble").textContent ? "\n\n" : "") + text;
  say("bad", "something is wrong");
};
const events = new EventSource("events");
events.onmessage = (message) => {
  const event = JSON.parse(message.data);
  last = event.at;
  handle[event.event]?.(event);
  drawSoon();
};
events.onerror = () => say("", "the watch has ended, or cannot be reached");
loadGraph();
