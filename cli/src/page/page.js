// Shows what a build tells while it does. It asks nobody but the server that it came from.
import { by, forget, mark, spell } from "./base.js";
import { only, published, settle } from "./film.js";
import * as gantt from "./gantt.js";
import { loadGraph } from "./nodes.js";
import "./timeline.js";

let troubled = false;
let asks = false;

const rest = (time) => new Promise((done) => setTimeout(done, time));
const say = (light, text) => {
  by("light").className = `light ${light}`;
  by("state").textContent = text;
};
const trouble = (text) => {
  troubled = true;
  by("trouble").hidden = false;
  by("trouble").textContent += (by("trouble").textContent ? "\n\n" : "") + text;
  say("bad", "something is wrong");
};
const over = (event) => {
  const parts = [`ran ${event.ran}`, `cached ${event.cached}`];
  if (event.skipped) parts.push(`skipped ${event.skipped}`);
  if (event.failed) parts.push(`failed ${event.failed}`);
  say(event.failed > 0 || troubled ? "bad" : "good", `planned ${event.planned} = ${parts.join(" + ")}, ${spell(event.seconds)}`);
};
/** Nodes that came to be in the run are asked for, and most of the time nothing is asked. */
const more = async () => {
  if (asks) return;
  asks = true;
  await rest(300);
  const begin = performance.now();
  await loadGraph();
  await rest(4 * (performance.now() - begin));
  asks = false;
};
const help = (event) => (event.help ? `\nhelp: ${event.help}` : "");

// What an action did does not count, and it runs again.
const lost = (event) => { mark(event.node, "waiting"); gantt.end(event.node, event.at, "lost"); };

const handle = {
  "began": () => {
    gantt.clear();
    forget();
    troubled = false;
    by("trouble").hidden = true;
    by("trouble").textContent = "";
    say("busy", "building …");
  },
  "changed": (event) => say("busy", `changed: ${event.files.slice(0, 3).join(", ")}`),
  "will-run": (event) => { mark(event.node, "running"); gantt.begin(event.node, event.at); say("busy", event.node); },
  "did-run": (event) => { mark(event.node, "ran"); gantt.end(event.node, event.at, "ran"); },
  "did-fail": (event) => {
    mark(event.node, "failed");
    gantt.end(event.node, event.at, "failed");
    trouble(`${event.node}: ${event.message}${event.place ? `\n${event.place}` : ""}${help(event)}`);
  },
  "did-change": lost,
  "did-restart": lost,
  "diagnostic": (event) => {
    const place = event.file ? `\n${event.file}:${event.line}` : "";
    trouble(`${event.code ? `${event.code}: ` : ""}${event.message}${place}${help(event)}`);
  },
  "did-expand": more,
  "did-publish": (event) => published(event.name, event.path, event.written),
  "superseded": over,
  "finished": async (event) => {
    over(event);
    for (const { name, path } of event.outputs) published(name, path, false);
    if (!event.failed && !event.skipped && !event.interrupted) only(event.outputs.map(({ name }) => name));
    // Films are told of with the states of their nodes.
    await loadGraph();
    settle();
  },
};

const events = new EventSource("events");
events.onmessage = (message) => {
  const event = JSON.parse(message.data);
  gantt.tick(event.at);
  handle[event.event]?.(event);
};
events.onerror = () => say("", "the build has ended, or cannot be reached");
loadGraph();
