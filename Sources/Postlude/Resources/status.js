// Fetches status.json each second, and shows it. Text is set as text: a request's URI is never parsed as HTML. Elements are
// changed only if their text changes, so that text can be selected and the keyboard's focus stays.
"use strict";
const [rowsOfWorkers, rowsOfProcesses, rowsOfRoutes] = [6, 6, 8];
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

// MARK: Text

// Shows characters that are invisible, or that turn the text around them, by their numbers.
const invisible = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const clean = text => String(text).replace(invisible, one => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));
function set(node, text) {
  const cleaned = clean(text);
  if (node.textContent !== cleaned) node.textContent = cleaned;
}
function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}
const whole = new Intl.NumberFormat("en");
const short = value => value >= 99.95 ? whole.format(Math.round(value)) : String(Math.round(value * 10) / 10);
function time(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 0.0009995) return Math.round(seconds * 1e6) + " µs";
  if (seconds < 0.9995) return short(seconds * 1000) + " ms";
  if (seconds < 99.95) return short(seconds) + " s";
  const all = Math.round(seconds);
  if (all < 120) return all + " s";
  if (all < 3600) return Math.floor(all / 60) + " min " + all % 60 + " s";
  if (all < 172800) return Math.floor(all / 3600) + " h " + Math.floor(all % 3600 / 60) + " min";
  return Math.floor(all / 86400) + " days " + Math.floor(all % 86400 / 3600) + " h";
}
// Times are in UTC, as in the log, unless the reader wants them in the browser's time zone.
let isLocal = false;
try { isLocal = localStorage.getItem("postlude-time") === "local"; } catch { /* The browser keeps nothing. */ }
const localTime = new Intl.DateTimeFormat("sv-SE", { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const zoneName = date => new Intl.DateTimeFormat("en", { timeZoneName: "shortOffset" }).formatToParts(date).find(part => part.type === "timeZoneName").value;
const dateAndTime = date => isLocal ? localTime.format(date) : date.toISOString().slice(0, 19).replace("T", " ");
function moment(seconds) {
  const date = new Date(seconds * 1000);
  const text = dateAndTime(date);
  const isToday = text.slice(0, 10) === dateAndTime(new Date()).slice(0, 10);
  return (isToday ? text.slice(11) : text) + " " + (isLocal ? zoneName(date) : "UTC");
}
const percent = share => share === null || share === undefined ? "–" : short(share * 100) + " %";
const plural = (count, one, many) => whole.format(count) + " " + (count === 1 ? one : many);

// MARK: Lists that are updated in place

// Gives the parent one child for each item, in their order. A child stays as long as there is an item with its key.
function keyed(parent, items, key, make, update) {
  const known = parent.known || (parent.known = new Map());
  const wanted = new Map(items.map(item => [String(key(item)), item]));
  for (const [name, node] of known) {
    if (wanted.has(name)) continue;
    node.remove();
    known.delete(name);
  }
  let place = parent.tHead ? parent.tHead.nextSibling : parent.firstChild;
  for (const [name, item] of wanted) {
    let node = known.get(name);
    if (!node) {
      node = make(item);
      known.set(name, node);
      parent.insertBefore(node, place);
    } else if (node !== place) {
      // Moves the child that is in the way, if that is enough: the others keep their selection.
      if (place && node === place.nextSibling) {
        parent.append(place);
      } else {
        parent.insertBefore(node, place);
      }
    }
    update(node, item);
    place = node.nextSibling;
  }
}
const columnsOf = columns => columns.map(([name, kind]) => element("th", { className: kind || "", textContent: name, scope: "col", role: "columnheader" }));
function table(columns, label) {
  const made = element("table", { role: "table", "aria-label": label },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...columnsOf(columns))), element("tbody", { role: "rowgroup" }));
  made.columns = columns;
  return made;
}
function row(columns) {
  return element("tr", { role: "row" }, ...columns.map(([name, kind]) => element("td", { className: kind || "", "data-name": name, role: "cell" })));
}
// Cells are texts, or functions that update a cell.
function fill(line, cells) {
  cells.forEach((cell, index) => {
    const node = line.children[index];
    if (typeof cell === "function") cell(node); else set(node, cell);
  });
}
function rows(table, items, key, cells) {
  keyed(table.tBodies[0], items, key, () => row(table.columns), (node, item) => fill(node, cells(item)));
}
// A card with a heading and a table, made when it is first needed.
function card(id, title, columns) {
  const section = byID(id);
  if (!section.table) {
    section.heading = element("h2", { textContent: title });
    section.note = element("p", { className: "soft", hidden: true });
    section.table = table(columns, title);
    section.card = element("div", { className: "card" }, section.heading, section.note, section.table);
    section.append(section.card);
  }
  return section;
}
// Shows the first rows, and the others if the reader asks for them.
function limited(section, items, limit, name) {
  if (!section.more) {
    section.more = element("button", { type: "button", className: "more", onclick: () => {
      section.isOpen = !section.isOpen;
      show(last);
    } });
    section.card.append(section.more);
  }
  section.more.hidden = items.length <= limit;
  set(section.more, section.isOpen ? "Show fewer " + name : "Show all " + whole.format(items.length) + " " + name);
  setAttribute(section.more, "aria-expanded", String(Boolean(section.isOpen)));
  return section.isOpen ? items : items.slice(0, limit);
}
function stateIn(cell, state) {
  const node = cell.firstChild || cell.appendChild(element("span"));
  if (node.className !== "state " + state) node.className = "state " + state;
  set(node, state);
}
function part(cell, name, className, text) {
  let node = cell.querySelector(":scope > ." + className);
  if (!node) {
    if (cell.childNodes.length) cell.append(" ");
    node = element(name, { className });
    cell.append(node);
  }
  set(node, text);
  node.hidden = text === "";
}

