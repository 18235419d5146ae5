// The waterfall of a tree: its axis, its bars, the overview above it, and what is zoomed to. `onZoom` draws the bars.
const makeTimeline = (tree, onZoom) => {
  const { D, N, kids, depth, status, isAttempt, endOf, failed } = tree;
  const T = D.horizon || 1;
  const $ = (id) => document.getElementById(id);
  const make = Page.make, root = Page.root;
  let view = [0, T];

  function drawBar(bar, i, marked) {
    const [from, to] = view, span = to - from, how = status(i);
    const a = Math.max(0, (D.start[i] - from) / span), b = Math.min(1, (endOf(i) - from) / span);
    bar.hidden = how === "skipped" || a > 1 || b < 0;
    if (bar.hidden) return;
    bar.style.left = `min(${(a * 100).toFixed(3)}%, 100% - 2px)`;
    bar.style.width = `${(Math.max(0, b - a) * 100).toFixed(3)}%`;
    bar.className = `bar ${how}${isAttempt(i) || (kids[i].length && how === "success") ? " inner" : ""}${D.late[i] ? " late" : ""}${marked ? " critical" : ""}`;
  }

  function axis() {
    const box = $("axis"), [from, to] = view, width = box.clientWidth || 300;
    const raw = (to - from) / Math.max(1, Math.floor(width / 64));
    const power = 10 ** Math.floor(Math.log10(raw || 1));
    const tick = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw) || raw || 1;
    const ticks = [], pixels = width / (to - from);
    for (let t = Math.ceil(from / tick) * tick; t < to && ticks.length < 60; t += tick) {
      const left = (t - from) * pixels, text = t === 0 ? "0" : label(t, tick);
      const mark = make("span", "", width - left > text.length * 7 + 8 ? text : "");
      mark.style.left = `${(left / width) * 100}%`;
      ticks.push(mark);
    }
    box.replaceChildren(...ticks);
    $("rows").style.setProperty("--tick", `${tick * pixels}px`);
    $("rows").style.setProperty("--tick-x", `${(Math.ceil(from / tick) * tick - from) * pixels}px`);
  }
  const label = (t, tick) => {
    if (t < 1000 || tick < 1) return `${+t.toFixed(tick < 1 ? 2 : 0)} ms`;
    if (t >= 60000 && tick >= 1000) return `${Math.floor(t / 60000)}:${String(Math.floor((t % 60000) / 1000)).padStart(2, "0")}`;
    return `${+(t / 1000).toFixed(tick < 10 ? 3 : tick < 100 ? 2 : tick < 1000 ? 1 : 0)} s`;
  };

  function drawMap() {
    const canvas = $("map"), wide = canvas.clientWidth, high = canvas.clientHeight, ratio = devicePixelRatio || 1;
    if (!wide) return;
    canvas.width = wide * ratio;
    canvas.height = high * ratio;
    const pen = canvas.getContext("2d"), css = getComputedStyle(root);
    const color = { success: "--bar", error: "--bar-error", timeout: "--bar-timeout", stopped: "--bar-wait", incomplete: "--bar-wait" };
    for (const key in color) color[key] = css.getPropertyValue(color[key]);
    pen.scale(ratio, ratio);
    const deepest = depth.reduce((most, level) => Math.max(most, level), 0);
    const lane = Math.max(1.5, Math.min(12, (high - 6) / (deepest + 1)));
    for (const bad of [false, true]) {
      for (let i = 0; i < N; i++) {
        if (status(i) === "skipped" || failed(i) !== bad) continue;
        pen.fillStyle = color[status(i)];
        pen.globalAlpha = bad || !kids[i].length ? 1 : 0.45;
        pen.fillRect((D.start[i] / T) * wide, 3 + Math.min(depth[i] * lane, high - 6), Math.max(1, ((endOf(i) - D.start[i]) / T) * wide), Math.max(1, lane - 1));
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
    const span = Math.min(T, Math.max(least, to - from));
    from = Math.min(Math.max(0, from + (to - from - span) / 2), T - span);
    view = [from, from + span];
    axis();
    drawWindow();
    onZoom();
  }
  function zoom(by, at = (view[0] + view[1]) / 2) {
    zoomTo(at - (at - view[0]) * by, at + (view[1] - at) * by);
  }
  function zoomToStep(i) {
    const span = Math.max(endOf(i) - D.start[i], T / 1e4);
    zoomTo(D.start[i] - span * 0.05, endOf(i) + span * 0.05);
  }
  function zoomByWheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = $("axis").getBoundingClientRect();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, view[0] + ((event.clientX - box.left) / box.width) * (view[1] - view[0]));
  }
  const zoomOut = () => zoomTo(0, T);

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

  dragMap();
  Page.onTheme(drawMap);
  new ResizeObserver(drawMap).observe($("overview"));
  return { axis, drawBar, zoom, zoomOut, zoomToStep, zoomByWheel };
};
