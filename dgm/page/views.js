// ------------------------------------------------------------ curves

function plot(host, { xs, series, unit, top, label, of, tick, along }) {
  // series: {name, class, ys | [low, high] bands}; drawn as steps, since nothing changes between jobs.
  const W = 560, H = 235, L = 52, R = 12, T = 12, B = 30;
  const right = most(xs, (x) => x, 1e-9), px = (x) => L + ((W - L - R) * x) / right, py = (y) => H - B - ((H - B - T) * y) / top;
  const svg = h("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": label });
  for (const y of ticks(top, 5)) {
    svg.append(h("line", { class: "grid", x1: L, x2: W - R, y1: py(y), y2: py(y) }), h("text", { x: L - 6, y: py(y) + 4, "text-anchor": "end" }, unit(y)));
  }
  for (const x of ticks(right, 6)) if (px(x) < W - R - 100) svg.append(h("text", { x: px(x), y: H - 10, "text-anchor": "middle" }, tick(x)));
  svg.append(h("text", { x: W - R, y: H - 10, "text-anchor": "end" }, along + " →"));
  const steps = (ys, first) => ys.map((y, n) => (n || !first ? `H${px(xs[n]).toFixed(1)}V` : `M${px(xs[n]).toFixed(1)} `) + py(y).toFixed(1)).join("");
  for (const one of series) {
    if (one.low) {
      const back = xs.map((_, n) => n).reverse().map((n) => `V${py(one.low[n]).toFixed(1)}H${px(xs[n]).toFixed(1)}`).join("");
      svg.append(h("path", { class: "band " + one.class, d: steps(one.high, true) + back + "Z" }));
    }
    if (one.ys) svg.append(h("path", { class: "curve " + one.class, d: steps(one.ys, true) }));
  }
  const rule = h("line", { class: "rule", y1: T, y2: H - B, x1: -9, x2: -9 }), read = h("p", { class: "read dim" });
  const tell = (n) => {
    rule.setAttribute("x1", px(xs[n])); rule.setAttribute("x2", px(xs[n]));
    read.textContent = of(xs[n]) + ": " + series.filter((one) => one.say).map((one) => one.say(n)).join(" · ");
  };
  svg.append(rule);
  svg.addEventListener("pointermove", (e) => {
    const box = svg.getBoundingClientRect(), x = (((e.clientX - box.left) / box.width) * W - L) / (W - L - R) * right;
    let n = xs.findIndex((one) => one > x); n = (n < 0 ? xs.length : Math.max(n, 1)) - 1;
    tell(n);
  });
  if (xs.length) tell(xs.length - 1);
  host.replaceChildren(svg, read);
}
function ticks(top, about) {
  const raw = top / about, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].find((n) => n * power >= raw) * power;
  return Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, n) => n * step);
}
function curves() {
  const left = h("div"), right = h("div"), paid = (C.usd.at(-1) || [0]).some(Boolean);
  const sums = (rows) => rows.map((row) => [row[0], row[0] + row[1], row[0] + row[1] + row[2]]);
  const cost = sums(paid ? C.usd : C.tokens), unit = paid ? money : many;
  const whole = (x) => Math.round(x).toLocaleString("en"), long = (C.hours.at(-1) || 0) > 72, brief = (C.hours.at(-1) || 0) < 2;
  const time = (x) => (long ? x / 24 : brief ? x * 60 : x).toFixed(long || brief ? 0 : 1);
  const axes = { evaluations: [C.evaluations, (x) => count(Math.round(x), "evaluation"), whole, "evaluations"],
    hours: [C.hours, (x) => span(x * 3600), time, long ? "days" : brief ? "minutes" : "hours"],
    cost: [cost.map((row) => row[2]), (x) => unit(x) + (paid ? "" : " tokens"), unit, paid ? "dollars" : "tokens"] };
  const draw = (by) => {
    const [xs, of, tick, along] = axes[by], column = (rows, n) => rows.map((row) => row[n]);
    const best = C.best.map((t, n) => (C.leader[n] < 0 ? [0, 0, 0, 0] : t));
    plot(left, { xs, of, tick, along, unit: pct, top: 1, label: "The best agent's success rate with its interval, over the run", series: [
      { class: "seed", low: column(C.seed, 2), high: column(C.seed, 3) },
      { class: "best", low: column(best, 2), high: column(best, 3) },
      { class: "mean", ys: C.rate, say: (n) => "all " + pct(C.rate[n]) },
      { class: "seed", ys: C.seed.map((t) => rate(t) || 0), say: (n) => `seed ${tallyWords(C.seed[n])}` },
      { class: "best", ys: best.map((t) => rate(t) || 0), say: (n) => (C.leader[n] < 0 ? "nothing solved yet" : `best ${short(C.leader[n])} ${tallyWords(best[n])}`) }] });
    plot(right, { xs, of, tick, along, unit, top: most(column(cost, 2), (x) => x, 1e-9) * 1.04, label: "Spending over the run", series: [
      { class: "vain", low: column(cost, 1), high: column(cost, 2), say: (n) => `failures ${unit(cost[n][2] - cost[n][1])}` },
      { class: "expand", low: column(cost, 0), high: column(cost, 1), say: (n) => `expansions ${unit(cost[n][1] - cost[n][0])}` },
      { class: "evaluate", low: xs.map(() => 0), high: column(cost, 0), say: (n) => `evaluations ${unit(cost[n][0])}` }] });
  };
  draw("evaluations");
  const key = (kind, text) => h("span", {}, h("i", { class: "key " + kind }), " " + text);
  return [h("div", { class: "controls" }, h("h2", {}, "On the way"), h("label", {}, "along ", h("select", { onchange: (e) => draw(e.target.value) },
    h("option", { value: "evaluations" }, "evaluations"), h("option", { value: "cost" }, paid ? "dollars" : "tokens"), h("option", { value: "hours" }, "time")))),
  h("figure", {}, h("figcaption", {}, "Success rate: ", key("best", "believed to be the best then"), key("seed", "seed"), key("mean", "all evaluations")), left,
    h("p", { class: "dim" }, "Bands: 90 % intervals. The best of many looks better than it is, on the tasks it was chosen by.")),
  h("figure", {}, h("figcaption", {}, paid ? "Dollars: " : "Tokens: ", key("evaluate", "evaluations"), key("expand", "expansions"), key("vain", "other failures")), right)];
}

