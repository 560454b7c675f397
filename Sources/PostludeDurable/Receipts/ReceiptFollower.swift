internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import Postlude
internal import PostludeSystem
internal import PostludeTaskStore
internal import PostludeThreads
internal import Synchronization

/// A durable store whose tasks clients can follow.
protocol ReceiptStore: DurableTaskStore {
    /// - Throws: an error that is answered with 503 if the task store is not open yet.
    func receipts() throws -> ReceiptFollower
}

/// Follows the tasks of all event streams of this process, on one thread. It asks the task store which records have changed, in one
/// query for all streams, and only as long as there are streams.
final class ReceiptFollower: Sendable {
    private let taskStore: any RecordStore
    private let logger: Logger
    private let thread: LoopThread
    /// The streams that the thread does not have yet.
    private let inbox = Lock<[Receipt]>([])
    private let isStarted = Lock(false)
    private let hasStreams = Atomic<Bool>(false)
    private let interval: Duration
    private let round: Duration

    /// - Parameters:
    ///   - interval: the interval at which the task store is asked for changes.
    ///   - round: how long it takes until each record was read, whether it is listed as changed or not.
    init(
        of taskStore: any RecordStore, logger: Logger, interval: Duration = .milliseconds(20),
        round: Duration = .seconds(10)
    ) throws(SystemError) {
        self.taskStore = taskStore
        self.logger = logger
        self.interval = interval
        self.round = round
        thread = try LoopThread(name: "receipts")
    }

    /// Follows the tasks of a stream until they are over, or the response has ended. The thread starts with the first one.
    func follow(_ receipt: Receipt) throws {
        inbox.withLock { $0.append(receipt) }
        try isStarted.withLock { isStarted in
            guard !isStarted else { return }
            try thread.start { [self] in
                ReceiptLoop(taskStore, logger, interval: interval, round: round).run(thread) {
                    self.take()
                } following: {
                    self.hasStreams.store($0, ordering: .relaxed)
                }
            }
            isStarted = true
        }
        thread.wake()
    }

    private func take() -> [Receipt] {
        inbox.withLock { inbox in
            defer { inbox = [] }
            return inbox
        }
    }

    /// Has the task store asked now, and not at the end of the interval, because this process has written to it. Does nothing
    /// without streams.
    func noteChange() {
        if hasStreams.load(ordering: .relaxed) { thread.wake() }
    }

    func stop() { thread.stop() }
}

/// The thread's own state.
private final class ReceiptLoop {
    /// The shortest time between two questions, however often this process writes.
    private static let shortest = Duration.milliseconds(5)
    /// How long the task store lists changes after it was asked to, and the interval at which it is asked to go on.
    private static let listing = Duration.seconds(60)
    private static let renewal = Duration.seconds(20)
    private static let retryDelay = Duration.milliseconds(500)
    private static let reportInterval = Duration.seconds(10)
    /// The number of records that are read by one query.
    private static let batch = 500

    private let taskStore: any RecordStore
    private let logger: Logger
    private let interval: Duration
    private let round: Duration
    private var receipts: [Int: Receipt] = [:]
    private var lastKey = 0
    /// The streams of each record, by the record's number, and which of the stream's tasks it is.
    private var followers: [Int64: [(key: Int, index: Int)]] = [:]
    /// The position of the last list of changes; nil if there is none that the next one could continue.
    private var position: String?
    /// Until when changes are listed, and when the task store is asked again.
    private var listedUntil = MonotonicTime.now
    private var nextRenewal = MonotonicTime.now
    /// The records that are to be read because of their streams, or because changes may have been missed.
    private var stale: Set<Int64> = []
    /// The records that this round has not read yet.
    private var rest: [Int64] = []
    private var lastSlice = MonotonicTime.now
    private var nextReport = MonotonicTime.now

    init(_ taskStore: any RecordStore, _ logger: Logger, interval: Duration, round: Duration) {
        self.taskStore = taskStore
        self.logger = logger
        self.interval = interval
        self.round = round
    }

