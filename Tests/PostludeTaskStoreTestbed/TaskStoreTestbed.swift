import Foundation
import PostludeTaskStore

/// A process of the journal's tests: `PostludeTaskStoreTestbed COMMAND JOURNAL …`.
///
/// Lines on standard output tell what it has done; it ends, or waits for its end, as the command says.
@main
struct TaskStoreTestbed {
    static func main() {
        do {
            try run()
        } catch {
            // Not thrown on: the runtime would take it for a crash, and start its backtracer, which holds the standard
            // error that a test reads to its end.
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }

    private static func run() throws {
        let words = CommandLine.arguments
        guard words.count >= 3 else { fatalError("usage: PostludeTaskStoreTestbed COMMAND JOURNAL …") }
        let rest = Array(words.dropFirst(3))
        if words[1] == "visit" { return try visit(words[2]) }
        let journal = try Journal(path: words[2])
        switch words[1] {
        case "append": try append(to: journal, sizes: rest.compactMap { Int($0) })
        case "crowd": try crowd(journal, threads: Int(rest[0]) ?? 1, appends: Int(rest[1]) ?? 1)
        case "flood": try flood(journal)
        case "hold": try hold(journal)
        case "claim": try claimAll(of: journal)
        case "fire": try fire(journal, times: Int(rest[0]) ?? 1)
        default: fatalError("no command \(words[1])")
        }
    }

    static func say(_ line: String) {
        // One write a line: another process's lines do not come between.
        let bytes = Array((line + "\n").utf8)
        guard write(1, bytes, bytes.count) == bytes.count else { exit(3) }
    }

    static func request(_ id: String, size: Int, records: Int) -> NewRequest {
        let payload = Data("\"\(String(repeating: "x", count: size))\"".utf8)
        return NewRequest(
            id: id, records: (0..<records).map { NewRecord(name: "task-\($0)", payload: payload) })
    }

    /// Appends requests of two records with payloads of given sizes. A mark in a file beside the journal says which are
    /// acknowledged.
    static func append(to journal: Journal, sizes: [Int]) throws {
        let marks = open(journal.path + "-marks", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        for (number, size) in sizes.enumerated() {
            let kept = try journal.append(request("request-\(number)", size: size, records: 2))
            let mark = Array(kept.map { $0.id.text + "\n" }.joined().utf8)
            guard write(marks, mark, mark.count) == mark.count else { exit(3) }
            journal.started(kept[0].id)
            journal.ended(kept[0].id, .done(result: nil))
        }
        try journal.close()
    }

    /// Threads that append at once, each one again and again.
    static func crowd(_ journal: Journal, threads: Int, appends: Int) throws {
        let group = DispatchGroup()
        for thread in 0..<threads {
            group.enter()
            Thread.detachNewThread {
                for number in 0..<appends {
                    let request = request("\(thread)-\(number)", size: 200, records: 1)
                    guard (try? journal.append(request)) != nil else { exit(4) }
                }
                group.leave()
            }
        }
        group.wait()
        say("transactions \(journal.transactions)")
        try journal.close()
    }

    /// Threads that append until the process is killed, and say what is acknowledged.
    static func flood(_ journal: Journal) throws {
        for thread in 0..<4 {
            Thread.detachNewThread {
                var number = 0
                while let kept = try? journal.append(request("\(thread)-\(number)", size: 100, records: 2)) {
                    say(kept.map(\.id.text).joined(separator: " "))
                    journal.started(kept[0].id)
                    if number % 8 != 0 { journal.ended(kept[0].id, .done(result: nil)) }
                    number += 1
                }
                exit(4)
            }
        }
        while true { pause() }
    }

    /// Looks and steers, as a command beside the servers does.
    static func visit(_ path: String) throws {
        var settings = JournalSettings()
        // Beside processes that write all the time, on a machine that may be busy.
        settings.lockTimeout = .seconds(60)
        let journal = try Journal(path: path, role: .visitor, settings: settings)
        let kept = try journal.append(request("visit", size: 100, records: 2))
        _ = try journal.list()
        guard try journal.discard([kept[0].id]) == [.changed], try journal.retry([kept[0].id]) == [.changed]
        else { exit(4) }
        say(kept.map(\.id.text).joined(separator: " "))
        try journal.close()
    }

    /// Becomes the owner of three records, of which the first one runs, and waits to be killed.
    static func hold(_ journal: Journal) throws {
        let kept = try journal.append(request("held", size: 10, records: 3))
        journal.started(kept[0].id)
        try journal.flush()
        say(kept.map(\.id.text).joined(separator: " "))
        while true { pause() }
    }

    /// Claims and ends until there is nothing left.
    static func claimAll(of journal: Journal) throws {
        say("ready")
        // All begin at once: when the test closes their input.
        while readLine() != nil {}
        while true {
            let requests = try journal.claim(8)
            if requests.isEmpty { break }
            for request in requests {
                say(request.records.map(\.id.text).joined(separator: " "))
                for record in request.records { journal.ended(record.id, .done(result: nil)) }
            }
        }
        try journal.close()
    }

    static func fire(_ journal: Journal, times: Int) throws {
        say("ready")
        while readLine() != nil {}
        for time in 0..<times {
            let request = request("firing-\(time)", size: 10, records: 1)
            let kept = try journal.fire(
                "hourly", at: Date(timeIntervalSince1970: Double(time) * 3600), request)
            if kept != nil { say("fired \(time)") }
        }
        try journal.close()
    }
}
