// The film as a line: scenes with pictures, captions, sound, segments; and what is behind the moment that is seen.
import { add, anew, by, clock, color, link, nodeOf, onState, openNode, soon, stateOf } from "./base.js";
import { address, onMoment, onShown, seek } from "./film.js";

const NARROWEST = 68;
const MOST_PICTURES = 240;
/** How high pictures of scenes are. */
const PICTURE = 54;
const LARGEST_SOUND = 48 << 20;
const WORDS = { "scene": "scene", "sentence": "said", "caption": "caption", "picture": "picture", "outgoing": "going out", "layer": "layer",
  "transition": "transition", "segment": "segment", "clip-sound": "clip sound", "effect": "effect", "music": "music", "mix": "sound", "film": "film" };

let film = null;
let load = 0;
let told = "";
let at = 0;
let wave = null;
/** Small pictures, by scene. */
const taken = new Map();
let loud = { key: null, peaks: null };

const rate = () => film.fps[0] / film.fps[1];
const length = () => film.frames / rate();
const of = (role) => film.there.filter((it) => it.role === role);
const place = (element, it) => {
  element.style.left = `${(it.from / film.frames) * 100}%`;
  element.style.width = `${((it.to - it.from) / film.frames) * 100}%`;
};

// -- the tracks

const draw = () => {
  by("line").hidden = false;
  by("moment").hidden = false;
  const scenes = of("scene");
  const wide = Math.min(scenes.length * NARROWEST, 30000);
  by("tracks").style.width = wide > by("scroll").clientWidth ? `${wide}px` : "100%";
  by("seek").max = film.frames - 1;
  const each = (id, items, make) => {
    const all = document.createDocumentFragment();
    for (const it of items) place(make(all, it), it);
    anew(by(id), all);
  };
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((step) => (length() / step) * 60 < by("tracks").clientWidth) ?? 1200;
  const marks = Array.from({ length: Math.floor(length() / step) + 1 }, (_, n) => ({ from: n * step * rate(), to: n * step * rate() }));
  each("ruler", marks, (all, it) => add(all, "span", clock(it.from / rate()).replace(/\.0$/, "")));
  each("scenes", scenes, (all, it) => {
    const button = add(all, "button");
    button.dataset.scene = it.text;
    add(button, "canvas").setAttribute("aria-hidden", "true");
    add(button, "span", it.text);
    button.title = `${it.text}, ${clock(it.from / rate())} to ${clock(it.to / rate())}`;
    button.setAttribute("aria-label", `scene ${it.text}, at ${clock(it.from / rate())}`);
    button.addEventListener("click", (event) => { event.stopPropagation(); seek(it.from / rate() + 0.001); });
    return button;
  });
  // Pictures of the film before stay until the new ones are there.
  for (const button of by("scenes").children) paintScene(button);
  const captions = of("caption");
  each("captions", captions.length ? captions : of("sentence"), (all, it) => {
    const span = add(all, "span", it.text);
    span.title = it.text;
    return span;
  });
  each("segments", of("segment"), (all, it) => {
    const name = it.nodes[0];
    const button = add(all, "button", undefined, stateOf(name));
    button.title = `${name}, ${it.text}`;
    button.setAttribute("aria-label", `segment ${name}`);
    button.dataset.segment = name;
    button.tabIndex = -1;
    button.addEventListener("click", (event) => { event.stopPropagation(); openNode(name, button); });
    return button;
  });
};
onState((name) => {
  const which = name === undefined ? "[data-segment]" : `[data-segment="${CSS.escape(name)}"]`;
  for (const segment of by("segments").querySelectorAll(which)) segment.className = stateOf(segment.dataset.segment);
});
by("tracks").addEventListener("click", (event) => {
  if (!film) return;
  const box = by("tracks").getBoundingClientRect();
  seek(((event.clientX - box.left) / box.width) * length());
});
by("seek").addEventListener("input", () => seek(by("seek").valueAsNumber / rate() + 0.001));

// -- pictures of scenes, taken from the film by a second player that nobody sees

const picture = (source, moment) => new Promise((done) => {
  const finish = (there) => { clearTimeout(limit); source.onseeked = null; source.onerror = null; done(there); };
  const limit = setTimeout(() => finish(false), 4000);
  source.onseeked = () => finish(true);
  source.onerror = () => finish(false);
  source.currentTime = moment;
});
/** Draws the picture of a scene, whole, as many times side by side as there is room. */
const paintScene = (button) => {
  const [canvas, shown] = [button.firstElementChild, taken.get(button.dataset.scene)];
  if (!shown) return;
  [canvas.width, canvas.height] = [Math.max(1, canvas.clientWidth * 2), PICTURE * 2];
  const paper = canvas.getContext("2d");
  const count = Math.max(1, Math.floor(canvas.width / shown.width));
  const each = canvas.width / count;
  const scale = Math.min(1, each / shown.width);
  const [wide, high] = [shown.width * scale, shown.height * scale];
  for (let n = 0; n < count; n += 1) paper.drawImage(shown, n * each + (each - wide) / 2, (canvas.height - high) / 2, wide, high);
  button.dataset.drawn = "yes";
};
const pictures = async (name, mine) => {
  const source = document.createElement("video");
  source.muted = true;
  source.preload = "auto";
  const there = await new Promise((done) => {
    source.onloadeddata = () => done(true);
    source.onerror = () => done(false);
    source.src = address(name);
  });
  for (const it of of("scene").slice(0, MOST_PICTURES)) {
    if (!there || mine !== load) break;
    const middle = Math.min((it.from + it.to) / 2, it.from + 2 * rate());
    if (!(await picture(source, middle / rate())) || mine !== load) continue;
    const small = document.createElement("canvas");
    [small.width, small.height] = [Math.max(1, Math.round((source.videoWidth / source.videoHeight) * PICTURE * 2)), PICTURE * 2];
    small.getContext("2d").drawImage(source, 0, 0, small.width, small.height);
    taken.set(it.text, small);
    const button = by("scenes").querySelector(`[data-scene="${CSS.escape(it.text)}"]`);
    if (button) paintScene(button);
  }
  source.removeAttribute("src");
  source.load();
};

