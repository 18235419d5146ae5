"use strict";
// One run, drawn from the JSON block of this page. Everything of the run goes in as text, never as markup.
// Only the rows in sight exist: they are a pool of elements that is filled anew as the list scrolls.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let theme = null; // what the reader chose; null follows the system
  const dress = () => { root.dataset.theme = theme ?? (dark.matches ? "dark" : "light"); };
  dress();
  dark.addEventListener("change", () => { dress(); drawMap(); });

  const WORDS = { success: "ok", error: "failed", timeout: "timed out", skipped: "skipped", stopped: "stopped", incomplete: "unfinished" };
  const GLYPHS = { success: "✓", error: "✗", timeout: "◷", skipped: "○", stopped: "■", incomplete: "…" };
  const FOLD_FROM = 12; // a loop with more children than this starts folded
  const SPARE = 8; // rows kept ready above and below those in sight

  let D, N, T, kids, depth, size, path; // the data; per span its children, its depth, how many are in it, its path
  let open, hits, around, shown = [], place = new Map(); // folding, filtering, and the spans in the list in order
  let picked = -1, view = [0, 1], rowHeight = 28, pool = [];
  const wanted = { text: "", statuses: new Set(), critical: false };
  let critical = new Set();
  const $ = (id) => document.getElementById(id);

  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  // Control characters and what turns the direction of text are shown, not obeyed.
  const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;
  const plain = (text) => text.replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
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
    if (n < 1000) return `${n} B`;
    for (const unit of ["kB", "MB", "GB"]) {
      n /= 1000;
      if (n < 999.5) return `${n < 9.95 ? n.toFixed(1) : Math.round(n)} ${unit}`;
    }
    return `${(n / 1000).toFixed(1)} TB`;
  };
  const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
  const money = (usd) => `$${usd === 0 || usd >= 1 ? usd.toFixed(2) : usd.toFixed(4)}`;
  const spent = (u) => {
    const parts = u.costUsd === null || u.costUsd === undefined ? [] : [money(u.costUsd)];
    const taken = u.inputTokens + u.cacheReadTokens + u.cacheWriteTokens;
    if (taken || u.outputTokens) parts.push(`${taken.toLocaleString("en")} tokens in, ${u.outputTokens.toLocaleString("en")} out`);
    if (u.models.length) parts.push(u.models.join(", "));
    return parts.join(" · ");
  };
  const status = (i) => D.statuses[D.status[i]];
  const step = (i) => D.steps[D.step[i]]; // [id, name, type, flow]
  const endOf = (i) => D.took[i] !== null ? D.start[i] + D.took[i] : status(i) === "incomplete" ? D.horizon : D.start[i];
  const selfOf = (i) => D.self[i] ?? (kids[i].length ? null : D.took[i]);
  const failed = (i) => status(i) === "error" || status(i) === "timeout";

  // ---- the data's shape

  function read() {
    D = JSON.parse($("data").textContent, (_, value) => typeof value === "string" ? plain(value) : value);
    N = D.id.length;
    T = D.horizon || 1;
    view = [0, T];
    kids = Array.from({ length: N }, () => []);
    depth = new Uint32Array(N);
    size = new Uint32Array(N);
    path = new Array(N);
    open = new Uint8Array(N);
    hits = new Uint8Array(N);
    around = new Uint8Array(N);
    critical = new Set(D.critical);
    for (let i = 0; i < N; i++) {
      const p = D.parent[i];
      if (p >= 0) { kids[p].push(i); depth[i] = depth[p] + 1; }
      const turn = (D.within[i] ? `#${D.within[i]}` : "") + (D.iteration[i] !== undefined ? `[${D.iteration[i]}]` : "");
      path[i] = `${p >= 0 ? path[p] : D.roots[D.root[i] ?? 0]}${turn} > ${step(i)[0]}`;
    }
    const turn = (i) => [D.within[i] ?? 1, D.iteration[i] ?? -1, D.start[i]];
    for (const list of kids) {
      list.sort((a, b) => { const x = turn(a), y = turn(b); return x[0] - y[0] || x[1] - y[1] || x[2] - y[2] || a - b; });
    }
    for (let i = N - 1; i >= 0; i--) if (D.parent[i] >= 0) size[D.parent[i]] += size[i] + 1;
    start();
  }

  // Long loops start folded, but for the way to the cause.
  function start() {
    for (let i = 0; i < N; i++) open[i] = kids[i].length <= FOLD_FROM ? 1 : 0;
    const cause = D.run.cause ? D.id.indexOf(D.run.cause.spanId) : -1;
    for (let i = cause >= 0 ? D.parent[cause] : -1; i >= 0; i = D.parent[i]) open[i] = 1;
  }

  // ---- which rows there are

  const filtering = () => wanted.text !== "" || wanted.statuses.size > 0 || wanted.critical;

  function match(i, words) {
    if (wanted.statuses.size && !wanted.statuses.has(status(i))) return false;
    if (wanted.critical && !critical.has(i)) return false;
    if (!words.length) return true;
    const text = `${path[i]}\n${step(i)[1]}\n${step(i)[2]}\n${D.error[i] ?? ""}\n${D.code[i] ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  }

  function filter() {
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    around.fill(0);
    for (let i = N - 1; i >= 0; i--) {
      hits[i] = match(i, words) ? 1 : 0;
      found += hits[i];
      if ((hits[i] || around[i]) && D.parent[i] >= 0) around[D.parent[i]] = 1;
    }
    $("found").textContent = filtering() ? `${found.toLocaleString("en")} of ${count(N, "step")}` : count(N, "step");
    list();
  }

  function list() {
    shown = [];
    const all = filtering();
    const todo = [];
    for (let i = N - 1; i >= 0; i--) if (D.parent[i] < 0) todo.push(i);
    while (todo.length) {
      const i = todo.pop();
      if (all && !hits[i] && !around[i]) continue;
      shown.push(i);
      if (all ? around[i] && open[i] !== 2 : open[i] === 1) for (let k = kids[i].length - 1; k >= 0; k--) todo.push(kids[i][k]);
    }
    place = new Map(shown.map((i, at) => [i, at]));
    if (!place.has(picked)) picked = -1;
    $("rows").style.height = `${shown.length * rowHeight}px`;
    $("grid").setAttribute("aria-rowcount", String(shown.length + 1));
    $("none").hidden = shown.length > 0 || N === 0;
    draw(true);
  }

  // While filtering, what leads to a hit is open unless the reader folds it (2).
  const isOpen = (i) => filtering() ? around[i] === 1 && open[i] !== 2 : open[i] === 1;
  function fold(i, to) {
    if (!kids[i].length) return;
    open[i] = to ? 1 : filtering() ? 2 : 0;
    list();
  }

  // ---- drawing

  function newRow() {
    const row = make("div", "row");
    row.setAttribute("role", "row");
    const cell = (name) => { const c = make("div", name); c.setAttribute("role", "gridcell"); row.append(c); return c; };
    const stepCell = cell("c-step");
    const parts = { row, at: -1, twist: make("span", "twist", "▶"), glyph: make("span", "glyph"), turn: make("span", "turn"), id: make("span", "id"), marks: make("span"), name: make("span", "name") };
    parts.twist.setAttribute("aria-hidden", "true");
    parts.word = make("span", "off");
    stepCell.append(parts.twist, parts.glyph, parts.word, parts.turn, parts.id, parts.marks, parts.name);
    parts.step = stepCell;
    parts.glyph.setAttribute("aria-hidden", "true");
    parts.type = cell("c-type");
    parts.took = cell("c-took num");
    parts.self = cell("c-self num");
    parts.out = cell("c-out num");
    parts.line = cell("c-line");
    parts.bar = make("div", "bar");
    parts.line.append(parts.bar);
    $("rows").append(row);
    return parts;
  }

  function marks(i) {
    const told = [];
    if (D.branch[i]) told.push(D.branch[i]);
    if (D.within[i]) told.push(`attempt ${D.within[i]}`);
    if (D.attempts[i]) told.push(`retried ${D.attempts[i] - 1}×`);
    if (status(i) === "timeout" || status(i) === "stopped") told.push(WORDS[status(i)]);
    if (D.late[i]) told.push("late");
    if (kids[i].length && !isOpen(i)) told.push(`+${size[i].toLocaleString("en")}`);
    return told;
  }

  function fill(parts, at) {
    const i = shown[at], { row } = parts;
    const [id, name, type] = step(i);
    const how = status(i);
    parts.at = at;
    row.hidden = false;
    row.id = `s${i}`;
    row.style.transform = `translateY(${at * rowHeight}px)`;
    row.className = `row${i === picked ? " picked" : ""}${how === "error" ? " failed" : ""}${filtering() && !hits[i] ? " around" : ""}`;
    row.setAttribute("aria-rowindex", String(at + 2));
    row.setAttribute("aria-level", String(depth[i] + 1));
    row.setAttribute("aria-selected", String(i === picked));
    if (kids[i].length) row.setAttribute("aria-expanded", String(isOpen(i))); else row.removeAttribute("aria-expanded");
    parts.step.style.paddingLeft = `calc(var(--indent) * ${Math.min(depth[i], 14)})`;
    parts.glyph.textContent = GLYPHS[how];
    parts.glyph.className = `glyph s-${how}`;
    parts.word.textContent = `${WORDS[how]}: `;
    const turn = D.iteration[i];
    parts.turn.textContent = turn === undefined ? "" : `[${turn}]`;
    parts.turn.hidden = turn === undefined;
    parts.id.textContent = id.slice(0, 300) || "(no id)";
    parts.id.title = path[i].slice(0, 1000);
    parts.marks.replaceChildren(...marks(i).map((text) => make("span", text === D.branch[i] ? "mark side" : "mark", text)));
    parts.name.textContent = name && name.toLowerCase() !== id.toLowerCase() ? name.slice(0, 300) : "";
    parts.type.textContent = type.slice(0, 40);
    const about = (D.derived[i] ?? []).includes("durationMs") ? "~" : "";
    parts.took.textContent = D.took[i] === null ? (how === "skipped" ? "skipped" : how === "incomplete" ? "no end" : "–") : about + duration(D.took[i]);
    parts.took.title = about ? "worked out, not measured" : "";
    parts.self.textContent = duration(selfOf(i));
    parts.self.classList.toggle("leaf", !kids[i].length);
    parts.out.textContent = bytes(D.out[i]);
    drawBar(parts.bar, i);
  }

  function drawBar(bar, i) {
    const [from, to] = view, span = to - from, how = status(i);
    const a = Math.max(0, (D.start[i] - from) / span), b = Math.min(1, (endOf(i) - from) / span);
    bar.hidden = how === "skipped" || a > 1 || b < 0;
    if (bar.hidden) return;
    bar.style.left = `min(${(a * 100).toFixed(3)}%, 100% - 2px)`;
    bar.style.width = `${(Math.max(0, b - a) * 100).toFixed(3)}%`;
    bar.className = `bar ${how}${kids[i].length && how === "success" ? " inner" : ""}${D.late[i] ? " late" : ""}${wanted.critical && critical.has(i) ? " critical" : ""}`;
  }

  function draw(anew) {
    const grid = $("grid");
    const top = Math.max(0, grid.scrollTop - 30);
    const first = Math.max(0, Math.floor(top / rowHeight) - SPARE);
    const last = Math.min(shown.length, Math.ceil((top + grid.clientHeight) / rowHeight) + SPARE);
    while (pool.length < last - first) pool.push(newRow());
    for (const [slot, parts] of pool.entries()) {
      // Row n of the list always lies in slot n mod pool: what stays in sight is not touched by scrolling.
      const at = first + ((slot - (first % pool.length) + pool.length) % pool.length);
      if (at >= last) { parts.row.hidden = true; parts.at = -1; parts.row.removeAttribute("id"); } else if (anew || parts.at !== at) fill(parts, at);
    }
    if (picked >= 0 && document.getElementById(`s${picked}`)) grid.setAttribute("aria-activedescendant", `s${picked}`);
    else grid.removeAttribute("aria-activedescendant");
  }

  let waiting = false;
  const later = () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; draw(false); }); } };

  // ---- time: axis, overview, zoom

  function axis() {
    const box = $("axis"), [from, to] = view, room = box.clientWidth || 300;
    const raw = (to - from) / Math.max(1, Math.floor(room / 52));
    const power = 10 ** Math.floor(Math.log10(raw || 1));
    const tick = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw) || raw || 1;
    const ticks = [];
    for (let t = Math.ceil(from / tick) * tick; t < to && ticks.length < 40; t += tick) {
      const at = (t - from) / (to - from), text = t === 0 ? "0" : label(t, tick);
      const mark = make("span", "", (1 - at) * room > text.length * 7 + 8 ? text : "");
      mark.style.left = `${at * 100}%`;
      ticks.push(mark);
    }
    box.replaceChildren(...ticks);
  }
  const label = (t, tick) => {
    if (t < 1000 || tick < 1) return `${+t.toFixed(tick < 1 ? 2 : 0)} ms`;
    if (t >= 60000 && tick >= 1000) return `${Math.floor(t / 60000)}:${String(Math.floor((t % 60000) / 1000)).padStart(2, "0")}`;
    return `${+(t / 1000).toFixed(tick < 10 ? 3 : tick < 100 ? 2 : tick < 1000 ? 1 : 0)} s`;
  };

  function drawMap() {
    const canvas = $("map"), wide = canvas.clientWidth, high = canvas.clientHeight, ratio = devicePixelRatio || 1;
    if (!wide || !D) return;
    canvas.width = wide * ratio;
    canvas.height = high * ratio;
    const pen = canvas.getContext("2d"), css = getComputedStyle(root);
    const ink = { success: "--bar", error: "--bar-error", timeout: "--bar-timeout", stopped: "--bar-wait", incomplete: "--bar-wait" };
    for (const key in ink) ink[key] = css.getPropertyValue(ink[key]);
    pen.scale(ratio, ratio);
    let deepest = 0;
    for (let i = 0; i < N; i++) deepest = Math.max(deepest, depth[i]);
    const lane = Math.max(1.5, Math.min(12, (high - 6) / (deepest + 1)));
    for (const bad of [false, true]) {
      for (let i = 0; i < N; i++) {
        if (status(i) === "skipped" || failed(i) !== bad) continue;
        pen.fillStyle = ink[status(i)];
        pen.globalAlpha = bad || !kids[i].length ? 1 : 0.45;
        const x = (D.start[i] / T) * wide;
        pen.fillRect(x, 3 + Math.min(depth[i] * lane, high - 6), Math.max(1, ((endOf(i) - D.start[i]) / T) * wide), Math.max(1, lane - 1));
      }
    }
    drawWindow();
  }

  function drawWindow() {
    const box = $("window");
    box.hidden = view[0] <= 0 && view[1] >= T;
    box.style.left = `${(view[0] / T) * 100}%`;
    box.style.width = `${((view[1] - view[0]) / T) * 100}%`;
  }

  function zoomTo(from, to) {
    const least = Math.min(T, Math.max(T / 1e6, 0.05));
    let room = Math.min(T, Math.max(least, to - from));
    from = Math.min(Math.max(0, from + (to - from - room) / 2), T - room);
    view = [from, from + room];
    axis();
    drawWindow();
    draw(true);
  }
  function zoom(by, at = (view[0] + view[1]) / 2) {
    zoomTo(at - (at - view[0]) * by, at + (view[1] - at) * by);
  }

  // ---- the selected step

  function pick(i, { tell = false, scroll = true } = {}) {
    picked = i;
    if (scroll && place.has(i)) {
      const grid = $("grid"), top = place.get(i) * rowHeight, room = grid.clientHeight - 30 - rowHeight;
      if (top < grid.scrollTop) grid.scrollTop = top;
      else if (top > grid.scrollTop + room) grid.scrollTop = top - room;
    }
    draw(true);
    if (tell || !$("detail").hidden) detail(i);
  }

  function reveal(i) {
    if (filtering() && !hits[i] && !around[i]) reset();
    for (let p = D.parent[i]; p >= 0; p = D.parent[p]) open[p] = 1;
    list();
    const grid = $("grid");
    if (place.has(i)) grid.scrollTop = Math.max(0, place.get(i) * rowHeight - grid.clientHeight / 3);
    pick(i);
  }

  function facts(list, pairs) {
    list.replaceChildren(...pairs.filter(([, text]) => text !== "" && text !== null && text !== undefined).map(([term, text, name]) => {
      const pair = make("div");
      pair.append(make("dt", "", term), make("dd", name ?? "", String(text)));
      return pair;
    }));
  }

  function detail(i) {
    const box = $("detail"), [id, name, type, flow] = step(i), how = status(i);
    const head = make("header"), close = make("button", "close", "×");
    close.type = "button";
    close.setAttribute("aria-label", "Close details");
    close.addEventListener("click", hideDetail);
    head.append(make("h2", "", id.slice(0, 300)), close);
    const list = make("dl");
    const say = (term, text, style) => {
      if (text === "" || text === null || text === undefined) return;
      list.append(make("dt", "", term), make("dd", style ?? "", String(text)));
    };
    say("Status", `${GLYPHS[how]} ${WORDS[how]}${D.late[i] ? ", late" : ""}`, `s-${how}`);
    say("Name", name !== id ? name : "");
    say("Type", type);
    say("Flow", flow);
    say("Path", path[i], "mono");
    say("Written at", D.places[D.at[i]], "mono");
    say("Started", `${duration(D.start[i]) || "0 ms"} after the run`);
    say("Took", duration(D.took[i]));
    if (kids[i].length) say("Self time", duration(selfOf(i)));
    if (kids[i].length) say("Inside", count(size[i], "step"));
    say("Attempts", D.attempts[i]);
    say("In attempt", D.within[i]);
    say("Branch", D.branch[i]);
    say("Input", bytes(D.in[i]));
    say("Output", bytes(D.out[i]));
    if (D.usage[i]) say("Usage", spent(D.usage[i]));
    say("Worked out", (D.derived[i] ?? []).map((field) => ({ startMs: "start", durationMs: "duration", startedAt: "start" })[field] ?? field).join(", "));
    say("Critical", critical.has(i) ? "on the critical path" : "");
    say("Span", D.id[i], "mono");
    box.replaceChildren(head, list);
    const error = [D.code[i], D.error[i]].filter(Boolean).join(": ");
    if (error) box.append(make("pre", "", error));
    const was = box.hidden;
    box.hidden = false;
    if (was) settle();
  }
  function hideDetail() {
    if ($("detail").hidden) return;
    $("detail").hidden = true;
    settle();
    $("grid").focus();
  }

  // ---- head

  function head() {
    const run = D.run, c = run.counts;
    const word = { success: "succeeded", error: "failed", stopped: "stopped", incomplete: "never ended" }[run.status];
    $("status").textContent = `${GLYPHS[run.status]} ${word}`;
    $("status").classList.add(`s-${run.status}`);
    $("flow").textContent = run.flowKey;
    $("took").textContent = duration(run.durationMs);
    const counts = D.statuses.filter((s) => c[s]).map((s) => `${c[s].toLocaleString("en")} ${WORDS[s]}`).join(", ");
    facts($("facts"), [
      ["Run", run.runId, "mono"],
      ["Started", `${run.startedAt.slice(0, 10)} ${run.startedAt.slice(11, 19)} UTC`],
      ["By", `${run.executor.name === "one-cli" ? "One CLI" : "built-in runner"} ${run.executor.version ?? ""}`],
      ["Steps", c.spans ? `${c.spans.toLocaleString("en")} (${counts})` : "0"],
      ["Retries", c.retries || ""],
      ["Usage", run.usage ? spent(run.usage) : ""],
      ["Session", run.session ? `${run.session.agent ?? ""} ${run.session.sessionId}`.trim() : "", "mono"],
    ]);
    if (run.partial?.length) {
      $("partial").hidden = false;
      $("partial").replaceChildren(...run.partial.map((reason) => make("li", "", reason)));
    }
    if (run.cause) cause(run.cause);
  }

  function cause(told) {
    const at = D.id.indexOf(told.spanId);
    $("cause").hidden = false;
    $("cause-path").textContent = told.path.slice(0, 1000);
    $("cause-path").addEventListener("click", () => { if (at >= 0) { reveal(at); detail(at); $("grid").focus(); } });
    $("cause-error").textContent = [told.errorCode, told.error].filter(Boolean).join(": ");
    $("cause-error").hidden = !(told.error || told.errorCode);
    const some = (paths) => paths.length > 3 ? `${paths.slice(0, 3).join(", ")} and ${paths.length - 3} more` : paths.join(", ");
    facts($("cause-more"), [
      ["Attempts", told.attempts > 1 ? told.attempts : ""],
      ["Still running", some(told.stillRunning)],
      ["Never ran", some(told.neverRan)],
    ]);
  }

  function filters() {
    const box = $("filters");
    const chip = (glyph, text, n, name, press) => {
      const button = make("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      const mark = make("span", `g ${name}`, glyph);
      mark.setAttribute("aria-hidden", "true");
      button.append(mark, document.createTextNode(text), make("span", "n", n.toLocaleString("en")));
      button.addEventListener("click", () => { button.setAttribute("aria-pressed", String(press())); filter(); });
      box.append(button);
    };
    for (const s of D.statuses) {
      const n = D.run.counts[s];
      if (n) chip(GLYPHS[s], WORDS[s], n, `s-${s}`, () => { if (!wanted.statuses.delete(s)) wanted.statuses.add(s); return wanted.statuses.has(s); });
    }
    if (critical.size && N > 1) chip("⟶", "critical path", critical.size, "", () => (wanted.critical = !wanted.critical));
  }

  function reset() {
    wanted.text = $("search").value = "";
    wanted.statuses.clear();
    wanted.critical = false;
    for (const button of $("filters").children) button.setAttribute("aria-pressed", "false");
    filter();
  }

  // ---- hands: mouse, keyboard, size

  const rowAt = (event) => { const row = event.target.closest?.(".rows .row"); return row?.id ? Number(row.id.slice(1)) : -1; };

  function nextFailure() {
    for (let k = 1; k <= N; k++) {
      const i = (Math.max(picked, -1) + k) % N;
      if (failed(i) && !kids[i].some(failed)) { reveal(i); detail(i); return; }
    }
  }

  const KEYS = {
    ArrowDown: (at) => pick(shown[Math.min(at + 1, shown.length - 1)]),
    ArrowUp: (at) => pick(shown[Math.max(at - 1, 0)]),
    PageDown: (at) => pick(shown[Math.min(at + 15, shown.length - 1)]),
    PageUp: (at) => pick(shown[Math.max(at - 15, 0)]),
    Home: () => pick(shown[0]),
    End: () => pick(shown[shown.length - 1]),
    ArrowRight: (at) => {
      const i = shown[at];
      if (i === undefined || !kids[i].length) return;
      if (!isOpen(i)) fold(i, true); else if (place.has(kids[i][0]) || shown[at + 1] !== undefined) pick(shown[at + 1]);
    },
    ArrowLeft: (at) => {
      const i = shown[at];
      if (i === undefined) return;
      if (kids[i].length && isOpen(i)) fold(i, false); else if (D.parent[i] >= 0) pick(D.parent[i]);
    },
    Enter: (at) => { if (shown[at] !== undefined) pick(shown[at], { tell: true }); },
    z: (at) => {
      const i = shown[at];
      if (i === undefined) return;
      const room = Math.max(endOf(i) - D.start[i], T / 1e4);
      zoomTo(D.start[i] - room * 0.05, endOf(i) + room * 0.05);
    },
    Escape: () => { if (!$("detail").hidden) hideDetail(); else if (filtering()) reset(); },
  };
  KEYS[" "] = KEYS.Enter;
  const ANYWHERE = {
    "/": () => { $("search").focus(); $("search").select(); },
    f: nextFailure,
    e: () => unfold(1),
    c: () => unfold(0),
    t: turnLight,
    "+": () => zoom(0.5),
    "=": () => zoom(0.5),
    "-": () => zoom(2),
    "0": () => zoomTo(0, T),
  };
  function turnLight() { theme = root.dataset.theme === "dark" ? "light" : "dark"; dress(); drawMap(); }
  function unfold(to) { open.fill(to); list(); }

  function hands() {
    const grid = $("grid");
    grid.addEventListener("scroll", later, { passive: true });
    grid.addEventListener("click", (event) => {
      const i = rowAt(event);
      if (i < 0) return;
      if (event.target.classList.contains("twist")) { picked = i; fold(i, !isOpen(i)); } else pick(i, { tell: true, scroll: false });
    });
    grid.addEventListener("dblclick", (event) => {
      const i = rowAt(event);
      if (i < 0) return;
      if (event.target.closest(".c-line")) KEYS.z(place.get(i)); else fold(i, !isOpen(i));
    });
    grid.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const box = $("axis").getBoundingClientRect();
      zoom(event.deltaY > 0 ? 1.25 : 0.8, view[0] + ((event.clientX - box.left) / box.width) * (view[1] - view[0]));
    }, { passive: false });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const typing = event.target.closest?.("input");
      if (typing) { if (event.key === "Escape") { reset(); grid.focus(); } else if (event.key === "ArrowDown" || event.key === "Enter") { grid.focus(); if (shown.length) pick(shown[0]); event.preventDefault(); } return; }
      const inGrid = event.target === grid || event.target === document.body || event.target.closest?.("#detail");
      const button = event.target.closest?.("button");
      const act = inGrid && !(button && (event.key === "Enter" || event.key === " ")) ? KEYS[event.key] : undefined;
      if (act) { event.preventDefault(); act(place.get(picked) ?? -1); } else if (event.key === "Escape") KEYS.Escape();
      else if (ANYWHERE[event.key]) { event.preventDefault(); ANYWHERE[event.key](); }
    });
    $("search").addEventListener("input", (event) => { wanted.text = event.target.value; filter(); });
    $("theme").addEventListener("click", turnLight);
    $("unfold").addEventListener("click", () => unfold(1));
    $("fold").addEventListener("click", () => unfold(0));
    $("zoom-in").addEventListener("click", () => zoom(0.5));
    $("zoom-out").addEventListener("click", () => zoom(2));
    $("zoom-fit").addEventListener("click", () => zoomTo(0, T));
    $("reset").addEventListener("click", reset);
    dragMap();
    new ResizeObserver(settle).observe(grid);
    new ResizeObserver(drawMap).observe($("overview"));
  }

  // Drag over the overview: zoom to that stretch. A click: the whole run again.
  function dragMap() {
    const box = $("overview");
    let from = null;
    const at = (event) => { const r = box.getBoundingClientRect(); return Math.min(1, Math.max(0, (event.clientX - r.left) / r.width)) * T; };
    box.addEventListener("pointerdown", (event) => { from = at(event); box.setPointerCapture(event.pointerId); });
    box.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const to = at(event);
      if (Math.abs(to - from) > T / 200) zoomTo(Math.min(from, to), Math.max(from, to));
    });
    box.addEventListener("pointerup", (event) => { if (from !== null && Math.abs(at(event) - from) <= T / 200) zoomTo(0, T); from = null; });
    box.addEventListener("pointercancel", () => { from = null; });
  }

  function settle() {
    axis();
    draw(true);
  }

  addEventListener("DOMContentLoaded", () => {
    read();
    head();
    filters();
    hands();
    filter();
    axis();
    drawMap();
    root.dataset.ready = "yes";
  });
})();
