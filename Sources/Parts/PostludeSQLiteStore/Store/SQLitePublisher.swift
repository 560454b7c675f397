package import FoundationEssentials
internal import GRDB
internal import PostludeSystem
package import PostludeTaskStore

// GRDB has a Record, too.
package import struct PostludeTaskStore.Record

/// The right to publish the records of a queue, with its lock.
package final class SQLitePublisher: RecordPublisher {
    package let queue: String
    private let number: Int64
    private let taskStore: SQLiteTaskStore
    private let lock: ByteLock

    init(of queue: String, number: Int64, in taskStore: SQLiteTaskStore, holding lock: ByteLock) {
        self.queue = queue
        self.number = number
        self.taskStore = taskStore
        self.lock = lock
    }

    package func next(_ limit: Int) throws(TaskStoreError) -> [Record] {
        let (number, now) = (number, taskStore.now)
        // A write transaction is used, because it includes earlier asynchronous writes.
        return try taskStore.write { database in
            guard try database.number(Self.due, [number]) ?? 0 <= now else { return [] }
            return try database.records(Self.outgoing, [number, limit])
        }
    }

    package func tryAtOnce() throws(TaskStoreError) {
        let (number, now) = (number, taskStore.now)
        try taskStore.write { database in
            try database.run(Self.makingDue, [number, now])
        }
    }

    package func nextDue() throws(TaskStoreError) -> Date? {
        let number = number
        return try taskStore.write { database in
            guard let first = try database.records(Self.outgoing, [number, 1]).first else { return nil }
            return max(first.added, Date(milliseconds: try database.number(Self.due, [number]) ?? 0))
        }
    }

    package func published(_ id: RecordID) {
        let now = taskStore.now
        taskStore.writeLater { database in
            try database.run(Self.publishing, [now, id.text])
        }
    }

    package func failed(_ id: RecordID, error: String, next time: Date) {
        let (number, due) = (number, time.milliseconds)
        taskStore.writeLater { database in
            try database.run(Self.delaying, [due, number])
            try database.run(Self.failing, [error, id.text])
        }
    }

    private static let due: TaskStoreSQL = "SELECT due FROM ~queue WHERE number = ?"
    private static let makingDue: TaskStoreSQL = "UPDATE ~queue SET due = 0 WHERE number = ? AND due > ?"
    private static let delaying: TaskStoreSQL = "UPDATE ~queue SET due = ? WHERE number = ?"
    private static let publishing: TaskStoreSQL = """
        UPDATE ~record SET state = 7, attempts = attempts + 1, ended = ?, error = NULL
        WHERE id = ? AND state = 6
        """
    private static let failing: TaskStoreSQL =
        "UPDATE ~record SET attempts = attempts + 1, error = ? WHERE id = ? AND state = 6"
    static let outgoing = RecordRow.selecting(
        "INDEXED BY ~record_outgoing WHERE queue = ? AND state = 6 ORDER BY ~record.number LIMIT ?")
}

extension SQLiteTaskStore {
    package func outgoingQueues() throws(TaskStoreError) -> [String] {
        try read { database in
            try database.texts(Self.outgoing)
        }
    }

    package func publisher(of queue: String) throws(TaskStoreError) -> (any RecordPublisher)? {
        guard let number = try read({ try $0.number(QueueTable.numberOf, [queue]) }) else { return nil }
        guard let lock = try publisherLock(ofQueue: number) else { return nil }
        return SQLitePublisher(of: queue, number: number, in: self, holding: lock)
    }

    private static let outgoing: TaskStoreSQL = """
        SELECT name FROM ~queue WHERE EXISTS (
            SELECT 1 FROM ~record INDEXED BY ~record_outgoing
            WHERE ~record.queue = ~queue.number AND ~record.state = 6)
        ORDER BY name
        """
}