// ------------------------------------------------------------ tables

function table(columns, rows, { sort, up, more = 100 } = {}) {
  // columns: {title, of: (row) => value to sort by, cell: (row) => content, class}. Shows more rows as one scrolls.
  const body = h("tbody"), head = h("tr"), end = h("div", { class: "end" });
  let shown = 0, sorted = rows;
  const fill = (n) => { body.append(...sorted.slice(shown, n).map((row) => h("tr", {}, columns.map((one) => h("td", { class: one.class }, one.cell(row)))))); shown = Math.max(shown, n); };
  const again = () => {
    const one = columns[sort];
    if (one) {
      const keyed = rows.map((row) => [one.of(row), row]);
      keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1));
      sorted = keyed.map(([, row]) => row);
    } else sorted = rows;
    [...head.children].forEach((cell, n) => cell.setAttribute("aria-sort", n === sort ? (up ? "ascending" : "descending") : "none"));
    body.replaceChildren(); shown = 0; fill(more);
  };
  head.append(...columns.map((one, n) => h("th", { scope: "col", class: one.class }, one.of
    ? h("button", { type: "button", onclick: () => { up = sort === n ? !up : typeof one.of(rows[0] ?? 0) === "string"; sort = n; again(); } }, one.title) : one.title)));
  again();
  new IntersectionObserver((seen) => { if (seen[0].isIntersecting && shown < sorted.length) fill(shown + more); }, { rootMargin: "600px" }).observe(end);
  return { node: h("div", { class: "wide" }, h("table", {}, h("thead", {}, head), body), end), set: (next) => { rows = next; again(); } };
}
const scoreColumns = (title, key) => [
  { title, class: "n", of: (i) => (tried(A[key][i]) ? mean(A[key][i]) : -1), cell: (i) => (tried(A[key][i]) ? `${A[key][i][0]}/${tried(A[key][i])}` : "–") },
  { title: "90 % interval", class: "i", of: (i) => (tried(A[key][i]) ? A[key][i][2] : -1), cell: (i) => bar(A[key][i]) }];
