internal import FoundationEssentials
internal import Postlude
internal import PostludeSystem
internal import PostludeTaskStore

/// The record store of a process that may die at any moment, in a test: it tells the process of each change before it is made,
/// and makes none after the death.
///
/// The store in it is a real one. It writes notes only before other changes, and on request: whether a death loses them is the
/// test's choice, and no matter of time.
final class ExploredRecordStore: RecordStore, OfflineNotes, CommitObserver {
    private struct State {
        /// The names of the records, for events.
        var names: [RecordID: String] = [:]
        /// Whether the end of an attempt was noted since the last change.
        var hasNotes = false
        /// The number of open transactions, during which no notes can be written.
        var transactions = 0
    }

    private let store: any RecordStore
    private let process: any OfflineProcess
    private let state = Lock(State())

    init(_ store: any RecordStore, in process: any OfflineProcess) {
        self.store = store
        self.process = process
    }

    /// Sets the settings of the store in it.
    static func prepare(_ settings: inout TaskStoreSettings, for process: any OfflineProcess) {
        settings.now = { Date().addingTimeInterval(process.timeAhead) }
        settings.noteDelay = .seconds(24 * 3600)
    }

    var place: String { store.place }
    var owner: Int64? { store.owner }

    // MARK: Events

    /// Tells the process of a change, and makes it.
    private func change<Value>(
        _ event: String, _ body: () throws(TaskStoreError) -> Value
    ) throws(TaskStoreError) -> Value {
        try reach(event)
        let value = try body()
        // Earlier notes are written before every change.
        state.withLock { $0.hasNotes = false }
        return value
    }

    fileprivate func reach(_ event: String) throws(TaskStoreError) {
        do {
            try process.reach(event)
        } catch {
            throw dead
        }
    }

    /// Does what changes nothing that outlives the process, if that is alive.
    private func alive<Value>(_ body: () throws(TaskStoreError) -> Value) throws(TaskStoreError) -> Value {
        do {
            try process.checkIsAlive()
        } catch {
            throw dead
        }
        return try body()
    }

    private var dead: TaskStoreError { TaskStoreError(.closed, place, "the process is dead") }

    fileprivate func remember(_ records: [NewRecord], _ results: [AppendResult]) {
        state.withLock { state in
            for (record, result) in zip(records, results) { state.names[result.id] = record.name }
        }
    }

    fileprivate func name(of id: RecordID) -> String { state.withLock { $0.names[id] } ?? "a task" }

    private static func text(of records: [NewRecord], _ answer: NewAnswer? = nil) -> String {
        let parts = records.map(\.name) + (answer == nil ? [] : ["the answer"])
        return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
    }

    var areUnwritten: Bool { state.withLock { $0.hasNotes && $0.transactions == 0 } }

    func write() throws {
        try store.flush()
        state.withLock { $0.hasNotes = false }
    }

    func willCommit() throws {
        state.withLock { $0.transactions += 1 }
        defer { state.withLock { $0.transactions -= 1 } }
        try process.reach("the commit of the application's database")
    }

    fileprivate func transactionBegan() { state.withLock { $0.transactions += 1 } }
    fileprivate func transactionEnded() { state.withLock { $0.transactions -= 1 } }

    // MARK: Time

    /// The process's clock may be ahead of the real one, by which the times of new records were computed.
    fileprivate func ahead(_ request: NewRequest) -> NewRequest {
        let ahead = process.timeAhead
        var request = request
        for index in request.records.indices {
            request.records[index].notBefore?.addTimeInterval(ahead)
            request.records[index].expires?.addTimeInterval(ahead)
        }
        request.answer?.answer.expires.addTimeInterval(ahead)
        return request
    }

    fileprivate func ahead(_ end: RecordEnd) -> RecordEnd {
        let ahead = process.timeAhead
        return switch end {
        case .again(let error, let time): .again(error: error, at: time.addingTimeInterval(ahead))
        case .postponed(let time, let isKept):
            .postponed(until: time.addingTimeInterval(ahead), isKept: isKept)
        case .unreadable(let error, let time): .unreadable(error: error, at: time.addingTimeInterval(ahead))
        case .done(let result, let added?): .done(result: result, adding: self.ahead(added))
        default: end
        }
    }

    // MARK: Changes

    /// Does nothing in a transaction, which notes would wait for.
    func flush() throws(TaskStoreError) {
        guard state.withLock({ $0.transactions == 0 }) else { return }
        try alive { () throws(TaskStoreError) in try store.flush() }
        state.withLock { $0.hasNotes = false }
    }

    /// Closes the store in it, also after the death of the process, of which this is the end.
    func close() throws(TaskStoreError) { try store.close() }

