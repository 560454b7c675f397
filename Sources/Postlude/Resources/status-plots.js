// The plots of the history.

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