const agentColumns = () => [
  { title: "agent", of: (i) => A.id[i], cell: (i) => agentLink(i) },
  { title: "what changed", class: "t", of: (i) => words(i), cell: (i) => said(words(i)) },
  ...scoreColumns("own", "own"), ...scoreColumns("clade", "clade"),
  { title: "children", class: "n", of: (i) => children[i].length, cell: (i) => { const dead = children[i].filter(isFailed).length; return children[i].length - dead + (dead ? ` + ${dead} failed` : ""); } },
  { title: "cost", class: "n", of: (i) => A.usd[i] || A.tokens[i] / 1e12, cell: (i) => (A.usd[i] ? money(A.usd[i]) : many(A.tokens[i]) + " tok") },
  { title: "depth", class: "n", of: (i) => depth[i], cell: (i) => depth[i] },
  { title: "born", class: "n", of: (i) => A.born[i], cell: (i) => span(A.born[i]) },
  { title: "flags", class: "n", of: (i) => A.flagged[i], cell: (i) => A.flagged[i] || "" }];
function agentsView() {
  const kinds = { "all agents": () => true, "the way to the best": (i) => onPath.has(i), "evaluated 5 times or more": (i) => tried(A.own[i]) >= 5,
    "not evaluated yet": (i) => !tried(A.own[i]), "with flagged verdicts": (i) => A.flagged[i] > 0, "with failed children": (i) => children[i].some(isFailed) };
  let kind = "all agents", text = "";
  const every = Array.from({ length: N }, (_, i) => i), list = table(agentColumns(), every, { sort: 3 });
  const number = h("span", { class: "dim", "aria-live": "polite" });
  const filter = () => {
    const kept = every.filter((i) => kinds[kind](i) && (!text || A.id[i].startsWith(text) || A.summary[i].toLowerCase().includes(text)));
    number.textContent = count(kept.length, "agent"); list.set(kept);
  };
  filter();
  return [h("h1", {}, "Agents"), h("div", { class: "controls" },
    h("label", {}, "Find ", h("input", { type: "search", placeholder: "hash or words", oninput: (e) => { text = e.target.value.trim().toLowerCase(); filter(); } })),
    h("label", {}, "Show ", h("select", { onchange: (e) => { kind = e.target.value; filter(); } }, Object.keys(kinds).map((one) => h("option", {}, one)))), number), list.node,
    M ? [h("h2", {}, `Failed children (${M.toLocaleString("en")})`), table([
      { title: "job", class: "n", of: (n) => F.job[n], cell: (n) => link("/failed/" + F.job[n], F.job[n]) },
      { title: "parent", of: (n) => A.id[F.parent[n]], cell: (n) => agentLink(F.parent[n]) },
      { title: "why", class: "t", of: (n) => F.reason[n], cell: (n) => said(F.reason[n]) },
      { title: "cost", class: "n", of: (n) => F.usd[n], cell: (n) => money(F.usd[n]) },
      { title: "after", class: "n", of: (n) => F.at[n], cell: (n) => span(F.at[n]) }], F.job.map((_, n) => n)).node] : null];
}

// ------------------------------------------------------------ tasks by agents