    func append(_ request: NewRequest) throws(TaskStoreError) -> [AppendResult] {
        let results = try change("the commit of \(Self.text(of: request.records, request.answer))") {
            () throws(TaskStoreError) in try store.append(ahead(request))
        }
        remember(request.records, results)
        return results
    }

    func appendSeparately(_ request: NewRequest) throws(TaskStoreError) -> [AppendResult] {
        let results = try change("the commit of \(Self.text(of: request.records))") {
            () throws(TaskStoreError) in try store.appendSeparately(ahead(request))
        }
        remember(request.records, results)
        return results
    }

    func append(
        _ request: inout NewRequest, on connection: Any,
        ended: @escaping @Sendable (_ committed: Set<RecordID>) -> Void
    ) throws(TaskStoreError) -> [AppendResult] {
        var copy = ahead(request)
        let results = try alive { () throws(TaskStoreError) in
            try store.append(&copy, on: connection, ended: ended)
        }
        request = copy
        remember(request.records, results)
        return results
    }

    func openTransaction(_ kind: RecordTransactionKind) throws(TaskStoreError) -> any RecordTransaction {
        let transaction = try alive { () throws(TaskStoreError) in try store.openTransaction(kind) }
        return kind == .write ? ExploredTransaction(transaction, of: self) : transaction
    }

    func fire(
        _ schedule: String, at time: Date, _ request: NewRequest
    ) throws(TaskStoreError) -> [AppendResult]? {
        let results = try change("the commit of \(Self.text(of: request.records))") {
            () throws(TaskStoreError) in try store.fire(schedule, at: time, ahead(request))
        }
        if let results { remember(request.records, results) }
        return results
    }

    func beginSchedule(_ schedule: String) throws(TaskStoreError) -> Date {
        try change("the beginning of a schedule") { () throws(TaskStoreError) in
            try store.beginSchedule(schedule)
        }
    }

    func restartSchedule(_ schedule: String, at time: Date) throws(TaskStoreError) -> Bool {
        try change("the restart of a schedule") { () throws(TaskStoreError) in
            try store.restartSchedule(schedule, at: time)
        }
    }

    /// No event: a death after the claim is one before the first record begins.
    func claim(_ limit: Int, takingSuspect: Bool) throws(TaskStoreError) -> [ClaimedRequest] {
        let requests = try alive { () throws(TaskStoreError) in
            try store.claim(limit, takingSuspect: takingSuspect)
        }
        state.withLock { state in
            state.hasNotes = false
            for record in requests.flatMap(\.records) { state.names[record.id] = record.name }
        }
        return requests
    }

    func started(_ id: RecordID) {
        guard isReached("the beginning of \(name(of: id))") else { return }
        store.started(id)
    }

    func ended(_ id: RecordID, _ end: RecordEnd) {
        guard isReached("the note that \(name(of: id)) \(end.text)") else { return }
        if case .done(_, let added?) = end {
            state.withLock { state in
                for record in added.records { if let id = record.id { state.names[id] = record.name } }
            }
        }
        store.ended(id, ahead(end))
        state.withLock { $0.hasNotes = true }
    }

    private func isReached(_ event: String) -> Bool { (try? process.reach(event)) != nil }

    func reached(_ progress: RecordProgress, by id: RecordID) {
        // No event: nothing but a display depends on it, and it is throttled by time.
        guard (try? process.checkIsAlive()) != nil else { return }
        store.reached(progress, by: id)
    }

    func blame(_ id: RecordID) {
        guard (try? process.checkIsAlive()) != nil else { return }
        store.blame(id)
    }

    func stop() {
        guard (try? process.checkIsAlive()) != nil else { return }
        store.stop()
    }

    func keep(_ step: RecordStep, of id: RecordID) throws(TaskStoreError) {
        try change("the commit of the step \"\(step.name)\" of \(name(of: id))") {
            () throws(TaskStoreError) in
            try store.keep(step, of: id)
        }
    }

    func retry(
        _ ids: [RecordID], by origin: ActionOrigin?
    ) throws(TaskStoreError) -> [RecordActionResult] {
        try change("the retry of tasks") { () throws(TaskStoreError) in try store.retry(ids, by: origin) }
    }

    func discard(
        _ ids: [RecordID], by origin: ActionOrigin?
    ) throws(TaskStoreError) -> [RecordActionResult] {
        try change("the discarding of tasks") { () throws(TaskStoreError) in
            try store.discard(ids, by: origin)
        }
    }

    func cancel(
        _ ids: [RecordID], by origin: ActionOrigin?
    ) throws(TaskStoreError) -> [RecordActionResult] {
        try change("the cancellation of tasks") { () throws(TaskStoreError) in
            try store.cancel(ids, by: origin)
        }
    }

