"use strict";
// Draws the report from its data. Text reaches the page through textContent and nothing else.

const D = JSON.parse(document.getElementById("data").textContent);
const A = D.agents, F = D.failed, C = D.curve, N = (A.id || []).length, M = F.job.length;

// ------------------------------------------------------------ elements, words

function h(name, props, ...children) {
  const svg = /^(svg|path|g|line|text|rect|circle|polygon)$/.test(name);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(props || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "style") Object.assign(node.style, value);
    else if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(typeof child === "object" ? child : document.createTextNode(String(child)));
  }
  return node;
}
const link = (where, ...what) => h("a", { href: "#" + where }, what);
const said = (text, name = "span", more = "") => h(name, { class: "said " + more, dir: "auto" }, text);
const short = (i) => A.id[i].slice(0, 8);
const agentWhere = (i) => "/agent/" + A.id[i];
const agentLink = (i) => h("a", { href: "#" + agentWhere(i), class: "hash" }, short(i), i === D.best ? " ★" : "");
const count = (n, word) => n.toLocaleString("en") + " " + (n === 1 ? word : word.replace(/y$/, "ie") + "s");
const pct = (x) => (100 * x).toFixed(0) + " %";
const money = (usd) => (usd >= 1000 ? "$" + Math.round(usd).toLocaleString("en") : usd >= 0.1 || usd === 0 ? "$" + usd.toFixed(2) : "$" + usd.toFixed(4));
const many = (n) => (n >= 1e6 ? (n / 1e6).toFixed(1) + " M" : n >= 1e4 ? (n / 1e3).toFixed(0) + " k" : String(n));
function span(s) {
  if (s < 100) return s.toFixed(s < 10 ? 1 : 0) + " s";
  if (s < 6000) return (s / 60).toFixed(0) + " min";
  return s < 360000 ? (s / 3600).toFixed(1) + " h" : (s / 86400).toFixed(1) + " days";
}
const rate = (t) => (t[0] + t[1] ? t[0] / (t[0] + t[1]) : null);
const mean = (t) => (1 + t[0]) / (2 + t[0] + t[1]);
const tried = (t) => t[0] + t[1];
function tallyWords(t) {
  if (!tried(t)) return "not evaluated yet";
  return `${t[0]} of ${tried(t)} solved (${pct(rate(t))}, 90 % interval ${pct(t[2])} to ${pct(t[3])})`;
}
function bar(t) {
  // The interval as a band, what was measured as a mark, on a line from 0 to 100 %.
  if (!tried(t)) return h("span", { class: "bar none", "aria-hidden": "true" });
  const band = h("i", { style: { left: 100 * t[2] + "%", width: 100 * (t[3] - t[2]) + "%" } });
  const mark = h("b", { style: { left: 100 * rate(t) + "%" } });
  return h("span", { class: "bar", title: tallyWords(t), "aria-hidden": "true" }, band, mark);
}
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
async function block(kind, n) {
  const text = document.getElementById(kind + Math.floor(n / D.block)).textContent;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text())[n % D.block];
}

// ------------------------------------------------------------ the tree as numbers: 0..N-1 agents, N.. failed children

const parent = Int32Array.from([...(A.parent || []), ...F.parent]);
const children = Array.from({ length: N + M }, () => []);
parent.forEach((p, i) => { if (p >= 0) children[p].push(i); });
const depth = new Int32Array(N + M);
parent.forEach((p, i) => { depth[i] = p < 0 ? 0 : depth[p] + 1; });
const onPath = new Set();
for (let i = D.best; i >= 0; i = parent[i]) onPath.add(i);
const lineage = (i) => { const up = []; for (; i >= 0; i = parent[i]) up.unshift(i); return up; };
const isFailed = (i) => i >= N;
const where = (i) => (isFailed(i) ? "/failed/" + F.job[i - N] : agentWhere(i));
const name = (i) => (isFailed(i) ? "failed child, job " + F.job[i - N] : short(i));
const words = (i) => (isFailed(i) ? F.reason[i - N] : A.summary[i] || (parent[i] < 0 ? "seed" : ""));
function domain(column) {
  // Between the worst and best twentieth, in steps of 5 points, so that the colours tell most agents apart.
  const known = (column || []).filter((t) => tried(t) > 2).map(mean).sort((a, b) => a - b);
  if (!known.length) return [0, 1];
  const at = (part) => known[Math.round(part * (known.length - 1))];
  const low = Math.floor(20 * at(0.05)) / 20, high = Math.ceil(20 * at(0.95)) / 20;
  return high - low < 0.1 ? [Math.max(0, low - 0.1), Math.min(1, high + 0.1)] : [low, high];
}
const DOMAIN = { own: domain(A.own), clade: domain(A.clade) };
const most = (list, of, least) => list.reduce((high, one) => Math.max(high, of(one)), least);
const scaled = (x, [low, high]) => Math.max(0, Math.min(1, (x - low) / (high - low)));

