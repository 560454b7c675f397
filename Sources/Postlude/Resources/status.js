// Problems and figures, and the report that is fetched each second.
const [rowsOfWorkers, rowsOfProcesses, rowsOfRoutes] = [6, 6, 8];
// MARK: Problems, and the state in the tab

const colors = { error: "#c62828", warning: "#b26a00", fine: "#12734a", unknown: "#6b7280" };
// The shapes differ as well as the colours.
const shapes = {
  error: "<circle cx='8' cy='8' r='8' fill='COLOR'/><path d='M5 5l6 6M11 5l-6 6' stroke='white' stroke-width='2'/>",
  warning: "<path d='M8 0l8 16H0z' fill='COLOR'/><path d='M8 6v5M8 12.5v1.5' stroke='white' stroke-width='2'/>",
  fine: "<circle cx='8' cy='8' r='8' fill='COLOR'/><path d='M4 8l3 3 5-6' fill='none' stroke='white' stroke-width='2'/>",
  unknown: "<circle cx='8' cy='8' r='7' fill='white' stroke='COLOR' stroke-width='2'/><path d='M5 8h6' stroke='COLOR' stroke-width='2'/>",
};
function tab(state, title) {
  const svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>" + shapes[state].replaceAll("COLOR", colors[state]) + "</svg>";
  const icon = document.querySelector("link[rel=icon]");
  const address = "data:image/svg+xml," + encodeURIComponent(svg);
  if (icon.getAttribute("href") !== address) icon.setAttribute("href", address);
  setAttribute(document.documentElement, "data-state", state);
  if (document.title !== title) document.title = title;
}
let announced = null;
function problems(report) {
  const list = report.problems;
  const level = list.some(one => one.level === "error") ? "error" : list.length ? "warning" : "fine";
  keyed(byID("problems"), list.length ? list : [{ kind: "none", level: "fine", text: "No problems" }], one => one.kind,
    () => element("li", {}, element("b"), " ", element("span"), element("span", { className: "since" })),
    (node, one) => {
      node.className = one.level;
      const [name, text, since] = node.children;
      set(name, { error: "Error:", warning: "Warning:" }[one.level] || "");
      set(text, one.text);
      set(since, one.since ? ", since " + moment(one.since) : one.last ? ", the last one at " + moment(one.last) : "");
    });
  // Read out only if a problem comes or goes, and not each time that its numbers change.
  const kinds = list.map(one => one.kind).sort().join();
  if (kinds !== announced) {
    if (list.length || announced !== null) set(byID("announcement"), list.length ? plural(list.length, "problem", "problems") + ": " + list.map(one => one.text).join("; ") : "No problems");
    announced = kinds;
  }
  tab(level, list.length ? (level === "error" ? "✖ " : "▲ ") + plural(list.length, "problem", "problems") + " – " + report.pool : report.pool + " – status");
}

// MARK: Figures

