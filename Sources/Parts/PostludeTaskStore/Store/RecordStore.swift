package import FoundationEssentials

/// A store of records, opened by one process: the interface of durable tasks to whatever keeps them.
///
/// Several processes have it open at the same time. A process that runs tasks is an owner: it owns the records that it has
/// appended or claimed, and it alone runs them, until they are over, or until it closes the store or dies. A process that has
/// opened the store as a visitor owns nothing.
///
/// Methods may be called on any thread, by several threads at once. They block the calling thread until they are done, except
/// those that note something. Every other change is on the disk when the method returns: neither the death of the process nor a
/// power failure can undo it then. If the method throws, nothing was changed. Times are kept in milliseconds; the current time is
/// that of the settings.
///
/// The store keeps payloads and results as they are, with any bytes. It refuses a request's id or route, a record's name, key or
/// queue, and a schedule's key, that contains a NUL; also if it is only looked up.
package protocol RecordStore: AnyObject, Sendable {
    /// Where the store is, as logs and messages show it: a path, or an address without a password.
    var place: String { get }

    /// The number of this process as an owner, which no other process has had; nil for a visitor.
    var owner: Int64? { get }

    /// Waits until all earlier notes are on the disk, or at the server that keeps them.
    ///
    /// - Throws: an error if they could not be written. They are retried until the store is closed.
    func flush() throws(TaskStoreError)

    /// Writes pending notes, frees the records that this process has not begun, and closes the store. Other processes may claim
    /// the records that still run. Every later call throws an error with the code `closed`; later notes are dropped.
    ///
    /// - Throws: an error if the store could not be closed in order. The end of the process then has the same effect.
    func close() throws(TaskStoreError)

    // MARK: Adding records

    /// Stores the records of a request, and its answer, all of them or none. When this returns they are on the disk.
    ///
    /// Their numbers are consecutive, and larger than those of all earlier records. A record that is due, and whose request runs
    /// here, is this process's; one with `notBefore` has no owner, even if that time is past.
    ///
    /// - Returns: the result for each record, in their order. A record whose unique key is taken is not stored, and the record
    ///   that has the key stands for it, also if it is one of the same request.
    /// - Throws: an error if they could not be stored; `refused` for an id that exists, or if an answer with the key of the
    ///   request's answer is stored.
    func append(_ request: NewRequest) throws(TaskStoreError) -> [AppendResult]

    /// Stores records, all of them or none, each as the only one of its request: they run independently of each other. They have
    /// no owner.
    ///
    /// - Parameter request: the records, with the id and the route that their requests get.
    /// - Returns: the result for each record, as ``append(_:)`` returns it.
    /// - Throws: an error if they could not be stored.
    func appendSeparately(_ request: NewRequest) throws(TaskStoreError) -> [AppendResult]

    // MARK: Shapes

    /// Stores the shapes of the records that this process appends, unless they are stored. They cost an append nothing. They do not
    /// count as unreadable any more, because this process can read them.
    func register(_ shapes: [RecordShape]) throws(TaskStoreError)

    /// Returns the shape that a record names; nil if there is none of that number.
    func shape(_ number: Int64) throws(TaskStoreError) -> RecordShape?

    /// Sets the shapes, by their numbers, of which this process claims no records, because it cannot read them. It may still get
    /// one that is claimed together with others of its request.
    func leave(_ shapes: Set<Int64>)

    /// Notes that a process of this version of the program could not read a record of a shape. The caller does not wait.
    func noteUnreadable(_ shape: Int64)

    /// Counts the records that no process has, that are due before a time, and whose shape was noted as unreadable before
    /// another time, by their names.
    func unreadable(dueBefore due: Date, notedBefore noted: Date) throws(TaskStoreError) -> [String: Int]

    // MARK: Answers

    /// Begins the request with a key, unless it is being answered or was answered.
    ///
    /// This writes nothing: the lock ends with the process, so that a request whose process dies can be repeated at once. The
    /// holder of the lock stores the answer by ``append(_:)``, and then releases the lock. Of calls at the same time, in any
    /// processes, at most one is the first.
    func begin(_ key: IdempotencyKey) throws(TaskStoreError) -> KeyBeginning

    // MARK: Transactions of the application

    /// Returns a transaction on the database that the store is in, which has not begun.
    ///
    /// - Throws: `refused` if that is not the application's database.
    func openTransaction(_ kind: RecordTransactionKind) throws(TaskStoreError) -> any RecordTransaction

    /// Stores records by a transaction that the application has begun on a connection of its own to the store's database. They
    /// exist when it commits. The records of several calls in one transaction, for one request, are in the order of the calls.
    ///
    /// - Parameters:
    ///   - request: the records. The store decides which of them are published in their turn.
    ///   - connection: of the type that the store's driver names.
    ///   - ended: called on the connection's thread when the transaction is over, with the ids of those records, and of those that
    ///     stand for them, that are in the store then; none if it was rolled back.
    /// - Throws: `refused` if the connection is not one to the store's database, if it is not in a transaction, or if its commit
    ///   would not be on the disk.
    func append(
        _ request: inout NewRequest, on connection: Any,
        ended: @escaping @Sendable (_ committed: Set<RecordID>) -> Void
    ) throws(TaskStoreError) -> [AppendResult]

    // MARK: Schedules

    /// Stores the records of a schedule's firing, as ``append(_:)`` does, unless it has fired for this time already, or for a
    /// later one. The firing and its records are one change.
    ///
    /// - Parameters:
    ///   - schedule: its key in the store.
    ///   - time: the time for which it fires.
    /// - Returns: nil if it has fired already.
    func fire(
        _ schedule: String, at time: Date, _ request: NewRequest
    ) throws(TaskStoreError) -> [AppendResult]?

    /// Returns the time after which a schedule is to fire next: that of its last firing. For a new schedule this is now, which
    /// is stored.
    func beginSchedule(_ schedule: String) throws(TaskStoreError) -> Date

    /// Makes a schedule that has fired for a later time continue from a time.
    ///
    /// - Returns: false if it has not fired for a later time. Another process may have restarted it.
    func restartSchedule(_ schedule: String, at time: Date) throws(TaskStoreError) -> Bool

    /// Returns the schedules that have begun, by their keys in the store, each with the time of its last firing.
    func schedules() throws(TaskStoreError) -> [(schedule: String, last: Date)]

    /// Returns the time of a schedule's last firing, or of its beginning; nil for a new one.
    func lastFiring(of schedule: String) throws(TaskStoreError) -> Date?

    // MARK: Claims

    /// Claims requests with due records that have no owner. Before that it frees the records of dead owners, and ends records
    /// that have expired.
    ///
    /// All due records of a request are claimed together. Requests are ordered by priority, then by the time at which they were
    /// due. The records after one that stops the others on failure are not claimed before it has succeeded, unless they are
    /// claimed together with it. No record is claimed by two processes.
    ///
    /// A record that was running when its owner died becomes a suspect: it waits for a while, and the later records of its
    /// request wait for it. After `RecordDeath.limit` deaths it is a dead letter. Each death is reported to the settings' `died`.
    /// A record that was interrupted, because its owner was told to stop, is no suspect, and the attempt does not count; after
    /// `RecordInterruption.limit` interruptions it is a dead letter, of which the settings' `warn` is told.
    ///
    /// - Parameters:
    ///   - limit: the maximum number of requests.
    ///   - takingSuspect: whether one of the requests may have a suspect. There is never more than one, so that the cause is
    ///     known if this process dies.
    /// - Throws: `refused` for a visitor.
    func claim(_ limit: Int, takingSuspect: Bool) throws(TaskStoreError) -> [ClaimedRequest]

    /// Returns when the next record without an owner is due, which may be in the past; nil if there is none.
    ///
    /// - Parameter takingSuspect: whether the record may be a suspect.
    func nextDue(takingSuspect: Bool) throws(TaskStoreError) -> Date?

    // MARK: Limits

    /// Sets the limits that this process applies when it claims records, and stores what others need to know of them: records that are
    /// not over get the limit keys that follow from their payloads.
    ///
    /// A record with a limit key that is not owned at once (``ownsAtOnce(_:)``) is claimed alone, by a process that has a limit for
    /// its name; if it stops the others on failure, together with the later due records of its request. The keys of a name are
    /// served in turn: the one that was served longest ago is next. Times are those of the server, if one keeps the records.
    ///
    /// - Parameters:
    ///   - limits: at most one for each name.
    ///   - names: the names of all records that this program runs. Those without a limit lose the one that they had.
    func setLimits(_ limits: [RecordLimit], of names: [String]) throws(TaskStoreError)

    /// Returns the names that have a limit in any process, each with the member of the payload that is the key; nil if all its
    /// records share one key.
    func limitMembers() throws(TaskStoreError) -> [String: String?]

    /// Returns how a limit is used, the keys with the most due records first.
    ///
    /// - Parameters:
    ///   - key: only this key; nil for all.
    ///   - count: the maximum number of keys.
    func uses(of limit: RecordLimit, key: String?, atMost count: Int) throws(TaskStoreError) -> [LimitUse]

    /// Whether ``append(_:)`` has made a record this process's at once, although it has a limit, or follows one that has: the limit
    /// allowed it, and no other record waited. Called once for each such record.
    func ownsAtOnce(_ id: RecordID) -> Bool

    // MARK: Notes

    // The caller does not wait for these changes: they are written soon, in the order of the calls, and before every change that
    // is requested after them. If a crash loses one, the attempt is made again. Errors go to the settings' `report`.

    /// Notes that an attempt of a record begins. When this returns, the death of this process counts as a death of the record,
    /// even if nothing else about the attempt was written.
    func started(_ id: RecordID)

    /// Notes how an attempt of a record has ended, or why there is none. A record that is over does not change. The records
    /// that it stops are ended by the same change.
    func ended(_ id: RecordID, _ end: RecordEnd)

    /// Notes how far a record has come. It is not noted for a record that is over, or another process's.
    func reached(_ progress: RecordProgress, by id: RecordID)

    /// Notes that an attempt does not end, and that this process is replaced because of it: the end of the process counts as a
    /// death of the record, also after ``stop()``. When this returns, the death of this process cannot lose it.
    func blame(_ id: RecordID)

    /// Notes that this process was told to stop: its end counts as a death only of records that are blamed. When this returns,
    /// the death of this process cannot lose it.
    func stop()

    // MARK: Steps

    /// Returns what the attempts of a record have kept, in the order of the positions.
    func steps(of id: RecordID) throws(TaskStoreError) -> [RecordStep]

    /// Keeps the result of a step, in place of an earlier one of the same name. It is removed together with the record, and
    /// when a record that is done is retried.
    ///
    /// - Throws: `refused` if this process does not own the record any more, or if the record is over.
    func keep(_ step: RecordStep, of id: RecordID) throws(TaskStoreError)

    // MARK: The outbox

    /// Returns the queues that have records to publish, by name.
    func outgoingQueues() throws(TaskStoreError) -> [String]

    /// Returns the right to publish a queue's records. It lasts until the value is released, or the process ends.
    ///
    /// - Returns: nil if another publisher has it, or if the queue has never had a record.
    func publisher(of queue: String) throws(TaskStoreError) -> (any RecordPublisher)?

    // MARK: Queries

    // They wait for no writer, and delay none. They need not include notes that are not written yet.

    /// - Returns: nil if there is no record with that id.
    func record(_ id: RecordID) throws(TaskStoreError) -> Record?

    /// Returns the newest record with a name and a unique key, over or not; nil if there is none.
    func newest(of key: String, name: String) throws(TaskStoreError) -> Record?

    /// Returns the record with a name and a unique key that is not over; nil if there is none.
    func holder(of key: String, name: String) throws(TaskStoreError) -> RecordID?

    /// Returns the number of records that are due and not over. Records in the outbox do not count. A suspect counts as due
    /// although it waits for a while, and so do the records that wait for it.
    func unfinished() throws(TaskStoreError) -> Int

    /// Counts records.
    ///
    /// - Parameter states: the states to count. If they exclude the records that are over, counting takes no longer because of
    ///   these.
    func counts(of states: [RecordState]) throws(TaskStoreError) -> TaskStoreCounts

    /// Returns a page of records.
    ///
    /// - Parameters:
    ///   - order: by the time at which they were added.
    ///   - after: the `next` of the previous page; nil for the first one.
    ///   - limit: the maximum number of records.
    func list(
        _ filter: RecordFilter, _ order: ListingOrder, after: Int64?, limit: Int
    ) throws(TaskStoreError) -> RecordPage

    /// Writes records as JSON, one per line, oldest first.
    ///
    /// The keys are `id`, `request`, `route`, `position`, `name`, `priority`, `state`, `added`, `due`, `expires`, `unique`,
    /// `attempts`, `started`, `ended`, `queue`, `error`, `result` and `payload`; times are like `2027-01-15T08:00:00.000Z`, and
    /// missing values are `null`. A payload or result that is JSON is inserted with its numbers and strings unchanged; any other
    /// is a string.
    ///
    /// Records are read in pages, so that a slow consumer blocks neither writers nor checkpoints. Records that are appended
    /// meanwhile are included. Each record is written as it was when its page was read.
    ///
    /// - Parameter write: called with each line, without its line end.
    /// - Throws: ``TaskStoreError``, or the error of `write`.
    func export(_ filter: RecordFilter, _ write: (String) throws -> Void) throws

    /// Returns the attempts of a record that have failed, the oldest first: the last ``RecordFailure/limit``.
    func failures(of id: RecordID) throws(TaskStoreError) -> [RecordFailure]

    /// Searches the records of a request. There is no index of them, because it would cost each append: this reads the newest
    /// records first, until the time is over.
    func search(request: String, within time: Duration) throws(TaskStoreError) -> FoundRecords

    /// Returns the records with these numbers, in any order, without their payloads and results.
    func summaries(of numbers: [Int64]) throws(TaskStoreError) -> [RecordSummary]

    /// Returns the records with these ids, in any order, without their payloads and results.
    func summaries(withIDs ids: [RecordID]) throws(TaskStoreError) -> [RecordSummary]

    // MARK: Following

    /// Has changes of records be listed for a time from now on, of all processes. When no process asks for the list, there is
    /// none, and a change costs no more because of it.
    ///
    /// - Throws: `refused` for a visitor.
    func listChanges(for time: Duration) throws(TaskStoreError)

    /// Returns the records whose state or progress has changed since another call, and those that were removed. No change is
    /// skipped because its transaction was committed after a later one.
    ///
    /// The list can have gaps: changes before the first ``listChanges(for:)`` was seen by all processes, those that the crash
    /// of a database server has lost, and those that were listed for a minute. A caller also reads the records now and then.
    ///
    /// - Parameter position: that of the last call; nil to get only the present position.
    func changes(after position: String?) throws(TaskStoreError) -> RecordChanges

    // MARK: Changes on request

    /// Retries records that are over, with all of their attempts. A record that waits for a time, such as that of its next
    /// attempt, is due at once. Its deaths are forgotten, and so is an expiry that is past.
    ///
    /// The records that a dead letter has kept from running are retried with it. One of them alone is refused until the record
    /// before it has succeeded or is discarded.
    ///
    /// - Parameter origin: who asks for it, which is recorded; nil to record nothing.
    /// - Returns: the result for each id. The oldest record is changed first, whatever the order of the ids.
    func retry(
        _ ids: [RecordID], by origin: ActionOrigin?
    ) throws(TaskStoreError) -> [RecordActionResult]

    /// Discards records that no process has yet, that are to be published, or that are dead letters, each with the later
    /// records of its request that depend on it.
    ///
    /// - Parameter origin: who asks for it, which is recorded; nil to record nothing.
    /// - Returns: the result for each id. The oldest record is changed first, whatever the order of the ids.
    func discard(
        _ ids: [RecordID], by origin: ActionOrigin?
    ) throws(TaskStoreError) -> [RecordActionResult]

    // MARK: Control

    /// Cancels records that are not over, each with the later records of its request that depend on it. One that a living process
    /// has is cancelled by that process, which follows ``control(after:)``; if it dies before, by the next claim of any process.
    ///
    /// - Parameter origin: who asks for it, which is recorded; nil to record nothing.
    /// - Returns: the result for each id. The oldest record is changed first, whatever the order of the ids.
    func cancel(
        _ ids: [RecordID], by origin: ActionOrigin?
    ) throws(TaskStoreError) -> [RecordActionResult]

    /// Holds records back until ``resume(_:by:)``: no claim takes them. Records that processes have already are not begun, as far
    /// as these follow ``control(after:)``; an attempt that has begun goes on. Records that are to be published are not held
    /// back.
    ///
    /// - Returns: `refused` if they are paused already.
    func pause(
        _ target: PauseTarget, by origin: ActionOrigin?
    ) throws(TaskStoreError) -> RecordActionResult

    /// Ends a pause. Of the records that it has held back, the next claims make some due again at a time.
    ///
    /// - Returns: `refused` if there is no such pause.
    func resume(
        _ target: PauseTarget, by origin: ActionOrigin?
    ) throws(TaskStoreError) -> RecordActionResult

    /// Returns the pauses, the oldest first.
    func pauses() throws(TaskStoreError) -> [RecordPause]

    /// Returns the pauses, and the cancellations of records that processes have.
    ///
    /// - Parameter stamp: that of the last answer; nil for none.
    /// - Returns: nil if nothing has changed since then. This is cheap, so that a process can ask twice a second.
    func control(after stamp: Int64?) throws(TaskStoreError) -> RecordControl?

    /// Returns what was changed on request, newest first: the last ``RecordedAction/limit`` actions are kept.
    ///
    /// - Parameters:
    ///   - number: the number of the last action of the previous page; nil for the first page.
    ///   - limit: the maximum number of actions.
    func actions(before number: Int64?, limit: Int) throws(TaskStoreError) -> [RecordedAction]

    // MARK: Retention

    /// Removes records that have been over for long, a few at a time, so that other processes can write between two calls.
    ///
    /// Records of one request with unique keys of scope `stored` are removed together, so that a look-up by these keys finds
    /// all of them or none.
    ///
    /// - Parameters:
    ///   - time: records that ended before this time are removed, except dead letters.
    ///   - failedTime: dead letters that ended before this time are removed.
    ///   - limit: the maximum number of removed records.
    /// - Returns: the number of removed records. Call it again if that is the limit.
    func removeOver(
        endedBefore time: Date, failedBefore failedTime: Date, limit: Int
    ) throws(TaskStoreError) -> Int

    /// Removes the firings of schedules before a time, except the last one of each.
    ///
    /// - Returns: the number of removed firings. Call it again if that is the limit.
    func removeFirings(before time: Date, limit: Int) throws(TaskStoreError) -> Int

    /// Removes answers that have expired at a time.
    ///
    /// - Returns: the number of removed answers. Call it again if that is the limit.
    func removeAnswers(before time: Date, limit: Int) throws(TaskStoreError) -> Int
}

