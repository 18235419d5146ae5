// The spans of a run as a tree of rows. Rows 0 to N-1 are the spans; N to M-1 are the attempts of containers that
// were tried again. Nothing here recurses: a hostile flow may nest deeply.
const readTree = () => {
  const D = Page.data();
  for (const name of ["step", "parent", "start", "took", "status", "critical"]) D[name] = Page.unpack(D[name]);
  for (const name of ["out", "root", "iteration", "branch", "attempts", "within", "self", "in", "error", "code", "late", "derived", "usage", "at"]) D[name] = Page.unpackSparse(D[name]);
  const N = D.step.length;
  let M = N;
  const critical = new Set(D.critical);
  const parent = D.parent.map((back, i) => i - back);
  const kids = Array.from({ length: N }, () => []);
  const path = [], order = [];
  let depth, size, failures, cost, links; // how many steps, failures and dollars are inside of each row

  const status = (i) => D.statuses[D.status[i]];
  const step = (i) => D.steps[D.step[i]]; // [id, name, type, flow]
  const isAttempt = (i) => i >= N;
  const endOf = (i) => D.took[i] !== null ? D.start[i] + D.took[i] : status(i) === "incomplete" ? D.horizon : D.start[i];
  const selfOf = (i) => D.self[i] ?? (kids[i].length ? null : D.took[i]);
  const failed = (i) => status(i) === "error" || status(i) === "timeout";
  const spanId = (i) => Array.from(atob(D.ids.slice(Math.floor(i * 8 / 3) * 4, Math.ceil((i * 8 + 8) / 3) * 4)), (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("").substr((i * 8 % 3) * 2, 16);

  function place() {
    for (let i = 0; i < N; i++) {
      const p = parent[i];
      if (p >= 0) kids[p].push(i);
      const turn = (D.within[i] ? `#${D.within[i]}` : "") + (D.iteration[i] !== undefined ? `[${D.iteration[i]}]` : "");
      path[i] = `${p >= 0 ? path[p] : D.roots[D.root[i] ?? 0]}${turn} > ${step(i)[0]}`;
    }
    const turn = (i) => [D.within[i] ?? 1, D.iteration[i] ?? -1, D.start[i]];
    for (const list of kids) list.sort((a, b) => { const x = turn(a), y = turn(b); return x[0] - y[0] || x[1] - y[1] || x[2] - y[2] || a - b; });
  }

  // The children of a container that was tried again stand under a row for each of its attempts.
  function groupAttempts(container) {
    const tries = [...new Set(kids[container].map((i) => D.within[i] ?? 1))];
    if (tries.length < 2) return;
    kids[container] = tries.map((attempt, at) => {
      const group = M++, inside = kids[container].filter((i) => (D.within[i] ?? 1) === attempt);
      const last = at === tries.length - 1;
      kids[group] = inside;
      parent[group] = container;
      for (const i of inside) parent[i] = group;
      path[group] = `${path[container]}#${attempt}`;
      D.start[group] = Math.min(...inside.map((i) => D.start[i]));
      D.took[group] = Math.max(...inside.map(endOf)) - D.start[group];
      D.status[group] = last ? D.status[container] : D.statuses.indexOf("error");
      D.step[group] = D.steps.length;
      D.steps.push([`attempt ${attempt}`, "", "", step(container)[3]]);
      return group;
    });
  }

  // Order, depth, and what is inside each row.
  function measure() {
    depth = new Uint32Array(M);
    size = new Uint32Array(M);
    failures = new Uint32Array(M);
    cost = Array.from({ length: M }, (_, i) => D.usage[i]?.costUsd ?? null);
    const todo = [];
    for (let i = N - 1; i >= 0; i--) if (parent[i] < 0) todo.push(i);
    while (todo.length) {
      const i = todo.pop();
      order.push(i);
      if (parent[i] >= 0) depth[i] = depth[parent[i]] + 1;
      for (let k = kids[i].length - 1; k >= 0; k--) todo.push(kids[i][k]);
    }
    for (let k = M - 1; k >= 0; k--) {
      const i = order[k], p = parent[i];
      if (p < 0) continue;
      size[p] += size[i] + (isAttempt(i) ? 0 : 1);
      failures[p] += failures[i] || (failed(i) && !isAttempt(i) ? 1 : 0);
      if (cost[i] !== null) cost[p] = (cost[p] ?? 0) + cost[i];
    }
  }

  // Paths need not be unique: steps of one path are told apart by their start.
  function rowsByLink() {
    if (!links) {
      links = new Map();
      for (const row of order) links.set(links.has(path[row]) ? `${path[row]}@${D.start[row]}` : path[row], row);
    }
    return links;
  }
  const linkTo = (i) => `#${encodeURIComponent(rowsByLink().get(path[i]) === i ? path[i] : `${path[i]}@${D.start[i]}`)}`;

  place();
  for (let i = 0; i < N; i++) groupAttempts(i);
  measure();
  return { D, N, M, critical, parent, kids, path, order, depth, size, failures, cost, status, step, isAttempt, endOf, selfOf, failed, spanId, rowsByLink, linkTo };
};