    func pause(
        _ target: PauseTarget, by origin: ActionOrigin?
    ) throws(TaskStoreError) -> RecordActionResult {
        try change("the pause of tasks") { () throws(TaskStoreError) in try store.pause(target, by: origin) }
    }

    func resume(
        _ target: PauseTarget, by origin: ActionOrigin?
    ) throws(TaskStoreError) -> RecordActionResult {
        try change("the end of a pause") { () throws(TaskStoreError) in try store.resume(target, by: origin) }
    }

    func removeOver(
        endedBefore time: Date, failedBefore failedTime: Date, limit: Int
    ) throws(TaskStoreError) -> Int {
        try change("the removal of old tasks") { () throws(TaskStoreError) in
            try store.removeOver(endedBefore: time, failedBefore: failedTime, limit: limit)
        }
    }

    func removeFirings(before time: Date, limit: Int) throws(TaskStoreError) -> Int {
        try change("the removal of old firings") { () throws(TaskStoreError) in
            try store.removeFirings(before: time, limit: limit)
        }
    }

    func removeAnswers(before time: Date, limit: Int) throws(TaskStoreError) -> Int {
        try change("the removal of old answers") { () throws(TaskStoreError) in
            try store.removeAnswers(before: time, limit: limit)
        }
    }

    // MARK: What changes nothing

    func register(_ shapes: [RecordShape]) throws(TaskStoreError) {
        try alive { () throws(TaskStoreError) in try store.register(shapes) }
    }

    func shape(_ number: Int64) throws(TaskStoreError) -> RecordShape? {
        try alive { () throws(TaskStoreError) in try store.shape(number) }
    }

    func leave(_ shapes: Set<Int64>) { store.leave(shapes) }
    func noteUnreadable(_ shape: Int64) { store.noteUnreadable(shape) }

    func unreadable(dueBefore due: Date, notedBefore noted: Date) throws(TaskStoreError) -> [String: Int] {
        try alive { () throws(TaskStoreError) in try store.unreadable(dueBefore: due, notedBefore: noted) }
    }

    func begin(_ key: IdempotencyKey) throws(TaskStoreError) -> KeyBeginning {
        try alive { () throws(TaskStoreError) in try store.begin(key) }
    }

    func schedules() throws(TaskStoreError) -> [(schedule: String, last: Date)] {
        try alive { () throws(TaskStoreError) in try store.schedules() }
    }

    func lastFiring(of schedule: String) throws(TaskStoreError) -> Date? {
        try alive { () throws(TaskStoreError) in try store.lastFiring(of: schedule) }
    }

    func nextDue(takingSuspect: Bool) throws(TaskStoreError) -> Date? {
        try alive { () throws(TaskStoreError) in try store.nextDue(takingSuspect: takingSuspect) }
    }

    func steps(of id: RecordID) throws(TaskStoreError) -> [RecordStep] {
        try alive { () throws(TaskStoreError) in try store.steps(of: id) }
    }

    func failures(of id: RecordID) throws(TaskStoreError) -> [RecordFailure] {
        try alive { () throws(TaskStoreError) in try store.failures(of: id) }
    }

    func search(request: String, within time: Duration) throws(TaskStoreError) -> FoundRecords {
        try alive { () throws(TaskStoreError) in try store.search(request: request, within: time) }
    }

    func outgoingQueues() throws(TaskStoreError) -> [String] {
        try alive { () throws(TaskStoreError) in try store.outgoingQueues() }
    }

    func publisher(of queue: String) throws(TaskStoreError) -> (any RecordPublisher)? {
        try alive { () throws(TaskStoreError) in try store.publisher(of: queue) }
    }

    func record(_ id: RecordID) throws(TaskStoreError) -> Record? {
        try alive { () throws(TaskStoreError) in try store.record(id) }
    }

    func newest(of key: String, name: String) throws(TaskStoreError) -> Record? {
        try alive { () throws(TaskStoreError) in try store.newest(of: key, name: name) }
    }

    func holder(of key: String, name: String) throws(TaskStoreError) -> RecordID? {
        try alive { () throws(TaskStoreError) in try store.holder(of: key, name: name) }
    }

    func unfinished() throws(TaskStoreError) -> Int {
        try alive { () throws(TaskStoreError) in try store.unfinished() }
    }

    func counts(of states: [RecordState]) throws(TaskStoreError) -> TaskStoreCounts {
        try alive { () throws(TaskStoreError) in try store.counts(of: states) }
    }

