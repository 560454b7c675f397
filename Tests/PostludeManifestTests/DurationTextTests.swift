import Testing

@testable import PostludeManifest

@Suite("Durations")
struct DurationTextTests {
    @Test(
        "A whole number with a unit is a duration",
        arguments: [
            ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)), ("5m", .seconds(300)),
            ("2h", .seconds(7200)), ("0s", .zero), ("007s", .seconds(7)), ("8760h", .seconds(31_536_000)),
        ])
    func valid(text: String, duration: Duration) throws {
        #expect(try DurationText.parse(text) == duration)
    }

    @Test(
        "Everything else is not",
        arguments: ["", "30", "s", "30 s", "1.5s", "-1s", "+1s", "30S", "1d", "1m30s", "٣s", "30sec", "s30"])
    func invalid(text: String) {
        let mistake = #expect(throws: ValueMistake.self) { try DurationText.parse(text) }
        #expect(mistake?.expected == DurationText.expectation)
    }

    @Test(
        "A duration longer than a year is refused, however long",
        arguments: ["8761h", "9223372036854775807h", "9223372036854775808ms", "99999999999999999999999h"])
    func tooLong(text: String) {
        let mistake = #expect(throws: ValueMistake.self) { try DurationText.parse(text) }
        #expect(mistake?.expected == "at most 8760h")
    }

    @Test(
        "A duration is written with its largest whole unit",
        arguments: ["1ms", "1500ms", "0s", "90s", "5m", "2h"])
    func text(text: String) throws {
        #expect(DurationText.text(of: try DurationText.parse(text)) == text)
    }
}
