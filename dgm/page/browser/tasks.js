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
  columns.sort((a, b) => tried(A.own[b]) - tried(A.own[a])); const few = columns.length > limit;
      columns.length = Math.min(columns.length, limit);
  let order = "born";
  const tipNode = h("p", { class: "read dim" }, "Point at a cell: a column is an agent, a row a task.");
  const share = (row) => row.solved / (row.solved + row.failed || 1);
  const rows = taskRows().sort((a, b) => share(a) - share(b) || b.failed - a.failed);
  const strips = new Map();
  const strip = (row) => {
    const canvas = h("canvas", { width: Math.max(columns.length, 1), height: 1, "aria-hidden": "true" });
    const at = (e) => { const box = canvas.getBoundingClientRect(); return columns[Math.min(columns.length - 1,
        Math.floor(((e.clientX - box.left) / box.width) * columns.length))]; };
    canvas.addEventListener("pointermove", (e) => { const i = at(e); if (i >= 0) tipNode.replaceChildren(short(i),
        { "+": " solved ", "-": " did not solve ", ".": " has not met " }[mark(i, row.t)], said(row.task),
        ` · ${tallyWords(A.own[i])} · `, said(words(i))); });
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
  const groups = [["Solved by nobody", rows.filter((r) => !r.solved && r.failed)], ["Solved by some",
      rows.filter((r) => r.solved && r.failed)],
    ["Solved by all who met it", rows.filter((r) => r.solved && !r.failed)], ["Met by nobody yet",
        rows.filter((r) => !r.solved && !r.failed)]].filter(([, list]) => list.length);
  const signs = { "+": ["yes", "✓"], "-": ["no", "✗"], ".": ["", ""] };
  const cell = (i, t) => (i < 0 ? "" : h("span", { class: signs[mark(i, t)][0] }, signs[mark(i, t)][1]));
  const shown = h("table", { class: "heat" }, h("thead", {}, h("tr", {}, ["task", "solved", "90 % interval", "seed",
      "best", ""].map((text) => h("th", {}, text)))),
    groups.map(([title, list]) => h("tbody", {}, h("tr", {}, h("th", { colspan: 6, scope: "rowgroup" },
        `${title}: ${list.length}`)),
      list.map((row) => h("tr", {}, h("td", {}, link("/task/" + row.t, said(row.task))), h("td", { class: "n" },
          `${row.solved}/${row.solved + row.failed}`),
        h("td", {}, bar([row.solved, row.failed, ...wide(row)])), h("td", {}, cell(0, row.t)), h("td", {},
            cell(D.best, row.t)), h("td", { class: "strip" }, strip(row)))))));
  paint(); repaint = paint;
  return [h("h1", {}, "Tasks by agents"), h("p", { class: "dim" }, few
      ? `Columns: the ${limit} agents that have met most tasks. ` : "Columns: all agents with results. ",
    "Intervals: 90 %, over all attempts, as if agents were alike. Held-out tasks are not here: no job touches them."),
    h("div", { class: "controls" }, h("label", {}, "Columns by ", h("select",
        { onchange: (e) => { order = e.target.value; paint(); } },
      h("option", { value: "born" }, "birth"), h("option", { value: "score" }, "score")))), tipNode, h("div",
          { class: "wide" }, shown), left()];
}
function wide({ solved, failed }) { // Wilson's interval, 90 %
  const n = solved + failed, z = 1.6448536, p = n ? solved / n : 0, d = 1 + (z * z) / n,
      m = (p + (z * z) / (2 * n)) / d;
  const s = n ? (z / d) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n)) : 0;
  return n ? [Math.max(0, m - s), Math.min(1, m + s)] : [0, 1];
}
function left() {
  const gone = Object.entries(D.quarantined);
  return gone.length ? [h("h2", {}, `Left out (${gone.length})`), h("ul", {}, gone.map(([task, why]) => h("li", {},
      said(task, "code"), " ", said(why))))] : null;
}
function taskView(t) {
  if (!(t in D.tasks)) return lost();
  const of = (kind) => Array.from({ length: N }, (_, i) => i).filter((i) => mark(i, t) === kind);
  const yes = of("+"), no = of("-"), list = (some) => table(agentColumns(), some, { sort: 3, more: 30 }).node;
  return [h("h1", {}, said(D.tasks[t])), h("p", {}, tallyWords([yes.length, no.length, ...wide({ solved: yes.length,
      failed: no.length })]), yes.length ? [", first by ", agentLink(yes[0])] : ""),
    h("h2", {}, `Solved by (${yes.length})`), list(yes), h("h2", {}, `Not solved by (${no.length})`), list(no)];
}
