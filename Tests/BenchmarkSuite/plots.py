"""Draws figures of the benchmark as pictures, for light and for dark pages: Tests/benchmark --plots FILE FOLDER"""

import json
import math
import pathlib
import sys
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

import memory
from report import medians
from servers import NAMES, WEB

WIDTH, HEIGHT = 640, 380
# The area of the lines; their labels are on its right.
LEFT, RIGHT, TOP, BOTTOM = 72, 484, 48, 316
LINE, SMALL_LINE = 20, 15
# The Okabe-Ito palette, which people with colour blindness can tell apart, with the contrast that text needs. A server also has
# a mark of its own.
COLORS = {
    "": ["#0068a6", "#b84a00", "#00765a"],
    "~dark": ["#56b4e9", "#f0914a", "#2fc79b"],
}
# Text, small text, and the lines of the grid: as in the documentation's other pictures.
GRAYS = {"": ("#1d1d1f", "#6e6e73", "#d2d2d7"), "~dark": ("#f5f5f7", "#a1a1a6", "#424245")}
STYLE = """\
    text {{ font: 14px -apple-system, "Helvetica Neue", Helvetica, Arial, sans-serif; fill: {text}; }}
    .small {{ font-size: 12px; fill: {small}; }}
    .left {{ text-anchor: end; }}
    .below {{ text-anchor: middle; }}
    .grid {{ stroke: {grid}; stroke-width: 1; }}
    .line {{ stroke-width: 2.5; stroke-linejoin: round; fill: none; }}
"""


class Scale(NamedTuple):
    """From values to pixels."""

    least: float
    most: float
    start: float
    end: float
    is_logarithmic: bool = False

    def place(self, value):
        least, most = self.least, self.most
        if self.is_logarithmic:
            least, most, value = math.log10(least), math.log10(most), math.log10(value)
        return self.start + (value - least) / (most - least) * (self.end - self.start)


class Line(NamedTuple):
    label: str
    points: list        # pairs of x and y
    note: str = ""      # small text below the label


class Chart(NamedTuple):
    name: str
    x_label: str
    y_label: str
    lines: list
    x_ticks: list       # those at the ends are the ends of the axis
    y_ticks: list
    is_x_logarithmic: bool = False
    is_y_logarithmic: bool = False
    has_marks: bool = True


def number(value):
    return f"{value:,.10g}"


def steps(most):
    """Round numbers from 0 to the first one that is not below the value."""
    raw = most / 5 or 1
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.9999)
    return [index * step for index in range(math.ceil(most / step * 0.9999) + 1)]


def decades(values):
    """Powers of ten around the values, with 2 and 5 times each if these are few."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    last = max(last, first + 1)
    factors = (1, 2, 5) if last - first < 3 else (1,)
    return [factor * 10.0 ** power for power in range(first, last) for factor in factors] + [10.0 ** last]


# MARK: Drawing


def draw(chart, theme=""):
    """The picture as SVG, for light pages (an empty theme) or dark ones."""
    text, small, grid = GRAYS[theme]
    colors = "".join(
        f"    .line{index} {{ stroke: {color}; }}\n    .mark{index} {{ fill: {color}; }}\n"
        f"    .label{index} {{ fill: {color}; font-weight: 600; }}\n" for index, color in enumerate(COLORS[theme]))
    style = STYLE.format(text=text, small=small, grid=grid) + colors
    x = Scale(chart.x_ticks[0], chart.x_ticks[-1], LEFT, RIGHT, chart.is_x_logarithmic)
    y = Scale(chart.y_ticks[0], chart.y_ticks[-1], BOTTOM, TOP, chart.is_y_logarithmic)
    names = ", ".join(line.label for line in chart.lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"\n'
        f"  aria-label={quoteattr(f'{chart.y_label}, by {chart.x_label}: {names}')}>",
        f"  <style>\n{style}  </style>",
        *axes(chart, x, y)]
    for index, line in enumerate(chart.lines):
        places = [(x.place(first), y.place(second)) for first, second in line.points]
        path = " L".join(f"{first:.1f} {second:.1f}" for first, second in places)
        parts.append(f'  <path class="line line{index}" d="M{path}"/>')
        if chart.has_marks:
            parts += [mark(index, *place) for place in places]
    parts += labels(chart, y)
    return "\n".join([*parts, "</svg>", ""])


def axes(chart, x, y):
    for tick in chart.y_ticks:
        place = y.place(tick)
        yield f'  <path class="grid" d="M{LEFT} {place:.1f} H{RIGHT}"/>'
        yield f'  <text class="small left" x="{LEFT - 8}" y="{place + 4:.1f}">{number(tick)}</text>'
    for tick in chart.x_ticks:
        place = x.place(tick)
        yield f'  <path class="grid" d="M{place:.1f} {BOTTOM} v6"/>'
        yield f'  <text class="small below" x="{place:.1f}" y="{BOTTOM + 20}">{number(tick)}</text>'
    yield f'  <text x="8" y="{TOP - 24}">{escape(chart.y_label)}</text>'
    yield f'  <text class="below" x="{(LEFT + RIGHT) / 2:.1f}" y="{BOTTOM + 46}">{escape(chart.x_label)}</text>'


def mark(index, x, y):
    """A circle, a square or a triangle."""
    shapes = [
        f'<circle class="mark0" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>',
        f'<rect class="mark1" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>',
        f'<path class="mark2" d="M{x:.1f} {y - 5.5:.1f} l5.5 9.5 h-11 z"/>']
    return "  " + shapes[index]


def labels(chart, y):
    """The lines' names at their ends, moved apart if they would overlap."""
    lines = [(index, line, y.place(line.points[-1][1])) for index, line in enumerate(chart.lines)]
    lines.sort(key=lambda each: each[2])
    heights = [LINE + (SMALL_LINE if line.note else 0) for _, line, _ in lines]
    places = apart([place for *_, place in lines], heights)
    for (index, line, _), place in zip(lines, places):
        yield f'  <text class="label{index}" x="{RIGHT + 12}" y="{place + 5:.1f}">{escape(line.label)}</text>'
        if line.note:
            yield f'  <text class="small" x="{RIGHT + 12}" y="{place + 5 + SMALL_LINE:.1f}">{escape(line.note)}</text>'


