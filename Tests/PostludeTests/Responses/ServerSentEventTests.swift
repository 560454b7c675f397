import Testing

@testable import Postlude

@Suite("ServerSentEvent")
struct ServerSentEventTests {
    private func text(_ event: ServerSentEvent) -> String { String(decoding: event.bytes, as: UTF8.self) }

    @Test("an event is lines and an empty one")
    func plain() {
        #expect(text(ServerSentEvent(data: "hello")) == "data: hello\n\n")
        #expect(text(ServerSentEvent(data: "")) == "data: \n\n")
        #expect(
            text(ServerSentEvent(data: "x", event: "news", id: "7", retry: .milliseconds(1500)))
                == "event: news\nid: 7\nretry: 1500\ndata: x\n\n")
        #expect(text(ServerSentEvent(data: "x", id: "")) == "id: \ndata: x\n\n")
    }

    @Test(
        "each line of the data is a field",
        arguments: [
            ("a\nb", "data: a\ndata: b\n\n"), ("a\r\nb", "data: a\ndata: b\n\n"),
            ("a\rb", "data: a\ndata: b\n\n"), ("a\n\rb", "data: a\ndata: \ndata: b\n\n"),
            ("\n", "data: \ndata: \n\n"), ("a\n", "data: a\ndata: \n\n"), ("a\r", "data: a\ndata: \n\n"),
            ("a\n\nevent: evil", "data: a\ndata: \ndata: event: evil\n\n"),
            (" grün", "data:  grün\n\n"),
        ])
    func lines(data: String, wire: String) {
        #expect(text(ServerSentEvent(data: data)) == wire)
    }

    @Test("no type and no id can begin a field of its own", arguments: ["a\nb", "a\rb", "a\r\nb", "a\0b"])
    func injection(value: String) {
        let event = text(ServerSentEvent(data: "x", event: value, id: value))
        let lines = event.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 5 && !event.contains("\0") && !event.utf8.contains(0x0d))
        #expect(lines[0].hasPrefix("event: a ") && lines[1].hasPrefix("id: a ") && lines[2] == "data: x")
    }

    @Test(
        "any time to wait is a number",
        arguments: [
            (Duration.seconds(-1), "0"), (.zero, "0"), (.microseconds(1999), "1"),
            (.seconds(Int64.max), "9223372036854775807"),
        ])
    func retry(retry: Duration, number: String) {
        #expect(text(ServerSentEvent(data: "", retry: retry)).hasPrefix("retry: \(number)\n"))
    }

    @Test("a value is JSON on one line")
    func json() throws {
        let event = try ServerSentEvent(json: ["text": "a\nb"], event: "news")
        #expect(text(event) == "event: news\ndata: {\"text\":\"a\\nb\"}\n\n")
    }
}
