// What ran when in which slot, drawn on one canvas however many there are. It knows no film.
import { add, anew, by, color, link, openNode, soon, spell } from "./base.js";

const ROW = 18;
/** Room for the names of slots. */
const GUTTER = 44;
/** Actions that are listed. */
const LISTED = 10;
let bars = [];
const going = new Map();
let rows = [];
let last = 0;
let heard = 0;
let critical = new Set();

/** The time of the build now: what it told last, and what has passed since while something runs. */
const now = () => (going.size ? last + (performance.now() - heard) : last);

export const clear = () => { bars = []; going.clear(); rows = []; last = 0; draw(); };
export const tick = (at) => { last = at; heard = performance.now(); };
export const begin = (name, at) => {
  let row = rows.indexOf(null);
  if (row < 0) row = rows.push(null) - 1;
  const bar = { name, begin: at, end: null, row, state: "open" };
  rows[row] = bar;
  bars.push(bar);
  going.set(name, bar);
  draw();
};
export const end = (name, at, state) => {
  const bar = going.get(name);
  if (!bar) return;
  going.delete(name);
  rows[bar.row] = null;
  bar.end = at;
  bar.state = state;
  draw();
};

/** The nodes that take longest one after the other. */
export const path = (names, seconds) => {
  critical = new Set(names);
  by("critical").hidden = !names.length;
  by("critical").replaceChildren();
  add(by("critical"), "span", `Critical path, ${spell(seconds)}: `);
  for (const name of names) link(by("critical"), name);
  draw();
};

/** The same in words: what took longest, to be gone through by keys. */
const slowest = (until) => {
  const took = (bar) => (bar.end ?? until) - bar.begin;
  const first = [...bars].sort((one, other) => took(other) - took(one)).slice(0, LISTED);
  const told = first.map((bar) => `${bar.name} ${bar.state} ${bar.end ?? ""}`).join("\n");
  if (by("slowest").dataset.told === told) return;
  by("slowest").dataset.told = told;
  const all = document.createDocumentFragment();
  for (const bar of first) {
    const item = add(all, "li");
    link(item, bar.name);
    add(item, "span", bar.end === null ? " is running" : ` ${spell(took(bar) / 1000)}`, "soft");
  }
  anew(by("slowest"), all);
};

const draw = soon(() => {
  const canvas = by("gantt");
  const [width, height] = [by("chart").clientWidth - 2, Math.max(rows.length, 1) * ROW + 6];
  const scale = devicePixelRatio;
  canvas.style.height = `${height}px`;
  [canvas.width, canvas.height] = [width * scale, height * scale];
  const paper = canvas.getContext("2d");
  paper.scale(scale, scale);
  paper.font = "10px system-ui, sans-serif";
  paper.textBaseline = "middle";
  const colors = { ran: color("--good"), failed: color("--bad"), lost: color("--bad"), open: color("--busy") };
  const [ink, edge] = [color("--paper"), color("--ink")];
  const until = Math.max(now(), 1);
  const room = width - GUTTER;
  paper.fillStyle = color("--soft");
  rows.forEach((_, row) => paper.fillText(`slot ${row + 1}`, 0, row * ROW + 4 + (ROW - 4) / 2));
  for (const bar of bars) {
    const x = GUTTER + (bar.begin / until) * room;
    const wide = Math.max((((bar.end ?? until) - bar.begin) / until) * room, 1.5);
    const y = bar.row * ROW + 4;
    paper.fillStyle = colors[bar.state];
    paper.fillRect(x, y, wide, ROW - 4);
    if (critical.has(bar.name)) {
      paper.strokeStyle = edge;
      paper.lineWidth = 1.5;
      paper.strokeRect(x + 0.75, y + 0.75, Math.max(wide - 1.5, 0.5), ROW - 5.5);
    }
    if (wide > 36) {
      paper.save();
      paper.beginPath();
      paper.rect(x, y, wide - 4, ROW);
      paper.clip();
      paper.fillStyle = ink;
      paper.fillText(bar.name, x + 5, y + (ROW - 4) / 2);
      paper.restore();
    }
  }
  const longest = bars.reduce((most, bar) => ((bar.end ?? until) - bar.begin > (most ? (most.end ?? until) - most.begin : -1) ? bar : most), null);
  canvas.setAttribute("aria-label", longest
    ? `${bars.length} ${bars.length === 1 ? "action" : "actions"} in ${spell(until / 1000)}; the longest was ${longest.name}, ${spell(((longest.end ?? until) - longest.begin) / 1000)}`
    : "nothing had to run");
  slowest(until);
  if (!longest) {
    paper.fillStyle = color("--soft");
    paper.fillText("nothing had to run", 8, ROW / 2 + 3);
  }
  // While something runs its bar grows.
  if (going.size) setTimeout(draw, 100);
});

const under = (event) => {
  const box = by("gantt").getBoundingClientRect();
  const [row, room] = [Math.floor((event.clientY - box.top - 4) / ROW), box.width - GUTTER];
  const time = ((event.clientX - box.left - GUTTER) / room) * Math.max(now(), 1);
  const slack = (2 / room) * Math.max(now(), 1);
  return bars.find((bar) => bar.row === row && bar.begin - slack <= time && time <= (bar.end ?? Infinity) + slack);
};
by("gantt").addEventListener("mousemove", (event) => {
  const bar = under(event);
  by("gantt").title = bar ? `slot ${bar.row + 1}: ${bar.name}, ${spell(((bar.end ?? now()) - bar.begin) / 1000)}` : "";
});
by("gantt").addEventListener("click", (event) => {
  const bar = under(event);
  if (bar) openNode(bar.name);
});
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
draw();
