// ------------------------------------------------------------ pages

function overview() {
  const lines = D.told.lines, put = (line) => h("dd", {}, line.label === "strongest" ? strongest(line)
      : said(line.words));
  return [h("h1", {}, said(D.told.title)), D.told.simulation ? h("p", { class: "note" }, D.told.simulation) : null,
    h("div", { class: "cards" }, lines.filter((line) => line.head).map(card)),
    N ? h("div", { class: "split" }, h("section", {}, h("div", { class: "controls" }, h("h2", {}, "The tree"),
        link("/tree", "larger")), treeHost(false)),
      h("section", {}, C.hours.length ? curves() : null)) : null,
    lines.filter((line) => line.columns).map((line) => h("section", {}, h("h2", {}, line.label), h("pre",
        { class: "columns", tabindex: 0 }, line.words))),
    h("section", {}, h("h2", {}, "The run"), h("dl", {}, lines.filter((line) => !line.head
        && !line.columns).map((line) => [h("dt", {}, line.label), put(line)])))];
}
function card(line) {
  const best = line.label === "best agent" && D.best >= 0, words = line.words.split("\n");
  return h("section", { class: "card" }, h("h2", {}, line.label), best
    ? [h("p", {}, agentLink(D.best), " ", bar(A.own[D.best])), h("p", {}, tallyWords(A.own[D.best])), h("p",
        { class: "dim" }, said(A.summary[D.best] || "the seed"))]
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
  if (kind === "agent") { const i = A.id.findIndex((id) => rest.length > 3 && id.startsWith(rest)); return i < 0
      ? lost() : agentView(i); }
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
  for (const a of nav.querySelectorAll("a")) { if (a.hash === section) a.setAttribute("aria-current", "page");
      else a.removeAttribute("aria-current"); }
  document.title = `${main.querySelector("h1").textContent} · ${D.told.title}`;
  if (begun) main.focus({ preventScroll: true });
  begun = true;
  window.scrollTo(0, (history.state || {}).y || 0);
}
const nav = h("nav", { "aria-label": "Parts" }, link("/", "Overview"), N ? [link("/tree", "Tree"), link("/agents",
    "Agents"), link("/tasks", "Tasks")] : null);
document.body.append(h("header", {}, nav, h("span", { class: "dim" }, said(D.told.state), " · as of " + D.made)),
    main);
addEventListener("hashchange", go);
addEventListener("scrollend", () => history.replaceState({ y: window.scrollY }, "")); // for the way back
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { styles.clear(); repaint && repaint(); });
go();
