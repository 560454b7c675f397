import Foundation
import GRDB
import PostludeRecordStoreFixtures
import PostludeSQLiteStore
import PostludeTaskStore

/// A process of the task store's tests: `PostludeTaskStoreTestbed COMMAND STORE PLACE …`.
///
/// Its lines on standard output report its progress. It ends, or waits to be killed, depending on the
/// command.
@main
struct TaskStoreTestbed {
    static func main() {
        do {
            try run()
        } catch {
            // The error is not thrown: the runtime would treat it as a crash, and start its backtracer, which
            // holds open the standard error that a test reads to its end.
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }

    private static func run() throws {
        let words = CommandLine.arguments
        guard words.count >= 4, let store = StoreUnderTest(rawValue: words[2]) else {
            fatalError("usage: PostludeTaskStoreTestbed COMMAND STORE PLACE …")
        }
        let rest = Array(words.dropFirst(4))
        if words[1] == "visit" { return try visit(store, at: words[3]) }
        if words[1] == "purchase" { return try purchase(at: words[3], sizes: rest.compactMap { Int($0) }) }
        if words[1] == "schedules" {
            return try runSchedules(store, count: Int(words[3]) ?? 1, seed: rest.first.flatMap { Int($0) })
        }
        let taskStore = try store.driver.open(words[3], role: .process, settings: TaskStoreSettings())
        switch words[1] {
        case "append": try append(to: taskStore, sizes: rest.compactMap { Int($0) })
        case "crowd": try crowd(taskStore, threads: Int(rest[0]) ?? 1, appends: Int(rest[1]) ?? 1)
        case "flood": try flood(taskStore, threads: rest.first.flatMap { Int($0) } ?? 4)
        case "promise":
            try promise(taskStore, threads: Int(rest[0]) ?? 1, requests: Int(rest[1]) ?? 1, marks: rest[2])
        case "hold": try hold(taskStore)
        case "steps": try takeSteps(in: taskStore)
        case "cut": try outlive(taskStore)
        case "claim": try claimAll(of: taskStore)
        case "begin": try begin(rest[0], in: taskStore)
        case "answer": try answer(keys: Int(rest[0]) ?? 1, in: taskStore)
        case "fire": try fire(taskStore, times: Int(rest[0]) ?? 1)
        default: fatalError("no command \(words[1])")
        }
    }

    /// Keeps steps of a record that it runs, and says each one when it is kept, until it is killed.
    static func takeSteps(in taskStore: any RecordStore) throws {
        guard let id = try taskStore.append(request("r", size: 2, records: 1)).first?.id else { return }
        taskStore.started(id)
        say(id.text)
        for position in 0... {
            let value = Data(String(repeating: "7", count: 200).utf8)
            try taskStore.keep(RecordStep(name: "step \(position)", position: position, value: value), of: id)
            say("step \(position)")
        }
    }

    /// Runs random schedules of limited records in a store of its own.
    static func runSchedules(_ store: StoreUnderTest, count: Int, seed: Int?) throws {
        let seed = seed ?? Int.random(in: 0..<1_000_000_000)
        var fixture = try store.fixture(inMemory: true)
        let start = Date()
        for number in 0..<count {
            // A store that grows would make later schedules slower.
            if number % 200 == 199 { fixture = try store.fixture(inMemory: true) }
            let schedule = try LimitSchedule(seed: UInt64(seed + number), on: fixture)
            do {
                try schedule.run()
            } catch {
                say(schedule.log.joined(separator: "\n"))
                say("\(store.rawValue), seed \(seed + number): \(error)")
                exit(5)
            }
        }
        let seconds = Int(Date().timeIntervalSince(start))
        say("\(store.rawValue): \(count) schedules from the seed \(seed), \(seconds) s")
    }

    static func say(_ line: String) {
        // Each line is one write, so that another process's lines do not come between.
        let bytes = Array((line + "\n").utf8)
        guard write(1, bytes, bytes.count) == bytes.count else { exit(3) }
    }

    static func request(_ id: String, size: Int, records: Int) -> NewRequest {
        let payload = Data("\"\(String(repeating: "x", count: size))\"".utf8)
        return NewRequest(
            id: id, records: (0..<records).map { NewRecord(name: "task-\($0)", payload: payload) })
    }

    /// Appends requests of two records with payloads of given sizes. A mark in a file beside the task store
    /// says which are acknowledged.
    static func append(to taskStore: any RecordStore, sizes: [Int]) throws {
        let marks = Marks(taskStore.place + "-marks")
        for (number, size) in sizes.enumerated() {
            let appended = try taskStore.append(request("request-\(number)", size: size, records: 2))
            marks.add(appended.map(\.id.text))
            taskStore.started(appended[0].id)
            taskStore.ended(appended[0].id, .done(result: nil))
        }
        try taskStore.close()
    }

    /// Makes purchases in the application's database: a row and two records each, in a transaction of the store's or in one of
    /// the application's; each third one has only records. The work of a purchase's first record is a row, too. Marks say what is
    /// acknowledged.
    static func purchase(at path: String, sizes: [Int]) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(20)
        let pool = try DatabasePool(path: path, configuration: configuration)
        let store = try SQLiteTaskStore(in: pool)
        try pool.write { database in
            try database.execute(
                sql:
                    "CREATE TABLE purchase (request TEXT NOT NULL); CREATE TABLE effect (record TEXT NOT NULL)"
            )
        }
        let marks = Marks(path + "-marks")
        for (number, size) in sizes.enumerated() {
            let request = request("request-\(number)", size: size, records: 2)
            func insert(_ database: Database) throws {
                try database.execute(sql: "INSERT INTO purchase VALUES (?)", arguments: [request.id])
            }
            let ids: [RecordID]
            switch number % 3 {
            case 0:
                ids = try store.transaction(.write) { transaction in
                    try insert(try connection(of: transaction))
                    return try transaction.append(request).map(\.id)
                }
            case 1:
                ids = try pool.write { database in
                    try insert(database)
                    var request = request
                    return try store.append(&request, on: database) { _ in }.map(\.id)
                }
            default: ids = try store.append(request).map(\.id)
            }
            marks.add(ids.map(\.text))
            store.started(ids[0])
            try store.transaction(.write) { transaction in
                try connection(of: transaction)
                    .execute(sql: "INSERT INTO effect VALUES (?)", arguments: [ids[0].text])
                try transaction.end(ids[0], .done(result: nil))
            }
            marks.add(["done-\(ids[0].text)"])
        }
        try store.close()
    }

