// One run. Only the rows in sight exist: a pool of elements that is filled anew as the list scrolls.
(() => {
  const { root, GLYPHS, make, duration, bytes, number, count, money } = Page;
  const FOLD_FROM = 12; // a loop with more children than this starts folded
  const SPARE = 8; // rows kept ready above and below those in sight
  const PRINTED = 5000; // rows on paper at most
  const HEAD = 30; // px of the column titles
  const ROW = 28; // px of a row

  // The tree and its rows (report_tree.js), and the waterfall (report_timeline.js).
  let tree, D, N, M, critical, parent, kids, path, order, depth, size, failures, cost;
  let status, step, isAttempt, selfOf, failed, linkTo, timeline;
  let open, hits, around, shown = [], place = new Map(); // folding, filtering, and the rows of the list in order
  let picked = -1, pool = [], printing = false;
  const wanted = { text: "", statuses: new Set(), critical: false };
  const $ = (id) => document.getElementById(id);

  const spent = (u) => {
    const parts = [money(u.costUsd)];
    const taken = u.inputTokens + u.cacheReadTokens + u.cacheWriteTokens;
    if (taken || u.outputTokens) parts.push(`${number(taken)} tokens in, ${number(u.outputTokens)} out`);
    if (u.models.length) parts.push(u.models.join(", "));
    return parts.filter(Boolean).join(" · ");
  };
  function read() {
    tree = readTree();
    ({ D, N, M, critical, parent, kids, path, order, depth, size, failures, cost, status, step, isAttempt, selfOf, failed, linkTo } = tree);
    open = new Uint8Array(M);
    hits = new Uint8Array(M);
    around = new Uint8Array(M);
    $("grid").classList.toggle("costs", cost.some((usd) => usd !== null));
    initialFolding();
    timeline = makeTimeline(tree, () => draw(true));
  }

  // Long loops and attempts that were made again start folded, except on the way to the cause.
  function initialFolding() {
    for (const i of order) open[i] = kids[i].length <= FOLD_FROM && !(isAttempt(i) && kids[parent[i]].at(-1) !== i) ? 1 : 0;
    for (let i = D.cause >= 0 ? parent[D.cause] : -1; i >= 0; i = parent[i]) open[i] = 1;
  }

  // ---- filters

  const filtering = () => wanted.text !== "" || wanted.statuses.size > 0 || wanted.critical;

  function match(i, words) {
    if (isAttempt(i)) return false;
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
    for (let k = M - 1; k >= 0; k--) {
      const i = order[k];
      hits[i] = match(i, words) ? 1 : 0;
      found += hits[i];
      if ((hits[i] || around[i]) && parent[i] >= 0) around[parent[i]] = 1;
    }
    $("found").textContent = filtering() ? `${number(found)} of ${count(N, "step")}` : count(N, "step");
    list();
  }

  // While filtering, what leads to a hit is open unless the reader folds it (2).
  const isOpen = (i) => filtering() ? around[i] === 1 && open[i] !== 2 : open[i] === 1;

  function list() {
    shown = [];
    let hiddenBelow = -1; // rows deeper than this are in a folded one
    for (const i of order) {
      if (hiddenBelow >= 0 && depth[i] > hiddenBelow) continue;
      hiddenBelow = -1;
      if (filtering() && !hits[i] && !around[i]) continue;
      shown.push(i);
      if (kids[i].length && !isOpen(i)) hiddenBelow = depth[i];
    }
    place = new Map(shown.map((i, at) => [i, at]));
    if (!place.has(picked)) picked = -1;
    $("rows").style.height = `${shown.length * ROW}px`;
    $("grid").setAttribute("aria-rowcount", String(shown.length + 1));
    $("none").hidden = shown.length > 0 || N === 0;
    draw(true);
  }

  function fold(i, to) {
    if (!kids[i].length) return;
    open[i] = to ? 1 : filtering() ? 2 : 0;
    list();
  }

  // ---- rows

  function newRow() {
    const row = make("div", "row");
    row.setAttribute("role", "row");
    const cell = (name) => { const c = make("div", name); c.setAttribute("role", "gridcell"); row.append(c); return c; };
    const parts = { row, at: -1, step: cell("c-step"), type: cell("c-type"), took: cell("c-took num"), self: cell("c-self num"), out: cell("c-out num"), cost: cell("c-cost num"), line: cell("c-line") };
    Object.assign(parts, { twist: make("span", "twist", "▶"), glyph: make("span", "glyph"), word: make("span", "off"), turn: make("span", "turn"), id: make("span", "id"), marks: make("span", "marks"), name: make("span", "name"), bar: make("div", "bar") });
    for (const decoration of [parts.twist, parts.glyph]) decoration.setAttribute("aria-hidden", "true");
    parts.step.append(parts.twist, parts.glyph, parts.word, parts.turn, parts.id, parts.marks, parts.name);
    parts.line.append(parts.bar);
    $("rows").append(row);
    return parts;
  }

  // Labels beside the id: [text, class].
  function marks(i) {
    const found = [];
    if (D.branch[i]) found.push([D.branch[i], "side"]);
    if (D.within[i] && !isAttempt(parent[i])) found.push([`attempt ${D.within[i]}`, ""]);
    if (D.attempts[i]) found.push([`${D.attempts[i]} attempts`, ""]);
    if (status(i) === "timeout" || status(i) === "stopped") found.push([status(i), "side"]);
    if (D.late[i]) found.push(["late", "side"]);
    if (kids[i].length && !isOpen(i)) {
      found.push([`+${number(size[i])}`, ""]);
      if (failures[i]) found.push([`${number(failures[i])} failed`, "bad"]);
    }
    return found.map(([text, name]) => make("span", `mark ${name}`, text));
  }

  const tookText = (i) => {
    if (D.took[i] === null) return { skipped: "skipped", incomplete: "no end" }[status(i)] ?? "–";
    return ((D.derived[i] ?? []).includes("durationMs") ? "~" : "") + duration(D.took[i]);
  };

  function fill(parts, at) {
    const i = shown[at], { row } = parts, [id, name, type] = step(i), how = status(i), turn = D.iteration[i];
    parts.at = at;
    row.hidden = false;
    row.id = `s${i}`;
    row.style.transform = `translateY(${at * ROW}px)`;
    row.className = `row${i === picked ? " picked" : ""}${how === "error" && !isAttempt(i) ? " failed" : ""}${isAttempt(i) ? " attempt" : ""}${filtering() && !hits[i] ? " around" : ""}`;
    row.setAttribute("aria-rowindex", String(at + 2));
    row.setAttribute("aria-level", String(depth[i] + 1));
    row.setAttribute("aria-selected", String(i === picked));
    if (kids[i].length) row.setAttribute("aria-expanded", String(isOpen(i))); else row.removeAttribute("aria-expanded");
    parts.step.style.paddingLeft = `calc(var(--indent) * ${Math.min(depth[i], 14)})`;
    parts.glyph.textContent = GLYPHS[how];
    parts.glyph.className = `glyph s-${how}`;
    parts.word.textContent = `${how}: `;
    parts.turn.textContent = turn === undefined ? "" : `[${turn}]`;
    parts.turn.hidden = turn === undefined;
    parts.id.textContent = id.slice(0, 300) || "(no id)";
    parts.id.title = path[i].slice(0, 1000);
    parts.marks.replaceChildren(...marks(i));
    parts.name.textContent = name && name.toLowerCase() !== id.toLowerCase() ? name.slice(0, 300) : "";
    parts.type.textContent = type.slice(0, 40);
    parts.took.textContent = tookText(i);
    parts.took.title = parts.took.textContent.startsWith("~") ? "estimated" : "";
    parts.self.textContent = duration(selfOf(i));
    for (const part of [parts.self, parts.cost]) part.classList.toggle("soft", part === parts.self ? !kids[i].length : kids[i].length > 0);
    parts.out.textContent = bytes(D.out[i]);
    parts.cost.textContent = money(cost[i]);
    timeline.drawBar(parts.bar, i, wanted.critical && critical.has(i));
  }

  function draw(anew) {
    const grid = $("grid"), top = Math.max(0, grid.scrollTop - HEAD);
    const first = printing ? 0 : Math.max(0, Math.floor(top / ROW) - SPARE);
    const last = Math.min(shown.length, printing ? PRINTED : Math.ceil((top + grid.clientHeight) / ROW) + SPARE);
    while (pool.length < last - first) pool.push(newRow());
    for (const [slot, parts] of pool.entries()) {
      // Row n of the list always lies in slot n mod pool: scrolling does not touch what stays in sight.
      const at = first + ((slot - (first % pool.length) + pool.length) % pool.length);
      if (at >= last) { parts.row.hidden = true; parts.at = -1; parts.row.removeAttribute("id"); } else if (anew || parts.at !== at) fill(parts, at);
    }
    if (picked >= 0 && document.getElementById(`s${picked}`)) grid.setAttribute("aria-activedescendant", `s${picked}`);
    else grid.removeAttribute("aria-activedescendant");
  }

  let waiting = false;
  const drawSoon = () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; draw(false); }); } };

  // ---- the selected step, and the link to it

  function followLink() {
    let target = "";
    try { target = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    if (!target || !N) return;
    const i = tree.rowsByLink().get(target);
    if (i !== undefined && i !== picked) { reveal(i); showDetail(i); }
  }

  function pick(i, { details = false, scroll = true } = {}) {
    picked = i;
    if (scroll && place.has(i)) {
      const grid = $("grid"), top = place.get(i) * ROW, height = grid.clientHeight - HEAD - ROW;
      if (top < grid.scrollTop) grid.scrollTop = top;
      else if (top > grid.scrollTop + height) grid.scrollTop = top - height;
    }
    draw(true);
    try { history.replaceState(null, "", linkTo(i)); } catch { /* some viewers have no address of their own */ }
    if (details || !$("detail").hidden) showDetail(i);
  }

  function reveal(i) {
    if (filtering() && !hits[i] && !around[i]) reset();
    for (let p = parent[i]; p >= 0; p = parent[p]) open[p] = 1;
    list();
    const grid = $("grid");
    if (place.has(i)) grid.scrollTop = Math.max(0, place.get(i) * ROW - grid.clientHeight / 3);
    pick(i);
  }

  function showDetail(i) {
    const box = $("detail"), [id, name, type, flow] = step(i), how = status(i);
    const head = make("header"), close = make("button", "close", "×"), link = make("a", "mono", path[i]);
    close.type = "button";
    close.setAttribute("aria-label", "Close details");
    close.addEventListener("click", hideDetail);
    link.href = linkTo(i);
    link.title = "Link to this step";
    head.append(make("h2", "", id.slice(0, 300)), close);
    const list = make("dl"), error = [D.code[i], D.error[i]].filter(Boolean).join(": ");
    const FIELDS = { startMs: "start", durationMs: "duration", startedAt: "start" };
    for (const [term, value, style] of [
      ["Status", `${GLYPHS[how]} ${how}${D.late[i] ? ", late" : ""}`, `s-${how}`],
      ["Name", name !== id ? name : ""],
      ["Type", type],
      ["Flow", flow],
      ["Path", link],
      ["Written at", D.places[D.at[i]], "mono"],
      ["Started", `${duration(D.start[i]) || "0 ms"} after the run`],
      ["Took", duration(D.took[i])],
      ["Self time", kids[i].length ? duration(selfOf(i)) : ""],
      ["Inside", kids[i].length ? count(size[i], "step") : ""],
      ["Attempts", D.attempts[i]],
      ["In attempt", D.within[i]],
      ["Branch", D.branch[i]],
      ["Input", bytes(D.in[i])],
      ["Output", bytes(D.out[i])],
      ["Usage", D.usage[i] ? spent(D.usage[i]) : ""],
      ["Cost", kids[i].length ? money(cost[i]) : ""],
      ["Estimated", [...new Set((D.derived[i] ?? []).map((field) => FIELDS[field] ?? field))].join(", ")],
      ["Critical", critical.has(i) ? "on the critical path" : ""],
      ["Span", D.ids && !isAttempt(i) ? tree.spanId(i) : "", "mono"],
    ]) {
      if (value === "" || value === null || value === undefined) continue;
      const text = make("dd", style ?? "");
      text.append(value);
      list.append(make("dt", "", term), text);
    }
    box.replaceChildren(head, list);
    if (error) box.append(make("pre", "", error));
    $("said").textContent = `${id.slice(0, 100)}: ${how}, ${tookText(i)}${error ? `, ${error.slice(0, 200)}` : ""}`;
    const was = box.hidden;
    box.hidden = false;
    if (was) resize();
  }
  function hideDetail() {
    if ($("detail").hidden) return;
    $("detail").hidden = true;
    resize();
    $("grid").focus();
  }

  // ---- head

  function head() {
    const run = D.run, c = run.counts;
    $("status").textContent = `${GLYPHS[run.status]} ${run.status}`;
    $("status").classList.add(`s-${run.status}`);
    $("flow").textContent = run.flowKey;
    $("took").textContent = duration(run.durationMs);
    const counts = D.statuses.filter((s) => c[s]).map((s) => `${number(c[s])} ${s}`).join(", ");
    Page.facts($("facts"), [
      ["Run", run.runId, "mono"],
      ["Started", Page.moment(run.startedAt)],
      ["By", `${run.executor.name === "one-cli" ? "One CLI" : "built-in runner"} ${run.executor.version ?? ""}`],
      ["Ended by", run.exit && (run.status === "incomplete" || run.exit.signal) ? run.exit.signal ?? `exit code ${run.exit.code}` : ""],
      ["Steps", c.spans ? `${number(c.spans)} (${counts})` : "0"],
      ["Retries", c.retries || ""],
      ["Usage", run.usage ? spent(run.usage) : ""],
      ["Tags", Object.entries(run.tags ?? {}).map(([key, value]) => `${key}=${value}`).join(", ")],
      ["Session", run.session ? `${run.session.agent ?? ""} ${run.session.sessionId ?? ""}`.trim() : "", "mono"],
    ]);
    if (run.partial?.length) {
      $("partial").hidden = false;
      $("partial").replaceChildren(...run.partial.map((reason) => make("li", "", reason)));
    }
    if (run.cause) showCause(run.cause);
  }

  function showCause(cause) {
    const link = $("cause-path"), at = D.cause;
    $("cause").hidden = false;
    link.textContent = cause.path.slice(0, 1000);
    if (at >= 0) link.href = linkTo(at);
    link.addEventListener("click", (event) => { event.preventDefault(); if (at >= 0) { reveal(at); showDetail(at); $("grid").focus(); } });
    $("cause-error").textContent = [cause.errorCode, cause.error].filter(Boolean).join(": ");
    $("cause-error").hidden = !(cause.error || cause.errorCode);
    const some = (paths) => paths.length > 3 ? `${paths.slice(0, 3).join(", ")} and ${paths.length - 3} more` : paths.join(", ");
    Page.facts($("cause-more"), [
      ["At", cause.at ? cause.at.file + (cause.at.line ? `:${cause.at.line}` : "") : "", "mono"],
      ["Pointer", cause.at?.pointer, "mono"],
      ["Class", cause.class === cause.errorCode ? "" : cause.class],
      ["Attempts", cause.attempts > 1 ? cause.attempts : ""],
      ["Still running", some(cause.stillRunning)],
      ["Never ran", some(cause.neverRan)],
    ]);
  }

  function filters() {
    const chip = (glyph, text, n, name, press) => {
      const button = make("button"), mark = make("span", `g ${name}`, glyph);
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      mark.setAttribute("aria-hidden", "true");
      button.append(mark, `${text} `, make("span", "n", number(n)));
      button.addEventListener("click", () => { button.setAttribute("aria-pressed", String(press())); filter(); });
      $("filters").append(button);
    };
    for (const s of D.statuses) {
      const n = D.run.counts[s];
      if (n) chip(GLYPHS[s], s, n, `s-${s}`, () => { if (!wanted.statuses.delete(s)) wanted.statuses.add(s); return wanted.statuses.has(s); });
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

  // ---- mouse, keyboard, size

  const rowAt = (event) => { const row = event.target.closest?.(".rows .row"); return row?.id ? Number(row.id.slice(1)) : -1; };

  function nextFailure() {
    const from = Math.max(order.indexOf(picked), -1);
    for (let k = 1; k <= M; k++) {
      const i = order[(from + k) % M];
      if (failed(i) && !isAttempt(i) && !failures[i]) { reveal(i); showDetail(i); return; }
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
      if (!isOpen(i)) fold(i, true); else if (shown[at + 1] !== undefined) pick(shown[at + 1]);
    },
    ArrowLeft: (at) => {
      const i = shown[at];
      if (i === undefined) return;
      if (kids[i].length && isOpen(i)) fold(i, false); else if (parent[i] >= 0) pick(parent[i]);
    },
    Enter: (at) => { if (shown[at] !== undefined) pick(shown[at], { details: true }); },
    z: (at) => { if (shown[at] !== undefined) timeline.zoomToStep(shown[at]); },
    Escape: () => { if (!$("detail").hidden) hideDetail(); else if (filtering()) reset(); },
  };
  KEYS[" "] = KEYS.Enter;
  const ANYWHERE = {
    "/": () => { $("search").focus(); $("search").select(); },
    f: nextFailure,
    e: () => unfold(1),
    c: () => unfold(0),
    t: Page.toggleTheme,
    "+": () => timeline.zoom(0.5),
    "=": () => timeline.zoom(0.5),
    "-": () => timeline.zoom(2),
    "0": () => timeline.zoomOut(),
  };
  function unfold(to) { open.fill(to); list(); }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const grid = $("grid"), on = (selector) => event.target.closest?.(selector);
    if (on("input")) {
      if (event.key === "Escape") { reset(); grid.focus(); }
      else if (event.key === "ArrowDown" || event.key === "Enter") { event.preventDefault(); grid.focus(); if (shown.length) pick(shown[0]); }
      return;
    }
    const inGrid = event.target === grid || event.target === document.body || on("#detail");
    const pressed = on("button, a") && (event.key === "Enter" || event.key === " ");
    const act = inGrid && !pressed && shown.length ? KEYS[event.key] : undefined;
    if (act) { event.preventDefault(); act(place.get(picked) ?? -1); }
    else if (event.key === "Escape") KEYS.Escape();
    else if (ANYWHERE[event.key]) { event.preventDefault(); ANYWHERE[event.key](); }
  }

  function bind() {
    const grid = $("grid");
    grid.addEventListener("scroll", drawSoon, { passive: true });
    grid.addEventListener("click", (event) => {
      const i = rowAt(event);
      if (i < 0) return;
      if (event.target.classList.contains("twist")) { picked = i; fold(i, !isOpen(i)); } else pick(i, { details: true, scroll: false });
    });
    grid.addEventListener("dblclick", (event) => {
      const i = rowAt(event);
      if (i < 0) return;
      if (event.target.closest(".c-line")) KEYS.z(place.get(i)); else fold(i, !isOpen(i));
    });
    grid.addEventListener("wheel", timeline.zoomByWheel, { passive: false });
    document.addEventListener("keydown", onKey);
    $("search").addEventListener("input", (event) => { wanted.text = event.target.value; filter(); });
    for (const [id, act] of [
      ["theme", Page.toggleTheme], ["unfold", () => unfold(1)], ["fold", () => unfold(0)],
      ["zoom-in", () => timeline.zoom(0.5)], ["zoom-out", () => timeline.zoom(2)], ["zoom-fit", () => timeline.zoomOut()], ["reset", reset],
    ]) $(id).addEventListener("click", act);
    addEventListener("hashchange", followLink);
    // On paper there is no scrolling: all rows are there, one after another.
    addEventListener("beforeprint", () => { printing = true; draw(true); });
    addEventListener("afterprint", () => { printing = false; for (const parts of pool.splice(0)) parts.row.remove(); resize(); });
    new ResizeObserver(resize).observe(grid);
  }

  function resize() {
    timeline.axis();
    draw(true);
  }

  addEventListener("DOMContentLoaded", () => {
    read();
    head();
    filters();
    bind();
    filter();
    timeline.axis();
    followLink();
    root.dataset.ready = "yes";
  });
})();
