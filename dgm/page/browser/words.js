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
const plural = (word) => (word.endsWith("child") ? word + "ren" : word + "s");
const count = (n, word) => n.toLocaleString("en") + " " + (n === 1 ? word : plural(word));
const pct = (x) => (100 * x).toFixed(0) + " %";
const money = (usd) => (usd >= 1000 ? "$" + Math.round(usd).toLocaleString("en") : usd >= 0.1 || usd === 0
    ? "$" + usd.toFixed(2) : "$" + usd.toFixed(4));
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
const styles = new Map(); // of the scheme of colours that is on
function css(name) {
  if (!styles.has(name)) styles.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return styles.get(name);
}
async function block(kind, n) {
  const text = document.getElementById(kind + Math.floor(n / D.block)).textContent;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text())[n % D.block];
}
