// Outputs: shows the newest one at the moment that was seen, and says which moment that is. It knows no node.
import { add, by } from "./base.js";

const outputs = new Map();
const versions = new Map();
let shown = null;
let shownVersion = -1;
let element = null;
const listeners = { moment: [], shown: [] };

const isFilm = (path) => /\.(mp4|mov|m4v|webm)$/i.test(path);
const isSound = (path) => /\.(m4a|wav|flac|mp3|ogg|opus)$/i.test(path);
const isPicture = (path) => /\.(png|jpe?g|gif|webp)$/i.test(path);
const isText = (path) => /\.(txt|srt|vtt|ass|json|csv|md|m3u8)$/i.test(path);
/** The beginning of a text that is shown. */
const SHOWN_BYTES = 32 << 10;

export const address = (name) => `output?name=${encodeURIComponent(name)}&v=${versions.get(name) ?? 0}`;
export const onMoment = (heard) => listeners.moment.push(heard);
/** Calls `heard` with the name of a film that is shown from now on, or with nothing. */
export const onShown = (heard) => listeners.shown.push(heard);

const isPlayer = () => element?.tagName === "VIDEO" || element?.tagName === "AUDIO";
const tellMoment = () => {
  if (isPlayer()) for (const heard of listeners.moment) heard(element.currentTime);
};

/** Goes to a moment, in seconds. */
export const seek = (seconds) => {
  if (!isPlayer()) return;
  element.currentTime = Math.max(0, seconds);
  for (const heard of listeners.moment) heard(element.currentTime);
};

const player = (stage, tag) => {
  element = add(stage, tag);
  element.controls = true;
  element.preload = "auto";
  element.playsInline = true;
  for (const event of ["timeupdate", "seeked", "loadedmetadata"]) element.addEventListener(event, tellMoment);
};

export const show = async (name) => {
  const path = outputs.get(name);
  if (path === undefined) return;
  const version = versions.get(name) ?? 0;
  for (const tab of by("tabs").children) tab.setAttribute("aria-pressed", String(tab.textContent === name));
  if (shown === name && shownVersion === version) return;
  const same = shown === name;
  [shown, shownVersion] = [name, version];
  if (!same) {
    by("stage").replaceChildren();
    if (isFilm(path)) player(by("stage"), "video");
    else if (isSound(path)) player(by("stage"), "audio");
    else if (isPicture(path)) element = add(by("stage"), "img");
    else if (isText(path)) element = add(by("stage"), "pre");
    else element = add(by("stage"), "p", `Browsers do not show such a file: ${path}`, "soft");
  }
  if (isPicture(path)) {
    element.alt = name;
    element.src = address(name);
  } else if (isPlayer()) {
    // The newest film at the moment that was seen.
    const at = same ? element.currentTime : 0;
    const playing = same && !element.paused;
    const player = element;
    player.addEventListener("loadedmetadata", () => {
      player.currentTime = Math.min(at, Math.max(0, player.duration - 0.05));
      if (playing) player.play().catch(() => {});
    }, { once: true });
    player.src = address(name);
  } else if (isText(path)) {
    const answer = await fetch(address(name), { headers: { Range: `bytes=0-${SHOWN_BYTES - 1}` } });
    const whole = Number(answer.headers.get("Content-Range")?.split("/")[1] ?? 0) <= SHOWN_BYTES;
    if (answer.ok && shown === name) element.textContent = (await answer.text()) + (whole ? "" : "…");
  }
  for (const heard of listeners.shown) heard(isFilm(path) ? name : null, version);
};

/** An output stands at its place; `written` if it is another than before. */
export const published = (name, path, written) => {
  if (written) versions.set(name, (versions.get(name) ?? 0) + 1);
  const isNew = !outputs.has(name);
  outputs.set(name, path);
  if (!isNew) return;
  const tab = add(by("tabs"), "button", name);
  tab.setAttribute("aria-pressed", "false");
  tab.addEventListener("click", () => show(name));
};

/** Outputs that have these names, and no others, are there. */
export const only = (names) => {
  for (const tab of [...by("tabs").children]) {
    if (names.includes(tab.textContent)) continue;
    outputs.delete(tab.textContent);
    tab.remove();
  }
};

/** All outputs are there: the one that was shown stays, and is the newest. */
export const settle = () => {
  const first = [...outputs].find(([, path]) => isFilm(path)) ?? [...outputs][0];
  const name = outputs.has(shown) ? shown : first?.[0];
  by("tabs").hidden = outputs.size < 2;
  if (name !== undefined) show(name);
};