    private static func connection(of transaction: any RecordTransaction) throws -> Database {
        guard let database = transaction.handle as? Database else { throw CocoaError(.featureUnsupported) }
        return database
    }

    /// Threads that append records and answer requests, and end records. Marks say what is acknowledged: the id of a record,
    /// `answered-` and the key of a request, `done-` and the id of a record.
    static func promise(_ taskStore: any RecordStore, threads: Int, requests: Int, marks path: String) throws
    {
        let marks = Marks(path)
        let group = DispatchGroup()
        for thread in 0..<threads {
            group.enter()
            Thread.detachNewThread {
                do {
                    for number in 0..<requests { try promise("\(thread)-\(number)", taskStore, marks) }
                } catch {
                    FileHandle.standardError.write(Data("\(error)\n".utf8))
                    exit(4)
                }
                group.leave()
            }
        }
        group.wait()
        try taskStore.close()
    }

    private static func promise(_ name: String, _ taskStore: any RecordStore, _ marks: Marks) throws {
        let ids = try taskStore.append(request(name, size: 200, records: 2)).map(\.id)
        marks.add(ids.map(\.text))
        let key = key(name, route: "POST /promise")
        guard case .first(let lock) = try taskStore.begin(key) else { exit(5) }
        var answered = request("\(name)-answered", size: 10, records: 1)
        answered.answer = NewAnswer(
            StoredAnswer(
                fingerprint: [], status: 200, head: .init(reason: "OK", contentType: nil, fields: []),
                body: Data(name.utf8), expires: Date(timeIntervalSinceNow: 600)), for: key)
        _ = try taskStore.append(answered)
        withExtendedLifetime(lock) {}
        marks.add(["answered-\(name)"])
        taskStore.started(ids[0])
        taskStore.ended(ids[0], .done(result: nil))
        try taskStore.flush()
        marks.add(["done-\(ids[0].text)"])
        say(name)
    }

    /// Threads that append at once, repeatedly.
    static func crowd(_ taskStore: any RecordStore, threads: Int, appends: Int) throws {
        let group = DispatchGroup()
        for thread in 0..<threads {
            group.enter()
            Thread.detachNewThread {
                for number in 0..<appends {
                    let request = request("\(thread)-\(number)", size: 200, records: 1)
                    guard (try? taskStore.append(request)) != nil else { exit(4) }
                }
                group.leave()
            }
        }
        group.wait()
        if let file = taskStore as? SQLiteTaskStore { say("transactions \(file.transactions)") }
        try taskStore.close()
    }

    /// Threads that append until the process is killed, and report the acknowledged ids.
    static func flood(_ taskStore: any RecordStore, threads: Int) throws {
        for thread in 0..<threads {
            Thread.detachNewThread {
                var number = 0
                while let new = try? taskStore.append(request("\(thread)-\(number)", size: 100, records: 2)) {
                    say(new.map(\.id.text).joined(separator: " "))
                    taskStore.started(new[0].id)
                    if number % 8 != 0 { taskStore.ended(new[0].id, .done(result: nil)) }
                    number += 1
                }
                exit(4)
            }
        }
        while true { pause() }
    }

