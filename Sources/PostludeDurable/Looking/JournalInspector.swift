internal import FoundationEssentials
internal import Postlude
internal import PostludeManifest
internal import PostludeTaskStore

/// Looks at a journal as a visitor. It is opened for each look: the file may not be there yet, or be put back from a
/// backup.
struct JournalInspector: TaskInspector {
    /// How many dead letters are shown.
    static let deadLetters = 20

    let path: String

    var library: String { SQLiteVersion.library }

    func report() throws -> StoredTaskReport {
        try withJournal { journal in
            let counts = try journal.counts(of: [.waiting, .running, .outgoing, .failed])
            let page = try journal.list(RecordFilter(states: [.failed]), limit: Self.deadLetters)
            return StoredTaskReport(
                names: counts.names.sorted { $0.key < $1.key }.map(StoredTaskReport.Kind.init),
                oldestAge: counts.oldestDue.map { max(0, Date().timeIntervalSince($0)) },
                deadLetters: page.records.map(StoredTaskReport.DeadLetter.init))
        }
    }

    func steer(_ step: TaskSteering, _ id: String) throws -> TaskSteeringResult {
        guard let id = RecordID(id) else { return .unknown }
        return try withJournal { journal in
            let results =
                switch step {
                case .retry: try journal.retry([id])
                case .discard: try journal.discard([id])
                }
            return results.first.map(TaskSteeringResult.init) ?? .unknown
        }
    }

    private func withJournal<Value>(_ body: (Journal) throws -> Value) throws -> Value {
        let journal = try Journal(path: path, role: .visitor)
        // What was to be written is on the disk by now.
        defer { try? journal.close() }
        return try body(journal)
    }
}

extension StoredTaskReport.Kind {
    fileprivate init(_ name: String, _ counts: [RecordState: Int]) {
        self.init(name: name)
        waiting = counts[.waiting] ?? 0
        running = counts[.running] ?? 0
        outgoing = counts[.outgoing] ?? 0
        failed = counts[.failed] ?? 0
    }
}

extension StoredTaskReport.DeadLetter {
    fileprivate init(_ record: RecordSummary) {
        self.init(
            id: record.id.text, name: record.name, attempts: record.attempts, error: record.error ?? "",
            ended: Int(record.ended?.timeIntervalSince1970 ?? 0))
    }
}

extension TaskSteeringResult {
    fileprivate init(_ result: SteeringResult) {
        self =
            switch result {
            case .changed: .changed
            case .unknown: .unknown
            case .refused(let reason): .refused(reason)
            }
    }
}
