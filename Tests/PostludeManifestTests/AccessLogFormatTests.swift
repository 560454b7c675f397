import PostludeManifest
import Testing

@Suite("AccessLogFormat")
struct AccessLogFormatTests {
    @Test("a format is text and variables, with or without braces")
    func pieces() throws {
        #expect(
            try AccessLogFormat(parsing: "[$time_local] ${status}x $http_user_agent").pieces == [
                .text("["), .variable(.timeLocal), .text("] "), .variable(.status), .text("x "),
                .header("HTTP_USER_AGENT"),
            ])
        #expect(try AccessLogFormat(parsing: "").pieces == [])
        #expect(try AccessLogFormat(parsing: "ü").pieces == [.text("ü")])
    }

    @Test(
        "a mistake says where it is, and what was meant",
        arguments: [
            ("ü $statsu", 2, "unknown variable `$statsu`; did you mean `$status`?"),
            ("$", 0, "`$` without a variable's name after it"),
            ("a$ b", 1, "`$` without a variable's name after it"),
            ("${status", 0, "`${` without its `}`"), ("${}", 0, "`$` without a variable's name after it"),
        ])
    func wrong(format: String, offset: Int, message: String) {
        let mistake = #expect(throws: AccessLogFormat.Mistake.self) { try AccessLogFormat(parsing: format) }
        #expect(mistake?.offset == offset)
        #expect(mistake?.message == message)
    }

    @Test("a manifest with an unknown variable is refused at its place")
    func manifestMistake() {
        #expect(
            mistakes(manifest("log: { access: '$remote_addr $statsu' }")) == [
                "routes.yaml:1:30: unknown variable `$statsu`; did you mean `$status`?, for `access`"
            ])
    }
}
