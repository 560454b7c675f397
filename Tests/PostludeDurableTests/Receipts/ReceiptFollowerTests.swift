import Foundation
import GRDB
import PostludeFastCGI
import PostludeSQLiteStore
import PostludeSystem
import PostludeTaskStore
import Testing

@testable import Postlude
@testable import PostludeDurable

@Suite("Event streams that follow tasks", .timeLimit(.minutes(5)))
struct ReceiptFollowerTests {
    /// A process with a task store, and what it tells a client.
    private final class Process {
        let store: SQLiteTaskStore
        let follower: ReceiptFollower

        init(
            _ directory: TestDirectory, interval: Duration = .milliseconds(20),
            round: Duration = .seconds(3600)
        ) throws {
            let written = Lock<(@Sendable () -> Void)?>(nil)
            var settings = TaskStoreSettings()
            settings.written = { written.withLock { $0 }?() }
            store = try SQLiteTaskStore(path: directory.path + "/tasks.sqlite", settings: settings)
            follower = try ReceiptFollower(
                of: store, logger: LogLines().logger, interval: interval, round: round)
            written.withLock { [follower] in $0 = { [weak follower] in follower?.noteChange() } }
        }

        deinit {
            follower.stop()
            try? store.close()
        }

        func add(_ count: Int = 1) throws -> [RecordID] {
            let records = (0..<count).map { _ in NewRecord(name: "n", payload: Data("{}".utf8)) }
            return try store.append(NewRequest(id: "r", records: records)).map(\.id)
        }

        /// Opens a stream as the handler does.
        func follow(_ ids: [RecordID], after known: String = "") throws -> EventChannel {
            let channel = Receipt.channel(for: ids.count)
            channel.begin(after: known)
            let position = ReceiptPosition(known, count: ids.count)
            let tasks = try ids.enumerated().map { index, id in
                Receipt.Task(
                    id: id, number: try store.record(id)?.number, known: position?.stamps[index] ?? .none)
            }
            try follower.follow(Receipt(tasks, showingErrors: false, on: channel))
            return channel
        }
    }

    private struct Event: Decodable {
        struct Progress: Decodable { var message: String }

        var id: String
        var state: String
        var attempts: Int?
        var progress: Progress?
        var result: String?
        var hasLongResult: Bool?
    }