// -- the sound, as loud as it is

const listen = async (mine) => {
  const name = of("mix")[0]?.nodes[0];
  const node = name && nodeOf(name);
  by("wave").hidden = !name;
  if (!name) return;
  if (!node?.key || loud.key !== node.key) {
    const answer = await fetch(`artifact?node=${encodeURIComponent(name)}&port=audio`);
    if (!answer.ok || Number(answer.headers.get("Content-Length")) > LARGEST_SOUND) {
      answer.body?.cancel();
      by("wave").hidden = true;
      return;
    }
    try {
      const ear = new OfflineAudioContext(1, 1, 8000);
      const heard = await ear.decodeAudioData(await answer.arrayBuffer());
      const [sound, count] = [heard.getChannelData(0), 4000];
      const peaks = new Float32Array(count);
      for (let n = 0; n < sound.length; n += 1) {
        const column = Math.floor((n / sound.length) * count);
        const loudness = Math.abs(sound[n]);
        if (loudness > peaks[column]) peaks[column] = loudness;
      }
      loud = { key: node?.key, peaks };
    } catch {
      // What this browser cannot decode is not drawn.
      by("wave").hidden = true;
      return;
    }
  }
  if (mine !== load) return;
  wave = loud.peaks;
  paint();
};
const paint = soon(() => {
  if (!wave) return;
  const canvas = by("wave");
  canvas.width = Math.min(canvas.clientWidth * devicePixelRatio, 8000);
  canvas.height = 48 * devicePixelRatio;
  const paper = canvas.getContext("2d");
  paper.fillStyle = color("--wave");
  // The loudest is as high as there is room; what is all but silent stays low.
  const top = wave.reduce((most, peak) => Math.max(most, peak), 0.1);
  for (let x = 0; x < canvas.width; x += 1) {
    const first = Math.floor((x / canvas.width) * wave.length);
    const last = Math.max(first + 1, Math.floor(((x + 1) / canvas.width) * wave.length));
    let most = 0;
    for (let n = first; n < last; n += 1) most = Math.max(most, wave[n]);
    const height = Math.max(1, (most / top) * canvas.height * 0.94);
    paper.fillRect(x, (canvas.height - height) / 2, 1, height);
  }
  canvas.dataset.drawn = "yes";
});

// -- what is behind the moment

const show = () => {
  if (!film) return;
  const frame = Math.min(Math.floor(at * rate() + 1e-4), film.frames - 1);
  const here = film.there.filter((it) => it.from <= frame && frame < it.to);
  by("head").style.left = `${(frame / film.frames) * 100}%`;
  by("at").textContent = `${clock(at)} of ${clock(length())}`;
  const scene = here.find((it) => it.role === "scene");
  by("seek").value = frame;
  by("seek").setAttribute("aria-valuetext", `${clock(at)}${scene ? `, scene ${scene.text}` : ""}`);
  const list = here.map((it) => `${it.role} ${it.text} ${it.nodes}`).join("\n");
  if (list === told) return;
  told = list;
  of("scene").forEach((it, index) => by("scenes").children[index]?.classList.toggle("here", it === scene));
  const all = document.createDocumentFragment();
  for (const it of here) {
    const thing = add(all, "div", undefined, "thing");
    thing.dataset.role = it.role;
    add(thing, "span", WORDS[it.role] ?? it.role, "role");
    add(thing, "span", it.text, "text");
    const nodes = add(thing, "span", undefined, "nodes");
    for (const name of it.nodes) link(nodes, name);
  }
  anew(by("behind"), all);
};
onMoment((seconds) => { at = seconds; show(); });

/** What is where in a film is asked for anew: it is another, or its nodes stand in another way. */
const begin = async (name) => {
  const mine = ++load;
  const answer = name === null ? null : await fetch(`film?name=${encodeURIComponent(name)}`);
  const found = answer?.ok ? await answer.json() : null;
  if (mine !== load) return;
  film = found;
  by("line").hidden = !film;
  by("moment").hidden = !film;
  if (!film) return;
  told = "";
  wave = null;
  draw();
  show();
  listen(mine);
  pictures(name, mine);
};
onShown(begin);
addEventListener("resize", soon(() => { if (film) { draw(); paint(); told = ""; show(); } }));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paint());
