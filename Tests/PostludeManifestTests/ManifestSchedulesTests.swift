import Foundation
import Testing

@testable import PostludeManifest

@Suite("Schedules of a manifest")
struct ManifestSchedulesTests {
    @Test("A schedule has its times, its zone, and its task with values")
    func values() throws {
        let yaml = """
            schedules:
              nightly: { cron: "0 3 * * *", time-zone: Europe/Paris, task: Cleanup, arguments: { days: 30 } }
              hourly:
                cron: 0 * * * *
                task: Count
                overlap: run
            """
        let schedules = try parse(manifest(yaml)).schedules
        #expect(schedules.map(\.name) == ["nightly", "hourly"])
        #expect(schedules.map(\.cron.value) == ["0 3 * * *", "0 * * * *"])
        #expect(schedules.map(\.timeZone.value) == ["Europe/Paris", "UTC"])
        #expect(schedules.map(\.task.value) == ["Cleanup", "Count"])
        #expect(schedules.map(\.overlap) == [.skip, .run])
        #expect(schedules.map(\.arguments.json) == ["{\"days\":30}", "{}"])
        #expect("\(schedules[0].cron.location)" == "routes.yaml:2:20")
        #expect("\(schedules[1].cron.location)" == "routes.yaml:4:11")
        #expect("\(schedules[0].arguments[at: [.key("days")]].location)" == "routes.yaml:2:92")
        // If there is no such value, the path at which it is missing.
        #expect("\(schedules[0].arguments[at: [.key("hours")]].location)" == "routes.yaml:2:84")
    }

    @Test("Values have YAML's meaning in JSON's types")
    func json() throws {
        let yaml = """
            schedules:
              all:
                cron: "@daily"
                task: All
                arguments:
                  text: "a \\"quoted\\"\\\\\\n\\x01 ä"
                  number: -1.5e3
                  digits: "12"
                  truth: True
                  nothing: ~
                  list: [1, [], { a: b }]
                  host: ${HOST}
                  port: ${PORT}
            """
        let given = try parse(manifest(yaml), environment: ["HOST": "h\"", "PORT": "80"]).schedules[0]
            .arguments
        let object = try JSONSerialization.jsonObject(with: Data(given.json.utf8)) as? NSDictionary
        let expected: NSDictionary = [
            "text": "a \"quoted\"\\\n\u{1} ä", "number": -1500, "digits": "12", "truth": true,
            "nothing": NSNull(),
            "list": [1, [Int](), ["a": "b"]], "host": "h\"", "port": 80,
        ]
        #expect(object == expected, "\(given.json)")
        #expect("\(given[at: [.key("list"), .index(2), .key("a")]].location)" == "routes.yaml:11:26")
    }

    @Test(
        "A wrong value is reported with what was found and what was expected",
        arguments: [
            (
                "{ 'a b': { cron: '@daily', task: A } }",
                "1:14: found `a b` in `schedules`, expected a name of letters, digits, `-`, `_` and `.` such as nightly"
            ),
            (
                "{ a: { cron: '@daily' } }",
                "1:17: a schedule has no `task`, expected the name of a durable task"
            ),
            (
                "{ a: { task: A } }",
                "1:17: a schedule has no `cron`, expected five fields in quotes such as \"0 3 * * *\""
            ),
            (
                "{ a: { cron: 5, task: A } }",
                "1:25: found the number 5 for `cron`, expected five fields in quotes such as \"0 3 * * *\", in quotes "
                    + "if it is meant as text"
            ),
            (
                "{ a: { cron: '@daily', task: A, overlap: wait } }",
                "1:53: found `wait` for `overlap`, expected run or skip"
            ),
            (
                "{ a: { cron: '@daily', task: A, arguments: 5 } }",
                "1:55: found the number 5 for `arguments`, expected a mapping of the task's values"
            ),
            (
                "{ a: { cron: '@daily', task: A, arguments: { n: 0x10 } } }",
                "1:60: found the number 0x10 for `arguments`, expected a decimal number such as 10 or 0.5, or text "
                    + "in quotes"
            ),
            (
                "{ a: { cron: '@daily', task: A, arguments: { n: 1, n: 2 } } }",
                "1:63: the key `n` appears twice in `arguments`; the first is in line 1"
            ),
            (
                "{ a: { cron: '@daily', task: A, arguments: { 1: 2 } } }",
                "1:57: found the number 1 as a key in `arguments`, expected text"
            ),
            (
                "{ a: { cron: '@daily', tsk: A, task: A } }",
                "1:35: unknown key `tsk` in a schedule (nearest: task), expected cron, time-zone, task, arguments or "
                    + "overlap"
            ),
        ])
    func wrong(yaml: String, expected: String) {
        #expect(mistakes(manifest("schedules: \(yaml)")) == ["routes.yaml:" + expected])
    }
}
