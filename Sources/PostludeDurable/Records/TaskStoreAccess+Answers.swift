internal import FoundationEssentials
internal import Postlude
internal import PostludeSystem
internal import PostludeTaskStore

extension TaskStoreAccess {
    /// Begins the request with a key, unless it is being answered or was answered.
    func begin(_ key: RequestKey) throws -> RequestKeyState {
        switch try taskStore.begin(try IdempotencyKey(key)) {
        case .first(let lock): .first(lock: lock)
        case .inFlight: .inFlight
        case .answered(let answer): .answered(PersistedAnswer(answer, for: key))
        case .full: .full
        }
    }
}

extension IdempotencyKey {
    fileprivate init(_ key: RequestKey) throws {
        guard let own = Self(route: key.route, principals: key.principals, key: key.key) else {
            throw InvalidKey(count: key.key.utf8.count)
        }
        self = own
    }
}

extension NewAnswer {
    init(_ answer: PersistedAnswer, at now: Date) throws {
        let head = StoredAnswer.Head(
            reason: answer.reason, contentType: answer.contentType,
            fields: answer.fields.map { .init(name: $0.name, value: $0.value) })
        self.init(
            StoredAnswer(
                fingerprint: answer.fingerprint, status: answer.status, head: head, body: Data(answer.body),
                taskIDs: answer.taskIDs, expires: now.advanced(by: answer.keep)),
            for: try IdempotencyKey(answer.key))
    }
}

extension PersistedAnswer {
    fileprivate init(_ answer: StoredAnswer, for key: RequestKey) {
        self.init(
            key: key, fingerprint: answer.fingerprint, status: answer.status, reason: answer.head.reason,
            contentType: answer.head.contentType,
            fields: answer.head.fields.map { ($0.name, $0.value) }, body: Array(answer.body),
            taskIDs: answer.taskIDs)
    }
}

/// The error of a key that the server should have refused.
private struct InvalidKey: Error, CustomStringConvertible {
    let count: Int
    var description: String { "an idempotency key of \(count) bytes, expected 1 to \(IdempotencyKey.limit)" }
}