    /// Waits for the number of events that a channel has published.
    private func events(
        of channel: EventChannel, reach count: Int
    ) async throws -> (events: [Event], ids: [String], isOver: Bool) {
        while true {
            try await Task.sleep(for: .milliseconds(5))
            guard case .pieces(let pieces, let hasMore) = channel.events.output(after: 0) else { continue }
            guard pieces.count >= count else { continue }
            let texts = pieces.map { String(decoding: $0.content, as: UTF8.self) }
            let lines = texts.map { $0.split(separator: "\n") }
            let events = try lines.map {
                try JSONDecoder().decode(
                    Event.self,
                    from: Data(try #require($0.first { $0.hasPrefix("data: ") }).utf8.dropFirst(6)))
            }
            let ids = try lines.map { String(try #require($0.first { $0.hasPrefix("id: ") }).dropFirst(4)) }
            return (events, ids, hasMore)
        }
    }

    @Test("States, progress and the result are told in order, of whichever process, and then the stream ends")
    func states() async throws {
        let directory = try TestDirectory()
        let (one, two) = (try Process(directory), try Process(directory))
        let ids = try one.add()
        let (here, there) = (try one.follow(ids), try two.follow(ids))
        for channel in [here, there] {
            #expect(try await events(of: channel, reach: 1).events.map(\.state) == ["waiting"])
        }
        one.store.started(ids[0])
        for channel in [here, there] { _ = try await events(of: channel, reach: 2) }
        one.store.reached(RecordProgress(0.5, "half"), by: ids[0])
        for channel in [here, there] { _ = try await events(of: channel, reach: 3) }
        one.store.ended(ids[0], .done(result: Data("\"paid\"".utf8)))
        for channel in [here, there] {
            let (events, known, _) = try await events(of: channel, reach: 4)
            #expect(events.map(\.state) == ["waiting", "running", "running", "done"])
            #expect(events.allSatisfy { $0.id == ids[0].text } && events[1].attempts == 1)
            #expect(events[2].progress?.message == "half" && events[3].result == "paid")
            #expect(Set(known).count == 4)
            while !channel.events.isOver(at: 4) { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    @Test("What the own process writes is told at once, and not at the end of the interval")
    func ownWrites() async throws {
        let directory = try TestDirectory()
        let process = try Process(directory, interval: .seconds(3600))
        let ids = try process.add()
        let channel = try process.follow(ids)
        _ = try await events(of: channel, reach: 1)
        process.store.started(ids[0])
        _ = try await events(of: channel, reach: 2)
        process.store.ended(ids[0], .done(result: nil))
        #expect(
            try await events(of: channel, reach: 3).events.map(\.state) == ["waiting", "running", "done"])
    }

    @Test("A client that comes again gets what it does not know, in any process, and nothing twice")
    func resumption() async throws {
        let directory = try TestDirectory()
        let (one, two) = (try Process(directory), try Process(directory))
        let ids = try one.add(2)
        let first = try one.follow(ids)
        let known = try await events(of: first, reach: 2)
        #expect(Set(known.events.map(\.id)) == Set(ids.map(\.text)))
        let again = try two.follow(ids, after: known.ids[1])
        one.store.started(ids[1])
        let next = try await events(of: again, reach: 1)
        #expect(next.events.map(\.id) == [ids[1].text] && next.events.map(\.state) == ["running"])
        // Between two events of the first stream, which tells of its tasks in any order: one task is known, the other one is not.
        let missing = known.events[0].id == ids[0].text ? ["running"] : ["running", "waiting"]
        let half = try await events(of: try two.follow(ids, after: known.ids[0]), reach: missing.count)
        #expect(half.events.map(\.state).sorted() == missing)
        one.store.ended(ids[0], .done(result: nil))
        one.store.ended(ids[1], .failed(error: "secret"))
        let last = try await events(of: again, reach: 3)
        #expect(Set(last.events.suffix(2).map(\.state)) == ["done", "failed"])
        while !again.events.isOver(at: 3) { try await Task.sleep(for: .milliseconds(5)) }
        // What it knows is all there is.
        let end = try two.follow(ids, after: last.ids[2])
        while !end.events.isOver(at: 0) { try await Task.sleep(for: .milliseconds(5)) }
    }

    @Test("The last event of a task that is removed says so; a long result is left out")
    func removed() async throws {
        let directory = try TestDirectory()
        let one = try Process(directory)
        let ids = try one.add(2)
        let channel = try one.follow(ids)
        _ = try await events(of: channel, reach: 2)
        let long = Data(("\"" + String(repeating: "x", count: Receipt.longestValue) + "\"").utf8)
        one.store.ended(ids[0], .done(result: long))
        let told = try await events(of: channel, reach: 3).events[2]
        #expect(told.state == "done" && told.result == nil && told.hasLongResult == true)
        try await DatabaseQueue(path: directory.path + "/tasks.sqlite").write {
            try $0.execute(sql: "DELETE FROM record WHERE id = ?", arguments: [ids[1].text])
        }
        let last = try await events(of: channel, reach: 4).events[3]
        #expect(last.id == ids[1].text && last.state == "removed")
        while !channel.events.isOver(at: 4) { try await Task.sleep(for: .milliseconds(5)) }
    }

    @Test("A change that is not listed is told when its record is read in its turn")
    func unlisted() async throws {
        let directory = try TestDirectory()
        let one = try Process(directory, round: .milliseconds(100))
        let ids = try one.add(3)
        let channel = try one.follow(ids)
        _ = try await events(of: channel, reach: 3)
        try await DatabaseQueue(path: directory.path + "/tasks.sqlite").write {
            try $0.execute(
                sql: "DELETE FROM follower; UPDATE record SET state = 1 WHERE id = ?",
                arguments: [ids[1].text])
        }
        let event = try await events(of: channel, reach: 4).events[3]
        #expect(event.id == ids[1].text && event.state == "running")
    }

    @Test("Many streams of one task, and a stream whose response has ended, delay nobody")
    func many() async throws {
        let directory = try TestDirectory()
        let one = try Process(directory)
        let ids = try one.add()
        let channels = try (0..<200).map { _ in try one.follow(ids) }
        for _ in 0..<200 { _ = try one.follow(ids) }
        for channel in channels { _ = try await events(of: channel, reach: 1) }
        one.store.started(ids[0])
        one.store.ended(ids[0], .done(result: nil))
        for channel in channels {
            let told = try await events(of: channel, reach: 2)
            #expect(told.events.last?.state == "done" || told.events.last?.state == "running")
            while !channel.events.isOver(at: channel.events.last) {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }
}
