// The made-up API: the daemon's paths and shapes, with just enough behaviour to press every button.

import { freshToken, heartbeatOf, pingOf, pingsOf, scheduleOf } from "./fake-heartbeats.js";
import { certificatesOf, changesOf, chartOf, checksOf, metricsOf, pageOf, result, timelineOf } from "./fake-history.js";
import { TYPES } from "./fake-types.js";
import { ALL_PERMISSIONS, iso } from "./fake-world.js";

const SLOW_MS = 3000;

function send(response, status, document, headers = {}) {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(document === undefined ? "" : JSON.stringify(document));
}

const fail = (response, status, code, error, more = {}) => send(response, status, { error, code, ...more });

const RANK = { down: 0, degraded: 2, pending: 3, up: 4, paused: 5 };
const SORTS = {
  status: (one) => (one.confirming ? 1 : RANK[one.status]),
  name: (one) => one.name.toLowerCase(),
  response: (one) => one.last_response_ms ?? -1,
  last_check_at: (one) => one.last_check_at ?? "",
  created_at: (one) => one.id,
};

function listMonitors(world, query) {
  const has = (name) => query.get(name) ?? "";
  const found = world.monitors.filter(
    (one) =>
      (!has("status") || one.status === has("status")) &&
      (!has("type") || one.type === has("type")) &&
      (!has("tag") || one.tags.includes(has("tag"))) &&
      (!has("group") || one.group === has("group")) &&
      (!has("q") || `${one.name} ${one.target}`.toLowerCase().includes(has("q").toLowerCase())),
  );
  const sort = has("sort") || "name";
  const key = SORTS[sort.replace("-", "")] ?? SORTS.name;
  const sign = sort.startsWith("-") ? -1 : 1;
  found.sort((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : a.id - b.id));
  return pageOf(found, query);
}

function problemsOf(body) {
  const fields = {};
  if (!body.name) fields.name = "must not be empty";
  if (!/^https?:\/\/./.test(body.target) && body.type === "http")
    fields.target = "must be a URL that begins with http:// or https://";
  const most = body.type === "heartbeat" ? 366 * 86400 : 86400;
  if (!(body.interval >= 1 && body.interval <= most)) fields.interval = `must be between 1 and ${most} seconds`;
  if (body.type !== "heartbeat" && body.timeout > body.interval)
    fields.timeout = `must not exceed the interval, which is ${body.interval} s`;
  for (const name of Object.keys(body.settings?.headers ?? {}))
    if (/\s/.test(name))
      fields["settings.headers"] = `must have header names of letters, digits and hyphens, not '${name}'`;
  if (body.settings?.client_cert && !body.settings.client_cert.key?.includes("PRIVATE KEY"))
    fields["settings.client_cert.key"] = "must be a private key in PEM";
  const found = (path, one) => {
    if (one.type === "header" && !one.target) fields[`${path}.target`] = "is required: Header name";
    if (typeof one.value !== "number" && /status_code|response_time|cert_expiry/.test(one.type))
      fields[`${path}.value`] = "must be a number";
  };
  if (body.settings?.min_runtime >= body.settings?.max_runtime)
    fields["settings.min_runtime"] = `must be below max_runtime, which is ${body.settings.max_runtime} s`;
  const { assertions = [] } = body;
  if (Array.isArray(assertions)) for (const [at, one] of assertions.entries()) found(`assertions[${at}]`, one);
  else
    for (const [group, { conditions }] of assertions.groups.entries())
      for (const [at, one] of conditions.entries()) found(`assertions.groups[${group}].conditions[${at}]`, one);
  return Object.keys(fields).length ? fields : null;
}

const refuse = (response, fields) => fail(response, 422, "validation_failed", "some fields are not valid", { fields });

function counted(rows, of) {
  const counts = new Map();
  for (const name of rows.flatMap(of)) if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
  return {
    data: [...counts].sort().map(([name, monitors]) => ({ name, monitors })),
    total: counts.size,
    page: 1,
    per_page: 500,
    total_pages: 1,
  };
}

