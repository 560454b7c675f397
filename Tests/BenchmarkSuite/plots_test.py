"""Tests of plots.py: python3 -B Tests/BenchmarkSuite/plots_test.py"""

import unittest
import xml.etree.ElementTree

import plots

SVG = "{http://www.w3.org/2000/svg}"


def http_record(server, clients, figure, kind="kept"):
    return {"round": 1, "connections": kind, "clients": clients, "server": server, "requests_per_second": figure}


def task_record(server, rate, p99, timeouts):
    return {"round": 1, "connections": "kept", "rate": rate, "server": server, "task": True, "p99_ms": p99, "sent": 100,
            "refused": 0, "timeouts": timeouts}


RESULTS = {
    "http": [http_record(*each) for each in (
        ("postlude", 4, 3000), ("postlude", 64, 4000), ("libfcgi", 4, 3500), ("libfcgi", 64, 3990), ("php", 4, 100),
        ("php", 64, 4010), ("php", 64, 9000, "fresh"))],
    "tasks": [task_record(*each) for each in (("postlude", 50, 2, 0), ("postlude", 300, 200, 0), ("php", 50, 20, 0),
                                              ("php", 300, 210, 37))],
    "routes": [{"routes": 10, "nanoseconds": 400.0}, {"routes": 10000, "nanoseconds": 500.0}],
    "finished": [{"round": 1, "finished": count, "tasks_per_second": 5000 - count / 1000} for count in (0, 100_000)],
    "soak": [{"seconds": second, "requests": second, "supervisor_kib": 5000, "process_kib": 9000,
              "supervisor_anonymous_kib": 2000, "process_anonymous_kib": 4000} for second in range(20)],
}


def texts(picture):
    """The texts of a picture with their places."""
    root = xml.etree.ElementTree.fromstring(picture)
    return [(text.text, float(text.get("x")), float(text.get("y"))) for text in root.iter(f"{SVG}text")]


class PlotsTests(unittest.TestCase):
    def test_each_section_has_a_picture(self):
        self.assertEqual(len(plots.charts(RESULTS)), 5)
        self.assertEqual([chart.name for chart in plots.charts({"routes": RESULTS["routes"], "soak": []})],
                         ["benchmark-routes"])

    def test_themes_differ_only_in_colors(self):
        for chart in plots.charts(RESULTS):
            light, dark = (plots.draw(chart, theme).partition("</style>") for theme in ("", "~dark"))
            self.assertNotEqual(light[0], dark[0])
            self.assertEqual(light[2], dark[2])

    def test_labels_do_not_overlap(self):
        for chart in plots.charts(RESULTS):
            places = sorted(y for _, x, y in texts(plots.draw(chart)) if x > plots.RIGHT)
            self.assertGreaterEqual(len(places), len(chart.lines))
            for upper, lower in zip(places, places[1:]):
                self.assertGreaterEqual(lower - upper, plots.SMALL_LINE)
            self.assertLess(places[-1], plots.HEIGHT)
        self.assertEqual(plots.apart([48, 48, 50], [35, 35, 20]), [48, 83, 118])
        self.assertEqual(plots.apart([300, 310], [35, 35]), [266, 301])

    def test_figures_are_those_of_kept_connections(self):
        chart = plots.requests_chart(RESULTS["http"])
        self.assertEqual({line.label: line.points[-1] for line in chart.lines},
                         {"Postlude": (64, 4000), "libfcgi's loop": (64, 3990), "php-fpm": (64, 4010)})

    def test_unanswered_requests_are_named(self):
        found = [text for text, *_ in texts(plots.draw(plots.tasks_chart(RESULTS["tasks"])))]
        self.assertIn("37 % unanswered", found)
        self.assertIn("all answered", found)

    def test_scales(self):
        self.assertEqual(plots.steps(4380), [0, 1000, 2000, 3000, 4000, 5000])
        self.assertEqual(plots.steps(600), [0, 200, 400, 600])
        self.assertEqual(plots.decades([6.5, 26.5]), [1, 2, 5, 10, 20, 50, 100])
        self.assertEqual(plots.decades([2, 1371]), [1, 10, 100, 1000, 10000])
        scale = plots.Scale(1, 100, 300, 100, is_logarithmic=True)
        self.assertEqual([scale.place(value) for value in (1, 10, 100)], [300, 200, 100])


if __name__ == "__main__":
    unittest.main()
