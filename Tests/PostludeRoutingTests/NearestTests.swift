import PostludeRouting
import Testing

@Suite("nearest")
struct NearestTests {
    @Test(
        "the name with the fewest edits",
        arguments: [
            ("proces-item", "process-item"), ("sendNotification", "send-notification"),
            ("regsiter", "register"),
            ("REGISTER", "register"), ("", "register"),
        ])
    func fewestEdits(name: String, expected: String) {
        #expect(nearest(to: name, in: ["send-notification", "process-item", "register"]) == expected)
    }

    @Test("without known names, and with an equal one")
    func edges() {
        #expect(nearest(to: "a", in: []) == nil)
        #expect(nearest(to: "b", in: ["a", "c"]) == "a")
        #expect(nearest(to: "A", in: ["a", "A"]) == "A")
    }

    @Test(
        "a misspelling is of one name alone, by few edits",
        arguments: [
            ("methd", "method"), ("HANDLER", "handler"), ("hanlder", "handler"), ("pth", "path"),
            ("methodd", nil), ("url", nil), ("pa", nil), ("", nil), ("handler-name", nil),
        ])
    func misspellings(name: String, expected: String?) {
        #expect(misspelling(name, of: ["path", "method", "methods", "handler"]) == expected)
    }
}