function overviewOf(world) {
  const monitors = { total: world.monitors.length, up: 0, degraded: 0, down: 0, paused: 0, pending: 0, maintenance: 0 };
  for (const one of world.monitors) monitors[one.status] += 1;
  const incidents = { open: 0, acknowledged: 0 };
  for (const one of world.incidents) if (one.status in incidents) incidents[one.status] += 1;
  const uptime = { "24h": 99.981, "7d": 99.97, "30d": 99.9, "90d": monitors.total ? 99.954 : null };
  return {
    monitors,
    incidents,
    uptime,
    checks_per_minute: world.monitors.filter((one) => one.enabled).length,
    probes: [],
  };
}

function emit(world, kind, document) {
  for (const stream of world.streams) stream.write(`event: ${kind}\ndata: ${JSON.stringify(document)}\n\n`);
}

// The queue worker reports by itself.
function pingOne(world) {
  const worker = world.monitors.find((one) => one.heartbeat && one.interval === 60);
  if (!worker) return;
  const at = Date.now();
  Object.assign(worker.heartbeat, {
    last_ping_at: iso(at),
    next_expected_at: iso(at + 60_000),
    deadline_at: iso(at + 180_000),
  });
  emit(world, "pings", [{ id: worker.id }]);
}

function stream(world, request, response) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.write(": hello\n\n");
  world.streams.add(response);
  let turn = 0;
  const timer = setInterval(() => {
    const some = world.monitors.filter(
      (one) => one.enabled && !one.heartbeat && one.id % 10 === turn % 10 && one.status !== "pending",
    );
    turn += 1;
    for (const one of some) {
      one.last_check_at = iso(Date.now());
      one.last_response_ms = one.status === "down" ? null : 30 + ((turn * 53 + one.id * 17) % 300);
    }
    pingOne(world);
    emit(
      world,
      "checks",
      some.map((one) => ({
        id: one.id,
        status: one.status,
        last_check_at: one.last_check_at,
        last_response_ms: one.last_response_ms,
        confirming: one.confirming,
      })),
    );
  }, 2000);
  request.on("close", () => {
    clearInterval(timer);
    world.streams.delete(response);
  });
}

function changeMonitors(world, { action, ids, group }) {
  const chosen = new Set(ids);
  if (action === "delete") world.monitors = world.monitors.filter((one) => !chosen.has(one.id));
  for (const one of world.monitors.filter((each) => chosen.has(each.id))) {
    if (action === "pause") Object.assign(one, { enabled: false, status: "paused", status_since: iso(Date.now()) });
    if (action === "resume") Object.assign(one, { enabled: true, status: "pending", status_since: iso(Date.now()) });
    if (action === "set_group") one.group = group ?? null;
    emit(world, "monitor", { id: one.id });
  }
  return { action, ids, changed: ids.length };
}

function create(world, body) {
  const now = iso(Date.now());
  const fresh = {
    uptime: { "24h": null, "7d": null, "30d": null, "90d": null },
    status: "pending",
    confirming: false,
    suppressed_by: [],
    stale: false,
    status_since: now,
    last_message: "",
    last_check_at: null,
    last_response_ms: null,
    cert_expires_at: null,
    recent: [],
    created_at: now,
    updated_at: now,
  };
  const { grace = 300, schedule = "", timezone = "UTC" } = body.settings ?? {};
  const heartbeat = body.type === "heartbeat" ? heartbeatOf(freshToken(), { grace, schedule, timezone }) : null;
  const made = { ...fresh, ...body, ...fresh, heartbeat, id: world.nextId++ };
  world.monitors.push(made);
  emit(world, "monitor", { id: made.id });
  return made;
}

function rotate(monitor, isKept) {
  const token = freshToken();
  const until = isKept ? iso(Date.now() + 86_400_000) : null;
  const { ping_url } = heartbeatOf(token);
  monitor.heartbeat = { ...monitor.heartbeat, token, ping_url, old_token_until: until };
}

