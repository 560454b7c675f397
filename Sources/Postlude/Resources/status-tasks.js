// Durable tasks: their kinds, what is paused, dead letters, and the buttons that change them.

// MARK: Actions

const mayAct = () => Boolean(last && last["durable tasks"] && last["durable tasks"]["task actions"]);
// Says what an action has done, for a while: it is read out once, and does not stay in the way.
function say(text) {
  const note = byID("said");
  set(note, text);
  clearTimeout(note.timer);
  note.timer = setTimeout(() => set(note, ""), 20000);
}
// The target is an id, or the name of a kind, of which a key selects the tasks with that unique key.
async function perform(action, target, key) {
  let refusal = "";
  try {
    const query = action + "=" + encodeURIComponent(target) + (key === undefined ? "" : "&key=" + encodeURIComponent(key));
    const answer = await fetch("status?" + query, { method: "POST", headers: { "Postlude-Task-Action": "1" }, signal: AbortSignal.timeout(5000) });
    if (!answer.ok) refusal = (await answer.text()).trim();
  } catch (error) {
    refusal = "No answer: " + error.message;
  }
  const done = { retry: "Retried ", discard: "Discarded ", pause: "Paused ", resume: "Resumed ", cancel: "Cancelled " };
  say(refusal || done[action] + target + (key === undefined ? "" : " " + key) + ".");
  await refresh();
  await Promise.all([...opened.values()].map(group => load(group)));
  await findAgain();
}
const askToDiscard = task => askFor("discard", task.id, "Discard " + task.name + " " + task.id + "?", "It does not run again, and the tasks of its request that wait for it do not run either.", "Keep it", "Discard it");
const askToCancel = task => askFor("cancel", task.id, "Cancel " + task.name + " " + task.id + "?", "If it runs, it is told to end. The tasks of its request that wait for it do not run either.", "Keep it", "Cancel it");
const askToCancelKind = kind => askFor("cancel", kind.name, "Cancel all tasks " + kind.name + "?", "Those that wait do not run, and those that run are told to end.", "Keep them", "Cancel them");
// Asks, and performs the action if the answer is yes. The dialog gives the focus back to what had it.
async function askFor(action, target, question, consequence, no, yes) {
  const dialog = byID("discard");
  set(byID("question"), question);
  set(byID("consequence"), consequence);
  set(byID("keep"), no);
  set(byID("confirm"), yes);
  dialog.returnValue = "";
  byID("keep").onclick = () => dialog.close("");
  byID("confirm").onclick = () => dialog.close(action);
  dialog.showModal();
  await new Promise(resolve => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue === action) await perform(action, target);
}
const button = (text, label, act, className = "") => element("button", { type: "button", className, textContent: text, "aria-label": clean(label), onclick: act });

// MARK: Dead letters

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
  const focused = group.table.contains(document.activeElement) ? document.activeElement.closest("tr") : null;
  const index = focused ? [...focused.parentNode.children].indexOf(focused) : -1;
  rows(group.table, found, letter => letter.id, letter => [
    cell => part(cell, "code", "id", letter.id), whole.format(letter.attempts), moment(letter.ended), letter.error,
    cell => {
      if (cell.firstChild) return;
      const name = " " + letter.name + " " + letter.id;
      cell.append(button("show", "show" + name, () => find(letter.id)));
      if (!mayAct()) return;
      cell.append(" ", button("retry", "retry" + name, () => perform("retry", letter.id)), " ", button("discard", "discard" + name, () => askToDiscard(letter), "risky"));
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
    const columns = [["Task"], ["Attempts", "number"], ["Ended"], ["Error", "what"], ["Actions", "actions"]];
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
    const show = button("Show", "Show the dead letters of " + one.name + ": " + one.error, () => toggle(body.item, line));
    setAttribute(show, "aria-expanded", "false");
    line.lastChild.append(show);
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

// MARK: Kinds

// What is paused, with who has paused it; a kind has its buttons in the table of kinds.
function pauses(section, report) {
  const name = one => one.id ? "task " + one.id : one.key === undefined ? one.name : one.name + " " + one.key;
  section.pauseTable.hidden = !report.pauses.length;
  rows(section.pauseTable, report.pauses, name, one => [
    name(one), moment(one.since), one.who,
    cell => {
      if (cell.firstChild || !report["task actions"]) return;
      cell.append(button("resume", "resume " + name(one), () => perform("resume", one.id || one.name, one.key)));
    },
  ]);
}
// The last changes, and who has made them.
function actions(section, report) {
  section.actions.hidden = !report.actions.length;
  const key = one => [one.time, one.action, one.target, one.result].join(" ");
  rows(section.actionTable, report.actions, key, one => [moment(one.time), one.who, one.action + " " + one.target, one.result]);
}
function durable(report) {
  const section = byID("durable");
  if (!report) return section.replaceChildren();
  if (!section.card) {
    card("durable", "Durable tasks", [["Task", "name"], ["Waiting", "number"], ["Running", "number"], ["Outgoing", "number"], ["Failed", "number"], ["", "actions"]]);
    section.table.tHead.rows[0].lastChild.append(element("span", { className: "unseen", textContent: "Change" }));
    section.note.hidden = false;
    section.pauseTable = table([["Paused", "name"], ["Since"], ["By", "what"], [""]], "Paused");
    section.pauseTable.tHead.rows[0].lastChild.append(element("span", { className: "unseen", textContent: "Change" }));
    section.groupTable = table([["Dead letters", "name"], ["Count", "number"], ["Last"], ["Error", "what"], [""]], "Dead letters by error");
    section.groupTable.tHead.rows[0].lastChild.append(element("span", { className: "unseen", textContent: "Show" }));
    section.groupTable.tBodies[0].remove();
    section.groups = section.groupTable;
    section.actionTable = table([["Time"], ["Who", "what"], ["Change", "what"], ["Result", "what"]], "Last changes");
    section.actions = element("details", {}, element("summary", { textContent: "Last changes" }), section.actionTable);
    section.card.append(section.pauseTable, section.groupTable, section.actions);
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
      if (!cell.firstChild) cell.append(button("", "", null), " ", button("cancel", "cancel all tasks " + kind.name, () => askToCancelKind(kind), "risky"));
      const action = kind.paused ? "resume" : "pause";
      set(cell.firstChild, action);
      setAttribute(cell.firstChild, "aria-label", action + " " + clean(kind.name));
      cell.firstChild.onclick = () => perform(action, kind.name);
    },
  ]);
  pauses(section, report);
  deadLetters(section, report);
  actions(section, report);
}
