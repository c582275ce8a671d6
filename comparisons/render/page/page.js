"use strict";

const made = (name, properties = {}) => Object.assign(document.createElement(name), properties);

// What a cell is sorted as: numbers by number, then those that are infinite, then what is missing, whatever the direction.
const key = (cell) => {
  const value = cell?.dataset.v;
  if (value === undefined) return { rank: 0, text: cell?.textContent ?? "" };
  return value === "" ? { rank: 2 } : value === "inf" ? { rank: 1 } : { rank: 0, number: Number(value) };
};

const words = new Intl.Collator("en", { numeric: true });

function sort(table, column, direction) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
  rows.sort(([a], [b]) => a.rank - b.rank || direction * compared(a, b));
  body.append(...rows.map(([, row]) => row));
  [...table.tHead.rows[0].cells].forEach((th, k) => {
    if (k === column) th.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    else th.removeAttribute("aria-sort");
  });
}

function compared(a, b) {
  if (a.rank) return 0;
  return a.number === undefined ? words.compare(a.text, b.text) : a.number - b.number;
}

for (const table of document.querySelectorAll("table")) {
  [...table.tHead.rows[0].cells].forEach((th, column) => {
    if (th.classList.contains("still")) return;
    const button = made("button", { type: "button" });
    button.append(...th.childNodes);
    button.addEventListener("click", () => sort(table, column, th.getAttribute("aria-sort") === "ascending" ? -1 : 1));
    th.append(button);
  });
}

document.querySelectorAll("[data-filter]").forEach((box, k) => {
  const rows = [...box.querySelector("tbody").rows].map((row) => [row.textContent.toLowerCase(), row]);
  const input = made("input", { type: "search", id: `filter-${k}`, autocomplete: "off" });
  const output = made("output", { htmlFor: input.id });
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [text, row] of rows) {
      row.hidden = !wanted.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    output.value = wanted.length ? `${shown} of ${rows.length}` : "";
  });
  const field = made("p", { className: "filter" });
  field.append(made("label", { textContent: box.dataset.filter, htmlFor: input.id }), input, output);
  box.prepend(field);
});

// A framework in the legend: its curves alone, in every panel.
for (const item of document.querySelectorAll("li[data-series]")) {
  const button = made("button", { type: "button" });
  button.append(...item.childNodes);
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    const pressed = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!pressed));
    const picked = new Set();
    for (const other of document.querySelectorAll("li[data-series]")) {
      if (other.firstChild.getAttribute("aria-pressed") === "true") picked.add(other.dataset.series);
    }
    document.querySelector(".panels").classList.toggle("picking", picked.size > 0);
    for (const curve of document.querySelectorAll("path[data-series]")) {
      curve.classList.toggle("picked", picked.has(curve.dataset.series));
    }
  });
  item.append(button);
}

for (const cases of document.querySelectorAll(".cases")) {
  const folded = [...cases.children];
  const button = made("button", { type: "button", textContent: "Open all" });
  button.addEventListener("click", () => {
    const open = !folded.every((one) => one.open);
    for (const one of folded) one.open = open;
    button.textContent = open ? "Close all" : "Open all";
  });
  const line = made("p", { className: "all" });
  line.append(button);
  cases.before(line);
}

// Light or dark, other than what the system says; nothing is remembered.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const dark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
const theme = made("button", { type: "button" });
const named = () => (theme.textContent = dark() ? "Light" : "Dark");
theme.addEventListener("click", () => {
  root.dataset.theme = dark() ? "light" : "dark";
  named();
});
system.addEventListener("change", named);
named();
document.querySelector("nav").append(theme);
