// Fetches status.json each second, and shows it. Text is set as text: a request's URI is never parsed as HTML.
"use strict";
const span = 300;
const byID = id => document.getElementById(id);
function element(name, properties, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties || {})) {
    if (key in made) made[key] = value; else made.setAttribute(key, value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}
function drawn(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
const whole = new Intl.NumberFormat("en");
const short = value => value >= 100 ? whole.format(Math.round(value)) : String(Math.round(value * 10) / 10);
function time(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 0.001) return Math.round(seconds * 1e6) + " µs";
  if (seconds < 1) return short(seconds * 1000) + " ms";
  if (seconds < 120) return short(seconds) + " s";
  if (seconds < 7200) return Math.floor(seconds / 60) + " min";
  if (seconds < 172800) return Math.floor(seconds / 3600) + " h";
  return Math.floor(seconds / 86400) + " days";
}
function table(columns, rows) {
  return element("table", {},
    element("thead", {}, element("tr", {}, ...columns.map(([name, kind]) => element("th", { className: kind || "", textContent: name })))),
    element("tbody", {}, ...rows.map(cells => element("tr", {}, ...cells.map((cell, index) => {
      const [name, kind] = columns[index];
      return element("td", { className: kind || "", "data-name": name }, cell);
    })))));
}

const series = [
  { name: "Requests per second", color: "blue", value: (old, now, seconds) => (now.requests - old.requests) / seconds },
  { name: "Tasks per second", color: "violet", value: (old, now, seconds) => (now.tasks - old.tasks) / seconds },
  { name: "Busy workers", color: "green", value: (old, now) => now.busy },
];
for (const one of series) {
  one.now = element("b", { textContent: "–" });
  one.most = element("span");
  one.area = drawn("polygon", { class: "area" });
  one.curve = drawn("polyline", { class: "curve" });
  const svg = drawn("svg", { viewBox: "0 0 300 100", preserveAspectRatio: "none", role: "img", "aria-label": one.name });
  svg.append(drawn("line", { class: "top", x1: 0, x2: 300, y1: 5, y2: 5 }), drawn("line", { class: "base", x1: 0, x2: 300, y1: 99, y2: 99 }), one.area, one.curve);
  byID("plots").append(element("div", { className: "plot " + one.color },
    element("h2", {}, one.name, one.now), svg,
    element("div", { className: "ends" }, "5 minutes ago", one.most, "now")));
}
let samples = [];
function plot() {
  if (samples.length < 2) return;
  const end = samples[samples.length - 1].time;
  for (const one of series) {
    const points = [];
    for (let index = 1; index < samples.length; index += 1) {
      const [old, now] = [samples[index - 1], samples[index]];
      const value = Math.max(0, one.value(old, now, Math.max(0.001, now.time - old.time)));
      points.push([300 * (1 - (end - now.time) / span), value]);
    }
    const most = Math.max(1, ...points.map(point => point[1]));
    const line = points.map(([x, y]) => x.toFixed(1) + "," + (99 - 94 * y / most).toFixed(1));
    one.curve.setAttribute("points", line.join(" "));
    one.area.setAttribute("points", [points[0][0].toFixed(1) + ",99", ...line, "300,99"].join(" "));
    one.now.textContent = short(points[points.length - 1][1]);
    one.most.textContent = "at most " + short(most);
  }
}

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
  byID("tiles").replaceChildren(...list.map(([name, value]) =>
    element("div", { className: "tile" }, element("b", { textContent: value }), element("span", { className: "soft", textContent: name }))));
}
function request(worker) {
  const line = worker["request method"] ? element("code", { textContent: worker["request method"] + " " + worker["request uri"] }) : null;
  const more = [worker.state == "tasks" && worker.task ? "task " + worker.task : "", worker.handler, worker["request id"]].filter(part => part).join(" · ");
  return element("span", {}, line, more ? element("span", { className: "soft", textContent: " " + more }) : null);
}
function process(report) {
  const columns = [["Worker"], ["State"], ["Since", "number"], ["Requests", "number"], ["Duration", "number"], ["Request", "what"]];
  const rows = report.workers.map(worker => [
    String(worker.worker), element("span", { className: "state " + worker.state, textContent: worker.state }),
    time(worker["state since"]), whole.format(worker.requests), time(worker["request duration"]), request(worker),
  ]);
  return element("div", { className: "card" },
    element("h2", { textContent: "Process " + report.pid }),
    element("p", { className: "soft", textContent: [report.state, "manifest " + report.generation, "for " + time(report["start since"]), whole.format(report.requests) + " requests", report.connections + " connections"].join(" · ") }),
    report["waiting tasks"] ? element("p", { textContent: "Tasks wait: " + report["waiting tasks"] + "." }) : null,
    table(columns, rows));
}
const classes = ["2xx", "3xx", "4xx", "5xx"];
const counts = responses => classes.map(key => whole.format(responses[key] || 0));
function spans(report) {
  const columns = [["Requests"], ["Count", "number"], ["p50", "number"], ["p90", "number"], ["p99", "number"], ...classes.map(name => [name, "number"])];
  const row = (name, one) => [name, whole.format(one["request duration"].count), ...["p50", "p90", "p99"].map(share => time(one["request duration"][share])), ...counts(one.responses)];
  const rows = [["last minute", report["last minute"]], ["last 5 minutes", report["last five minutes"]], ["since the start", report]].filter(pair => pair[1]).map(pair => row(...pair));
  byID("spans").replaceChildren(element("div", { className: "card" }, element("h2", { textContent: "Times and status codes of responses" }), table(columns, rows)));
}
function routes(report) {
  const columns = [["Route", "what"], ...classes.map(name => [name, "number"]), ["Mean", "number"]];
  const rows = report.routes.map(one => [element("code", { textContent: one.route }), ...counts(one.responses), time(one["mean duration"])]);
  byID("routes").replaceChildren(element("div", { className: "card" }, element("h2", { textContent: "Responses by route, since the start" }), table(columns, rows)));
}
function tasks(report) {
  const columns = [["Task"], ["Done", "number"], ["Failed", "number"], ["Retried", "number"], ["Dropped", "number"], ["p50 since start", "number"], ["p90 since start", "number"], ["p99 since start", "number"], ["p99 of 5 minutes", "number"], ["p99 of 1 minute", "number"]];
  const rows = report.names.map(kind => [kind.name, ...[kind.done, kind.failed, kind.retried, kind.dropped].map(whole.format), time(kind.duration.p50), time(kind.duration.p90), time(kind.duration.p99), ...["last five minutes", "last minute"].map(span => time(kind[span] && kind[span].p99))]);
  byID("tasks").replaceChildren(...(rows.length ? [element("div", { className: "card" }, element("h2", { textContent: "Tasks" }), table(columns, rows))] : []));
}
async function perform(action, id) {
  try {
    const answer = await fetch("status?" + action + "=" + encodeURIComponent(id), { method: "POST", headers: { "Postlude-Task-Action": "1" }, signal: AbortSignal.timeout(5000) });
    said = answer.ok ? "" : (await answer.text()).trim();
  } catch (error) {
    said = "No answer: " + error.message;
  }
  await refresh();
}
function button(action, id) {
  return element("button", { type: "button", textContent: action, onclick: () => perform(action, id) });
}
function kinds(report) {
  const columns = [["Task"], ["Waiting", "number"], ["Running", "number"], ["Outgoing", "number"], ["Failed", "number"]];
  return table(columns, report.names.map(kind => [kind.name, ...[kind.waiting, kind.running, kind.outgoing, kind.failed].map(whole.format)]));
}
function deadLetters(report) {
  const columns = [["Dead letter"], ["Attempts", "number"], ["Ended"], ["Error", "what"], ...(report["task actions"] ? [["Actions"]] : [])];
  return table(columns, report["dead letters"].map(letter => [
    element("span", {}, letter.name, element("span", { className: "soft", textContent: " " + letter.id })), whole.format(letter.attempts),
    new Date(letter.ended * 1000).toLocaleString(), letter.error,
    ...(report["task actions"] ? [element("span", {}, button("retry", letter.id), " ", button("discard", letter.id))] : []),
  ]));
}
let said = "";
let shown = "";
function durable(report) {
  if (!report) return;
  // Unchanged rows stay, so that a button keeps the keyboard's focus.
  const key = JSON.stringify([report, said], (name, value) => name === "oldest age" ? undefined : value);
  if (key !== shown) {
    shown = key;
    byID("durable").replaceChildren(element("div", { className: "card" },
      element("h2", { textContent: "Durable tasks" }), element("p", { id: "due", className: "soft" }),
      report.names.length ? kinds(report) : null,
      said ? element("p", { role: "status", textContent: said }) : null,
      report["dead letters"].length ? deadLetters(report) : null));
  }
  const age = report["oldest age"];
  byID("due").textContent = (report.error ? "They cannot be read: " + report.error : age === undefined ? "None is due." : "The oldest one has been due for " + time(age) + ".") + " Kept by " + report.library + ".";
}
const counted = ["max active workers", "max children reached", "max listen queue", "slow requests", "refused requests", "timed out requests", "repeated requests", "replaced processes", "connections", "process manager"];
function show(report) {
  document.title = report.pool + " – status";
  byID("pool").textContent = report.pool;
  byID("about").textContent = "serving for " + time(report["start since"]) + ", since " + new Date(report["start time"] * 1000).toLocaleString();
  tiles(report);
  plot();
  byID("processes").replaceChildren(...report.processes.map(process));
  spans(report);
  routes(report);
  tasks(report.tasks);
  durable(report["durable tasks"]);
  byID("counts").replaceChildren(element("div", { className: "card" }, element("dl", {}, ...counted.filter(key => key in report).map(key =>
    element("div", {}, element("dt", { textContent: key }), element("dd", { textContent: String(report[key]) }))))));
}
async function refresh() {
  try {
    const answer = await fetch("status.json" + (samples.length ? "" : "?history"), { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error("the server answers " + answer.status);
    const report = await answer.json();
    const now = {
      time: samples.length && samples[samples.length - 1].clock ? samples[samples.length - 1].time + (performance.now() - samples[samples.length - 1].clock) / 1000 : report["start since"],
      requests: report["accepted conn"], tasks: report.tasks.done + report.tasks.failed, busy: report["active workers"], clock: performance.now(),
    };
    // Another program: the drawn values are not its own.
    if (samples.length && now.requests < samples[samples.length - 1].requests) samples = [];
    if (report.history) {
      samples = report.history;
      if (samples.length) samples[samples.length - 1].clock = performance.now();
    }
    if (!report.history || !samples.length) samples.push(now);
    samples = samples.filter(sample => sample.time > samples[samples.length - 1].time - span);
    show(report);
    byID("error").hidden = true;
  } catch (error) {
    byID("error").textContent = "No answer: " + error.message + ". Trying again.";
    byID("error").hidden = false;
  }
}
async function look() {
  await refresh();
  setTimeout(look, 1000);
}
look();