function monitorRoute(world, { method, id, act, more, query, body, response }) {
  const monitor = world.monitors.find((one) => one.id === id);
  if (!monitor) return fail(response, 404, "not_found", `there is no monitor ${id}`);
  const reads = {
    "": () => monitor,
    checks: () => checksOf(monitor, query),
    chart: () => chartOf(monitor, query.get("window")),
    timeline: () => timelineOf(monitor, query),
    metrics: () => metricsOf(monitor),
    changes: () => changesOf(monitor, query),
    certificates: () => certificatesOf(monitor),
    pings: () => (more ? pingOf(monitor, more) : pingsOf(monitor, query)),
  };
  if (method === "GET")
    return reads[act] ? send(response, 200, reads[act]()) : fail(response, 404, "not_found", "no such path");
  if (act === "pause" || act === "resume") changeMonitors(world, { action: act, ids: [id] });
  else if (act === "rotate-token") rotate(monitor, body.keep_old);
  else if (act === "clone") return send(response, 201, create(world, { ...monitor, name: `${monitor.name} (copy)` }));
  else if (act === "check") return send(response, 200, result(monitor));
  else if (method === "DELETE") {
    changeMonitors(world, { action: "delete", ids: [id] });
    return send(response, 204);
  } else {
    const fields = problemsOf({ ...monitor, ...body });
    if (fields) return refuse(response, fields);
    Object.assign(monitor, body, { id });
  }
  return send(response, 200, monitor);
}

function incidentRoute(world, { method, id, act, body, response }) {
  const incident = world.incidents.find((one) => one.id === id);
  if (!incident) return fail(response, 404, "not_found", `there is no incident ${id}`);
  const now = iso(Date.now());
  const note = (type, message) => incident.timeline.push({ type, at: now, message, actor: "admin" });
  if (method === "DELETE") {
    world.incidents = world.incidents.filter((one) => one !== incident);
    return send(response, 204);
  }
  if (act === "comment" && !body.message) return refuse(response, { message: "must not be empty" });
  if (act === "comment") note("comment", body.message);
  if (act === "ack") {
    Object.assign(incident, { status: "acknowledged", acknowledged_at: now, acknowledged_by: "admin" });
    note("acknowledged", "");
  }
  if (act === "resolve") {
    Object.assign(incident, { status: "resolved", resolved_at: now, resolved_by: "admin" });
    note("resolved", "Resolved by hand");
  }
  if (method === "POST") emit(world, "incident", { id, monitor_id: incident.monitor_id });
  return send(response, 200, incident);
}

function channelRoute(world, { method, id, act, body, response }) {
  const channel = world.channels.find((one) => one.id === id);
  if (!channel) return fail(response, 404, "not_found", `there is no channel ${id}`);
  if (act === "test")
    return send(response, 200, {
      delivered: channel.enabled,
      status_code: channel.enabled ? 204 : 502,
      message: channel.enabled ? "" : "the receiver answered 502 Bad Gateway",
      duration_ms: 41,
    });
  if (method === "DELETE") {
    world.channels = world.channels.filter((one) => one !== channel);
    return send(response, 204);
  }
  Object.assign(channel, body);
  return send(response, 200, channel);
}

function session(world, { request, response, body }) {
  const isIn = /asura_session=yes/.test(request.headers.cookie ?? "");
  const permissions =
    world.scenario === "readonly" ? ALL_PERMISSIONS.filter((one) => one.endsWith(".read")) : ALL_PERMISSIONS;
  const view = { name: "admin", role: world.scenario === "readonly" ? "readonly" : "admin", permissions };
  if (request.method === "DELETE")
    return send(response, 204, undefined, { "Set-Cookie": "asura_session=; Path=/; Max-Age=0" });
  if (request.method === "GET") return isIn ? send(response, 200, view) : fail(response, 401, "unauthorized", "no key");
  if (body.api_key === "wrong") {
    world.failures += 1;
    if (world.failures > 3)
      return send(response, 429, { error: "too many attempts", code: "rate_limited" }, { "Retry-After": "30" });
    return fail(response, 401, "unauthorized", "this key is not known");
  }
  return send(response, 200, view, { "Set-Cookie": "asura_session=yes; Path=/; HttpOnly; SameSite=Strict" });
}

