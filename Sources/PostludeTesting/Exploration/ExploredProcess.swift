package import FoundationEssentials
internal import Glibc
package import Postlude
internal import PostludeSystem

/// A process of an exploration, which may die at any moment (<doc:ExploringCrashes>).
///
/// The application that is started in it keeps its files in ``folder``, and the stand-ins for outside services report each call
/// to ``call(_:_:key:)``:
///
/// ```swift
/// struct TestPayments: Payments {
///     let process: ExploredProcess
///
///     func charge(_ order: Int, key: String) throws {
///         try process.call("charge", "\(order)", key: key)
///     }
/// }
/// ```
public final class ExploredProcess: Sendable {
    private struct State {
        weak var notes: (any OfflineNotes)?
        var worker: pthread_t?
    }

    /// The number of the process, from 1: each death is followed by the next one.
    public let number: Int
    /// The folder of the application's files, such as its database. The next process finds them as this one has left them.
    public let folder: String
    private let run: ExploredRun
    private let state = Lock(State())
    private let isReleased = ConditionLock(false)

    init(_ number: Int, in folder: String, of run: ExploredRun) {
        self.number = number
        self.folder = folder
        self.run = run
    }

    /// Returns the path of a file in ``folder``.
    public func path(_ name: String) -> String { folder + "/" + name }

    /// Reports that the application calls a service that is not in its process, such as a payment provider.
    ///
    /// If this returns, the service has done what it was asked for, unless it knows the key: then it has done it before. If this
    /// throws, either the call did not reach the service, or its answer was lost. The process may die before the call, and
    /// after it.
    ///
    /// - Parameters:
    ///   - service: what the service does, such as `charge`.
    ///   - argument: for whom or what, such as the order's number.
    ///   - key: the key by which the service recognizes a repetition; nil if it does not.
    /// - Throws: ``OutsideCallError`` if the caller gets no answer.
    public func call(_ service: String, _ argument: String = "", key: String? = nil) throws {
        let event = argument.isEmpty ? "the call of \(service)" : "the call of \(service) for \(argument)"
        switch try reach(event, isCall: true) {
        case .failure: throw OutsideCallError(service: service)
        case .lostAnswer:
            run.receive(service, argument, key: key)
            throw OutsideCallError(service: service)
        default: run.receive(service, argument, key: key)
        }
    }

    // MARK: Death

    @discardableResult
    private func reach(_ event: String, isCall: Bool) throws -> ExploredRun.Alternative? {
        let notes = state.withLock { $0.notes }
        let hasNotes = notes?.areUnwritten ?? false
        switch run.reach(event, by: number, isCall: isCall, hasNotes: hasNotes) {
        case .goOn(let alternative): return alternative
        case .dead: break
        case .dies(let writesNotes):
            run.die { [folder] next in
                if writesNotes { try notes?.write() }
                try ExploredFolders.copy(folder, to: next)
            }
        }
        try hold()
        return nil
    }

    /// Holds the caller until the run is over, and then ends what it does. Its code cannot see the death, or handle it.
    ///
    /// - Throws: always. On a thread other than the worker's it does so at once, because such a thread may be one that other code
    ///   needs.
    private func hold() throws {
        if let worker = state.withLock({ $0.worker }), pthread_equal(worker, pthread_self()) != 0 {
            isReleased.wait { $0 ? .stop(()) : .wait(until: nil) }
        }
        throw ProcessIsDead()
    }

    /// Lets what the process has held end. Its changes are not part of the run any more.
    func release() {
        isReleased.withLock { $0 = true }
        isReleased.broadcast()
    }
}

extension ExploredProcess: OfflineProcess {
    package var timeAhead: TimeInterval { run.timeAhead }

    package func advanceClock(to time: Date) { run.advanceClock(to: time) }

    package func reach(_ event: String) throws { try reach(event, isCall: false) }

    package func checkIsAlive() throws { if !run.isAlive(number) { try hold() } }

    package func follow(_ notes: any OfflineNotes) { state.withLock { $0.notes = notes } }

    package func isWorker() { state.withLock { $0.worker = pthread_self() } }
}

/// A service outside of the process has not answered: it may have done what it was asked for, or not.
public struct OutsideCallError: Error, Sendable, CustomStringConvertible {
    /// What the service does, as in ``ExploredProcess/call(_:_:key:)``.
    public let service: String

    public var description: String { "the call of \(service) was not answered" }
}

/// The error by which the code of a dead process ends, after the run.
private struct ProcessIsDead: Error, CustomStringConvertible {
    var description: String { "the process is dead" }
}

/// What a service outside of the processes has done.
public struct OutsideCall: Sendable, Hashable {
    /// What the service does.
    public let service: String
    /// For whom or what.
    public let argument: String
    /// The key by which it recognizes a repetition; nil if it does not.
    public let key: String?
    /// How often the call has reached the service. It has had an effect once.
    public internal(set) var receptions = 1
}

/// The folders of an exploration.
enum ExploredFolders {
    /// Makes a folder for the folders of an exploration. In memory, if the system has a file system in memory: the test is not
    /// about power failures.
    static func make() throws -> String {
        let memory = "/dev/shm"
        let parent =
            access(memory, W_OK) == 0 ? memory : FileManager.default.temporaryDirectory.path
        let folder = "\(parent)/postlude-exploration-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        return folder
    }

    /// Copies the files of a process at the moment of its death.
    ///
    /// The log of an SQLite database is copied before the database, so that it has all that a checkpoint may be writing there. The
    /// index of the log is of the process's memory.
    static func copy(_ folder: String, to other: String) throws {
        let files = FileManager.default
        try files.createDirectory(atPath: other, withIntermediateDirectories: false)
        let names = try files.contentsOfDirectory(atPath: folder).filter { !$0.hasSuffix("-shm") }
        for name in names.sorted(by: {
            ($0.hasSuffix("-wal") ? 0 : 1, $0) < ($1.hasSuffix("-wal") ? 0 : 1, $1)
        }) {
            try files.copyItem(atPath: "\(folder)/\(name)", toPath: "\(other)/\(name)")
        }
    }
}
