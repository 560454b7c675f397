import PostludeManifest
import Testing

@Suite("Settings of a manifest")
struct ManifestSettingsTests {
    @Test(
        "A wrong setting is reported with what was found and what was expected",
        arguments: [
            (
                "workers: 4",
                "1:10: found the number 4 for `workers`, expected a mapping with the keys min, max, "
                    + "reserved-for-requests or idle-time"
            ),
            (
                "workers: { min: 5000 }",
                "1:17: found the number 5000 for `min`, expected a whole number from 1 to 4096"
            ),
            (
                "workers: { min: four }",
                "1:17: found `four` for `min`, expected a whole number from 1 to 4096"
            ),
            (
                "workers: { min: \"4\" }",
                "1:17: found `4` for `min`, expected a whole number from 1 to 4096"
            ),
            (
                "workers: { min: 4.5 }",
                "1:17: found the number 4.5 for `min`, expected a whole number from 1 to 4096"
            ),
            (
                "workers: { min: 010 }",
                "1:17: found the number 010 for `min`, expected a whole number from 1 to 4096"
            ),
            (
                "workers: { max: 99999999999999999999 }",
                "1:17: found the number 99999999999999999999 for `max`, expected a whole number "
                    + "from 1 to 4096"
            ),
            (
                "workers: { min: -1 }",
                "1:17: found the number -1 for `min`, expected a whole number from 1 to 4096"
            ),
            (
                "workers: { min: true }",
                "1:17: found the boolean true for `min`, expected a whole number from 1 to 4096"
            ),
            (
                "workers: { min: [1] }",
                "1:17: found a list for `min`, expected a whole number from 1 to 4096"
            ),
            (
                "workers: { min: 9, max: 8 }",
                "1:17: found the number 9 for `min`, expected at most `max` (8)"
            ),
            (
                "workers: { min: 65 }",
                "1:17: found the number 65 for `min`, expected at most `max`, which is 64 by default"
            ),
            (
                "workers: { max: 8, reserved-for-requests: 8 }",
                "1:43: found the number 8 for `reserved-for-requests`, expected less than `max` (8)"
            ),
            (
                "workers: { reserved-for-requests: 64 }",
                "1:35: found the number 64 for `reserved-for-requests`, expected less than `max`, "
                    + "which is 64 by default"
            ),
            (
                "workers: { idle-time: 30 }",
                "1:23: found the number 30 for `idle-time`, expected a duration with a unit "
                    + "(ms, s, m or h) such as 30s"
            ),
            ("workers: { idle-time: 0s }", "1:23: found `0s` for `idle-time`, expected at least 1ms"),
            ("shutdown-grace: 9000h", "1:17: found `9000h` for `shutdown-grace`, expected at most 8760h"),
            (
                "shutdown-grace:",
                "1:16: found nothing for `shutdown-grace`, expected a duration with a unit "
                    + "(ms, s, m or h) such as 30s"
            ),
            ("limits: { head: 100 }", "1:17: found the number 100 for `head`, expected at least 1KiB"),
            ("limits: { head: 1g }", "1:17: found `1g` for `head`, expected at most 960KiB"),
            ("limits: { body: 2000g }", "1:17: found `2000g` for `body`, expected at most 1024GiB"),
            (
                "limits: { body: -1 }",
                "1:17: found the number -1 for `body`, expected a size in bytes or with a unit "
                    + "(KiB, MiB, GiB, or nginx's k, m, g) such as 64KiB"
            ),
            (
                "limits: { body: 1MB }",
                "1:17: found `1MB` for `body`, expected a size in bytes or with a unit "
                    + "(KiB, MiB, GiB, or nginx's k, m, g) such as 64KiB"
            ),
            (
                "tasks: { warn: 2m, deadline: 1m }",
                "1:16: found `2m` for `warn`, expected at most `deadline` (1m)"
            ),
            (
                "tasks: { max-queued: 0, when-full: refuse }",
                "1:22: found the number 0 for `max-queued`, expected a whole number from 1 to 1000000"
            ),
            (
                "tasks: { max-queued: 9, when-full: wait }",
                "1:36: found `wait` for `when-full`, expected run, refuse or leave"
            ),
            (
                "tasks: { when-full: run }",
                "1:10: found `when-full` without `max-queued`, expected the largest number of a worker's tasks"
            ),
            (
                "log: { level: loud }",
                "1:15: found `loud` for `level`, expected trace, debug, info, notice, warning, error or "
                    + "critical"
            ),
            (
                "log: { to: stdrr }",
                "1:12: found `stdrr` for `to`, expected stderr, syslog, journald or a path with a `/`"
            ),
            (
                "log: { to: /var/log/ }",
                "1:12: found `/var/log/` for `to`, expected stderr, syslog, journald or a path with a `/`"
            ),
            (
                "log: { to: 2 }",
                "1:12: found the number 2 for `to`, expected stderr, syslog, journald or a path with a `/`, "
                    + "in quotes if it is meant as text"
            ),
        ])
    func wrong(yaml: String, expected: String) {
        #expect(mistakes(manifest(yaml)) == ["routes.yaml:" + expected])
    }

    @Test("Values with a reported mistake are not compared with others")
    func noFollowingMistakes() {
        let yaml = manifest("workers: { min: 9, max: none, reserved-for-requests: 99 }")
        #expect(mistakes(yaml).count == 1)
    }

    @Test("A log's file may be relative if it is written as a path")
    func relativeLog() throws {
        #expect(try parse(manifest("log: { to: ./app.log }")).log.destination == .file("./app.log"))
    }
}