// MARK: Plots

const spans = [
  { name: "5 minutes", short: "5 min", text: "the last 5 minutes", seconds: 300, rows: "seconds" },
  { name: "1 hour", short: "1 h", text: "the last hour", seconds: 3600, rows: "seconds" },
  { name: "1 day", short: "1 day", text: "the last day", seconds: 86400, rows: "minutes" },
];
let span = spans[0];
try { span = spans.find(one => one.name === localStorage.getItem("postlude-span")) || span; } catch { /* The browser keeps nothing. */ }
const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
const largest = values => Math.max(...values);
const perSecond = count => row => row.seconds > 0 ? (count(row) || 0) / row.seconds : undefined;
const share = (key, name) => row => row[key] && row[key][name];
// The lines of a plot differ in colour, and in how they are dashed. Several values of one place are combined.
const series = [
  { name: "Requests per s", text: short, combine: mean, lines: [["", "blue", perSecond(row => row.requests)]] },
  { name: "5xx per s", text: short, combine: mean, lines: [["", "red", perSecond(row => row.responses["5xx"])]] },
  { name: "Duration", text: time, combine: largest, lines: [["p50", "blue"], ["p95", "violet"], ["p99", "amber"]].map(([name, color]) => [name, color, share("request duration", name)]) },
  { name: "Wait, p95", text: time, combine: largest, lines: [["requests", "blue", share("request wait", "p95")], ["tasks", "violet", share("task wait", "p95")]] },
  { name: "Tasks per s", text: short, combine: mean, lines: [["", "violet", perSecond(row => Object.values(row.tasks).reduce((sum, count) => sum + count, 0))]] },
  { name: "Busy workers", text: short, combine: largest, lines: [["", "green", row => row["active workers"]]] },
];
for (const one of series) {
  one.now = element("b", { textContent: "–" });
  one.from = element("span");
  one.most = element("span");
  one.area = drawn("path", { class: "area " + one.lines[0][1] });
  one.curves = one.lines.map(([, color]) => drawn("path", { class: "curve " + color }));
  one.marks = drawn("path", { class: "marks" });
  one.svg = drawn("svg", { viewBox: "0 0 300 100", preserveAspectRatio: "none", role: "img", "aria-label": one.name });
  one.svg.append(drawn("line", { class: "top", x1: 0, x2: 300, y1: 5, y2: 5 }), drawn("line", { class: "base", x1: 0, x2: 300, y1: 99, y2: 99 }), one.marks, one.area, ...one.curves);
  const legend = one.lines.filter(([name]) => name).map(([name, color]) => element("span", { className: "legend " + color, textContent: name }));
  byID("plots").append(element("div", { className: "plot" },
    element("h2", {}, element("span", {}, one.name, ...legend.flatMap(name => [" ", name])), one.now), one.svg,
    element("div", { className: "ends" }, one.from, one.most, "now")));
}
for (const one of spans) {
  one.button = element("button", { type: "button", textContent: one.name, onclick: () => {
    span = one;
    try { localStorage.setItem("postlude-span", one.name); } catch { /* The browser keeps nothing. */ }
    plot();
  } });
  byID("span").append(one.button);
}
// The history, as far as the page knows it.
let known = { start: null, seconds: [], minutes: [], marks: [] };
const end = rows => rows.length ? rows[rows.length - 1].time : 0;
function merge(rows, added, seconds) {
  if (!added.length) return rows;
  return rows.filter(one => one.time < added[0].time).concat(added).filter(one => one.time > end(added) - seconds);
}
function remember(report) {
  // Another server: what is drawn is not its own.
  if (known.start !== report["start time"]) known = { start: report["start time"], seconds: [], minutes: [], marks: [] };
  const history = report.history;
  known.seconds = merge(known.seconds, history.seconds, 3600);
  known.minutes = merge(known.minutes, history.minutes, 86400);
  known.marks = known.marks.concat(history.marks).filter(mark => mark.time > end(known.seconds) - 86400);
}
const places = 300;
// The values of a line by place, from 0 to 299.
function values(rows, until, value, combine) {
  const found = new Map();
  for (const row of rows) {
    const place = Math.floor(places * (1 - (until - row.time) / span.seconds)) - 1;
    const one = value(row);
    if (place < 0 || one === undefined) continue;
    if (found.has(place)) found.get(place).push(one); else found.set(place, [one]);
  }
  return [...found].map(([place, list]) => [place + 1, combine(list)]);
}
// A line that is broken where nothing was measured for a while. A single value is a dot.
function path(points, most) {
  let [text, last] = ["", null];
  for (const [x, value] of points) {
    const y = (99 - 94 * value / most).toFixed(1);
    const isNew = last === null || x - last > Math.max(2.5, 3 * places / span.seconds);
    text += isNew ? "M" + x + " " + y + "h0" : "L" + x + " " + y;
    last = x;
  }
  return text;
}
function plot() {
  for (const one of spans) setAttribute(one.button, "aria-pressed", String(one === span));
  const rows = known[span.rows];
  const until = end(known.seconds);
  const seen = known.marks.filter(mark => mark.time > until - span.seconds);
  const marks = seen.map(mark => "M" + (300 * (1 - (until - mark.time) / span.seconds)).toFixed(1) + " 0v100").join("");
  for (const one of series) {
    const lines = one.lines.map(([, , value]) => values(rows, until, value, one.combine));
    const all = lines.flat().map(point => point[1]);
    const most = Math.max(0, ...all);
    const scale = one.text === time ? most || 1 : Math.max(1, most);
    lines.forEach((points, index) => setAttribute(one.curves[index], "d", path(points, scale)));
    const first = lines[0];
    const isFilled = lines.length === 1 && first.length > 1;
    setAttribute(one.area, "d", isFilled ? "M" + first[0][0] + " 99" + first.map(([x, value]) => "L" + x + " " + (99 - 94 * value / scale).toFixed(1)).join("") + "L" + first[first.length - 1][0] + " 99z" : "");
    setAttribute(one.marks, "d", marks);
    const latest = lines.filter(points => points.length).map(points => points[points.length - 1]).filter(([x]) => x >= places - 2).map(point => point[1]);
    const now = latest.length ? one.text(largest(latest)) : "–";
    set(one.now, now);
    set(one.from, "−" + span.short);
    set(one.most, all.length ? "at most " + one.text(most) : "");
    setAttribute(one.svg, "aria-label", one.name + " in " + span.text + ": " + (all.length ? "now " + now + ", at most " + one.text(most) : "nothing"));
  }
  const text = mark => moment(mark.time) + " " + marked[mark.kind](mark);
  byID("marks").hidden = !seen.length;
  set(byID("marks"), "Marks: " + seen.slice(-4).map(text).join(" · ") + (seen.length > 4 ? " · and " + (seen.length - 4) + " earlier" : ""));
}
const marked = {
  start: () => "started",
  upgrade: () => "new program",
  reload: mark => "manifest " + mark.generation,
  death: mark => plural(mark.count, "process", "processes") + " died",
  restart: mark => plural(mark.count, "process", "processes") + " replaced",
};

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

