package import FoundationEssentials
internal import GRDB
internal import PostludeSystem
package import PostludeTaskStore

extension SQLiteTaskStore {
    package func begin(_ key: IdempotencyKey) throws(TaskStoreError) -> KeyBeginning {
        let digest = key.digest
        let lock = try keyLock(IdempotencyKey.lockNumber(of: digest))
        // Read while the lock is held: the request that has held it before has stored the answer, or will not store one. If
        // another request has the lock, it may only be reading the answer, too.
        let (now, data) = (now, Data(digest))
        let bytes = try lookUp { try $0.number(Self.bytesUnlessStored, [data, now]) ?? 0 }
        // It may have been removed meanwhile: then the key is free.
        if bytes < 0, let answer = try read({ try $0.answer(digest, at: now) }) { return .answered(answer) }
        guard let lock else { return .inFlight }
        return bytes < settings.maximumAnswers ? .first(AnswerKeyLock(lock)) : .full
    }

    package func removeAnswers(before time: Date, limit: Int) throws(TaskStoreError) -> Int {
        let time = time.milliseconds
        return try write { database in
            let numbers = try database.numbers(Self.expiredAnswers, [time, limit])
            for number in numbers { try database.removeAnswer(number) }
            return numbers.count
        }
    }

    /// One statement, which is one read of the file.
    private static let bytesUnlessStored: TaskStoreSQL = """
        SELECT CASE WHEN EXISTS (SELECT 1 FROM ~answer WHERE key = ? AND expires > ?) THEN -1 ELSE bytes END FROM ~answers
        """
    private static let expiredAnswers: TaskStoreSQL = """
        SELECT number FROM ~answer INDEXED BY ~answer_expires WHERE expires <= ? ORDER BY expires LIMIT ?
        """
}

private final class AnswerKeyLock: KeyLock {
    private let lock: ByteLock

    init(_ lock: ByteLock) { self.lock = lock }
}

extension NewAnswer {
    /// Stores the answer, in place of one that has expired.
    ///
    /// - Parameter taskIDs: the ids of the records that are stored with it.
    /// - Throws: if another answer with the key is stored. The key's lock has not prevented that, for example because its file
    ///   was removed.
    func store(taskIDs: [String], at now: Int64, in database: StoreDatabase) throws {
        let digest = Data(key.digest)
        let expired = try database.number(Self.expired, [digest, now])
        if let expired { try database.removeAnswer(expired) }
        let head = try answer.head.json
        let tasks = (answer.taskIDs + taskIDs).joined(separator: " ")
        let bytes = StoredAnswer.overhead + head.count + tasks.utf8.count + answer.body.count
        try database.run(
            Self.insertion,
            [
                digest, key.route, answer.expires.milliseconds, bytes, Data(answer.fingerprint),
                answer.status, tasks, head, answer.body,
            ])
        try database.run(Self.growing, [bytes])
    }

    private static let expired: TaskStoreSQL = "SELECT number FROM ~answer WHERE key = ? AND expires <= ?"
    private static let insertion: TaskStoreSQL = """
        INSERT INTO ~answer (key, route, expires, bytes, fingerprint, status, tasks, head, body)
        VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?)
        """
    private static let growing: TaskStoreSQL = "UPDATE ~answers SET bytes = bytes + ?"
}

extension StoreDatabase {
    /// - Returns: nil if there is none that has not expired.
    fileprivate func answer(_ digest: [UInt8], at now: Int64) throws -> StoredAnswer? {
        let statement = try statement(Self.selectingAnswer)
        guard let row = try Row.fetchOne(statement, arguments: [Data(digest), now]) else { return nil }
        guard let fingerprint = Data.fromDatabaseValue(row[0]), let status = Int.fromDatabaseValue(row[1]),
            let json = Data.fromDatabaseValue(row[2]), let head = try? StoredAnswer.Head(json: json),
            let body = Data.fromDatabaseValue(row[3]), let tasks = String.fromDatabaseValue(row[4]),
            let expires = Int64.fromDatabaseValue(row[5])
        else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "an answer that cannot be") }
        return StoredAnswer(
            fingerprint: Array(fingerprint), status: status, head: head, body: body,
            taskIDs: tasks.split(separator: " ").map(String.init), expires: Date(milliseconds: expires))
    }

    fileprivate func removeAnswer(_ number: Int64) throws {
        try run(Self.shrinking, [number])
        try run(Self.removingAnswer, [number])
    }

    private static let selectingAnswer: TaskStoreSQL = """
        SELECT fingerprint, status, CAST(head AS BLOB), body, tasks, expires FROM ~answer
        WHERE key = ? AND expires > ?
        """
    private static let shrinking: TaskStoreSQL =
        "UPDATE ~answers SET bytes = bytes - (SELECT bytes FROM ~answer WHERE number = ?)"
    private static let removingAnswer: TaskStoreSQL = "DELETE FROM ~answer WHERE number = ?"
}