const mark = (i, t) => A.results[i][t] || ".";
function taskRows() {
  return D.tasks.map((task, t) => {
    let solved = 0, failed = 0;
    for (let i = 0; i < N; i++) { const m = mark(i, t); solved += m === "+"; failed += m === "-"; }
    return { t, task, solved, failed };
  });
}
function tasksView() {
  const limit = 600, columns = Array.from({ length: N }, (_, i) => i).filter((i) => tried(A.own[i]));
  columns.sort((a, b) => tried(A.own[b]) - tried(A.own[a])); const few = columns.length > limit; columns.length = Math.min(columns.length, limit);
  let order = "born";
  const tipNode = h("p", { class: "read dim" }, "Point at a cell: a column is an agent, a row a task.");
  const rows = taskRows().sort((a, b) => a.solved / (a.solved + a.failed || 1) - b.solved / (b.solved + b.failed || 1) || b.failed - a.failed);
  const strips = new Map();
  const strip = (row) => {
    const canvas = h("canvas", { width: Math.max(columns.length, 1), height: 1, "aria-hidden": "true" });
    const at = (e) => { const box = canvas.getBoundingClientRect(); return columns[Math.min(columns.length - 1, Math.floor(((e.clientX - box.left) / box.width) * columns.length))]; };
    canvas.addEventListener("pointermove", (e) => { const i = at(e); if (i >= 0) tipNode.replaceChildren(short(i), { "+": " solved ", "-": " did not solve ", ".": " has not met " }[mark(i, row.t)], said(row.task), ` · ${tallyWords(A.own[i])} · `, said(words(i))); });
    canvas.addEventListener("click", (e) => { if (at(e) >= 0) location.hash = agentWhere(at(e)); });
    strips.set(canvas, row);
    return canvas;
  };
  const paint = () => {
    columns.sort(order === "born" ? (a, b) => a - b : (a, b) => mean(A.own[a]) - mean(A.own[b]));
    const tone = { "+": css("--yes"), "-": css("--no"), ".": css("--void") };
    for (const [canvas, row] of strips) {
      const c = canvas.getContext("2d");
      columns.forEach((i, n) => { c.fillStyle = tone[mark(i, row.t)]; c.fillRect(n, 0, 1, 1); });
    }
  };
  const groups = [["Solved by nobody", rows.filter((r) => !r.solved && r.failed)], ["Solved by some", rows.filter((r) => r.solved && r.failed)],
    ["Solved by all who met it", rows.filter((r) => r.solved && !r.failed)], ["Met by nobody yet", rows.filter((r) => !r.solved && !r.failed)]].filter(([, list]) => list.length);
  const cell = (i, t) => (i < 0 ? "" : { "+": h("span", { class: "yes" }, "✓"), "-": h("span", { class: "no" }, "✗"), ".": "" }[mark(i, t)]);
  const shown = h("table", { class: "heat" }, h("thead", {}, h("tr", {}, ["task", "solved", "90 % interval", "seed", "best", ""].map((text) => h("th", {}, text)))),
    groups.map(([title, list]) => h("tbody", {}, h("tr", {}, h("th", { colspan: 6, scope: "rowgroup" }, `${title}: ${list.length}`)),
      list.map((row) => h("tr", {}, h("td", {}, link("/task/" + row.t, said(row.task))), h("td", { class: "n" }, `${row.solved}/${row.solved + row.failed}`),
        h("td", {}, bar([row.solved, row.failed, ...wide(row)])), h("td", {}, cell(0, row.t)), h("td", {}, cell(D.best, row.t)), h("td", { class: "strip" }, strip(row)))))));
  paint(); repaint = paint;
  return [h("h1", {}, "Tasks by agents"), h("p", { class: "dim" }, few ? `Columns: the ${limit} agents that have met most tasks. ` : "Columns: all agents with results. ",
    "Intervals: 90 %, over all attempts, as if agents were alike. Held-out tasks are not here: no job touches them."),
    h("div", { class: "controls" }, h("label", {}, "Columns by ", h("select", { onchange: (e) => { order = e.target.value; paint(); } },
      h("option", { value: "born" }, "birth"), h("option", { value: "score" }, "score")))), tipNode, h("div", { class: "wide" }, shown), left()];
}
function wide({ solved, failed }) { // Wilson's interval, 90 %
  const n = solved + failed, z = 1.6448536, p = n ? solved / n : 0, d = 1 + (z * z) / n, m = (p + (z * z) / (2 * n)) / d;
  const s = n ? (z / d) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n)) : 0;
  return n ? [Math.max(0, m - s), Math.min(1, m + s)] : [0, 1];
}
function left() {
  const gone = Object.entries(D.quarantined);
  return gone.length ? [h("h2", {}, `Left out (${gone.length})`), h("ul", {}, gone.map(([task, why]) => h("li", {}, said(task, "code"), " ", said(why))))] : null;
}
function taskView(t) {
  if (!(t in D.tasks)) return lost();
  const of = (kind) => Array.from({ length: N }, (_, i) => i).filter((i) => mark(i, t) === kind);
  const yes = of("+"), no = of("-"), list = (some) => table(agentColumns(), some, { sort: 3, more: 30 }).node;
  return [h("h1", {}, said(D.tasks[t])), h("p", {}, tallyWords([yes.length, no.length, ...wide({ solved: yes.length, failed: no.length })]), yes.length ? [", first by ", agentLink(yes[0])] : ""),
    h("h2", {}, `Solved by (${yes.length})`), list(yes), h("h2", {}, `Not solved by (${no.length})`), list(no)];
}

// ------------------------------------------------------------ an agent, a failed child