// MARK: Durable tasks

async function perform(action, id) {
  let said = "";
  try {
    const answer = await fetch("status?" + action + "=" + encodeURIComponent(id), { method: "POST", headers: { "Postlude-Task-Action": "1" }, signal: AbortSignal.timeout(5000) });
    if (!answer.ok) said = (await answer.text()).trim();
  } catch (error) {
    said = "No answer: " + error.message;
  }
  const note = byID("durable").said;
  const done = { retry: "Retried ", discard: "Discarded ", pause: "Paused ", resume: "Resumed ", cancel: "Cancelled " };
  set(note, said || done[action] + id + ".");
  await refresh();
  await Promise.all([...opened.values()].map(load));
}
async function ask(letter) {
  await askFor("discard", letter.id, "Discard " + letter.name + " " + letter.id + "?", "It does not run again, and the tasks of its request that wait for it do not run either.", "Discard it");
}
async function askForKind(kind) {
  await askFor("cancel", kind.name, "Cancel all tasks " + kind.name + "?", "Those that wait do not run, and those that run are told to end.", "Cancel them");
}
async function askFor(action, target, question, consequence, label) {
  const dialog = byID("discard");
  set(byID("question"), question);
  set(byID("consequence"), consequence);
  set(byID("confirm"), label);
  dialog.returnValue = "";
  byID("keep").onclick = () => dialog.close("");
  byID("confirm").onclick = () => dialog.close(action);
  dialog.showModal();
  await new Promise(resolve => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue === action) await perform(action, target);
}
// The groups of dead letters that are open, by their ids; "" are all dead letters.
const opened = new Map();
async function load(group, more = false) {
  const found = [];
  let [next, pages] = [null, group.pages + (more ? 1 : 0)];
  try {
    do {
      const query = (group.id ? "&group=" + group.id : "") + (next === null ? "" : "&after=" + next);
      const answer = await fetch("status.json?dead-letters" + query, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error("the server answers " + answer.status);
      const page = await answer.json();
      found.push(...page["dead letters"]);
      next = page.next ?? null;
      pages -= 1;
    } while (next !== null && pages > 0);
    if (more) group.pages += 1;
    set(group.note, found.length ? "" : "None.");
  } catch (error) {
    return set(group.note, "They cannot be read: " + error.message + ".");
  }
  group.more.hidden = next === null;
  const mayAct = last["durable tasks"] && last["durable tasks"]["task actions"];
  const focused = group.table.contains(document.activeElement) ? document.activeElement.closest("tr") : null;
  const index = focused ? [...focused.parentNode.children].indexOf(focused) : -1;
  rows(group.table, found, letter => letter.id, letter => [
    cell => part(cell, "code", "id", letter.id), whole.format(letter.attempts), moment(letter.ended), letter.error,
    cell => {
      if (!mayAct || cell.firstChild) return;
      const name = " " + letter.name + " " + letter.id;
      cell.append(
        element("button", { type: "button", textContent: "retry", "aria-label": "retry" + name, onclick: () => perform("retry", letter.id) }), " ",
        element("button", { type: "button", className: "risky", textContent: "discard", "aria-label": "discard" + name, onclick: () => ask(letter) }));
    },
  ]);
  group.table.hidden = !found.length;
  // The row with the focus is gone: the next one gets it.
  if (index >= 0 && !focused.isConnected) {
    const following = group.table.tBodies[0].children[index] || group.table.tBodies[0].lastChild;
    (following && following.querySelector("button") || group.button).focus();
  }
}
function toggle(one, line) {
  if (opened.has(one.id)) {
    opened.get(one.id).line.remove();
    opened.delete(one.id);
  } else {
    const columns = [["Task"], ["Attempts", "number"], ["Ended"], ["Error", "what"], ["Actions"]];
    const group = { id: one.id, pages: 1, table: table(columns, "Dead letters of " + one.name), note: element("p", { className: "soft", textContent: "…" }), button: line.querySelector("button") };
    group.more = element("button", { type: "button", className: "more", textContent: "More", hidden: true, onclick: () => load(group, true) });
    group.line = element("tr", { role: "row", id: "group-" + one.id }, element("td", { className: "inner", colSpan: 5, role: "cell" }, group.note, group.table, group.more));
    group.state = one.count + " " + one.last;
    group.table.hidden = true;
    opened.set(one.id, group);
    line.after(group.line);
    load(group);
  }
  setAttribute(line.querySelector("button"), "aria-expanded", String(opened.has(one.id)));
}
function deadLetters(section, report) {
  const total = report.names.reduce((sum, kind) => sum + kind.failed, 0);
  const list = report["dead letter groups"].slice();
  const rest = total - list.reduce((sum, one) => sum + one.count, 0);
  if (list.length && rest > 0) list.push({ id: "", name: "All dead letters", error: "", count: total, last: null });
  section.groups.hidden = !list.length;
  keyed(section.groups, list, one => one.id, one => {
    const line = row(section.groupTable.columns);
    // Each group is a body of its own: its row, and its dead letters.
    const body = element("tbody", { role: "rowgroup" }, line);
    line.lastChild.append(element("button", { type: "button", textContent: "Show", "aria-expanded": "false", "aria-label": "Show the dead letters of " + clean(one.name) + ": " + clean(one.error), onclick: () => toggle(body.item, line) }));
    return body;
  }, (body, one) => {
    body.item = one;
    fill(body.firstChild, [one.name, whole.format(one.count), one.last === null ? "" : moment(one.last), one.error]);
    const group = opened.get(one.id);
    if (!group) return;
    const state = one.count + " " + one.last;
    if (group.state !== state) load(group);
    group.state = state;
  });
  for (const [id, group] of opened) {
    if (!group.line.isConnected) opened.delete(id);
  }
}
function durable(report) {
  const section = byID("durable");
  if (!report) return section.replaceChildren();
  if (!section.card) {
    card("durable", "Durable tasks", [["Task", "name"], ["Waiting", "number"], ["Running", "number"], ["Outgoing", "number"], ["Failed", "number"], [""]]);
    section.table.tHead.rows[0].lastChild.append(element("span", { className: "unseen", textContent: "Change" }));
    section.note.hidden = false;
    section.said = element("p", { role: "status", className: "soft" });
    section.groupTable = table([["Dead letters", "name"], ["Count", "number"], ["Last"], ["Error", "what"], [""]], "Dead letters by error");
    section.groupTable.tHead.rows[0].lastChild.append(element("span", { className: "unseen", textContent: "Show" }));
    section.groupTable.tBodies[0].remove();
    section.groups = section.groupTable;
    section.card.append(section.said, section.groupTable);
  }
  section.card.classList.toggle("stale", Boolean(report.error));
  const age = report["oldest age"];
  const seen = report.read ? " The figures are of " + moment(report.read) + "." : "";
  set(section.note, report.error ? "They cannot be read: " + report.error + "." + seen : (age === undefined || age === null ? "None is due." : "The oldest one has been due for " + time(age) + ".") + " Kept by " + report.library + ".");
  section.table.hidden = !report.names.length;
  rows(section.table, report.names, kind => kind.name, kind => [
    kind.name + (kind.paused ? " (paused)" : ""), whole.format(kind.waiting) + (kind.limited ? " (" + whole.format(kind.limited) + " limited)" : ""), ...[kind.running, kind.outgoing, kind.failed].map(whole.format),
    cell => {
      if (!report["task actions"]) return;
      if (!cell.firstChild) cell.append(element("button", { type: "button" }), " ", element("button", { type: "button", className: "risky", textContent: "cancel", "aria-label": "cancel all tasks " + kind.name }));
      const action = kind.paused ? "resume" : "pause";
      set(cell.firstChild, action);
      setAttribute(cell.firstChild, "aria-label", action + " " + kind.name);
      cell.firstChild.onclick = () => perform(action, kind.name);
      cell.lastChild.onclick = () => askForKind(kind);
    },
  ]);
  deadLetters(section, report);
}

// MARK: The report

let last = null;
let seen = null;
function show(report) {
  if (!report) return;
  set(byID("pool"), report.pool);
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
  for (const group of opened.values()) load(group);
};
const zone = () => setAttribute(byID("zone"), "aria-pressed", String(isLocal));
zone();
let timer = null;
async function look() {
  clearTimeout(timer);
  await refresh();
  clearTimeout(timer);
  // A tab that nobody sees asks seldom: its title and its icon show the state.
  timer = setTimeout(look, document.hidden ? 15000 : 1000);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
look();