function tiles(report) {
  const recent = report["last five minutes"] || report;
  const recently = report["last five minutes"] ? ", last 5 minutes" : ", since the start";
  const list = [
    ["Busy workers", report["active workers"] + " of " + report["total workers"]],
    ["Requests", whole.format(report["accepted conn"])],
    ["Answered 5xx" + recently, whole.format(recent.responses["5xx"])],
    ["99 % of requests within" + recently, time(recent["request duration"].p99)],
    ["Tasks waiting", whole.format(report.tasks.queued)],
    ["Oldest task", time(report.tasks["oldest age"])],
  ];
  if ("listen queue" in report) list.push(["Listen queue", report["listen queue"] + " of " + whole.format(report["listen queue len"])]);
  keyed(byID("tiles"), list, ([name]) => name,
    ([name]) => element("div", { className: "tile" }, element("b"), element("span", { className: "soft", textContent: name })),
    (node, [, value]) => set(node.firstChild, value));
}
function processes(report) {
  const section = card("processes", "Processes", [["Process"], ["State"], ["Manifest", "number"], ["For", "number"], ["Requests", "number"], ["Connections", "number"], ["Busy", "number"], ["Memory", "number"], ["CPU", "number"]]);
  set(section.heading, plural(report.processes.length, "process", "processes") + ", " + plural(report["active workers"], "busy worker", "busy workers") + ", " + plural(report["idle workers"], "idle worker", "idle workers"));
  rows(section.table, limited(section, report.processes, rowsOfProcesses, "processes"), one => one.process + " " + one.pid, one => {
    const busy = one.workers.filter(worker => worker.state !== "idle").length;
    return [
      cell => { part(cell, "span", "pid", one.pid); part(cell, "span", "soft", one["waiting tasks"] ? "tasks wait: " + one["waiting tasks"] : ""); },
      cell => stateIn(cell, one.state),
      String(one.generation), time(one["start since"]), whole.format(one.requests), whole.format(one.connections), busy + " of " + one.workers.length,
      one.memory === undefined ? "–" : short(one.memory / 1048576) + " MiB", percent(one["processor share"]),
    ];
  });
}
// The workers that do something, the one that has done it for the longest time first.
function workers(report) {
  const section = card("workers", "Busy workers", [["Process", "number"], ["Worker", "number"], ["State"], ["For", "number"], ["Request", "what cut"]]);
  const busy = report.processes.flatMap(process => process.workers.filter(one => one.state !== "idle").map(one => ({ ...one, pid: process.pid })));
  busy.sort((one, other) => other["state since"] - one["state since"]);
  section.table.hidden = !busy.length;
  section.note.hidden = busy.length > 0;
  set(section.note, "None: all are idle.");
  rows(section.table, limited(section, busy, rowsOfWorkers, "busy workers"), one => one.pid + " " + one.worker, one => [
    String(one.pid), String(one.worker),
    cell => stateIn(cell, one.state),
    time(one["state since"]),
    cell => {
      part(cell, "code", "line", one["request method"] ? one["request method"] + " " + one["request uri"] : "");
      setAttribute(cell.firstChild, "title", cell.firstChild.textContent);
      part(cell, "span", "soft", [one.state === "tasks" && one.task ? "task " + one.task + (one["tasks left"] ? ", " + one["tasks left"] + " more" : "") : "", one.handler, one["request id"]].filter(text => text).join(" · "));
      const id = one["request id"];
      if (!cell.show) {
        cell.show = button("show", "", null, "small");
        cell.append(" ", cell.show);
      }
      cell.show.hidden = id === "";
      setAttribute(cell.show, "aria-label", "show request " + clean(id));
      cell.show.onclick = () => find(id);
    },
  ]);
}
const classes = ["2xx", "3xx", "4xx", "5xx"];
const counts = responses => classes.map(key => whole.format(responses[key] || 0));
const classColumns = classes.map(name => [name, "number"]);
function times(report) {
  const section = card("spans", "Times and status codes of responses", [["Requests"], ["Count", "number"], ["p50", "number"], ["p90", "number"], ["p99", "number"], ["Wait, p90", "number"], ...classColumns]);
  const list = [["last minute", report["last minute"]], ["last 5 minutes", report["last five minutes"]], ["since the start", report]].filter(pair => pair[1]);
  rows(section.table, list, ([name]) => name, ([name, one]) => [name, whole.format(one["request duration"].count), ...["p50", "p90", "p99"].map(share => time(one["request duration"][share])), time(one["request wait"].p90), ...counts(one.responses)]);
}
// What a route or a kind of tasks has done in the last five minutes.
const loadColumns = ["Per s", "Errors", "p50", "p95", "p99", "Share of time"].map(name => [name, "number"]);
const loads = load => load ? [short(load["per second"]), percent(load.errors), ...["p50", "p95", "p99"].map(share => time(load.duration?.[share])), percent(load["time share"])] : loadColumns.map(() => "–");
function routes(report) {
  const section = card("routes", "Routes: the last 5 minutes, and responses since the start", [["Route", "what"], ...loadColumns, ...classColumns]);
  section.card.hidden = !report.routes.length;
  const busiest = [...report.routes].sort((one, other) => other.responses["5xx"] - one.responses["5xx"] || Object.values(other.responses).reduce((sum, count) => sum + count, 0) - Object.values(one.responses).reduce((sum, count) => sum + count, 0));
  rows(section.table, limited(section, busiest, rowsOfRoutes, "routes"), one => one.route, one => [cell => part(cell, "code", "route", one.route), ...loads(one.load), ...counts(one.responses)]);
}
function tasks(report) {
  const section = card("tasks", "Tasks: the last 5 minutes, and results since the start", [["Task", "name"], ...loadColumns, ["Waited, p95", "number"], ["Done", "number"], ["Failed", "number"], ["Retried", "number"], ["Dropped", "number"]]);
  section.card.hidden = !report.names.length;
  rows(section.table, limited(section, report.names, rowsOfRoutes, "tasks"), kind => kind.name, kind => [kind.name, ...loads(kind.load), time(kind.load?.wait?.p95), ...[kind.done, kind.failed, kind.retried, kind.dropped].map(whole.format)]);
}
const counted = ["max active workers", "workers limit", "max children reached", "max listen queue", "slow requests", "refused requests", "timed out requests", "repeated requests", "replaced processes", "connections", "event streams", "process manager"];
function others(report) {
  const section = byID("counts");
  if (!section.list) {
    section.list = element("dl");
    section.append(element("details", { className: "card" }, element("summary", { textContent: "Other counts, since the start" }), section.list));
  }
  keyed(section.list, counted.filter(key => key in report), key => key,
    key => element("div", {}, element("dt", { textContent: key }), element("dd")), (node, key) => set(node.lastChild, report[key]));
}

