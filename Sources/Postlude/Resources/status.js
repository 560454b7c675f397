// Fetches status.json each second, and shows it. Text is set as text: a request's URI is never parsed as HTML. Elements are
// changed only if their text changes, so that text can be selected and the keyboard's focus stays.
"use strict";
const span = 300;
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
  const svg = drawn("svg", { viewBox: "0 0 300 100", preserveAspectRatio: "none", role: "img", "aria-label": one.name + " in the last 5 minutes" });
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
    set(one.now, short(points[points.length - 1][1]));
    set(one.most, "at most " + short(most));
  }
}

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
  const section = card("processes", "Processes", [["Process"], ["State"], ["Manifest", "number"], ["For", "number"], ["Requests", "number"], ["Connections", "number"], ["Busy", "number"], ["Idle", "number"]]);
  set(section.heading, plural(report.processes.length, "process", "processes") + ", " + plural(report["active workers"], "busy worker", "busy workers") + ", " + plural(report["idle workers"], "idle worker", "idle workers"));
  rows(section.table, limited(section, report.processes, rowsOfProcesses, "processes"), one => one.process + " " + one.pid, one => {
    const busy = one.workers.filter(worker => worker.state !== "idle").length;
    return [
      cell => { part(cell, "span", "pid", one.pid); part(cell, "span", "soft", one["waiting tasks"] ? "tasks wait: " + one["waiting tasks"] : ""); },
      cell => stateIn(cell, one.state),
      String(one.generation), time(one["start since"]), whole.format(one.requests), whole.format(one.connections), whole.format(busy), whole.format(one.workers.length - busy),
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
function spans(report) {
  const section = card("spans", "Times and status codes of responses", [["Requests"], ["Count", "number"], ["p50", "number"], ["p90", "number"], ["p99", "number"], ...classColumns]);
  const list = [["last minute", report["last minute"]], ["last 5 minutes", report["last five minutes"]], ["since the start", report]].filter(pair => pair[1]);
  rows(section.table, list, ([name]) => name, ([name, one]) => [name, whole.format(one["request duration"].count), ...["p50", "p90", "p99"].map(share => time(one["request duration"][share])), ...counts(one.responses)]);
}
function routes(report) {
  const section = card("routes", "Responses by route, since the start", [["Route", "what"], ...classColumns, ["Mean", "number"]]);
  section.card.hidden = !report.routes.length;
  const busiest = [...report.routes].sort((one, other) => other.responses["5xx"] - one.responses["5xx"] || Object.values(other.responses).reduce((sum, count) => sum + count, 0) - Object.values(one.responses).reduce((sum, count) => sum + count, 0));
  rows(section.table, limited(section, busiest, rowsOfRoutes, "routes"), one => one.route, one => [cell => part(cell, "code", "route", one.route), ...counts(one.responses), time(one["mean duration"])]);
}
function tasks(report) {
  const section = card("tasks", "Tasks", [["Task", "name"], ["Done", "number"], ["Failed", "number"], ["Retried", "number"], ["Dropped", "number"], ["p99, since the start", "number"], ["p99, 5 minutes", "number"], ["p99, 1 minute", "number"]]);
  section.card.hidden = !report.names.length;
  rows(section.table, limited(section, report.names, rowsOfRoutes, "tasks"), kind => kind.name, kind => [kind.name, ...[kind.done, kind.failed, kind.retried, kind.dropped].map(whole.format), time(kind.duration.p99), ...["last five minutes", "last minute"].map(span => time(kind[span] && kind[span].p99))]);
}
const counted = ["max active workers", "max children reached", "max listen queue", "slow requests", "refused requests", "timed out requests", "repeated requests", "replaced processes", "connections", "event streams", "process manager"];
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
  spans(report);
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