    /// - Parameters:
    ///   - take: returns the streams that are new.
    ///   - setFollowing: called with whether there are streams.
    func run(
        _ thread: LoopThread, _ take: () -> [Receipt], following setFollowing: (Bool) -> Void
    ) {
        while !thread.isStopping {
            for receipt in take() { add(receipt) }
            setFollowing(!receipts.isEmpty)
            guard !receipts.isEmpty else {
                position = nil
                rest = []
                thread.wait(atMost: Self.listing)
                continue
            }
            do {
                let next = MonotonicTime.now + Self.shortest
                try follow()
                // What is written during the pause wakes the thread again.
                if thread.wait(atMost: interval) { sleep(until: next) }
            } catch {
                position = nil
                if .now >= nextReport {
                    nextReport = .now + Self.reportInterval
                    logger.error(
                        "the tasks of event streams cannot be followed", metadata: ["error": "\(error)"])
                }
                thread.wait(atMost: Self.retryDelay)
            }
        }
    }

    private func sleep(until time: MonotonicTime) {
        let rest = time - .now
        if rest > .zero { usleep(UInt32(clamping: rest.saturatedNanoseconds / 1000)) }
    }

    private func add(_ receipt: Receipt) {
        lastKey += 1
        receipts[lastKey] = receipt
        for (index, task) in receipt.tasks.enumerated() {
            guard let number = task.number else { continue }
            followers[number, default: []].append((lastKey, index))
            stale.insert(number)
        }
    }

    private func follow() throws {
        let now = MonotonicTime.now
        if now >= nextRenewal {
            try taskStore.listChanges(for: Self.listing)
            // The process has slept.
            if now >= listedUntil { position = nil }
            listedUntil = now + Self.listing
            nextRenewal = now + Self.renewal
        }
        let changes = try taskStore.changes(after: position)
        if position == nil {
            stale.formUnion(followers.keys)
        } else {
            for number in changes.numbers where followers[number] != nil { stale.insert(number) }
        }
        position = changes.position
        addSlice(at: now)
        let numbers = Array(stale)
        for start in stride(from: 0, to: numbers.count, by: Self.batch) {
            try read(Array(numbers[start..<min(start + Self.batch, numbers.count)]))
        }
    }

    /// Adds the next records of the round, in which all are read.
    private func addSlice(at now: MonotonicTime) {
        if rest.isEmpty { rest = Array(followers.keys) }
        let share = (now - lastSlice) / round
        let count = Int(min(1, share) * Double(followers.count))
        // The time of a part of a record counts for the next slice.
        guard count > 0 else { return }
        lastSlice = now
        stale.formUnion(rest.suffix(count))
        rest.removeLast(min(count, rest.count))
    }

    private func read(_ numbers: [Int64]) throws {
        let found = try taskStore.summaries(of: numbers)
        var records: [Int64: RecordSummary] = [:]
        for record in found { records[record.number] = record }
        for number in numbers {
            try tell(records[number], number)
            stale.remove(number)
        }
    }

    private func tell(_ record: RecordSummary?, _ number: Int64) throws {
        var contents: [RecordID: ReceiptContent] = [:]
        for (key, index) in followers[number] ?? [] {
            guard let id = receipts[key]?.tasks[index].id else { continue }
            // The number of a record that was removed may be that of a new one.
            let own = record?.id == id ? record : nil
            var content =
                contents[id]
                ?? ReceiptContent(own, id: id) { [taskStore] in try taskStore.record(id)?.result }
            try receipts[key]?.tell(index, own) { try content.text(showingErrors: $0) }
            contents[id] = content
            if receipts[key].map({ $0.isOver || $0.hasEnded }) ?? false { remove(key) }
        }
    }

    private func remove(_ key: Int) {
        guard let receipt = receipts.removeValue(forKey: key) else { return }
        for number in Set(receipt.tasks.compactMap(\.number)) {
            followers[number]?.removeAll { $0.key == key }
            if followers[number]?.isEmpty ?? false { followers[number] = nil }
        }
    }
}
