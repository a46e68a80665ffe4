// ------------------------------------------------------------ the tree as one moves in it

class Tree extends Drawing {
  constructor(host, tall) {
    super();
    this.shape = N + M > 90 ? "radial" : "rows";
    this.tall = tall;
    this.colour = "own"; this.size = "clade"; this.show = "all"; this.folded = new Set();
    this.canvas = h("canvas", { tabindex: 0, role: "img", class: tall ? "tall" : "", "aria-label":
      `The tree of ${count(N, "agent")} and ${count(M, "failed child")}. Arrow keys go to parents, children and ` +
      "siblings, Enter opens, f folds, plus and minus zoom, 0 shows all. The table of agents says the same." });
    this.tip = h("div", { class: "tip", hidden: true });
    this.live = h("div", { class: "unseen", "aria-live": "polite" });
    this.legend = h("div", { class: "legend" });
    host.append(this.controls(), h("div", { class: "stage" }, this.canvas, this.tip), this.legend, this.live);
    this.listen();
    this.chosen = -1; this.hover = -1;
    this.arrange();
    new ResizeObserver(() => this.resize()).observe(this.canvas);
  }
  controls() {
    const choice = (label, key, options, then) => h("label", {}, label + " ", h("select", {
      onchange: (e) => { this[key] = e.target.value; then.call(this); },
    }, options.map(([value, text]) => h("option", { value, selected: this[key] === value }, text))));
    const button = (text, title, then) => h("button", { type: "button", title, "aria-label": title, onclick: then },
        text);
    const steps = [30, 100, 300, 1000].filter((n) => n < N);
    return h("div", { class: "controls" },
      choice("Layout", "shape", [["radial", "rings"], ["rows", "rows"], ["time", "score over time"]], this.arrange),
      choice("Colour", "colour", [["own", "own score"], ["clade", "clade metaproductivity"]], this.draw),
      choice("Size", "size", [["clade", "clade metaproductivity"], ["tried", "evaluations"], ["usd", "cost"], ["same",
          "alike"]], this.draw),
      choice("Show", "show", [["all", "all"], ["born", "no failed children"],
        ...steps.map((n) => [String(n), `strongest ${n}`])], this.arrange),
      h("span", { class: "buttons" }, button("+", "zoom in", () => this.zoom(1.5)), button("−", "zoom out",
          () => this.zoom(1 / 1.5)),
        button("★", "go to the best agent", () => this.toBest()), button("all", "show all",
            () => { this.folded.clear(); this.arrange(); })));
  }
  toBest() {
    if (D.best < 0 || !this.keep[D.best]) return;
    this.chosen = D.best;
    this.k = Math.max(this.k, 1);
    this.dx += this.width / 2 - (this.shape === "rows" ? this.px(D.best) + 200 : this.px(D.best));
    this.dy += this.height / 2 - this.py(D.best);
    this.draw();
  }
  resize() {
    const box = this.canvas.getBoundingClientRect(), ratio = Math.min(devicePixelRatio || 1, 2);
    if (box.width < 100 || box.height < 100) return;
    this.width = box.width; this.height = box.height;
    this.canvas.width = box.width * ratio; this.canvas.height = box.height * ratio;
    this.ratio = ratio;
    if (N) this.fit();
    this.paint(); // in the same frame, since to set its size has emptied the canvas
  }
  zoom(by, x = this.width / 2, y = this.height / 2) {
    const k = Math.max(0.02, Math.min(12, this.k * by)); by = k / this.k;
    this.dx = x - (x - this.dx) * by; this.dy = y - (y - this.dy) * by; this.k = k;
    this.draw();
  }
  nearest(x, y) {
    let found = -1, best = 14;
    for (const i of this.order) {
      if (this.shape === "rows" && x > this.px(i) && Math.abs(this.py(i) - y) < (isFailed(i) ? 7
          : 10) * this.k) return i;
      const far = Math.hypot(this.px(i) - x, this.py(i) - y) - this.radius(i);
      if (far < best) { best = far; found = i; }
    }
    return found;
  }
  point(i, x, y) {
    if (i !== this.hover) {
      this.hover = i; this.draw();
      this.canvas.style.cursor = i < 0 ? "grab" : "pointer";
      this.tip.hidden = i < 0;
      if (i >= 0) this.tip.replaceChildren(...tip(i));
    }
    if (i < 0) return;
    this.tip.style.left = Math.max(0, Math.min(x + 14, this.width - 330)) + "px";
    this.tip.style.top = (y > this.height / 2 ? Math.max(0, y - this.tip.offsetHeight - 14) : y + 14) + "px";
  }
  listen() {
    const at = (e) => { const box = this.canvas.getBoundingClientRect(); return [e.clientX - box.left,
        e.clientY - box.top]; };
    let from = null, moved = false;
    const on = (kind, then, options) => this.canvas.addEventListener(kind, then, options);
    on("pointerdown", (e) => { from = at(e); moved = false; });
    on("pointermove", (e) => {
      const [x, y] = at(e);
      if (!from || !e.buttons) return this.point(this.nearest(x, y), x, y);
      if (!moved && Math.hypot(x - from[0], y - from[1]) < 4) return;
      if (!moved) { moved = true; this.canvas.setPointerCapture(e.pointerId); this.point(-1); }
      this.dx += x - from[0]; this.dy += y - from[1]; from = [x, y]; this.draw();
    });
    on("pointerup", (e) => { const i = this.nearest(...at(e)); if (from && !moved && i >= 0) location.hash = where(i);
        from = null; });
    on("pointerleave", () => this.point(-1));
    on("wheel", (e) => {
      if (!e.ctrlKey && document.activeElement !== this.canvas) return;
      e.preventDefault();
      if (this.shape === "rows" && !e.ctrlKey) { this.dy -= e.deltaY; this.dx -= e.deltaX; this.draw(); return; }
      this.zoom(Math.exp(-e.deltaY / (e.ctrlKey ? 100 : 400)), ...at(e));
    }, { passive: false });
    on("keydown", (e) => this.key(e));
  }
  key(e) {
    const i = this.chosen < 0 ? Math.max(D.best, 0) : this.chosen;
    const kin = (list, by) => list[(list.indexOf(i) + by + list.length) % list.length];
    const shown = (list) => list.filter((j) => this.keep[j]);
    const siblings = shown(parent[i] < 0 ? this.order.filter((j) => parent[j] < 0) : children[parent[i]]);
    const to = { ArrowLeft: () => parent[i], ArrowRight: () => shown(children[i])[0] ?? i,
      ArrowDown: () => kin(siblings, 1), ArrowUp: () => kin(siblings, -1) }[e.key];
    if (to && N) {
      this.chosen = this.chosen < 0 ? i : Math.max(to(), 0);
      const x = this.px(this.chosen), y = this.py(this.chosen);
      if (x < 20 || x > this.width - 20) this.dx += this.width / 2 - x;
      if (y < 20 || y > this.height - 20) this.dy += this.height / 2 - y;
      this.point(this.chosen, this.px(this.chosen), this.py(this.chosen));
      this.live.textContent = this.tip.textContent;
    } else if (e.key === "Enter" && this.chosen >= 0) location.hash = where(this.chosen);
    else if (e.key === "f" && !isFailed(i)) {
      if (!this.folded.delete(i)) this.folded.add(i);
      const [k, dx, dy] = [this.k, this.dx, this.dy]; this.arrange(); Object.assign(this, { k, dx, dy });
    } else if (e.key === "+") this.zoom(1.3);
    else if (e.key === "-") this.zoom(1 / 1.3);
    else if (e.key === "0") this.fit();
    else if (e.key !== "Escape") return;
    if (e.key === "Escape") this.point(-1);
    e.preventDefault(); this.draw();
  }
}
function tip(i) {
  const head = h("b", { class: "hash" }, name(i), i === D.best ? " ★ best" : parent[i] < 0 ? " seed" : "");
  if (isFailed(i)) return [head, h("p", {}, "child of ", short(parent[i])), said(words(i), "p")];
  return [head, said(words(i), "p"), h("p", {}, "own: ", tallyWords(A.own[i])), h("p", {}, "clade: ",
      tallyWords(A.clade[i])),
    h("p", { class: "dim" }, `depth ${depth[i]}, ${count(children[i].length, "child")}, ${money(A.usd[i])}`)];
}
