internal import GRDB
internal import Glibc
internal import PostludeSystem

/// One caller's statements, and the caller, who waits for what becomes of them.
// Unchecked: the caller makes it and reads the result after the semaphore, the writer's thread does the rest.
final class PendingWrite<Value>: @unchecked Sendable {
    private let body: @Sendable (Database) throws -> Value
    private var result: Result<Value, any Error>?
    private let isOver = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// - Parameter body: may be called again where its transaction was lost; it changes nothing but the database.
    init(_ body: @escaping @Sendable (Database) throws -> Value) {
        self.body = body
        sem_init(isOver, 0, 0)
    }

    deinit {
        sem_destroy(isOver)
        isOver.deallocate()
    }

    /// Waits, on the caller's thread, until the statements are committed and on the disk, or are undone.
    func wait() throws -> Value {
        while sem_wait(isOver) != 0 {}
        // The thread that signals has set it.
        guard let result else { throw CancellationError() }
        return try result.get()
    }
}

/// What the writer's thread sees of a write.
protocol QueuedWrite: AnyObject {
    /// Runs the statements; undone, should they fail.
    ///
    /// - Throws: where the whole transaction is lost, not only what belongs to this write.
    func run(in database: Database) throws
    /// Lets the caller go on: with the statements' own result, or with what has befallen all.
    func end(_ failure: (any Error)?)
}

extension PendingWrite: QueuedWrite {
    func run(in database: Database) throws {
        result = nil
        try database.run("SAVEPOINT request")
        do {
            let value = try body(database)
            try database.run("RELEASE request")
            result = .success(value)
        } catch {
            // A full disk or a failed write may have ended the transaction itself.
            guard database.isInsideTransaction else { throw error }
            try database.run("ROLLBACK TO request")
            try database.run("RELEASE request")
            result = .failure(error)
        }
    }

    func end(_ failure: (any Error)?) {
        if let failure { result = .failure(failure) }
        sem_post(isOver)
    }
}