// MARK: The report

let last = null;
let seen = null;
function show(report) {
  if (!report) return;
  set(byID("pool"), report.pool);
  set(byID("user"), report.user === undefined ? "" : report.user);
  byID("user").hidden = report.user === undefined;
  set(byID("about"), "serving for " + time(report["start since"]) + ", since " + moment(report["start time"]));
  problems(report);
  tiles(report);
  processes(report);
  workers(report);
  times(report);
  routes(report);
  tasks(report.tasks);
  durable(report["durable tasks"]);
  others(report);
}
// Says that the figures are old, and since when. The text stays the same while that lasts.
function fail(error) {
  const text = "No answer: " + error.message + "." + (seen === null ? "" : " The figures are of " + moment(seen) + ".") + " Trying again.";
  set(byID("error"), text);
  byID("error").hidden = false;
  document.querySelector("main").classList.add("stale");
  tab("unknown", "? no answer – " + (last ? last.pool : "status"));
}
async function refresh() {
  try {
    const query = known.seconds.length ? "?history&after=" + end(known.seconds) : "?history";
    const answer = await fetch("status.json" + query, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error("the server answers " + answer.status);
    const report = await answer.json();
    remember(report);
    last = report;
    seen = Date.now() / 1000;
    document.querySelector("main").classList.remove("stale");
    byID("error").hidden = true;
    show(report);
    plot();
  } catch (error) {
    fail(error);
  }
}
byID("zone").onclick = () => {
  isLocal = !isLocal;
  try { localStorage.setItem("postlude-time", isLocal ? "local" : "utc"); } catch { /* The browser keeps nothing. */ }
  zone();
  show(last);
  plot();
  showFound();
  for (const group of opened.values()) load(group);
};
const zone = () => setAttribute(byID("zone"), "aria-pressed", String(isLocal));
zone();
let timer = null;
async function look() {
  clearTimeout(timer);
  await refresh();
  await followFound();
  clearTimeout(timer);
  // A tab that nobody sees asks seldom: its title and its icon show the state.
  timer = setTimeout(look, document.hidden ? 15000 : 1000);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
look();
