// The history of one flow, from the documents of stats, insights and cost.
(() => {
  const { GLYPHS, make, duration, number, count, money, moment } = Page;
  const SVG = "http://www.w3.org/2000/svg";
  const DAY = 86400000;
  const LEFT = 58, RIGHT = 10, TOP = 8, BOTTOM = 20; // px around a chart's plot
  const FIRST = 20, STEPS = 12, BUCKETS = 60; // rows of the runs, rows of steps, bars of a chart at most
  const $ = (id) => document.getElementById(id);
  let D, R, flow, N, from, to, chosen = -1;

  const status = (i) => R.statuses[R.status[i]];
  const iso = (ms) => new Date(ms).toISOString();
  const day = (ms) => new Date(ms).toLocaleDateString("en", { month: "short", day: "numeric" });
  const percent = (part) => `${(part * 100).toFixed(part > 0 && part < 0.1 ? 1 : 0)} %`;
  const round = (ms) => ms === 0 ? "0" : duration(ms).replace(/(\.\d*?)0+ /, "$1 ").replace(". ", " ");
  const readable = (text) => text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, moment);

  // ---- charts

  const draw = (tag, attributes, text) => {
    const element = document.createElementNS(SVG, tag);
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // An empty chart with its two axes. `x` and `y` turn values into px.
  function plot(box, most, text) {
    const width = box.clientWidth, height = box.clientHeight, svg = draw("svg", { "aria-hidden": "true" });
    const bottom = height - BOTTOM, step = niceStep(most, height > 180 ? 4 : 2);
    const top = Math.max(step, Math.ceil(most / step) * step);
    const x = (ms) => LEFT + ((ms - from) / (to - from || 1)) * (width - LEFT - RIGHT);
    const y = (value) => bottom - (value / top) * (bottom - TOP);
    for (let value = 0; value <= top + step / 2; value += step) {
      svg.append(draw("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }));
      svg.append(draw("text", { x: LEFT - 7, y: y(value) + 4, "text-anchor": "end" }, text(value)));
    }
    const labels = Math.max(1, Math.floor((width - LEFT - RIGHT) / 110));
    for (let k = 0; k <= labels; k++) {
      const ms = from + ((to - from) * k) / labels;
      const anchor = k === 0 ? "start" : k === labels ? "end" : "middle";
      svg.append(draw("text", { x: x(ms), y: height - 4, "text-anchor": anchor }, to - from > 3 * DAY ? day(ms) : iso(ms).slice(11, 16)));
    }
    box.replaceChildren(svg);
    return { svg, x, y, width, bottom };
  }

  function niceStep(most, lines) {
    const raw = most / lines || 1, power = 10 ** Math.floor(Math.log10(raw));
    return [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= raw);
  }

  // Successes are dots; what did not succeed is a cross or a square, so that color is not all that tells.
  const shape = (how, x, y) => how === "success" ? `M${x - 3},${y}a3,3 0 1,0 6,0a3,3 0 1,0 -6,0` : how === "error" ? `M${x - 4},${y - 4}l8,8m0,-8l-8,8` : `M${x - 3},${y - 3}h6v6h-6z`;
  const paint = (how) => how === "success" ? "f-success" : `l-${how}`;

  function drawDurations() {
    const known = R.took.filter((ms) => ms !== null);
    const chart = plot($("durations"), Math.max(1, ...known), round);
    const paths = {};
    for (let i = 0; i < N; i++) {
      const how = status(i);
      paths[how] = (paths[how] ?? "") + shape(how, Math.round(chart.x(R.start[i]) * 10) / 10, Math.round(chart.y(R.took[i] ?? 0) * 10) / 10);
    }
    for (const how in paths) chart.svg.append(draw("path", { class: paint(how), d: paths[how] }));
    if (flow.p50Ms !== null) chart.svg.append(draw("line", { class: "usual", x1: LEFT, x2: chart.width - RIGHT, y1: chart.y(flow.p50Ms), y2: chart.y(flow.p50Ms) }));
    if (chosen >= 0) chart.svg.append(draw("circle", { class: "at", r: 8, cx: chart.x(R.start[chosen]), cy: chart.y(R.took[chosen] ?? 0) }));
    return chart;
  }

  // Bars of a day, or of as many days as it takes to have BUCKETS of them.
  function buckets() {
    const length = Math.max(1, Math.ceil((to - from) / DAY / BUCKETS)) * DAY;
    const first = Math.floor(from / DAY) * DAY;
    return { length, first, many: Math.floor((to - first) / length) + 1 };
  }

  function drawOutcomes() {
    const { length, first, many } = buckets();
    const bars = Array.from({ length: many }, () => ({}));
    for (let i = 0; i < N; i++) { const bar = bars[Math.floor((R.start[i] - first) / length)]; bar[status(i)] = (bar[status(i)] ?? 0) + 1; }
    const most = Math.max(...bars.map((bar) => Object.values(bar).reduce((a, b) => a + b, 0)));
    drawBars($("outcomes"), bars, most, (n) => Number.isInteger(n) ? number(n) : "", [...R.statuses].reverse(), first, length);
  }

  function drawDays() {
    const { length, first, many } = buckets();
    const bars = Array.from({ length: many }, () => ({}));
    for (const [key, usd] of D.cost.days) {
      const at = Math.min(many - 1, Math.max(0, Math.floor((Date.parse(`${key}T00:00:00Z`) - first) / length)));
      bars[at].success = (bars[at].success ?? 0) + (usd ?? 0);
    }
    drawBars($("days"), bars, Math.max(...bars.map((bar) => bar.success ?? 0)), (usd) => usd === 0 ? "0" : money(usd), ["success"], first, length);
  }

  function drawBars(box, bars, most, text, kinds, first, length) {
    const chart = plot(box, most, text), end = chart.width - RIGHT;
    bars.forEach((bar, at) => {
      const left = Math.max(LEFT, chart.x(first + at * length)), right = Math.min(end, chart.x(first + (at + 1) * length));
      const wide = Math.max(2, right - left), gap = Math.min(wide * 0.1, 4);
      let below = 0;
      for (const kind of kinds) {
        if (!bar[kind]) continue;
        const rect = draw("rect", { class: `f-${kind}`, x: Math.min(left, end - 2) + gap, width: Math.max(1, wide - 2 * gap), y: chart.y(below + bar[kind]), height: Math.max(1, chart.y(below) - chart.y(below + bar[kind])) });
        rect.append(draw("title", {}, `${iso(first + at * length).slice(0, 10)}: ${text(bar[kind])} ${kinds.length > 1 ? kind : ""}`));
        chart.svg.append(rect);
        below += bar[kind];
      }
    });
  }

  function choose(i) {
    chosen = Math.min(N - 1, Math.max(0, i));
    const parts = [R.ids[chosen], status(chosen), duration(R.took[chosen]), moment(iso(R.start[chosen])), money(R.cost[chosen]), R.versions[R.version[chosen]] ? `version ${R.versions[R.version[chosen]]}` : ""];
    $("chosen").textContent = parts.filter(Boolean).join(" · ");
    drawDurations();
  }

  function nearest(event) {
    const box = $("durations").getBoundingClientRect(), most = Math.max(1, ...R.took.filter((ms) => ms !== null));
    const x = event.clientX - box.left, y = event.clientY - box.top;
    let best = 0, least = Infinity;
    for (let i = 0; i < N; i++) {
      const dx = LEFT + ((R.start[i] - from) / (to - from || 1)) * (box.width - LEFT - RIGHT) - x;
      const dy = box.height - BOTTOM - ((R.took[i] ?? 0) / most) * (box.height - BOTTOM - TOP) - y;
      const far = dx * dx + dy * dy * 0.1;
      if (far < least) { least = far; best = i; }
    }
    return best;
  }

  function legend() {
    for (const how of R.statuses) {
      const many = R.status.filter((index) => R.statuses[index] === how).length;
      if (!many) continue;
      const entry = make("span"), svg = draw("svg", { viewBox: "0 0 11 11", "aria-hidden": "true" });
      svg.append(draw("path", { class: paint(how), d: shape(how, 5.5, 5.5) }));
      entry.append(svg, `${number(many)} ${how}`);
      $("legend").append(entry);
    }
    if (flow.p50Ms !== null) $("legend").append(make("span", "", `- - median ${duration(flow.p50Ms)}`));
  }

  // ---- tables

  // Columns are [title, cell(row), class]; a cell is a text or an element.
  function table(id, columns, rows) {
    const head = make("tr");
    for (const [title, , name] of columns) { const cell = make("th", name, title); cell.scope = "col"; head.append(cell); }
    const body = make("tbody");
    for (const row of rows) {
      const line = make("tr");
      for (const [, value, name] of columns) { const cell = make("td", name); cell.append(value(row) ?? ""); line.append(cell); }
      body.append(line);
    }
    const top = make("thead");
    top.append(head);
    $(id).replaceChildren(top, body);
  }

  const shortPath = (path) => path.startsWith(`${flow.flowKey} > `) ? path.slice(flow.flowKey.length + 3) : path;
  function pathCell(step) {
    const cell = make("span", "", shortPath(step.path));
    for (const flag of step.flags) cell.append(make("span", flag === "flaky" || flag === "failing" ? "mark bad" : "mark", flag));
    return cell;
  }
  function shareCell(step) {
    const cell = make("span", "", step.share === null ? "" : percent(step.share)), bar = make("span", "share"), part = make("i");
    part.style.width = `${Math.min(100, (step.share ?? 0) * 100)}%`;
    bar.append(part);
    cell.append(bar);
    return cell;
  }

  function steps() {
    const inside = new Set(flow.steps.map((step) => step.path.split(" > ").slice(0, -1).join(" > ")));
    const leaves = flow.steps.filter((step) => step.p50Ms !== null && !inside.has(step.path));
    const slow = leaves.sort((a, b) => (b.share ?? 0) - (a.share ?? 0)).slice(0, STEPS);
    const costs = slow.some((step) => step.costUsd !== null);
    table("slow", [
      ["Step", pathCell, "path"],
      ["Median", (step) => duration(step.p50Ms), "num"],
      ["p95", (step) => duration(step.p95Ms), "num"],
      ["Share", shareCell, "num"],
      ["Retries", (step) => step.retries ? number(step.retries) : "", "num drop"],
      ...(costs ? [["Cost", (step) => money(step.costUsd), "num drop"]] : []),
    ], slow);
    const bad = flow.steps.filter((step) => step.flaky || step.failing).sort((a, b) => (b.flaky?.rate ?? 1) - (a.flaky?.rate ?? 1));
    $("flaky-section").hidden = !bad.length;
    table("flaky", [
      ["Step", pathCell, "path"],
      ["Failed", (step) => step.failing ? `the last ${count(step.failing.runs, "run")}` : `${number(step.flaky.failed)} of ${number(step.flaky.failed + step.flaky.succeeded)}`, "num"],
      ["Rate", (step) => step.flaky ? percent(step.flaky.rate) : "", "num"],
      ["Since", (step) => { const since = (step.failing ?? step.flaky).since; return since ? since.slice(0, 10) : ""; }, "num"],
    ], bad);
  }

  function findings() {
    const all = D.insights.findings;
    if (!all.length) $("finding-list").replaceWith(make("p", "none", "Nothing to report."));
    for (const finding of all) {
      const item = make("li"), { secondsPerRun, dollarsPerRun, failures } = finding.size;
      const saved = [secondsPerRun && `${duration(secondsPerRun * 1000)} a run`, dollarsPerRun && `${money(dollarsPerRun)} a run`, failures && count(failures, "failure")].filter(Boolean);
      item.append(make("b", "", readable(finding.title)));
      item.append(make("p", "", [finding.rule, shortPath(finding.path), saved.length ? `saves ${saved.join(", ")}` : ""].filter(Boolean).join(" · ")));
      if (finding.suggestion) item.append(make("p", "todo", readable(finding.suggestion)));
      $("finding-list").append(item);
    }
  }

  function costs() {
    const total = D.cost.total;
    $("cost-section").hidden = !total.calls;
    if (!total.calls) return;
    drawDays();
    const days = buckets().length / DAY;
    if (days > 1) $("cost-title").textContent = `Cost per ${days} days`;
    table("models", [
      ["Model", (spent) => spent.key, "path"],
      ["Calls", (spent) => number(spent.calls), "num"],
      ["Tokens in", (spent) => number(spent.inputTokens + spent.cacheReadTokens + spent.cacheWriteTokens), "num drop"],
      ["Tokens out", (spent) => number(spent.outputTokens), "num drop"],
      ["Cost", (spent) => money(spent.costUsd), "num"],
    ], D.cost.models);
  }

  function lastRuns(most) {
    const rows = Array.from({ length: Math.min(N, most) }, (_, k) => N - 1 - k);
    const state = (i) => make("span", `s-${status(i)}`, `${GLYPHS[status(i)]} ${status(i)}`);
    table("last", [
      ["Run", (i) => make("span", "mono", R.ids[i]), ""],
      ["Outcome", state, ""],
      ["Started", (i) => moment(iso(R.start[i])), ""],
      ["Took", (i) => duration(R.took[i]), "num"],
      ["Cost", (i) => money(R.cost[i]), "num drop"],
      ["Version", (i) => R.versions[R.version[i]] ?? "", "num drop"],
    ], rows);
    $("more").hidden = rows.length === N;
    $("more").textContent = `All ${number(N)} runs`;
  }

  function head() {
    const outcomes = flow.outcomes, ended = flow.runs - outcomes.stopped - outcomes.incomplete;
    $("flow").textContent = flow.flowKey;
    $("durations").setAttribute("aria-label", `Durations of ${count(N, "run")}. Arrow keys choose a run.`);
    $("span").textContent = `${flow.firstRunAt.slice(0, 10)} to ${flow.lastRunAt.slice(0, 10)}`;
    Page.facts($("facts"), [
      ["Runs", N < flow.runs ? `${number(flow.runs)} (charts: the last ${number(N)})` : number(flow.runs)],
      ["Success", ended ? percent(outcomes.success / ended) : ""],
      ["Median", duration(flow.p50Ms)],
      ["p95", duration(flow.p95Ms)],
      ["Retries", flow.retries || ""],
      ["Cost", money(flow.costUsd)],
      ["Versions", flow.versions > 1 ? flow.versions : ""],
      ["Project", flow.project, "mono"],
    ]);
  }

  function bind() {
    const chart = $("durations"), at = () => (chosen < 0 ? N : chosen);
    const KEYS = { ArrowLeft: () => at() - 1, ArrowRight: () => at() + 1, Home: () => 0, End: () => N - 1 };
    chart.addEventListener("keydown", (event) => { if (KEYS[event.key]) { event.preventDefault(); choose(KEYS[event.key]()); } });
    chart.addEventListener("pointermove", (event) => { const i = nearest(event); if (i !== chosen) choose(i); });
    chart.addEventListener("focus", () => { if (chosen < 0) choose(N - 1); });
    $("theme").addEventListener("click", Page.toggleTheme);
    document.addEventListener("keydown", (event) => { if (event.key === "t" && !event.ctrlKey && !event.metaKey) Page.toggleTheme(); });
    $("more").addEventListener("click", () => lastRuns(N));
    new ResizeObserver(() => { drawDurations(); drawOutcomes(); if (D.cost.total.calls) drawDays(); }).observe(chart);
  }

  addEventListener("DOMContentLoaded", () => {
    D = Page.data();
    R = D.runs;
    for (const name of ["status", "start", "took", "version"]) R[name] = Page.unpack(R[name]);
    R.cost = Page.unpackSparse(R.cost);
    N = R.ids.length;
    flow = D.stats.flows[0];
    from = Math.min(...R.start);
    to = Math.max(...R.start);
    head();
    legend();
    findings();
    steps();
    costs();
    lastRuns(FIRST);
    bind();
    Page.root.dataset.ready = "yes";
  });
})();