function diff(making) {
  const total = making.changes || [];
  return [making.problem ? h("p", { class: "note" }, said(making.problem)) : null, total.map((file) => h("details", { open: total.length < 9, class: "file" },
    h("summary", {}, h("b", {}, file.change, " "), said(file.path, "code"), file.added ? h("span", { class: "yes" }, ` +${file.added}`) : "", file.removed ? h("span", { class: "no" }, ` −${file.removed}`) : ""),
    file.lines && file.lines.length ? h("pre", { tabindex: 0 }, file.lines.map((line) => h("span", { class: { "+": "add", "-": "cut", "@": "at" }[line[0]] }, line || " "))) : null,
    file.note ? h("p", { class: "dim" }, file.note) : null))];
}
function thought(making) {
  const d = making.diagnosis || {}, part = (title, text) => (text ? [h("dt", {}, title), h("dd", {}, said(text, "div", "para"))] : null);
  if (!Object.values(d).some(Boolean) && !making.said) return null;
  return h("section", {}, h("h2", {}, "Diagnosis and brief"), h("p", { class: "dim" }, "A model's words, as it wrote them."),
    h("dl", {}, part("what happened", d.summary), part("weakness", d.weakness), part("proposal", d.proposal), part("brief", d.brief)),
    making.said ? h("details", { class: "file" }, h("summary", {}, "What was said"), h("pre", { tabindex: 0 }, making.said.split("\n").map((line) => h("span", {}, line || " ")))) : null);
}
function jobsTable(jobs) {
  return table([{ title: "job", class: "n", of: (j) => j[0], cell: (j) => j[0] }, { title: "what", of: (j) => j[1] + j[2], cell: (j) => [j[1], " ", j[2] ? said(j[2], "code") : "", j[10] ? ` by ${j[10]}` : ""] },
    { title: "outcome", of: (j) => j[3], cell: (j) => [h("span", { class: { solved: "yes", born: "yes", unsolved: "no", running: "dim" }[j[3]] || "bad" }, j[3]), j[5] >= 0 ? [" ", agentLink(j[5])] : "", j[4] ? [" ", said(j[4])] : ""] },
    { title: "flags", class: "t", of: (j) => j[6].length, cell: (j) => j[6].map((flag) => said(flag, "code", "flag")) },
    { title: "cost", class: "n", of: (j) => j[7], cell: (j) => money(j[7]) }, { title: "tokens", class: "n", of: (j) => j[8], cell: (j) => many(j[8]) }, { title: "time", class: "n", of: (j) => j[9], cell: (j) => span(j[9]) }], jobs).node;
}
function against(i, p) {
  let gained = [], lost = [], both = 0;
  D.tasks.forEach((_, t) => { const a = mark(i, t), b = mark(p, t); if (a === "." || b === ".") return; both++; if (a === "+" && b === "-") gained.push(t); if (a === "-" && b === "+") lost.push(t); });
  return { gained, lost, both };
}
const signed = (x) => (x < 0 ? "−" : "+") + Math.abs(100 * x).toFixed(0);
function versus(title, i, p, edge) {
  const { gained, lost, both } = against(i, p);
  const list = (tasks) => tasks.slice(0, 30).map((t, n) => [n ? ", " : "", link("/task/" + t, said(D.tasks[t]))]);
  if (!both) return h("p", {}, `Against ${title} `, agentLink(p), ": no task was met by both.");
  return h("p", {}, `Against ${title} `, agentLink(p), ` on the ${count(both, "task")} that both have met: `,
    h("span", { class: "yes" }, `${gained.length} gained`), gained.length ? [" (", list(gained), ")"] : "", ", ", h("span", { class: "no" }, `${lost.length} lost`), lost.length ? [" (", list(lost), ")"] : "", ". ",
    h("span", { class: "dim" }, edge ? `${signed(edge[0])} points, 95 % interval ${signed(edge[1])} to ${signed(edge[2])}: ` +
      (edge[1] > 0 || edge[2] < 0 ? "it leaves out 0, though this is one of many looks." : "undecided, it holds 0.")
      : "Undecided: fewer than 6 tasks tell them apart."));
}
function step(i) {
  const turns = parent[i] < 0 ? null : against(i, parent[i]);
  return h("li", {}, agentLink(i), bar(A.own[i]), h("span", { class: "turns", title: "tasks gained and lost against the parent, of those that both have met" },
    turns ? [h("span", { class: "yes" }, `+${turns.gained.length}`), h("span", { class: "no" }, `−${turns.lost.length}`), h("span", { class: "dim" }, `of ${turns.both}`)] : ""), said(words(i)));
}
function agentView(i) {
  const up = lineage(i), later = h("div", {}, h("p", { class: "dim" }, "…")), p = parent[i], kin = children[i];
  block("a", i).then((found) => later.replaceChildren(...[
    p >= 0 ? [h("h2", {}, "Difference to the parent"), diff(found.making)] : diff(found.making), thought(found.making),
    h("h2", {}, "Tasks"), outcomes(i, found.jobs),
    h("h2", {}, `Jobs (${found.jobs.length + found.more})`), found.more ? h("p", { class: "dim" }, `The last ${found.jobs.length}.`) : null, jobsTable(found.jobs),
    h("p", { class: "dim" }, `Source ${found.digest}. `, h("code", {}, `dgm log ${short(i)} --transcript JOB`), " prints what was said in a job, ", h("code", {}, "--grade JOB"), " its verdict, ", h("code", {}, `dgm show ${short(i)}`), " its files."),
  ].flat(Infinity).filter(Boolean))).catch((error) => later.replaceChildren(h("p", { class: "note" }, "The details cannot be unpacked: " + error)));
  return [h("h1", {}, h("span", { class: "hash" }, short(i)), i === D.best ? " ★ best" : "", p < 0 ? " seed" : ""), said(words(i), "p", "lead"),
    h("p", { class: "hash dim full" }, A.id[i]),
    h("dl", { class: "facts" }, h("dt", {}, "own"), h("dd", {}, bar(A.own[i]), " ", tallyWords(A.own[i])), h("dt", {}, "clade"), h("dd", {}, bar(A.clade[i]), " ", tallyWords(A.clade[i])),
      h("dt", {}, "cost"), h("dd", {}, `${money(A.usd[i])}, ${many(A.tokens[i])} tokens, ${span(A.seconds[i])} of jobs, with the expansions of it`),
      h("dt", {}, "born"), h("dd", {}, `${span(A.born[i])} after the start`, A.study[i] ? [", from a failure on ", said(A.study[i], "code")] : "", A.running[i] ? `; ${count(A.running[i], "job")} running` : "")),
    p >= 0 ? versus("its parent", i, p, A.vsParent[i]) : null, depth[i] > 1 ? versus("the seed", i, up[0], A.vsSeed[i]) : null,
    up.length > 1 ? [h("h2", {}, `Lineage (depth ${depth[i]})`), h("ol", { class: "steps" }, up.map(step))] : null,
    kin.length ? [h("h2", {}, `Children (${kin.length})`), h("ul", { class: "steps" }, kin.slice(0, 200).map((c) => (isFailed(c)
      ? h("li", {}, link(where(c), "failed"), " ", said(words(c))) : step(c))), kin.length > 200 ? h("li", {}, `and ${kin.length - 200} more`) : null)] : null, later];
}
function outcomes(i, jobs) {
  const by = new Map(); for (const j of jobs) if (j[1] === "evaluate") by.set(j[2], j);
  const p = parent[i], order = { "+": 0, "-": 1, ".": 2 };
  const list = D.tasks.map((task, t) => ({ task, t, m: mark(i, t) })).sort((a, b) => order[a.m] - order[b.m]);
  return h("ul", { class: "tasks" }, list.map(({ task, t, m }) => {
    const job = by.get(task), q = p >= 0 ? mark(p, t) : ".", turn = m !== "." && q !== "." && m !== q;
    return h("li", { class: { "+": "yes", "-": "no", ".": "dim" }[m] }, { "+": "✓ ", "-": "✗ ", ".": "· " }[m], link("/task/" + t, said(task)),
      turn ? h("b", {}, m === "+" ? " gained" : " lost") : "", job && job[6].length ? h("b", { class: "flag", title: job[6].join("; ") }, " ⚑") : "");
  }));
}
function failedView(n) {
  if (n < 0) return lost();
  const later = h("div");
  block("f", n).then((found) => later.replaceChildren(...[thought(found.making), h("h2", {}, "What it would have changed"), diff(found.making), h("h2", {}, "Job"), jobsTable(found.jobs),
    h("h2", {}, "What was kept"), found.making.kept && found.making.kept.length ? h("ul", {}, found.making.kept.map((file) => h("li", {}, said(file.path, "code"), " ", file.bytes.toLocaleString("en"), " bytes")))
      : h("p", { class: "dim" }, "Nothing."), h("p", { class: "dim" }, "In ", h("code", {}, `artifacts/${F.job[n]}`), " of the archive."),
  ].flat(Infinity).filter(Boolean))).catch((error) => later.replaceChildren(h("p", { class: "note" }, "The details cannot be unpacked: " + error)));
  return [h("h1", {}, `Failed child (job ${F.job[n]})`), said(F.reason[n], "p", "lead note"), h("p", {}, "Of ", agentLink(F.parent[n]), " ", said(words(F.parent[n])),
    F.study[n] ? [", from a failure on ", said(F.study[n], "code")] : "", `, ${span(F.at[n])} after the start, for ${money(F.usd[n])}. Its parent is charged, and it has no score.`), later];
}

