// ------------------------------------------------------------ an agent, a failed child

function diff(making) {
  const total = making.changes || [];
  return [making.problem ? h("p", { class: "note" }, said(making.problem)) : null, total.map((file) => h("details",
      { open: total.length < 9, class: "file" },
    h("summary", {}, h("b", {}, file.change, " "), said(file.path, "code"), file.added ? h("span", { class: "yes" },
        ` +${file.added}`) : "", file.removed ? h("span", { class: "no" }, ` −${file.removed}`) : ""),
    file.lines && file.lines.length ? h("pre", { tabindex: 0 }, file.lines.map((line) => h("span",
        { class: { "+": "add", "-": "cut", "@": "at" }[line[0]] }, line || " "))) : null,
    file.note ? h("p", { class: "dim" }, file.note) : null))];
}
function thought(making) {
  const d = making.diagnosis || {}, part = (title, text) => (text ? [h("dt", {}, title), h("dd", {}, said(text, "div",
      "para"))] : null);
  if (!Object.values(d).some(Boolean) && !making.said) return null;
  return h("section", {}, h("h2", {}, "Diagnosis and brief"), h("p", { class: "dim" },
      "A model's words, as it wrote them."),
    h("dl", {}, part("what happened", d.summary), part("weakness", d.weakness), part("proposal", d.proposal),
        part("brief", d.brief)),
    making.said ? h("details", { class: "file" }, h("summary", {}, "What was said"), h("pre", { tabindex: 0 },
        making.said.split("\n").map((line) => h("span", {}, line || " ")))) : null);
}
function jobsTable(jobs) {
  return table([{ title: "job", class: "n", of: (j) => j[0], cell: (j) => j[0] }, { title: "what",
      of: (j) => j[1] + j[2], cell: (j) => [j[1], " ", j[2] ? said(j[2], "code") : "", j[10] ? ` by ${j[10]}` : ""] },
    { title: "outcome", of: (j) => j[3], cell: (j) => [h("span", { class: { solved: "yes", born: "yes",
        unsolved: "no", running: "dim" }[j[3]] || "bad" }, j[3]), j[5] >= 0 ? [" ", agentLink(j[5])] : "", j[4]
        ? [" ", said(j[4])] : ""] },
    { title: "flags", class: "t", of: (j) => j[6].length, cell: (j) => j[6].map((flag) => said(flag, "code",
        "flag")) },
    { title: "cost", class: "n", of: (j) => j[7], cell: (j) => money(j[7]) }, { title: "tokens", class: "n",
        of: (j) => j[8], cell: (j) => many(j[8]) }, { title: "time", class: "n", of: (j) => j[9],
        cell: (j) => span(j[9]) }], jobs).node;
}
function against(i, p) {
  let gained = [], lost = [], both = 0;
  D.tasks.forEach((_, t) => { const a = mark(i, t), b = mark(p, t); if (a === "." || b === ".") return; both++;
      if (a === "+" && b === "-") gained.push(t); if (a === "-" && b === "+") lost.push(t); });
  return { gained, lost, both };
}
const signed = (x) => (x < 0 ? "−" : "+") + Math.abs(100 * x).toFixed(0);
function edgeWords(i, apart, edge) {
  if (apart < 6) return "Undecided: fewer than 6 tasks tell them apart.";
  if (!edge) return ["Its interval: ", h("code", {}, `dgm lineage ${short(i)}`), "."];
  const out = edge[1] > 0 || edge[2] < 0;
  return `${signed(edge[0])} points, 95 % interval ${signed(edge[1])} to ${signed(edge[2])}: ` +
    (out ? "it leaves out 0, though this is one of many looks." : "undecided, it holds 0.");
}
function versus(title, i, p, edge) {
  const { gained, lost, both } = against(i, p);
  const list = (tasks) => tasks.slice(0, 30).map((t, n) => [n ? ", " : "", link("/task/" + t, said(D.tasks[t]))]);
  if (!both) return h("p", {}, `Against ${title} `, agentLink(p), ": no task was met by both.");
  return h("p", {}, `Against ${title} `, agentLink(p), ` on the ${count(both, "task")} that both have met: `,
    h("span", { class: "yes" }, `${gained.length} gained`), gained.length ? [" (", list(gained), ")"] : "", ", ",
        h("span", { class: "no" }, `${lost.length} lost`), lost.length ? [" (", list(lost), ")"] : "", ". ",
    h("span", { class: "dim" }, edgeWords(i, gained.length + lost.length, edge)));
}
function step(i) {
  const turns = parent[i] < 0 ? null : against(i, parent[i]);
  return h("li", {}, agentLink(i), bar(A.own[i]), h("span", { class: "turns",
      title: "tasks gained and lost against the parent, of those that both have met" },
    turns ? [h("span", { class: "yes" }, `+${turns.gained.length}`), h("span", { class: "no" },
        `−${turns.lost.length}`), h("span", { class: "dim" }, `of ${turns.both}`)] : ""), said(words(i)));
}
function agentView(i) {
  const up = lineage(i), later = h("div", {}, h("p", { class: "dim" }, "…")), p = parent[i], kin = children[i];
  block("a", i).then((found) => later.replaceChildren(...[
    p >= 0 ? [h("h2", {}, "Difference to the parent"), diff(found.making)] : diff(found.making),
        thought(found.making),
    h("h2", {}, "Tasks"), outcomes(i, found.jobs),
    h("h2", {}, `Jobs (${found.jobs.length + found.more})`), found.more ? h("p", { class: "dim" },
        `The last ${found.jobs.length}.`) : null, jobsTable(found.jobs),
    h("p", { class: "dim" }, `Source ${found.digest}. `, h("code", {}, `dgm log ${short(i)} --transcript JOB`),
        " prints what was said in a job, ", h("code", {}, "--grade JOB"), " its verdict, ", h("code", {},
        `dgm show ${short(i)}`), " its files."),
  ].flat(Infinity).filter(Boolean))).catch((error) => later.replaceChildren(h("p", { class: "note" },
      "The details cannot be unpacked: " + error)));
  return [h("h1", {}, h("span", { class: "hash" }, short(i)), i === D.best ? " ★ best" : "", p < 0 ? " seed" : ""),
      said(words(i), "p", "lead"),
    h("p", { class: "hash dim full" }, A.id[i]),
    h("dl", { class: "facts" }, h("dt", {}, "own"), h("dd", {}, bar(A.own[i]), " ", tallyWords(A.own[i])), h("dt", {},
        "clade"), h("dd", {}, bar(A.clade[i]), " ", tallyWords(A.clade[i])),
      h("dt", {}, "cost"), h("dd", {}, `${money(A.usd[i])}, ${many(A.tokens[i])} tokens, ${span(A.seconds[i])} of jobs`,
        ", with the expansions of it"),
      h("dt", {}, "born"), h("dd", {}, `${span(A.born[i])} after the start`, A.study[i] ? [", from a failure on ",
          said(A.study[i], "code")] : "", A.running[i] ? `; ${count(A.running[i], "job")} running` : "")),
    p >= 0 ? versus("its parent", i, p, A.vsParent[i]) : null, depth[i] > 1 ? versus("the seed", i, up[0],
        A.vsSeed[i]) : null,
    up.length > 1 ? [h("h2", {}, `Lineage (depth ${depth[i]})`), h("ol", { class: "steps" }, up.map(step))] : null,
    kin.length ? [h("h2", {}, `Children (${kin.length})`), h("ul", { class: "steps" }, kin.slice(0,
        200).map((c) => (isFailed(c)
      ? h("li", {}, link(where(c), "failed"), " ", said(words(c))) : step(c))), kin.length > 200 ? h("li", {},
          `and ${kin.length - 200} more`) : null)] : null, later];
}
function outcomes(i, jobs) {
  const by = new Map(); for (const j of jobs) if (j[1] === "evaluate") by.set(j[2], j);
  const p = parent[i], order = { "+": 0, "-": 1, ".": 2 };
  const list = D.tasks.map((task, t) => ({ task, t, m: mark(i, t) })).sort((a, b) => order[a.m] - order[b.m]);
  return h("ul", { class: "tasks" }, list.map(({ task, t, m }) => {
    const job = by.get(task), q = p >= 0 ? mark(p, t) : ".", turn = m !== "." && q !== "." && m !== q;
    return h("li", { class: { "+": "yes", "-": "no", ".": "dim" }[m] }, { "+": "✓ ", "-": "✗ ", ".": "· " }[m],
        link("/task/" + t, said(task)),
      turn ? h("b", {}, m === "+" ? " gained" : " lost") : "", job && job[6].length ? h("b", { class: "flag",
          title: job[6].join("; ") }, " ⚑") : "");
  }));
}
function failedView(n) {
  if (n < 0) return lost();
  const later = h("div");
  block("f", n).then((found) => later.replaceChildren(...[thought(found.making), h("h2", {},
      "What it would have changed"), diff(found.making), h("h2", {}, "Job"), jobsTable(found.jobs),
    h("h2", {}, "What was kept"), found.making.kept && found.making.kept.length ? h("ul", {},
        found.making.kept.map((file) => h("li", {}, said(file.path, "code"), " ", file.bytes.toLocaleString("en"),
        " bytes")))
      : h("p", { class: "dim" }, "Nothing."), h("p", { class: "dim" }, "In ", h("code", {}, `artifacts/${F.job[n]}`),
          " of the archive."),
  ].flat(Infinity).filter(Boolean))).catch((error) => later.replaceChildren(h("p", { class: "note" },
      "The details cannot be unpacked: " + error)));
  return [h("h1", {}, `Failed child (job ${F.job[n]})`), said(F.reason[n], "p", "lead note"), h("p", {}, "Of ",
      agentLink(F.parent[n]), " ", said(words(F.parent[n])),
    F.study[n] ? [", from a failure on ", said(F.study[n], "code")] : "",
        `, ${span(F.at[n])} after the start, for ${money(F.usd[n])}. Its parent is charged, and it has no score.`),
        later];
}
