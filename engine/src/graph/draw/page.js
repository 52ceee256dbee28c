"use strict";
// Moves, scales and searches the picture, and tells of nodes. It knows no server: all it shows is in the page.
(() => {
  const picture = JSON.parse(document.getElementById("data").textContent);
  const view = document.getElementById("view");
  const svg = view.querySelector("svg");
  const about = document.getElementById("about");
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const whole = { w: svg.viewBox.baseVal.width, h: svg.viewBox.baseVal.height };
  const byName = new Map(picture.nodes.map((node, index) => [node.name, index]));
  const drawn = new Map([...svg.querySelectorAll(".node")].map((node) => [Number(node.dataset.node), node]));
  const lines = [...svg.querySelectorAll(".line[data-from]")];
  let box = { x: 0, y: 0, w: whole.w, h: whole.h };
  let chosen = null;

  const show = () => svg.setAttribute("viewBox", `${box.x} ${box.y} ${box.w} ${box.h}`);
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  const fit = () => {
    // Wide enough to read: a picture that is too large is seen from its left upper corner.
    const scale = Math.max(0.45, Math.min(view.clientWidth / whole.w, view.clientHeight / whole.h, 1.25));
    box = { x: 0, y: 0, w: view.clientWidth / scale, h: view.clientHeight / scale };
    show();
  };
  const zoom = (factor, px = view.clientWidth / 2, py = view.clientHeight / 2) => {
    const w = Math.min(Math.max(box.w * factor, 200), Math.max(whole.w, whole.h) * 4);
    const by = w / box.w;
    const at = { x: box.x + (px / view.clientWidth) * box.w, y: box.y + (py / view.clientHeight) * box.h };
    box = { x: at.x - (at.x - box.x) * by, y: at.y - (at.y - box.y) * by, w, h: box.h * by };
    show();
  };

  view.addEventListener("wheel", (event) => {
    event.preventDefault();
    const rect = view.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey || !event.shiftKey && Math.abs(event.deltaY) > Math.abs(event.deltaX)) {
      zoom(Math.exp(event.deltaY * 0.0015), event.clientX - rect.left, event.clientY - rect.top);
    } else {
      box.x += (event.deltaX || event.deltaY) * (box.w / view.clientWidth);
      show();
    }
  }, { passive: false });
  const fingers = new Map();
  let moved = 0;
  view.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event);
    moved = 0;
  });
  view.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const dx = event.clientX - before.clientX;
    const dy = event.clientY - before.clientY;
    moved += Math.abs(dx) + Math.abs(dy);
    if (moved > 4 && !view.classList.contains("moving")) {
      view.classList.add("moving");
      view.setPointerCapture(event.pointerId);
    }
    if (fingers.size === 1) {
      box.x -= dx * (box.w / view.clientWidth);
      box.y -= dy * (box.h / view.clientHeight);
      show();
    } else {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const was = Math.hypot(before.clientX - other.clientX, before.clientY - other.clientY);
      const is = Math.hypot(event.clientX - other.clientX, event.clientY - other.clientY);
      const rect = view.getBoundingClientRect();
      zoom(was / Math.max(is, 1), (event.clientX + other.clientX) / 2 - rect.left, (event.clientY + other.clientY) / 2 - rect.top);
    }
    fingers.set(event.pointerId, event);
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    view.addEventListener(name, (event) => {
      fingers.delete(event.pointerId);
      view.classList.remove("moving");
    });
  }

  const near = (nodes) => {
    const wanted = new Set(nodes);
    svg.classList.toggle("dim", nodes !== null && picture.nodes.length > 1);
    for (const [index, node] of drawn) node.classList.toggle("near", wanted.has(index));
    for (const line of lines) {
      const ends = [Number(line.dataset.from), Number(line.dataset.to)];
      line.classList.toggle("near", chosen !== null ? ends.includes(chosen) : ends.every((end) => wanted.has(end)));
    }
  };
  const inputs = (name) => picture.edges.filter((edge) => edge.to === name);
  const users = (name) => picture.edges.filter((edge) => edge.from === name);

  const add = (parent, tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    parent.append(element);
    return element;
  };
  const spell = (seconds) => seconds < 0.1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
  const size = (bytes) => bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(0)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;
  const list = (title, items, open) => {
    if (!items.length) return;
    add(about, "h3", title);
    const ul = add(about, "ul");
    for (const item of items) {
      const li = add(ul, "li");
      if (open) {
        const button = add(li, "button", item.text);
        button.addEventListener("click", () => choose(byName.get(item.name), true));
      } else {
        li.textContent = item;
      }
    }
  };
  const tell = (node) => {
    about.replaceChildren();
    const close = add(about, "button", "×", "close");
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => choose(null));
    add(about, "h2", node.name);
    add(about, "div", node.kind, "kind");
    const facts = add(about, "dl");
    const fact = (name, value) => {
      if (value === null || value === undefined || value === "") return;
      add(facts, "dt", name);
      add(facts, "dd", value);
    };
    fact("state", node.state);
    fact("since", node.change);
    fact("took", node.seconds === null ? null : spell(node.seconds));
    fact("result", node.bytes === null ? null : size(node.bytes));
    fact("last build", node.came);
    fact("key", node.key ? node.key.slice(0, 16) + "…" : null);
    fact("made by", node.maker);
    fact("path", picture["critical-path"].includes(node.name) ? "critical" : null);
    list("Why", node.reasons);
    const edge = (name) => (edge) => ({ name: edge[name], text: edge.port ? `${edge[name]}  (${edge.port})` : edge[name] });
    list("Takes", inputs(node.name).map(edge("from")), true);
    list("Files", node.files);
    list("Goes to", users(node.name).map(edge("to")), true);
    about.hidden = false;
  };
  const centre = (index) => {
    const at = drawn.get(index).transform.baseVal.getItem(0).matrix;
    box.x = at.e + 84 - box.w / 2;
    box.y = at.f + 20 - box.h / 2;
    show();
  };
  const choose = (index, go = false) => {
    if (chosen !== null) drawn.get(chosen)?.classList.remove("chosen");
    chosen = index === undefined ? null : index;
    if (chosen === null) {
      about.hidden = true;
      near(null);
      return;
    }
    const node = picture.nodes[chosen];
    drawn.get(chosen).classList.add("chosen");
    near([chosen, ...inputs(node.name).map((edge) => byName.get(edge.from)), ...users(node.name).map((edge) => byName.get(edge.to))]);
    tell(node);
    if (go) centre(chosen);
  };
  for (const [index, node] of drawn) {
    const { name, kind, state } = picture.nodes[index];
    node.setAttribute("tabindex", "0");
    node.setAttribute("role", "button");
    node.setAttribute("aria-label", [name, kind, state].filter(Boolean).join(", "));
    node.addEventListener("click", () => { if (moved <= 4) choose(index); });
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        choose(index);
      }
    });
  }
  svg.addEventListener("click", (event) => {
    if (moved <= 4 && !event.target.closest(".node")) choose(null);
  });

  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    choose(null);
    if (!words.length) {
      found.textContent = "";
      return;
    }
    const text = (node) => [node.name, node.kind, node.state, node.change, ...node.files].join(" ").toLowerCase();
    const hits = picture.nodes.flatMap((node, index) => words.every((word) => text(node).includes(word)) ? [index] : []);
    near(hits);
    found.textContent = `${hits.length} of ${picture.nodes.length}`;
    if (hits.length) centre(hits[0]);
  });
  search.addEventListener("keydown", (event) => {
    const first = picture.nodes.findIndex((node, index) => drawn.get(index).classList.contains("near"));
    if (event.key === "Enter" && first >= 0) choose(first, true);
  });
  document.getElementById("in").addEventListener("click", () => zoom(0.75));
  document.getElementById("out").addEventListener("click", () => zoom(1 / 0.75));
  document.getElementById("fit").addEventListener("click", fit);
  document.addEventListener("keydown", (event) => {
    if (event.target === search) {
      if (event.key === "Escape") { search.value = ""; search.dispatchEvent(new Event("input")); search.blur(); }
      return;
    }
    const step = box.w / 12;
    const keys = {
      "/": () => search.focus(), "+": () => zoom(0.75), "-": () => zoom(1 / 0.75), "0": fit, "Escape": () => choose(null),
      "ArrowLeft": () => { box.x -= step; show(); }, "ArrowRight": () => { box.x += step; show(); },
      "ArrowUp": () => { box.y -= step; show(); }, "ArrowDown": () => { box.y += step; show(); },
    };
    if (keys[event.key] && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  window.addEventListener("resize", fit);
  fit();
})();
