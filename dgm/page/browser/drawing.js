// ------------------------------------------------------------ the tree drawn on a canvas

class Drawing extends Layout {
  draw() { // at most once a frame
    if (!this.asked) requestAnimationFrame(() => { this.asked = false; this.paint(); });
    this.asked = true;
  }
  paint() {
    if (!this.width) return;
    const c = this.canvas.getContext("2d"), seen = this.order;
    this.most = most(seen, (i) => (isFailed(i) ? 0 : tried(A.own[i])), 1);
    this.dearest = most(seen, (i) => (isFailed(i) ? 0 : A.usd[i]), 1e-9);
    const ramp = [0, 1, 2, 3, 4, 5].map((n) => css("--r" + n)), ink = css("--ink"), faint = css("--edge"),
        gold = css("--gold");
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    c.clearRect(0, 0, this.width, this.height);
    if (this.shape === "time") this.axes(c);
    const near = (i) => this.px(i) > -40 && this.px(i) < this.width + 40 && this.py(i) > -40
        && this.py(i) < this.height + 40;
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
      c.fill();
      if (seen.length < 4000) c.stroke();
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
    if (Math.max(ax, bx) < -50 || Math.min(ax, bx) > this.width + 50 || Math.max(ay, by) < -50 || Math.min(ay,
        by) > this.height + 50) return;
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
  explain() {
    const [low, high] = DOMAIN[this.colour];
    const what = this.colour === "own" ? "believed success rate" : "believed success rate of the clade";
    this.legend.replaceChildren(
      h("span", {}, what + " ", low ? "≤ " : "", pct(low), " ", h("i", { class: "ramp" }), high < 1 ? " ≥ " : " ",
          pct(high)),
      h("span", {}, h("i", { class: "key path" }), " to the best agent"),
      h("span", {}, h("i", { class: "key hollow" }), " not evaluated yet"),
      h("span", {}, h("i", { class: "key dead" }), " failed child"),
      h("span", { class: "dim" }, "Drag to move, click to open. Once focused: the wheel ",
        this.shape === "rows" ? "moves" : "zooms", ", arrows walk, f folds."));
  }
}
function blend(ramp, x) {
  const rgb = (hex) => [1, 3, 5].map((n) => parseInt(hex.slice(n, n + 2), 16));
  const place = x * (ramp.length - 1), n = Math.min(Math.floor(place), ramp.length - 2), part = place - n;
  const a = rgb(ramp[n]), b = rgb(ramp[n + 1]);
  return `rgb(${a.map((v, j) => Math.round(v + (b[j] - v) * part)).join()})`;
}
