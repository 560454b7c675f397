// One request or task, which is found by its id: what works on it, its line in the access log, and its durable tasks.

// The fragment of the page's address has the id, so that a link leads to it.
const fragment = "#find=";
let found = null;
let foundAt = 0;
function find(id) {
  const wanted = fragment + encodeURIComponent(id);
  if (location.hash === wanted) lookFor(id); else location.hash = wanted;
}
// Searches, and moves the focus to the result.
async function lookFor(id) {
  byID("id").value = id;
  await read(id);
  byID("found-title").focus();
  byID("found").scrollIntoView({ block: "nearest" });
  if (found) say(found.error ? "The search has failed." : plural(found.tasks.length, "durable task", "durable tasks") + ", " + plural(found["access log"].lines.length, "line", "lines") + " of the access log.");
}
async function read(id) {
  let answer;
  try {
    const response = await fetch("status.json?search=" + encodeURIComponent(id), { cache: "no-store", signal: AbortSignal.timeout(10000) });
    answer = response.ok ? await response.json() : failure(id, (await response.text()).trim());
  } catch (error) {
    answer = failure(id, "No answer: " + error.message + ".");
  }
  // Another id was searched for, or the result was closed.
  if (idOfPage() !== id) return;
  [found, foundAt] = [answer, Date.now()];
  showFound();
}
const failure = (id, error) => ({ search: id, request: id, tasks: [], complete: true, error, "access log": { lines: [] } });
function idOfPage() {
  if (!location.hash.startsWith(fragment)) return null;
  try { return decodeURIComponent(location.hash.slice(fragment.length)).trim() || null; } catch { return null; }
}
const findAgain = async () => { if (found) await read(found.search); };
// A task that is not over changes by itself.
async function followFound() {
  showFound();
  const isOver = !found || found.tasks.every(task => task.over);
  if (!isOver && Date.now() - foundAt > 3000) await findAgain();
}

// MARK: What was found