def apart(places, heights):
    """Moves labels, whose places are in order, so that none overlaps another one."""
    placed = list(places)
    # From below, so that none leaves the area there; then from above.
    for index in reversed(range(len(placed))):
        following = placed[index + 1] if index + 1 < len(placed) else BOTTOM + LINE
        placed[index] = min(placed[index], following - heights[index])
    least = TOP
    for index, height in enumerate(heights):
        placed[index] = max(placed[index], least)
        least = placed[index] + height
    return placed


# MARK: The charts


def charts(results):
    """Those for which there are records."""
    makers = {
        "http": requests_chart, "tasks": tasks_chart, "routes": routes_chart, "finished": finished_chart, "soak": soak_chart}
    return [make(results[name]) for name, make in makers.items() if results.get(name)]


def of_servers(cells, line):
    """A line for each server of which there are figures."""
    return [line(name) for name in WEB if any(key[-1] == name for key in cells)]


def kept(records, x, more={}):
    """Medians of the records with kept connections, by the figure on the x axis and the server."""
    chosen = [each for each in records if each["connections"] == "kept" and more.items() <= each.items()]
    return medians(chosen, (x, "server"))


def requests_chart(records):
    cells = kept(records, "clients")
    lines = of_servers(cells, lambda name: Line(NAMES[name], [
        (clients, cell["requests_per_second"]) for (clients, server), cell in sorted(cells.items()) if server == name]))
    return Chart(
        "benchmark-requests", "clients, kept connections", "requests per second", lines, of_x(lines), of_y(lines),
        is_x_logarithmic=True)


def tasks_chart(records):
    cells = kept(records, "rate", {"task": True})

    def line(name):
        own = [(rate, cell) for (rate, server), cell in sorted(cells.items()) if server == name]
        last = own[-1][1]
        lost = (last["refused"] + last["timeouts"]) / last["sent"] * 100
        note = f"{lost:.0f} % unanswered" if lost >= 0.5 else "all answered"
        return Line(NAMES[name], [(rate, cell["p99_ms"]) for rate, cell in own], note)

    lines = of_servers(cells, line)
    return Chart(
        "benchmark-tasks", "requests per second, each with a task of 20 ms", "p99 of the response, in ms", lines,
        [0, *of_x(lines)], decades([y for line in lines for _, y in line.points]), is_y_logarithmic=True)


def routes_chart(records):
    lines = [Line("Postlude", [(each["routes"], each["nanoseconds"]) for each in records])]
    return Chart(
        "benchmark-routes", "routes", "time to match a route, in ns", lines, of_x(lines), of_y(lines), is_x_logarithmic=True)


def finished_chart(records):
    cells = sorted((count, cell) for (count,), cell in medians(records, ("finished",)).items())
    lines = [Line("Postlude", [(count, cell["tasks_per_second"]) for count, cell in cells])]
    return Chart(
        "benchmark-durable-tasks", "finished tasks in the task store", "durable tasks per second, 16 clients", lines,
        of_x(lines), of_y(lines))


def soak_chart(samples):
    unit, seconds = ("minutes", 60) if samples[-1]["seconds"] >= 180 else ("seconds", 1)

    def line(label, size, note):
        return Line(label, [(each["seconds"] / seconds, size(each) / 1024) for each in samples], note)

    lines = [line("all memory", memory.proportional, "of two processes"), line("anonymous", memory.anonymous, "not of files")]
    return Chart(
        "benchmark-memory", f"{unit} under load", "memory of supervisor and process, in MiB", lines,
        steps(samples[-1]["seconds"] / seconds), of_y(lines), has_marks=False)


def of_x(lines):
    return sorted({x for line in lines for x, _ in line.points})


def of_y(lines):
    return steps(max(y for line in lines for _, y in line.points))


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: Tests/benchmark --plots FILE FOLDER")
    file, folder = (pathlib.Path(word) for word in sys.argv[1:])
    try:
        results = json.loads(file.read_text())
        for chart in charts(results):
            for theme in COLORS:
                path = folder / f"{chart.name}{theme}.svg"
                path.write_text(draw(chart, theme))
                print(path)
    except (OSError, ValueError) as error:
        sys.exit(f"Tests/benchmark: the pictures cannot be drawn: {error}")


if __name__ == "__main__":
    main()
