// ------------------------------------------------------------ tables

function table(columns, rows, { sort, up, more = 100 } = {}) {
  // columns: {title, of: (row) => value to sort by, cell: (row) => content, class}. Shows more rows as one scrolls.
  const body = h("tbody"), head = h("tr"), end = h("div", { class: "end" });
  let shown = 0, sorted = rows;
  const drawn = (row) => h("tr", {}, columns.map((one) => h("td", { class: one.class }, one.cell(row))));
  const fill = (n) => { body.append(...sorted.slice(shown, n).map(drawn)); shown = Math.max(shown, n); };
  const again = () => {
    const one = columns[sort];
    if (one) {
      const keyed = rows.map((row) => [one.of(row), row]);
      keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1));
      sorted = keyed.map(([, row]) => row);
    } else sorted = rows;
    const way = up ? "ascending" : "descending";
    [...head.children].forEach((cell, n) => cell.setAttribute("aria-sort", n === sort ? way : "none"));
    body.replaceChildren(); shown = 0; fill(more);
  };
  head.append(...columns.map((one, n) => h("th", { scope: "col", class: one.class }, one.of
    ? h("button", { type: "button", onclick: () => { up = sort === n ? !up : typeof one.of(rows[0] ?? 0) === "string";
        sort = n; again(); } }, one.title) : one.title)));
  again();
  new IntersectionObserver((seen) => { if (seen[0].isIntersecting && shown < sorted.length) fill(shown + more); },
      { rootMargin: "600px" }).observe(end);
  return { node: h("div", { class: "wide" }, h("table", {}, h("thead", {}, head), body), end),
      set: (next) => { rows = next; again(); } };
}
const scoreColumns = (title, key) => [
  { title, class: "n", of: (i) => (tried(A[key][i]) ? mean(A[key][i]) : -1), cell: (i) => (tried(A[key][i])
      ? `${A[key][i][0]}/${tried(A[key][i])}` : "–") },
  { title: "90 % interval", class: "i", of: (i) => (tried(A[key][i]) ? A[key][i][2] : -1),
      cell: (i) => bar(A[key][i]) }];
const agentColumns = () => [
  { title: "agent", of: (i) => A.id[i], cell: (i) => agentLink(i) },
  { title: "what changed", class: "t", of: (i) => words(i), cell: (i) => said(words(i)) },
  ...scoreColumns("own", "own"), ...scoreColumns("clade", "clade"),
  { title: "children", class: "n", of: (i) => children[i].length,
      cell: (i) => { const dead = children[i].filter(isFailed).length, born = children[i].length - dead;
        return dead ? `${born} + ${dead} failed` : born; } },
  { title: "cost", class: "n", of: (i) => A.usd[i] || A.tokens[i] / 1e12, cell: (i) => (A.usd[i] ? money(A.usd[i])
      : many(A.tokens[i]) + " tok") },
  { title: "depth", class: "n", of: (i) => depth[i], cell: (i) => depth[i] },
  { title: "born", class: "n", of: (i) => A.born[i], cell: (i) => span(A.born[i]) },
  { title: "flags", class: "n", of: (i) => A.flagged[i], cell: (i) => A.flagged[i] || "" }];
function agentsView() {
  const kinds = { "all agents": () => true, "the way to the best": (i) => onPath.has(i),
      "evaluated 5 times or more": (i) => tried(A.own[i]) >= 5,
    "not evaluated yet": (i) => !tried(A.own[i]), "with flagged verdicts": (i) => A.flagged[i] > 0,
        "with failed children": (i) => children[i].some(isFailed) };
  let kind = "all agents", text = "";
  const every = Array.from({ length: N }, (_, i) => i), list = table(agentColumns(), every, { sort: 3 });
  const number = h("span", { class: "dim", "aria-live": "polite" });
  const filter = () => {
    const kept = every.filter((i) => kinds[kind](i)
        && (!text || A.id[i].startsWith(text) || A.summary[i].toLowerCase().includes(text)));
    number.textContent = count(kept.length, "agent"); list.set(kept);
  };
  filter();
  return [h("h1", {}, "Agents"), h("div", { class: "controls" },
    h("label", {}, "Find ", h("input", { type: "search", placeholder: "hash or words",
        oninput: (e) => { text = e.target.value.trim().toLowerCase(); filter(); } })),
    h("label", {}, "Show ", h("select", { onchange: (e) => { kind = e.target.value; filter(); } },
        Object.keys(kinds).map((one) => h("option", {}, one)))), number), list.node,
    M ? [h("h2", {}, `Failed children (${M.toLocaleString("en")})`), table([
      { title: "job", class: "n", of: (n) => F.job[n], cell: (n) => link("/failed/" + F.job[n], F.job[n]) },
      { title: "parent", of: (n) => A.id[F.parent[n]], cell: (n) => agentLink(F.parent[n]) },
      { title: "why", class: "t", of: (n) => F.reason[n], cell: (n) => said(F.reason[n]) },
      { title: "cost", class: "n", of: (n) => F.usd[n], cell: (n) => money(F.usd[n]) },
      { title: "after", class: "n", of: (n) => F.at[n], cell: (n) => span(F.at[n]) }], F.job.map((_, n) => n)).node]
          : null];
}