// ------------------------------------------------------------ pages

function overview() {
  const lines = D.told.lines, put = (line) => h("dd", {}, line.label === "strongest" ? strongest(line) : said(line.words));
  return [h("h1", {}, said(D.told.title)), D.told.simulation ? h("p", { class: "note" }, D.told.simulation) : null,
    h("div", { class: "cards" }, lines.filter((line) => line.head).map(card)),
    N ? h("div", { class: "split" }, h("section", {}, h("div", { class: "controls" }, h("h2", {}, "The tree"), link("/tree", "larger")), treeHost(false)),
      h("section", {}, C.hours.length ? curves() : null)) : null,
    lines.filter((line) => line.columns).map((line) => h("section", {}, h("h2", {}, line.label), h("pre", { class: "columns", tabindex: 0 }, line.words))),
    h("section", {}, h("h2", {}, "The run"), h("dl", {}, lines.filter((line) => !line.head && !line.columns).map((line) => [h("dt", {}, line.label), put(line)])))];
}
function card(line) {
  const best = line.label === "best agent" && D.best >= 0, words = line.words.split("\n");
  return h("section", { class: "card" }, h("h2", {}, line.label), best
    ? [h("p", {}, agentLink(D.best), " ", bar(A.own[D.best])), h("p", {}, tallyWords(A.own[D.best])), h("p", { class: "dim" }, said(A.summary[D.best] || "the seed"))]
    : words.map((text) => h("p", {}, said(text))));
}
const strongest = (line) => line.words.split("\n").map((text) => {
  const i = A.id.findIndex((id) => id.startsWith(text.slice(0, 8)));
  return h("div", {}, i < 0 ? "" : agentLink(i), " ", said(text.slice(8)));
});
let repaint = null; // what is drawn in colours of the scheme is drawn again when that changes
function treeHost(tall) {
  const host = h("div"), tree = new Tree(host, tall);
  repaint = () => tree.draw();
  return host;
}
const lost = () => [h("h1", {}, "Not in this report"), h("p", {}, link("/", "To the overview"))];
function view(path) {
  const [, kind = "", rest = ""] = path.split("/");
  if (!N && kind) return lost();
  if (kind === "agent") { const i = A.id.findIndex((id) => rest.length > 3 && id.startsWith(rest)); return i < 0 ? lost() : agentView(i); }
  if (kind === "failed") return failedView(F.job.indexOf(Number(rest)));
  if (kind === "task") return taskView(Number(rest));
  if (kind === "agents") return agentsView();
  if (kind === "tasks") return tasksView();
  if (kind === "tree") return [h("h1", { class: "unseen" }, "The tree"), treeHost(true)];
  return kind ? lost() : overview();
}
const main = h("main", { id: "main", tabindex: -1 });
let begun = false;
function go() {
  const path = location.hash.slice(1) || "/", section = "#/" + path.split("/")[1];
  repaint = null;
  main.replaceChildren(...view(path).flat(Infinity).filter(Boolean));
  for (const a of nav.querySelectorAll("a")) { if (a.hash === section) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current"); }
  document.title = `${main.querySelector("h1").textContent} · ${D.told.title}`;
  if (begun) main.focus({ preventScroll: true });
  begun = true;
  window.scrollTo(0, (history.state || {}).y || 0);
}
const nav = h("nav", { "aria-label": "Parts" }, link("/", "Overview"), N ? [link("/tree", "Tree"), link("/agents", "Agents"), link("/tasks", "Tasks")] : null);
document.body.append(h("header", {}, nav, h("span", { class: "dim" }, said(D.told.state), " · as of " + D.made)), main);
addEventListener("hashchange", go);
addEventListener("scrollend", () => history.replaceState({ y: window.scrollY }, "")); // for the way back
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => repaint && repaint());
go();