extension RecordStore {
    package func retry(_ ids: [RecordID]) throws(TaskStoreError) -> [RecordActionResult] {
        try retry(ids, by: nil)
    }

    package func discard(_ ids: [RecordID]) throws(TaskStoreError) -> [RecordActionResult] {
        try discard(ids, by: nil)
    }
}

/// The right to publish the records of a queue. There is at most one at a time, in all processes together.
package protocol RecordPublisher: AnyObject, Sendable {
    var queue: String { get }

    /// Returns the records to publish next, in this order; none while the queue waits for its next attempt. Earlier notes are
    /// included.
    ///
    /// - Parameter limit: the maximum number of records.
    func next(_ limit: Int) throws(TaskStoreError) -> [Record]

    /// Makes the next attempt due at once, whatever the last one has set.
    func tryAtOnce() throws(TaskStoreError)

    /// Returns when the first record may be published; nil if there is none.
    func nextDue() throws(TaskStoreError) -> Date?

    /// Notes that the broker has confirmed a record. The caller does not wait until this is written: after a crash the record
    /// may be published once more.
    func published(_ id: RecordID)

    /// Notes that the broker has not accepted a record, and that it is to be tried again.
    ///
    /// - Parameter time: the time before which no record of the queue is published, so that none overtakes another.
    func failed(_ id: RecordID, error: String, next time: Date)
}