function showFound() {
  byID("found").hidden = !found;
  if (!found) return;
  set(byID("found-title"), (found.request === found.search ? "Request " : "Task ") + found.search);
  const workers = !last ? [] : last.processes.flatMap(process => process.workers.filter(one => one.state !== "idle" && one["request id"] === found.request).map(one => ({ ...one, pid: process.pid })));
  keyed(byID("found-workers"), workers, one => one.pid + " " + one.worker, () => element("p"),
    (node, one) => set(node, "Worker " + one.worker + " of process " + one.pid + " works on it: " + (one.state === "tasks" && one.task ? "task " + one.task : one.state) + ", for " + time(one["state since"]) + "."));
  const log = found["access log"];
  keyed(byID("found-lines"), log.lines, line => line, () => element("li", {}, element("code")), (node, line) => set(node.firstChild, line));
  byID("found-lines").hidden = !log.lines.length;
  const none = found.tasks.length ? "" : last && last["durable tasks"] ? "There is no durable task of this id." : "";
  const some = found.complete ? "" : "Only the newest durable tasks were searched.";
  set(byID("found-note"), [log.note, found.error, found.error ? "" : none, some].filter(text => text).join(" "));
  const focused = byID("found-tasks").contains(document.activeElement) ? document.activeElement : null;
  const heading = focused && focused.closest("article").querySelector("h3");
  keyed(byID("found-tasks"), found.tasks, task => task.id, makeTask, showTask);
  // The button that had the focus is gone: the task's heading gets it.
  if (focused && (!focused.isConnected || focused.hidden)) (heading.isConnected ? heading : byID("found-title")).focus();
}
function makeTask(task) {
  const node = element("article", { "aria-label": clean(task.name + " " + task.id) });
  node.buttons = element("p", { className: "buttons" });
  node.facts = element("dl");
  node.attempts = table([["Attempt", "number"], ["Began"], ["Error", "what"]], "Failed attempts of " + task.id);
  node.changes = table([["Time"], ["Who", "what"], ["Change"], ["Result", "what"]], "Changes of " + task.id);
  node.values = element("pre");
  node.result = element("pre");
  const titled = (title, body) => element("div", {}, element("h4", { textContent: title }), body);
  node.parts = [titled("Failed attempts", node.attempts), titled("Changes", node.changes), titled("Values", node.values), titled("Result", node.result)];
  node.append(element("h3", { tabIndex: -1 }, element("span"), " ", element("code")), node.buttons, node.facts, ...node.parts);
  return node;
}
function showTask(node, task) {
  const [name, id] = node.firstChild.children;
  set(name, task.name);
  set(id, task.id);
  keyed(node.buttons, mayAct() ? choices(task) : [], ([text]) => text, ([text, act, isRisky]) => button(text, text + " " + task.name + " " + task.id, act, isRisky ? "risky" : ""), (one, [, act]) => { one.onclick = act; });
  node.buttons.hidden = !node.buttons.firstChild;
  keyed(node.facts, facts(task), ([label]) => label, ([label]) => element("div", {}, element("dt", { textContent: label }), element("dd")), (line, [label, value]) => {
    const cell = line.lastChild;
    if (label !== "Request") return set(cell, value);
    if (!cell.firstChild) cell.append(button(clean(value), "show request " + value, null, "small"));
    cell.firstChild.onclick = () => find(value);
  });
  rows(node.attempts, task.failures, one => one.started + " " + one.attempt, one => [String(one.attempt), moment(one.started), one.error]);
  rows(node.changes, task.actions, one => [one.time, one.action, one.result].join(" "), one => [moment(one.time), one.who, one.action, one.result]);
  set(node.values, shortened(task.values));
  set(node.result, shortened(task.result));
  [task.failures.length, task.actions.length, task.values !== undefined, task.result !== undefined].forEach((isThere, index) => { node.parts[index].hidden = !isThere; });
}
const longest = 20000;
const shortened = text => text === undefined ? "" : text.length > longest ? text.slice(0, longest) + "… (" + whole.format(text.length - longest) + " more characters)" : text;
function facts(task) {
  const next = task.due * 1000 > Date.now() ? moment(task.due) + ", in " + time(task.due - Date.now() / 1000) : moment(task.due);
  return [
    ["State", task.state + (task.paused ? ", paused" : "")],
    [task.attempts ? "Next attempt" : "Due", task.over || task.held ? "" : next],
    ["Attempts", String(task.attempts) + (task.deaths ? ", and " + plural(task.deaths, "death", "deaths") + " of its process" : "")],
    ["Last error", task.failures.length && task.failures[task.failures.length - 1].error === task.error ? "" : task.error],
    ["Stopped by", task["stopped by"]],
    ["Progress", task.progress ? percent(task.progress.fraction) + " " + task.progress.message : ""],
    ["Steps", task.steps.join(", ")],
    ["Added", moment(task.added)],
    ["Began", task.started === undefined ? "" : moment(task.started)],
    ["Ended", task.ended === undefined ? "" : moment(task.ended)],
    ["Expires", task.expires === undefined ? "" : moment(task.expires)],
    ["Request", task.request],
    ["Route", task.route],
    ["Place in the request", String(task.position + 1)],
    ["Priority", task.priority],
    ["Unique key", task.key],
    ["Limit", task.limit],
    ["Queue", task.queue],
  ].filter(([, value]) => value);
}
// The actions that a task's state allows, each with what it does, and whether it asks first.
function choices(task) {
  const paused = last["durable tasks"].pauses;
  const isWaiting = task.state === "waiting" && !task.held;
  const isPaused = paused.some(one => one.id === task.id);
  const isKeyPaused = paused.some(one => one.name === task.name && one.key !== undefined && one.key === task.key);
  const list = [];
  if (["failed", "expired", "discarded", "cancelled"].includes(task.state)) list.push(["retry", () => perform("retry", task.id)]);
  if (isWaiting && !task.paused && task.due * 1000 > Date.now()) list.push(["run now", () => perform("retry", task.id)]);
  if (isPaused) list.push(["resume", () => perform("resume", task.id)]);
  else if (isWaiting && !task.paused) list.push(["pause", () => perform("pause", task.id)]);
  if (isKeyPaused) list.push(["resume key", () => perform("resume", task.name, task.key)]);
  else if (task.key !== undefined && !task.over) list.push(["pause key", () => perform("pause", task.name, task.key)]);
  if (!task.over) list.push(["cancel", () => askToCancel(task), true]);
  if (task.state === "failed") list.push(["discard", () => askToDiscard(task), true]);
  return list;
}

// MARK: The field

byID("search").onsubmit = event => {
  event.preventDefault();
  const id = byID("id").value.trim();
  if (id) find(id);
};
function close() {
  found = null;
  showFound();
  // Without an entry in the browser's history.
  history.replaceState(null, "", location.pathname + location.search);
  byID("id").value = "";
  byID("id").focus();
}
byID("close").onclick = close;
byID("found").onkeydown = event => { if (event.key === "Escape") close(); };
function follow() {
  const id = idOfPage();
  if (id) return lookFor(id);
  found = null;
  showFound();
}
window.addEventListener("hashchange", follow);
if (idOfPage()) follow();
