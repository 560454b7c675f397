import Foundation
import PostludeSystem
import Testing

@Suite("The settings example")
struct SettingsExampleTests {
    private let folder: TestFolder
    private let file: SQLiteFile

    init() throws {
        folder = try TestFolder()
        file = SQLiteFile("data/settings.sqlite", in: folder)
    }

    private func run(_ body: (Server, NginxServer) throws -> Void) throws {
        try Example(name: "settings", environment: ["SETTINGS_DATABASE": file.path]).run(in: folder, body)
    }

    private struct Shown: Decodable, Equatable {
        struct Settings: Decodable, Equatable {
            var theme: String
            var language: String
            var newsletter: Bool
        }
        var user_id: Int
        var settings: Settings
        var revision: Int
        var source: String
    }

    private struct Saved: Decodable {
        var message: String
        var revision: Int
    }

    private static func json(_ language: String) -> String {
        #"{"theme":"dark","language":"\#(language)","newsletter":false}"#
    }

    @Test("Settings are in SQLite when the client has its response, and a task has filled the cache")
    func savesAndWarms() throws {
        try run { server, nginx in
            let client = try nginx.client()
            let reply = try client.ask("POST", "/users/7/settings", json: Self.json("pt-BR"))
            #expect(reply.status == 200, "\(reply.text)")
            #expect(try reply.json(Saved.self).revision == 1)
            #expect(try file.sqlite3("SELECT * FROM settings") == ["7|dark|pt-BR|0|1"])
            _ = try server.logLine(holding: "warm the cache", "done")
            let shown = try client.ask("GET", "/users/7/settings").json(Shown.self)
            let settings = Shown.Settings(theme: "dark", language: "pt-BR", newsletter: false)
            #expect(shown == Shown(user_id: 7, settings: settings, revision: 1, source: "cache"))
        }
    }

    @Test("A restart finds the settings in the database, and the first read fills the cache")
    func survivesRestart() throws {
        try run { _, nginx in
            _ = try nginx.client().ask("POST", "/users/1/settings", json: Self.json("de"))
            _ = try nginx.client().ask("POST", "/users/1/settings", json: Self.json("fr"))
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.file("data")) == ["settings.sqlite"])
        #expect(try file.sqlite3("PRAGMA journal_mode") == ["wal"])
        #expect(try file.sqlite3("SELECT identifier FROM grdb_migrations") == ["settings"])
        try FileManager.default.removeItem(atPath: folder.file("app.socket"))
        try run { _, nginx in
            let client = try nginx.client()
            let replies = try (1...2).map { _ in
                try client.ask("GET", "/users/1/settings").json(Shown.self)
            }
            #expect(replies.map(\.source) == ["database", "cache"])
            #expect(replies.allSatisfy { $0.settings.language == "fr" && $0.revision == 2 })
        }
    }

    @Test("Unknown users are not found, and wrong settings are refused and not written")
    func refusals() throws {
        try run { _, nginx in
            let client = try nginx.client()
            let unknown = try client.ask("GET", "/users/404/settings")
            #expect(unknown.status == 404 && unknown.text.contains("User 404 has no settings"))
            #expect(try client.ask("GET", "/users/ada/settings").status == 404)
            let bodies = [
                #"{"theme":"pink","language":"en","newsletter":true}"#,
                #"{"theme":"dark","language":"en-","newsletter":true}"#,
                #"{"theme":"dark","language":"en"}"#,
                #"{"theme":"dark","language":"en","newsletter":"#,
            ]
            for body in bodies {
                let reply = try client.ask("POST", "/users/1/settings", json: body)
                #expect(reply.status == 422, "\(body): \(reply.text)")
            }
            #expect(try file.sqlite3("SELECT COUNT(*) FROM settings") == ["0"])
        }
    }

    @Test("Racing writes and reads never show settings older than an answered write")
    func races() throws {
        let (writers, writes) = (6, 40)
        let written = Lock<[Int: String]>([:])
        let shown = Lock<[Shown]>([])
        let failures = Lock<[String]>([])
        try run { _, nginx in
            let port = nginx.port
            DispatchQueue.concurrentPerform(iterations: writers) { writer in
                do {
                    let client = try HTTPClient(port: port)
                    for number in 0..<writes {
                        let language = "en-\(writer)x\(number)"
                        let saved = try client.ask("POST", "/users/1/settings", json: Self.json(language))
                            .json(Saved.self)
                        written.withLock { $0[saved.revision] = language }
                        let read = try client.ask("GET", "/users/1/settings").json(Shown.self)
                        shown.withLock { $0.append(read) }
                        if read.revision < saved.revision {
                            failures.withLock {
                                $0.append("\(read.revision) from \(read.source) after \(saved.revision)")
                            }
                        }
                    }
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
            let last = try nginx.client().ask("GET", "/users/1/settings").json(Shown.self)
            #expect(last.revision == writers * writes)
        }
        #expect(failures.withLock { $0 } == [])
        let languages = written.withLock { $0 }
        #expect(languages.count == writers * writes, "every write has a revision of its own")
        let wrong = shown.withLock { $0 }.filter { languages[$0.revision] != $0.settings.language }
        #expect(wrong == [], "a revision always shows what was written as it")
    }

    @Test("A write waits while another program writes to the database")
    func waitsForOtherPrograms() throws {
        try run { server, nginx in
            let client = try nginx.client()
            _ = try client.ask("POST", "/users/1/settings", json: Self.json("en"))
            try file.whileLocked {
                let body = Array(Self.json("de").utf8)
                try client.send(
                    "POST", "/users/1/settings", fields: ["Content-Type: application/json"], body: body)
                #expect(throws: TimedOut.self) { try client.reply(to: "POST", within: .milliseconds(300)) }
            }
            #expect(try client.reply(to: "POST").json(Saved.self).revision == 2)
        }
    }

    @Test("With a database that cannot be opened it does not start, and says which one and why")
    func noDatabase() throws {
        try folder.write("data", "a file where the folder should be")
        let server = try Example(name: "settings", environment: ["SETTINGS_DATABASE": file.path]).start(
            in: folder)
        #expect(try server.process.waitForExit() == .status(1))
        #expect(server.log.contains(file.path) && server.log.contains("SETTINGS_DATABASE"), "\(server.log)")
    }
}