/// Opens the stores of one kind.
package protocol RecordStoreDriver: Sendable {
    /// The library, or the server, that keeps the records, with its version, as logs and pages show it.
    var library: String { get }

    /// The type of the connections to the application's database, which is also that of the store; nil if the store is not in
    /// it.
    var connection: Any.Type? { get }

    /// Whether the manifest names the place of the store; otherwise the application's code does.
    var needsPlace: Bool { get }

    /// Opens the stores of tests without a server, whose places are paths in temporary folders; nil to open an SQLite file.
    var offlineDriver: (any RecordStoreDriver)? { get }

    /// Has the commits of the application observed, if the store is in a database whose connections the application has.
    ///
    /// - Parameter observer: called for commits on the application's own connections.
    func observeCommits(by observer: any CommitObserver)

    /// Opens a store, and migrates its tables if they are of an earlier version.
    ///
    /// - Parameters:
    ///   - place: what the manifest or the command line names, such as a path.
    ///   - role: a process creates the store if there is none; a visitor does not.
    /// - Throws: an error whose `isTemporary` says whether another attempt may succeed.
    func open(
        _ place: String, role: TaskStoreRole, settings: TaskStoreSettings
    ) throws(TaskStoreError) -> any RecordStore

    /// Replaces a store by a copy of a backup, which stays as it is.
    ///
    /// - Parameters:
    ///   - backup: a file.
    ///   - place: the store to replace. No process may have it open.
    /// - Returns: the name under which the previous store was kept; nil if there was none.
    /// - Throws: `refused` if stores of this kind are restored by another program, which the advice names.
    func restore(_ backup: String, to place: String) throws(TaskStoreError) -> String?

    /// Migrates the tables of a store to the version of this program, and creates them if there are none. Opening a store as a
    /// process does this, too, if it has the right.
    ///
    /// - Returns: the names of the migrations that were applied.
    func migrate(_ place: String) throws(TaskStoreError) -> [String]

    /// Returns the SQL statements that ``migrate(_:)`` would run; empty if the tables are of this version.
    func pendingMigrations(of place: String) throws(TaskStoreError) -> String

    /// Reads the records that a program may still have to decode, in pages: no writer waits. Nothing is changed, and tables of
    /// earlier versions are read as they are.
    ///
    /// - Parameter body: called with each page. It returns whether to go on. Records that change meanwhile may come twice.
    /// - Returns: false if there is no store yet.
    /// - Throws: ``TaskStoreError``, or the error of `body`.
    func readContents(of place: String, _ body: ([RecordContent]) throws -> Bool) throws -> Bool

    /// Returns why a place cannot be one of this kind of stores; nil if it can.
    func problem(ofPlace place: String) -> String?

    /// Returns why a store at a place has no transactions of the application; nil if it has.
    func problem(ofTransactionsAt place: String) -> String?
}

/// Learns of the commits that an application makes on its own connections. Tests use it.
package protocol CommitObserver: AnyObject, Sendable {
    /// Called before a transaction is committed, on its thread.
    ///
    /// - Throws: to roll it back.
    func willCommit() throws
}

/// A store without tables of its own has nothing to migrate, and may be anywhere.
extension RecordStoreDriver {
    package var connection: Any.Type? { nil }
    package var needsPlace: Bool { true }
    package var offlineDriver: (any RecordStoreDriver)? { nil }
    package func problem(ofTransactionsAt place: String) -> String? { nil }
    package func observeCommits(by observer: any CommitObserver) {}
    package func migrate(_ place: String) throws(TaskStoreError) -> [String] { [] }
    package func pendingMigrations(of place: String) throws(TaskStoreError) -> String { "" }
    package func problem(ofPlace place: String) -> String? { nil }
}
