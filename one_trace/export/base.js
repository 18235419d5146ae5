"use strict";
// What all pages share. What a page shows goes in as text, never as markup.
const Page = (() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null; // what the reader chose; null follows the system
  const listeners = [];
  const applyTheme = () => {
    root.dataset.theme = chosen ?? (dark.matches ? "dark" : "light");
    for (const listener of listeners) listener();
  };
  applyTheme();
  dark.addEventListener("change", applyTheme);
  const toggleTheme = () => { chosen = root.dataset.theme === "dark" ? "light" : "dark"; applyTheme(); };

  const GLYPHS = { success: "✓", error: "✗", timeout: "◷", skipped: "○", stopped: "■", incomplete: "…" };

  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // Control characters, and those that change the direction of text, are shown and have no effect.
  const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;
  const plain = (text) => text.replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const data = () => JSON.parse(document.getElementById("data").textContent, (_, value) => typeof value === "string" ? plain(value) : value);

  // The columns of export/columns.py.
  const unpack = (column) => {
    if (Array.isArray(column)) return column;
    if (column.r) {
      const values = [];
      for (let k = 0; k < column.r.length; k += 2) for (let n = column.r[k + 1]; n > 0; n--) values.push(column.r[k]);
      return values;
    }
    let sum = 0;
    return unpack(column.d).map((delta) => (sum += delta));
  };
  const unpackSparse = (column) => {
    const places = unpack(column.i), values = unpack(column.v), found = [];
    places.forEach((place, k) => { found[place] = values[k]; });
    return found;
  };

  const duration = (ms) => {
    if (ms === null || ms === undefined) return "";
    if (ms > 0 && ms < 1) return "<1 ms";
    if (ms < 999.5) return `${Math.round(ms)} ms`;
    if (ms < 59950) return `${(ms / 1000).toFixed(ms < 9995 ? 2 : 1)} s`;
    const s = Math.round(ms / 1000), two = (n) => String(n).padStart(2, "0");
    if (s < 3600) return `${Math.floor(s / 60)} m ${two(s % 60)} s`;
    const m = Math.floor(s / 60);
    return m < 1440 ? `${Math.floor(m / 60)} h ${two(m % 60)} m` : `${Math.floor(m / 1440)} d ${two(Math.floor((m % 1440) / 60))} h`;
  };
  const bytes = (n) => {
    if (n === null || n === undefined) return "";
    if (n < 1000) return `${Math.round(n)} B`;
    for (const unit of ["kB", "MB", "GB"]) {
      n /= 1000;
      if (n < 999.5) return `${n < 9.95 ? n.toFixed(1) : Math.round(n)} ${unit}`;
    }
    return `${(n / 1000).toFixed(1)} TB`;
  };
  const number = (n) => n.toLocaleString("en");
  const count = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;
  const money = (usd) => usd === null || usd === undefined ? "" : usd > 0 && usd < 0.0001 ? "<$0.0001" : `$${usd === 0 || usd >= 1 ? usd.toFixed(2) : usd.toFixed(4)}`;
  const moment = (iso) => `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;

  // Pairs of a term and a text; those without a text are left out.
  const facts = (list, pairs) => {
    list.replaceChildren(...pairs.filter(([, text]) => text !== "" && text !== null && text !== undefined).map(([term, text, name]) => {
      const pair = make("div");
      pair.append(make("dt", "", term), make("dd", name ?? "", String(text)));
      return pair;
    }));
  };

  // Paper is white, whatever the screen is.
  addEventListener("beforeprint", () => { root.dataset.theme = "light"; });
  addEventListener("afterprint", applyTheme);

  return { root, toggleTheme, onTheme: (listener) => listeners.push(listener), GLYPHS, make, data, unpack, unpackSparse, duration, bytes, number, count, money, moment, facts };
})();