    func list(
        _ filter: RecordFilter, _ order: ListingOrder, after: Int64?, limit: Int
    ) throws(TaskStoreError) -> RecordPage {
        try alive { () throws(TaskStoreError) in try store.list(filter, order, after: after, limit: limit) }
    }

    func export(_ filter: RecordFilter, _ write: (String) throws -> Void) throws {
        try process.checkIsAlive()
        try store.export(filter, write)
    }

    func setLimits(_ limits: [RecordLimit], of names: [String]) throws(TaskStoreError) {
        try alive { () throws(TaskStoreError) in try store.setLimits(limits, of: names) }
    }

    func limitMembers() throws(TaskStoreError) -> [String: String?] {
        try alive { () throws(TaskStoreError) in try store.limitMembers() }
    }

    func uses(of limit: RecordLimit, key: String?, atMost count: Int) throws(TaskStoreError) -> [LimitUse] {
        try alive { () throws(TaskStoreError) in try store.uses(of: limit, key: key, atMost: count) }
    }

    func ownsAtOnce(_ id: RecordID) -> Bool { store.ownsAtOnce(id) }

    func summaries(of numbers: [Int64]) throws(TaskStoreError) -> [RecordSummary] {
        try alive { () throws(TaskStoreError) in try store.summaries(of: numbers) }
    }

    func summaries(withIDs ids: [RecordID]) throws(TaskStoreError) -> [RecordSummary] {
        try alive { () throws(TaskStoreError) in try store.summaries(withIDs: ids) }
    }

    func listChanges(for time: Duration) throws(TaskStoreError) {
        try alive { () throws(TaskStoreError) in try store.listChanges(for: time) }
    }

    func changes(after position: String?) throws(TaskStoreError) -> RecordChanges {
        try alive { () throws(TaskStoreError) in try store.changes(after: position) }
    }

    func pauses() throws(TaskStoreError) -> [RecordPause] {
        try alive { () throws(TaskStoreError) in try store.pauses() }
    }

    func control(after stamp: Int64?) throws(TaskStoreError) -> RecordControl? {
        try alive { () throws(TaskStoreError) in try store.control(after: stamp) }
    }

    func actions(before number: Int64?, limit: Int) throws(TaskStoreError) -> [RecordedAction] {
        try alive { () throws(TaskStoreError) in try store.actions(before: number, limit: limit) }
    }
}

/// A transaction whose commit is an event.
private final class ExploredTransaction: RecordTransaction {
    private let transaction: any RecordTransaction
    private let store: ExploredRecordStore
    /// What it contains of the task store.
    private var contents: [String] = []
    private var isOpen = false

    init(_ transaction: any RecordTransaction, of store: ExploredRecordStore) {
        self.transaction = transaction
        self.store = store
    }

    deinit { end() }

    var handle: Any { transaction.handle }

    func perform<Value>(_ body: () throws -> Value) throws -> Value { try transaction.perform(body) }

    func begin() throws(TaskStoreError) {
        try transaction.begin()
        isOpen = true
        store.transactionBegan()
    }

    private func end() {
        guard isOpen else { return }
        isOpen = false
        store.transactionEnded()
    }

    func append(_ request: NewRequest) throws(TaskStoreError) -> [AppendResult] {
        let results = try transaction.append(store.ahead(request))
        store.remember(request.records, results)
        contents += request.records.map(\.name) + (request.answer == nil ? [] : ["the answer"])
        return results
    }

    func end(_ id: RecordID, _ end: RecordEnd, attempts: Int) throws(TaskStoreError) {
        try transaction.end(id, store.ahead(end), attempts: attempts)
        contents.append("the end of \(store.name(of: id))")
    }

    func commit() throws(TaskStoreError) {
        let with = contents.isEmpty ? "" : " with \(contents.joined(separator: ", "))"
        try store.reach("the commit of the transaction\(with)")
        defer { end() }
        try transaction.commit()
    }

    func rollback() {
        transaction.rollback()
        end()
    }

    func cancel(when isCancelled: @escaping () -> Bool) { transaction.cancel(when: isCancelled) }
    func failure(of error: any Error) -> TaskStoreError? { transaction.failure(of: error) }
}

extension RecordEnd {
    /// What has happened, as the end of a sentence.
    fileprivate var text: String {
        switch self {
        case .done: "is done"
        case .again, .retrying: "has failed and is tried again"
        case .failed: "has failed"
        case .stopped: "does not run, because the task before it has failed"
        case .expired: "has expired"
        case .discarded, .abandoned: "is discarded"
        case .cancelled: "is cancelled"
        case .postponed: "is postponed"
        case .moved: "moves to a queue"
        case .released: "was not begun"
        case .unreadable: "cannot be read"
        }
    }
}
