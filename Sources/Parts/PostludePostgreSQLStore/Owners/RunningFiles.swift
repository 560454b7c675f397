internal import FoundationEssentials
internal import Glibc
internal import PostludeSystem
internal import PostludeTaskStore

/// The lists of the records that the processes of this machine run, in a folder of this user. They tell a process of the same
/// machine what another one was doing when it died, even if it died before anything about it was at the server.
final class RunningFiles: Sendable {
    private let settings: TaskStoreSettings
    private let place: String
    /// What all names of the files begin with.
    private let prefix: String
    private let folder: String
    private let current = Lock<RunningRecords?>(nil)

    /// - Parameter store: the id of the task store.
    init(store: String, settings: TaskStoreSettings, place: String) {
        folder = "/var/tmp/postlude-\(geteuid())"
        prefix = "\(folder)/\(store)"
        self.settings = settings
        self.place = place
    }

    /// Makes the list of this process. Without it no task is lost, but a death could be attributed to a record only if the
    /// beginning of its attempt was at the server.
    func open(owner: Int64) throws {
        do throws(SystemError) {
            try makeFolder()
            let list = try RunningRecords(ofOwner: owner, taskStore: prefix)
            current.withLock { $0 = list }
        } catch {
            settings.warn("the list of running tasks cannot be made: \(error)")
        }
    }

    /// Begins a list for a new owner, because the old one has been declared dead.
    func replace(_ old: Int64, by new: Int64) {
        do {
            try open(owner: new)
        } catch {
            settings.warn("the list of running tasks cannot be made: \(error)")
        }
        remove(owner: old)
    }

    /// The folder is in one that all users can write to: it must belong to this user alone.
    private func makeFolder() throws(SystemError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw SystemError("mkdir(\(folder))") }
        var status = stat()
        guard lstat(folder, &status) == 0 else { throw SystemError("lstat(\(folder))") }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(), status.st_mode & 0o022 == 0
        else {
            throw SystemError("use \(folder), which is not a folder of this user alone", errno: EPERM)
        }
    }

    func update(_ body: (RunningRecords) throws(SystemError) -> Void) {
        guard let list = current.withLock({ $0 }) else { return }
        do throws(SystemError) {
            try body(list)
        } catch {
            settings.report(TaskStoreError(place, system: error))
        }
    }

    func crashReport(of owner: Int64) -> RunningRecords.CrashReport {
        RunningRecords.crashReport(ofOwner: owner, taskStore: prefix)
    }

    func remove(owner: Int64) { RunningRecords.remove(ofOwner: owner, taskStore: prefix) }
}