class Tree {
  constructor(host, tall) {
    this.shape = N + M > 90 ? "radial" : "rows";
    this.tall = tall;
    this.colour = "own"; this.size = "clade"; this.show = "all"; this.folded = new Set();
    this.canvas = h("canvas", { tabindex: 0, role: "img", class: tall ? "tall" : "", "aria-label":
      `The tree of ${count(N, "agent")} and ${count(M, "failed child").replace("childs", "children")}. Arrow keys go to ` +
      "parents, children and siblings, Enter opens, f folds, plus and minus zoom, 0 shows all. The table of agents says the same." });
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
    const button = (text, title, then) => h("button", { type: "button", title, "aria-label": title, onclick: then }, text);
    const steps = [30, 100, 300, 1000].filter((n) => n < N);
    return h("div", { class: "controls" },
      choice("Layout", "shape", [["radial", "rings"], ["rows", "rows"], ["time", "score over time"]], this.arrange),
      choice("Colour", "colour", [["own", "own score"], ["clade", "clade metaproductivity"]], this.draw),
      choice("Size", "size", [["clade", "clade metaproductivity"], ["tried", "evaluations"], ["usd", "cost"], ["same", "alike"]], this.draw),
      choice("Show", "show", [["all", "all"], ["born", "no failed children"],
        ...steps.map((n) => [String(n), `strongest ${n}`])], this.arrange),
      h("span", { class: "buttons" }, button("+", "zoom in", () => this.zoom(1.5)), button("−", "zoom out", () => this.zoom(1 / 1.5)),
        button("★", "go to the best agent", () => this.toBest()), button("all", "show all", () => { this.folded.clear(); this.arrange(); })));
  }
  visible() {
    const keep = new Uint8Array(N + M), top = Number(this.show);
    if (top) {
      const ranked = Array.from({ length: N }, (_, i) => i).sort((a, b) => A.own[b][2] - A.own[a][2]).slice(0, top);
      for (let i of ranked) for (; i >= 0 && !keep[i]; i = parent[i]) keep[i] = 1;
    } else keep.fill(1, 0, this.show === "born" ? N : N + M);
    for (let i = 0; i < N + M; i++) { // parents come before their children
      const p = parent[i];
      if (p >= 0 && (!keep[p] || this.folded.has(p))) keep[i] = 0;
    }
    return keep;
  }
  arrange() {
    const keep = (this.keep = this.visible()), total = N + M;
    this.x = new Float32Array(total); this.y = new Float32Array(total);
    this.r = new Float32Array(total); this.turn = new Float32Array(total);
    const order = [], at = new Float64Array(total), stack = [], outline = this.shape === "rows";
    for (let i = N - 1; i >= 0; i--) if (parent[i] < 0) stack.push(i);
    let place = 0;
    while (stack.length) {
      const i = stack.pop(), below = children[i].filter((c) => keep[c]);
      order.push(i);
      if (outline || !below.length) { const room = isFailed(i) ? (outline ? 0.7 : 0.45) : 1; at[i] = place + room / 2; place += room; }
      // Failed children last, so that the branches that live stay together.
      for (const c of below.sort((a, b) => b - a)) stack.push(c);
    }
    for (const i of outline ? [] : order.slice().reverse()) {
      const below = children[i].filter((c) => keep[c]);
      if (below.length) at[i] = (most(below, (c) => at[c], 0) - most(below, (c) => -at[c], -Infinity)) / 2;
    }
    this.order = order;
    const deepest = most(order, (i) => depth[i], 1), seeds = order.filter((i) => parent[i] < 0).length;
    const ring = Math.max(60, (place * 9) / (2 * Math.PI) / (deepest + 0.5));
    const last = Math.max(1, D.told.at && N ? Math.max(A.born[N - 1], M ? F.at[M - 1] : 0) : 1);
    for (const i of order) {
      if (this.shape === "radial") {
        const turn = (2 * Math.PI * at[i]) / Math.max(place, 1) - Math.PI / 2, r = ring * (depth[i] + (seeds > 1 ? 1 : 0));
        this.r[i] = r; this.turn[i] = turn;
        this.x[i] = r * Math.cos(turn); this.y[i] = r * Math.sin(turn);
      } else if (this.shape === "rows") {
        this.x[i] = depth[i] * 22; this.y[i] = at[i] * 21;
      } else {
        const score = isFailed(i) || !tried(A.own[i]) ? -0.06 - 0.03 * isFailed(i) : mean(A.own[i]);
        this.x[i] = (1000 * (isFailed(i) ? F.at[i - N] : A.born[i])) / last; this.y[i] = -600 * score;
      }
    }
    this.canvas.style.height = outline && !this.tall ? `${Math.min(590, Math.max(220, place * 21 + 52))}px` : "";
    if (this.width) { this.fit(); this.draw(); }
  }
  bounds() {
    let [l, t, r, b] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const i of this.order) {
      l = Math.min(l, this.x[i]); r = Math.max(r, this.x[i]); t = Math.min(t, this.y[i]); b = Math.max(b, this.y[i]);
    }
    return this.shape === "time" ? [0, -600, 1000, 60] : [l, t, r, b];
  }
  fit() {
    const [l, t, r, b] = this.bounds(), edge = this.shape === "time" ? 56 : 26, wide = Math.max(r - l, 1), high = Math.max(b - t, 1);
    const k = Math.min((this.width - 2 * edge) / wide, (this.height - 2 * edge) / high);
    this.stretch = this.shape === "time" ? (this.width - 2 * edge) / wide / k : 1;
    this.k = this.shape === "rows" ? 1 : Math.max(k, 0.02); // rows are to be read: drag or turn the wheel
    this.dx = this.shape === "rows" ? edge - l : this.width / 2 - (this.k * this.stretch * (l + r)) / 2;
    this.dy = this.shape === "rows" ? edge - t : this.height / 2 - (this.k * (t + b)) / 2;
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
    this.draw();
  }
  px(i) { return this.x[i] * this.k * this.stretch + this.dx; }
  py(i) { return this.y[i] * this.k + this.dy; }
  radius(i) {
    if (this.shape === "rows") return Math.min(1.4, this.k) * (isFailed(i) ? 2 : 2.5 + 4 * this.part(i));
    const crowd = this.shape === "time" ? Math.sqrt(300 / (300 + this.order.length)) : 1.3;
    const z = Math.max(0.35, Math.min(1.6, this.k * crowd));
    if (isFailed(i)) return Math.max(1, 2 * z);
    return Math.max(1.4, (2.6 + 7 * this.part(i)) * z);
  }
  part(i) {
    return { clade: () => scaled(mean(A.clade[i]), DOMAIN.clade), same: () => 0.3,
      tried: () => Math.sqrt(tried(A.own[i]) / this.most), usd: () => Math.sqrt(A.usd[i] / this.dearest) }[this.size]();
  }
  draw() {
    if (!this.width) return;
    const c = this.canvas.getContext("2d"), seen = this.order;
    this.most = most(seen, (i) => (isFailed(i) ? 0 : tried(A.own[i])), 1);
    this.dearest = most(seen, (i) => (isFailed(i) ? 0 : A.usd[i]), 1e-9);
    const ramp = [0, 1, 2, 3, 4, 5].map((n) => css("--r" + n)), ink = css("--ink"), faint = css("--edge"), gold = css("--gold");
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    c.clearRect(0, 0, this.width, this.height);
    if (this.shape === "time") this.axes(c);
    const near = (i) => this.px(i) > -40 && this.px(i) < this.width + 40 && this.py(i) > -40 && this.py(i) < this.height + 40;
    const edges = (which, colour, width) => {
      c.beginPath(); c.strokeStyle = colour; c.lineWidth = width;
      c.globalAlpha = this.shape === "time" && colour !== gold ? Math.max(0.12, Math.min(1, 150 / seen.length)) : 1;
      for (const i of seen) if (parent[i] >= 0 && which(i)) this.edge(c, parent[i], i);
      c.stroke(); c.globalAlpha = 1;
    };
    edges((i) => isFailed(i), css("--dead-edge"), 0.6);
    edges((i) => !isFailed(i) && !onPath.has(i), faint, Math.max(0.6, Math.min(1.4, this.k)));
    edges((i) => onPath.has(i), gold, 2.6);
    const dot = (i, r) => { c.moveTo(this.px(i) + r, this.py(i)); c.arc(this.px(i), this.py(i), r, 0, 7); };
    c.beginPath(); c.fillStyle = css("--dead");
    for (const i of seen) if (isFailed(i) && near(i)) dot(i, this.radius(i));
    c.fill();
    const mixed = [...Array(21)].map((_, n) => blend(ramp, n / 20)), heaps = mixed.map(() => []), hollow = [];
    for (const i of seen) {
      if (isFailed(i) || !near(i)) continue;
      const t = A[this.colour][i];
      if (tried(t)) heaps[Math.round(20 * scaled(mean(t), DOMAIN[this.colour]))].push(i); else hollow.push(i);
    }
    c.lineWidth = 0.8; c.strokeStyle = css("--rim");
    heaps.forEach((heap, n) => {
      c.beginPath(); c.fillStyle = mixed[n];
      for (const i of heap) dot(i, this.radius(i));
      c.fill(); c.stroke();
    });
    c.beginPath(); c.fillStyle = css("--paper"); c.strokeStyle = css("--dim");
    for (const i of hollow) dot(i, this.radius(i));
    c.fill(); c.stroke();
    const circled = (i, colour, more) => {
      if (i < 0 || !this.keep[i]) return;
      c.beginPath(); c.strokeStyle = colour; c.lineWidth = 2; dot(i, this.radius(i) + more); c.stroke();
    };
    circled(D.best, gold, 3); circled(this.hover, ink, 2.5); circled(this.chosen, ink, 4.5);
    this.labels(c, near, ink);
    this.explain();
  }
  edge(c, p, i) {
    const ax = this.px(p), ay = this.py(p), bx = this.px(i), by = this.py(i);
    if (Math.max(ax, bx) < -50 || Math.min(ax, bx) > this.width + 50 || Math.max(ay, by) < -50 || Math.min(ay, by) > this.height + 50) return;
    c.moveTo(ax, ay);
    if (this.shape === "rows") { c.lineTo(ax, by); c.lineTo(bx, by); }
    else if (this.shape === "radial") {
      // Out from the parent to half way, around to the child's angle, out to the child.
      const m = (this.r[p] + this.r[i]) / 2 * this.k, from = this.turn[p], to = this.turn[i];
      if (this.r[p]) c.lineTo(this.dx + m * Math.cos(from), this.dy + m * Math.sin(from));
      if (this.r[p]) c.arc(this.dx, this.dy, m, from, to, to < from);
      c.lineTo(bx, by);
    } else c.lineTo(bx, by);
  }
  labels(c, near, ink) {
    c.font = "12px " + css("--mono"); c.fillStyle = ink; c.textBaseline = "middle"; c.textAlign = "left";
    const taken = [];
    const write = (i, text, force) => {
      const x = this.px(i) + this.radius(i) + 5, y = this.py(i), w = c.measureText(text).width;
      if (!force && taken.some(([l, t, r]) => x < r && x + w > l && Math.abs(t - y) < 13)) return;
      taken.push([x, y, x + w]);
      c.lineWidth = 3; c.strokeStyle = css("--paper"); c.strokeText(text, x, y); c.fillText(text, x, y);
    };
    const more = (i) => (this.folded.has(i) ? ` +${this.below(i)}` : "");
    if (this.shape !== "rows") {
      if (D.best >= 0 && this.keep[D.best]) write(D.best, short(D.best) + " ★", true);
      if (N && parent[D.best] !== -1) write(0, "seed" + more(0), true);
      for (const i of this.folded) if (this.keep[i] && near(i)) write(i, short(i) + more(i), true);
    }
    const rows = this.shape === "rows";
    if (rows ? this.k < 0.6 : this.shape !== "radial" || this.k < 1.1) return;
    for (const i of this.order) {
      if (!near(i) || (!rows && (i === D.best || this.folded.has(i) || isFailed(i)))) continue;
      if (!rows) write(i, short(i), false);
      else this.row(c, i, more(i));
    }
  }
  row(c, i, more) {
    const x = this.px(i) + 12 * this.k, y = this.py(i), small = isFailed(i);
    c.font = `${Math.min(13, (small ? 10.5 : 12.5) * this.k)}px ${css("--sans")}`;
    c.fillStyle = small ? css("--dim") : css("--ink");
    const t = small ? "" : tried(A.own[i]) ? `  ${A.own[i][0]}/${tried(A.own[i])}` : "  –";
    const text = small ? words(i) : `${short(i)}${i === D.best ? " ★" : ""}${t}${more}  ${words(i)}`;
    c.lineWidth = 3; c.strokeStyle = css("--paper");
    const cut = text.slice(0, Math.max(20, Math.floor((this.width - x) / 6.2)));
    c.strokeText(cut, x, y); c.fillText(cut, x, y);
  }
  axes(c) {
    c.font = "12px " + css("--sans"); c.textBaseline = "middle"; c.lineWidth = 1; c.textAlign = "right";
    const zero = (y) => -600 * y * this.k + this.dy;
    for (let y = 0; y <= 1.01; y += 0.2) {
      c.strokeStyle = css("--grid"); c.beginPath(); c.moveTo(50, zero(y)); c.lineTo(this.width, zero(y)); c.stroke();
      c.fillStyle = css("--dim"); c.fillText(pct(y), 46, zero(y));
    }
    c.textAlign = "left"; c.fillText("below the line: not evaluated, failed · time →", 56, this.height - 8);
  }
  below(i) { let n = 0; const stack = [i]; while (stack.length) for (const c of children[stack.pop()]) { n++; stack.push(c); } return n; }
  explain() {
    const [low, high] = DOMAIN[this.colour];
    const what = this.colour === "own" ? "believed success rate" : "believed success rate of the clade";
    this.legend.replaceChildren(
      h("span", {}, what + " ", low ? "≤ " : "", pct(low), " ", h("i", { class: "ramp" }), high < 1 ? " ≥ " : " ", pct(high)),
      h("span", {}, h("i", { class: "key path" }), " to the best agent"),
      h("span", {}, h("i", { class: "key hollow" }), " not evaluated yet"),
      h("span", {}, h("i", { class: "key dead" }), " failed child"),
      h("span", { class: "dim" }, `Drag to move, click to open. Once focused: the wheel ${this.shape === "rows" ? "moves" : "zooms"}, arrows walk, f folds.`));
  }
  zoom(by, x = this.width / 2, y = this.height / 2) {
    const k = Math.max(0.02, Math.min(12, this.k * by)); by = k / this.k;
    this.dx = x - (x - this.dx) * by; this.dy = y - (y - this.dy) * by; this.k = k;
    this.draw();
  }
  nearest(x, y) {
    let found = -1, best = 14;
    for (const i of this.order) {
      if (this.shape === "rows" && x > this.px(i) && Math.abs(this.py(i) - y) < (isFailed(i) ? 7 : 10) * this.k) return i;
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
    const at = (e) => { const box = this.canvas.getBoundingClientRect(); return [e.clientX - box.left, e.clientY - box.top]; };
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
    on("pointerup", (e) => { const i = this.nearest(...at(e)); if (from && !moved && i >= 0) location.hash = where(i); from = null; });
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
  return [head, said(words(i), "p"), h("p", {}, "own: ", tallyWords(A.own[i])), h("p", {}, "clade: ", tallyWords(A.clade[i])),
    h("p", { class: "dim" }, `depth ${depth[i]}, ${count(children[i].length, "child").replace("childs", "children")}, ${money(A.usd[i])}`)];
}
function blend(ramp, x) {
  const rgb = (hex) => [1, 3, 5].map((n) => parseInt(hex.slice(n, n + 2), 16));
  const place = x * (ramp.length - 1), n = Math.min(Math.floor(place), ramp.length - 2), part = place - n;
  const a = rgb(ramp[n]), b = rgb(ramp[n + 1]);
  return `rgb(${a.map((v, j) => Math.round(v + (b[j] - v) * part)).join()})`;
}