    /// Lists and changes records, as a command beside the servers does.
    static func visit(_ store: StoreUnderTest, at place: String) throws {
        var settings = TaskStoreSettings()
        // Other processes write all the time, and the machine may be busy.
        settings.lockTimeout = .seconds(60)
        let taskStore = try store.driver.open(place, role: .visitor, settings: settings)
        let appended = try taskStore.append(request("visit", size: 100, records: 2))
        _ = try taskStore.list(RecordFilter(), .newestFirst, after: nil, limit: 50)
        guard try taskStore.discard([appended[0].id]) == [.changed],
            try taskStore.retry([appended[0].id]) == [.changed]
        else { exit(4) }
        say(appended.map(\.id.text).joined(separator: " "))
        try taskStore.close()
    }

    /// Becomes the owner of three records, of which the first one runs, and waits to be killed.
    static func hold(_ taskStore: any RecordStore) throws {
        let appended = try taskStore.append(request("held", size: 10, records: 3))
        taskStore.started(appended[0].id)
        try taskStore.flush()
        say(appended.map(\.id.text).joined(separator: " "))
        while true { pause() }
    }

    static func key(_ text: String, route: String) -> IdempotencyKey {
        guard let key = IdempotencyKey(route: route, principals: [], key: text) else { exit(3) }
        return key
    }

    /// Begins the request with a key, and waits to be killed.
    static func begin(_ text: String, in taskStore: any RecordStore) throws {
        let beginning = try taskStore.begin(key(text, route: "POST /begin"))
        switch beginning {
        case .first: say("first")
        case .inFlight: say("in flight")
        case .answered: say("answered")
        case .full: say("full")
        }
        while true { pause() }
    }

    /// Answers requests with the same keys as other processes do, and reports each answer.
    static func answer(keys: Int, in taskStore: any RecordStore) throws {
        say("ready")
        while readLine() != nil {}
        for number in 0..<keys {
            let key = key("\(number)", route: "POST /answer")
            while true {
                switch try taskStore.begin(key) {
                case .first(let lock):
                    let answer = StoredAnswer(
                        fingerprint: [], status: 200, head: .init(reason: "OK", contentType: nil, fields: []),
                        body: Data("\(number) by \(getpid())".utf8), expires: Date(timeIntervalSinceNow: 600))
                    var request = request("\(number)", size: 10, records: 1)
                    request.answer = NewAnswer(answer, for: key)
                    _ = try taskStore.append(request)
                    withExtendedLifetime(lock) {}
                    say("made \(number)")
                    continue
                case .inFlight:
                    sched_yield()
                    continue
                case .answered(let answer):
                    say("got \(String(decoding: answer.body, as: UTF8.self)) \(answer.taskIDs)")
                case .full: exit(4)
                }
                break
            }
        }
        try taskStore.close()
    }

    /// Becomes the owner of three records, of which the first one runs, and ends it when its input ends: by then it was cut off,
    /// and is connected again.
    static func outlive(_ taskStore: any RecordStore) throws {
        let appended = try taskStore.append(request("cut", size: 10, records: 3))
        let old = taskStore.owner
        taskStore.started(appended[0].id)
        try taskStore.flush()
        say(appended.map(\.id.text).joined(separator: " "))
        while readLine() != nil {}
        taskStore.ended(appended[0].id, .done(result: nil))
        // Written by whatever owner it is now.
        while true {
            do {
                let later = try taskStore.append(request("later", size: 10, records: 1))
                say("\(taskStore.owner == old ? "the same" : "new") \(later[0].id.text)")
                break
            } catch {
                guard error.isTemporary else { throw error }
            }
        }
        try taskStore.close()
    }

    /// Claims and ends records until none is left.
    static func claimAll(of taskStore: any RecordStore) throws {
        say("ready")
        // All of them begin at once: when the test closes their input.
        while readLine() != nil {}
        while true {
            let requests = try taskStore.claim(8, takingSuspect: true)
            if requests.isEmpty { break }
            for request in requests {
                say(request.records.map(\.id.text).joined(separator: " "))
                for record in request.records { taskStore.ended(record.id, .done(result: nil)) }
            }
        }
        try taskStore.close()
    }

    static func fire(_ taskStore: any RecordStore, times: Int) throws {
        say("ready")
        while readLine() != nil {}
        for time in 0..<times {
            let request = request("firing-\(time)", size: 10, records: 1)
            let fired = try taskStore.fire(
                "hourly", at: Date(timeIntervalSince1970: Double(time) * 3600), request)
            if fired != nil { say("fired \(time)") }
        }
        try taskStore.close()
    }
}

/// A file with a line for each promise, written after it was made.
struct Marks: Sendable {
    private let descriptor: Int32

    init(_ path: String) { descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }

    func add(_ promises: [String]) {
        let bytes = Array(promises.map { $0 + "\n" }.joined().utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { exit(3) }
    }
}
