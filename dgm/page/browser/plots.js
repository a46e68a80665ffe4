// ------------------------------------------------------------ curves

function plot(host, { xs, series, unit, top, label, of, tick, along }) {
  // series: {name, class, ys | [low, high] bands}; drawn as steps, since nothing changes between jobs.
  const W = 560, H = 235, L = 52, R = 12, T = 12, B = 30;
  const right = most(xs, (x) => x, 1e-9), px = (x) => L + ((W - L - R) * x) / right,
      py = (y) => H - B - ((H - B - T) * y) / top;
  const svg = h("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": label });
  for (const y of ticks(top, 5)) {
    svg.append(h("line", { class: "grid", x1: L, x2: W - R, y1: py(y), y2: py(y) }), h("text", { x: L - 6,
        y: py(y) + 4, "text-anchor": "end" }, unit(y)));
  }
  for (const x of ticks(right, 6)) if (px(x) < W - R - 100) svg.append(h("text", { x: px(x), y: H - 10,
      "text-anchor": "middle" }, tick(x)));
  svg.append(h("text", { x: W - R, y: H - 10, "text-anchor": "end" }, along + " →"));
  const steps = (ys) => {
    let begun = false; // where nothing is known yet, nothing is drawn
    return ys.map((y, n) => {
      if (y === null) return "";
      const text = (begun ? `H${px(xs[n]).toFixed(1)}V` : `M${px(xs[n]).toFixed(1)} `) + py(y).toFixed(1);
      begun = true;
      return text;
    }).join("");
  };
  for (const one of series) {
    if (one.low) {
      const point = (n) => `V${py(one.low[n]).toFixed(1)}H${px(xs[n]).toFixed(1)}`;
      const back = xs.map((_, n) => point(xs.length - 1 - n)).join("");
      svg.append(h("path", { class: "band " + one.class, d: steps(one.high) + back + "Z" }));
    }
    if (one.ys) svg.append(h("path", { class: "curve " + one.class, d: steps(one.ys) }));
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
  const raw = top / about, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5,
      10].find((n) => n * power >= raw) * power;
  return Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, n) => n * step);
}
function curves() {
  const left = h("div"), right = h("div"), paid = (C.usd.at(-1) || [0]).some(Boolean);
  const sums = (rows) => rows.map((row) => [row[0], row[0] + row[1], row[0] + row[1] + row[2]]);
  const cost = sums(paid ? C.usd : C.tokens), unit = paid ? money : many;
  const whole = (x) => Math.round(x).toLocaleString("en"), long = (C.hours.at(-1) || 0) > 72,
      brief = (C.hours.at(-1) || 0) < 2;
  const time = (x) => (long ? x / 24 : brief ? x * 60 : x).toFixed(long || brief ? 0 : 1);
  const axes = { evaluations: [C.evaluations, (x) => count(Math.round(x), "evaluation"), whole, "evaluations"],
    hours: [C.hours, (x) => span(x * 3600), time, long ? "days" : brief ? "minutes" : "hours"],
    cost: [cost.map((row) => row[2]), (x) => unit(x) + (paid ? "" : " tokens"), unit, paid ? "dollars" : "tokens"] };
  const draw = (by) => {
    const [xs, of, tick, along] = axes[by], column = (rows, n) => rows.map((row) => row[n]);
    const best = C.best.map((t, n) => (C.leader[n] < 0 ? [0, 0, 0, 0] : t));
    plot(left, { xs, of, tick, along, unit: pct, top: 1,
        label: "The best agent's success rate with its interval, over the run", series: [
      { class: "seed", low: column(C.seed, 2), high: column(C.seed, 3) },
      { class: "best", low: column(best, 2), high: column(best, 3) },
      { class: "mean", ys: C.rate, say: (n) => "all " + pct(C.rate[n]) },
      { class: "seed", ys: C.seed.map(rate), say: (n) => `seed ${tallyWords(C.seed[n])}` },
      { class: "best", ys: best.map(rate), say: (n) => (C.leader[n] < 0 ? "nothing solved yet"
          : `best ${short(C.leader[n])} ${tallyWords(best[n])}`) }] });
    plot(right, { xs, of, tick, along, unit, top: most(column(cost, 2), (x) => x, 1e-9) * 1.04,
        label: "Spending over the run", series: [
      { class: "vain", low: column(cost, 1), high: column(cost, 2),
          say: (n) => `failures ${unit(cost[n][2] - cost[n][1])}` },
      { class: "expand", low: column(cost, 0), high: column(cost, 1),
          say: (n) => `expansions ${unit(cost[n][1] - cost[n][0])}` },
      { class: "evaluate", low: xs.map(() => 0), high: column(cost, 0),
          say: (n) => `evaluations ${unit(cost[n][0])}` }] });
  };
  draw("evaluations");
  const key = (kind, text) => h("span", {}, h("i", { class: "key " + kind }), " " + text);
  return [h("div", { class: "controls" }, h("h2", {}, "On the way"), h("label", {}, "along ", h("select",
      { onchange: (e) => draw(e.target.value) },
    h("option", { value: "evaluations" }, "evaluations"), h("option", { value: "cost" }, paid ? "dollars" : "tokens"),
        h("option", { value: "hours" }, "time")))),
  h("figure", {}, h("figcaption", {}, "Success rate: ", key("best", "believed to be the best then"), key("seed",
      "seed"), key("mean", "all evaluations")), left,
    h("p", { class: "dim" }, "Bands: 90 % intervals. The best of many looks better than it is, on the tasks it was ",
      "chosen by.")),
  h("figure", {}, h("figcaption", {}, paid ? "Dollars: " : "Tokens: ", key("evaluate", "evaluations"), key("expand",
      "expansions"), key("vain", "other failures")), right)];
}
