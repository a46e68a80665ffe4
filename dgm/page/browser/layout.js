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

class Layout {
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
  below(i) { let n = 0; const stack = [i]; while (stack.length) for (const c of children[stack.pop()]) { n++;
      stack.push(c); } return n; }
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
      if (outline || !below.length) { const room = isFailed(i) ? (outline ? 0.7 : 0.45) : 1; at[i] = place + room / 2;
          place += room; }
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
        const turn = (2 * Math.PI * at[i]) / Math.max(place, 1) - Math.PI / 2, r = ring * (depth[i] + (seeds > 1 ? 1
            : 0));
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
    const [l, t, r, b] = this.bounds(), edge = this.shape === "time" ? 56 : 26, wide = Math.max(r - l, 1),
        high = Math.max(b - t, 1);
    const k = Math.min((this.width - 2 * edge) / wide, (this.height - 2 * edge) / high);
    this.stretch = this.shape === "time" ? (this.width - 2 * edge) / wide / k : 1;
    this.k = this.shape === "rows" ? 1 : Math.max(k, 0.02); // rows are to be read: drag or turn the wheel
    this.dx = this.shape === "rows" ? edge - l : this.width / 2 - (this.k * this.stretch * (l + r)) / 2;
    this.dy = this.shape === "rows" ? edge - t : this.height / 2 - (this.k * (t + b)) / 2;
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
      tried: () => Math.sqrt(tried(A.own[i]) / this.most),
          usd: () => Math.sqrt(A.usd[i] / this.dearest) }[this.size]();
  }
}
