// What the other scripts of the status page are made of. They are one script, in this order: status-elements.js (text, lists that
// are updated in place, tables), status-plots.js (the history), status-tasks.js (durable tasks, and what changes them),
// status-search.js (one request or task), status.js (problems, figures, and the report that is fetched each second).
//
// Text is set as text: a request's URI is never parsed as HTML. Elements are changed only if their text changes, so that text can be
// selected and the keyboard's focus stays.
"use strict";
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
