import Foundation
import PostludeManifest
import Testing

@testable import Postlude

@Suite("The search for a request in the access log")
final class AccessLogSearchTests {
    private let path = FileManager.default.temporaryDirectory.path + "/access-\(UUID().uuidString).log"

    deinit {
        for path in [path, path + ".1"] { try? FileManager.default.removeItem(atPath: path) }
    }

    private func write(_ text: String, to path: String? = nil) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path ?? self.path))
    }

    private func search(_ id: String, chunk: Int = 1 << 18) -> AccessLogSearch.Result {
        var log = Manifest.Log.Access()
        log.destination = .file(path)
        return AccessLogSearch(log, chunk: chunk).lines(of: id)
    }

    @Test("A line is found wherever the chunks end, and a part of an id is not the id", arguments: 1...40)
    func lines(chunk: Int) throws {
        try write(#"{"id":"ab"}\#n{"id":"abc","x":1}\#n\#n{"id":"b-ab"}\#n{"last":"d"}"#)
        #expect(search("ab", chunk: chunk).lines == [#"{"id":"ab"}"#])
        #expect(search("abc", chunk: chunk).lines == [#"{"id":"abc","x":1}"#])
        #expect(search("d", chunk: chunk).lines == [#"{"last":"d"}"#])
        #expect(search("a", chunk: chunk).lines.isEmpty && search("a", chunk: chunk).note != nil)
    }

    @Test("The newest lines come first")
    func several() throws {
        try write((1...20).map { "\($0) same\n" }.joined())
        #expect(search("same").lines == (11...20).reversed().map { "\($0) same" })
    }

    @Test("A long line is cut, and the previous file is searched if the current one has no line")
    func files() throws {
        try write("before\n", to: path + ".1")
        #expect(search("before").lines == ["before"], "the current file is not there yet")
        try write("")
        try write("old \(String(repeating: "x", count: 1 << 17))\n", to: path + ".1")
        #expect(search("old").lines.map(\.utf8.count) == [AccessLogSearch.longestLine])
        try write("old again\n")
        #expect(search("old").lines == ["old again"])
    }

    @Test("If there is nothing to search, it says where the line is")
    func elsewhere() throws {
        #expect(AccessLogSearch(nil).lines(of: "a").note?.contains("no access log") == true)
        #expect(search("a").note?.contains("cannot be read: open(\(path))") == true)
        var log = Manifest.Log.Access()
        for (destination, text) in [
            (Manifest.Log.Destination.standardError, "standard error"), (.syslog, "syslog"),
            (.journald, "journalctl POSTLUDE_REQUEST=r-1"),
        ] {
            log.destination = destination
            let note = AccessLogSearch(log).lines(of: "r-1").note
            #expect(note?.contains(text) == true, "\(note ?? "")")
        }
        // Not a command that a client has written.
        #expect(AccessLogSearch(log).lines(of: "$(rm)").note?.contains("rm") == false)
        log.format = .text("$remote_addr")
        #expect(AccessLogSearch(log).lines(of: "r-1").note?.contains("$request_id") == true)
    }
}
