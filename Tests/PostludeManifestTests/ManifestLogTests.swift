import PostludeManifest
import Testing

@Suite("Logs of a manifest")
struct ManifestLogTests {
    @Test("Without settings, the log goes to stderr and requests are not logged")
    func defaults() throws {
        let log = try parse(manifest("")).log
        #expect(log.destination == .standardError)
        #expect(log.access == nil)
    }

    @Test("A log goes to a daemon or a file")
    func destinations() throws {
        #expect(try parse(manifest("log: { to: syslog }")).log.destination == .syslog)
        #expect(try parse(manifest("log: { to: journald }")).log.destination == .journald)
        #expect(try parse(manifest("log: { to: /var/log/a.log }")).log.destination == .file("/var/log/a.log"))
    }

    @Test("An access log is given as its format alone, or as a mapping")
    func access() throws {
        #expect(try parse(manifest("log: { access: json }")).log.access?.format == .json)
        #expect(
            try parse(manifest("log: { access: '$remote_addr \"$request\"' }")).log.access?.format
                == .text("$remote_addr \"$request\""))
        let mapping = try parse(manifest("log: { access: { to: /a/b.log, format: $status } }")).log.access
        #expect(mapping?.destination == .file("/a/b.log"))
        #expect(mapping?.format == .text("$status"))
        #expect(try parse(manifest("log: { access: {} }")).log.access?.format == .json)
    }

    @Test("An access log has the log's destination unless it has its own")
    func inherited() throws {
        #expect(
            try parse(manifest("log: { access: json, to: journald }")).log.access?.destination == .journald
        )
        #expect(
            try parse(manifest("log: { to: journald, access: { to: stderr } }")).log.access?.destination
                == .standardError)
    }

    @Test("A format with braces is written with two dollars")
    func braces() throws {
        let log = try parse(manifest("log: { access: '$${remote_addr}: $status' }")).log
        #expect(log.access?.format == .text("${remote_addr}: $status"))
    }

    @Test(
        "A wrong log is reported with what was found and what was expected",
        arguments: [
            (
                "log: { access: text }",
                "1:16: found `text` for `access`, expected json or a line with variables "
                    + "such as '$remote_addr $status'"
            ),
            (
                "log: { access: \"$status\\n\" }",
                "1:16: found `$status\\n` for `access`, expected json or a line "
                    + "with variables such as '$remote_addr $status'"
            ),
            (
                "log: { access: { to: json } }",
                "1:22: found `json` for `to`, expected stderr, syslog, journald or "
                    + "a path with a `/`"
            ),
            (
                "log: { access: [json] }",
                "1:16: found a list for `access`, expected json or a line with "
                    + "variables such as '$remote_addr $status', or a mapping with the keys to or format"
            ),
            (
                "log: { access: true }",
                "1:16: found the boolean true for `access`, expected json or a line "
                    + "with variables such as '$remote_addr $status', in quotes if it is meant as text"
            ),
        ])
    func wrong(yaml: String, expected: String) {
        #expect(mistakes(manifest(yaml)) == ["routes.yaml:" + expected])
    }
}