const SYSTEM = {
  version: "0.1.0",
  python: "3.11.2",
  sqlite: "3.46.1",
  started_at: iso(Date.now()),
  uptime_seconds: 93784,
  database: {
    path: "/var/lib/asura/asura.db",
    size_bytes: 48_123_904,
    wal_bytes: 4_120_032,
    schema_version: 1,
    healthy: true,
    last_error: null,
  },
  retention: { raw_days: 14, days: 400 },
  parts: ["scheduler", "consensus", "notifications", "retention", "http"].map((name) => ({
    name,
    state: "running",
    restarts: 0,
    last_error: null,
  })),
};

const READS = {
  "/overview": (world) => overviewOf(world),
  "/monitors": (world, query) => listMonitors(world, query),
  "/incidents": (world, query) =>
    pageOf(
      world.incidents.filter(
        (one) =>
          (!query.get("status") || one.status === query.get("status")) &&
          (!query.get("monitor_id") || one.monitor_id === Number(query.get("monitor_id"))),
      ),
      query,
    ),
  "/notifications": (world, query) => pageOf(world.channels, query),
  "/notifications/history": (world, query) =>
    pageOf(
      world.deliveries.filter((one) => !query.get("status") || one.status === query.get("status")).toReversed(),
      query,
    ),
  "/audit": (world, query) => pageOf(world.audit, query),
  "/tags": (world) => counted(world.monitors, (one) => one.tags),
  "/groups": (world) => counted(world.monitors, (one) => [one.group]),
  "/types": () => TYPES,
  "/system": () => SYSTEM,
};

const RESOURCES = { monitors: monitorRoute, incidents: incidentRoute, notifications: channelRoute };

/** Answers one request of the API. */
export async function answerApi(world, call) {
  const { request, response, url, path, body } = call;
  const { method } = request;
  if (path === "/session") return session(world, call);
  if (path === "/health") {
    const isFailing = world.scenario === "many";
    return send(response, isFailing ? 503 : 200, {
      status: isFailing ? "failing" : "ok",
      version: "0.1.0",
      uptime_seconds: 93784,
      ...(isFailing ? { reason: "not running: notifications; the log says why" } : {}),
    });
  }
  if (!/asura_session=yes/.test(request.headers.cookie ?? ""))
    return fail(response, 401, "unauthorized", "log in first");
  if (path === "/events")
    return world.scenario === "errors" ? fail(response, 503, "starting", "starting") : stream(world, request, response);
  if (world.scenario === "slow") await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
  if (world.scenario === "errors" && method === "GET" && path !== "/overview")
    return fail(response, 503, "starting", "the store can't be read: disk I/O error");
  if (path === "/schedule") {
    const told = scheduleOf(url.searchParams);
    if (world.scenario === "readonly") return fail(response, 429, "rate_limited", "too many requests");
    return told.fields
      ? fail(response, 400, "invalid_query", "some parameters are not valid", told)
      : send(response, 200, told);
  }
  const read = READS[path];
  if (method === "GET" && read) return send(response, 200, read(world, url.searchParams));
  if (path === "/monitors/bulk") return send(response, 200, changeMonitors(world, body));
  if (path === "/system/backup")
    return send(response, 200, { path: "/var/lib/asura/asura.db.backup-20260329T010000000Z", size_bytes: 48_123_904 });
  if (path === "/monitors/test" || path === "/monitors") {
    const fields = problemsOf(body);
    if (fields) return refuse(response, fields);
    return path === "/monitors" ? send(response, 201, create(world, body)) : send(response, 200, result(body));
  }
  if (path === "/notifications") {
    if (!body.name || !body.settings.url)
      return refuse(response, {
        ...(body.name ? {} : { name: "must not be empty" }),
        ...(body.settings.url ? {} : { "settings.url": "is required" }),
      });
    world.channels.push({ ...body, id: world.nextId++ });
    return send(response, 201, world.channels.at(-1));
  }
  if (/^\/notifications\/history\/\d+\/retry$/.test(path)) return send(response, 202, world.deliveries[0]);
  const [, resource, id, act = "", more] = path.split("/");
  const route = RESOURCES[resource];
  if (!route) return fail(response, 404, "not_found", "there is nothing at this path");
  return route(world, {
    method,
    id: Number(id),
    act,
    more: more && Number(more),
    query: url.searchParams,
    body,
    response,
  });
}
