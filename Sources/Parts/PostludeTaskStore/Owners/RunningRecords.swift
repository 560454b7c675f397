internal import FoundationEssentials
internal import Glibc
package import PostludeSystem

/// The list of the records that an owner runs, in a file beside the task store: `<task store>-owner-<number>`.
///
/// A record is in the list before the first instruction of its attempt. Writes are not synced: what a process has written
/// survives its death, whatever the cause. Only the end of the machine may lose it, and then no task is to blame. The file is
/// written with `pwrite` and not mapped, because a mapped file that another program truncates would crash the process.
package final class RunningRecords: Sendable {
    private struct State {
        var descriptor: Int32 = -1
        var mark = Mark.serving
        /// The lines that are not empty, one for each record.
        var slots: [RecordID: Int] = [:]
        var endless: Set<RecordID> = []
        var free: [Int]
    }

    /// All lines have this length, so that none of them crosses a page: a kill comes before or after a write, not within it.
    private static let lineLength = 64
    /// The number of lines that the file has from the start, so that there is room for them even if the disk is full later.
    private static let initialSlots = 63

    private let path: String
    private let taskStore: String
    private let state: Lock<State>

    package init(ofOwner number: Int64, taskStore: String) throws(SystemError) {
        path = Self.path(ofOwner: number, taskStore: taskStore)
        self.taskStore = taskStore
        state = Lock(State(free: (1...Self.initialSlots).reversed()))
        try state.withLock { state throws(SystemError) in try make(&state) }
    }

    deinit { state.withLock { if $0.descriptor >= 0 { close($0.descriptor) } } }

    package static func path(ofOwner number: Int64, taskStore: String) -> String {
        "\(taskStore)-owner-\(number)"
    }

    /// Removes the file of an owner that has ended.
    package static func remove(ofOwner number: Int64, taskStore: String) {
        unlink(path(ofOwner: number, taskStore: taskStore))
    }

    /// Removes the files of owners that do not exist any more: their processes may have died before they could remove them.
    /// Called while no other process opens the task store.
    package static func removeOthers(than owners: [Int64], taskStore: String) {
        guard let slash = taskStore.utf8.lastIndex(of: UInt8(ascii: "/")) else { return }
        let prefix = path(ofOwner: 0, taskStore: String(taskStore[taskStore.index(after: slash)...]))
            .dropLast()
        let names =
            (try? FileManager.default.contentsOfDirectory(atPath: String(taskStore[..<slash]) + "/")) ?? []
        for name in names where name.hasPrefix(prefix) {
            guard let number = Int64(name.dropFirst(prefix.count)), !owners.contains(number) else { continue }
            remove(ofOwner: number, taskStore: taskStore)
        }
    }

    // MARK: The owner

    /// Adds a record whose attempt is about to begin.
    package func begin(_ id: RecordID) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            let slot = state.slots[id] ?? state.free.popLast() ?? state.slots.count + 1
            state.slots[id] = slot
            try write(Self.line(of: id, .running), at: slot, in: state)
        }
    }

    /// Removes a record whose attempt is over, or does not begin.
    package func end(_ id: RecordID) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            guard let slot = state.slots[id] else { return }
            try write(Self.line([]), at: slot, in: state)
            state.slots[id] = nil
            state.endless.remove(id)
            state.free.append(slot)
        }
    }

    /// Marks a record whose attempt does not end, so that the process is replaced.
    package func blame(_ id: RecordID) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            guard let slot = state.slots[id] else { return }
            state.endless.insert(id)
            try write(Self.line(of: id, .endless), at: slot, in: state)
        }
    }

    /// Notes that the process was told to stop: its end is not caused by a record.
    package func stop() throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            state.mark = .stopping
            try write(Mark.stopping.line, at: 0, in: state)
        }
    }

    /// Recreates the file if it was removed or replaced.
    package func confirm() throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            let identity = FileIdentity(path: path)
            if identity == nil || identity != FileIdentity(descriptor: state.descriptor) { try make(&state) }
        }
    }

    private func make(_ state: inout State) throws(SystemError) {
        // A process may have a file of that name open, if another task store was at this path. It continues to write to the old
        // file.
        unlink(path)
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open(\(path))") }
        if state.descriptor >= 0 { close(state.descriptor) }
        state.descriptor = descriptor
        // The other processes must be able to read the file of a process that runs as root, such as a command.
        var model = stat()
        if geteuid() == 0, stat(taskStore, &model) == 0, fchown(descriptor, model.st_uid, model.st_gid) != 0 {
            throw SystemError("give \(path) the owner of \(taskStore)")
        }
        let count = max(Self.initialSlots, state.slots.count + state.free.count)
        var lines = [state.mark.line] + Array(repeating: Self.line([]), count: count)
        for (id, slot) in state.slots where lines.indices.contains(slot) {
            lines[slot] = Self.line(of: id, state.endless.contains(id) ? .endless : .running)
        }
        try write(Array(lines.joined()), at: 0, in: state)
    }

    private func write(_ bytes: [UInt8], at slot: Int, in state: State) throws(SystemError) {
        let count = pwrite(state.descriptor, bytes, bytes.count, off_t(slot * Self.lineLength))
        guard count == bytes.count else {
            throw SystemError("write to \(path)", errno: count < 0 ? errno : ENOSPC)
        }
    }

    private static func line(of id: RecordID, _ attempt: Attempt) -> [UInt8] {
        line([attempt.rawValue, id.text])
    }

    /// Returns words with a space behind each, filled up to the length of all lines.
    private static func line(_ words: [String]) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(lineLength)
        for word in words {
            line += word.utf8
            line.append(UInt8(ascii: " "))
        }
        while line.count < lineLength - 1 { line.append(UInt8(ascii: " ")) }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    // MARK: Others

    /// The contents of a dead owner's file.
    package struct CrashReport: Sendable {
        /// Whether there was such a file.
        package var isThere = false
        /// The records that have caused the end of the process, or may have.
        package var blamed: [(id: RecordID, attempt: Attempt)] = []

        package init() {}
    }

    package enum Attempt: String, Sendable {
        case running = "runs"
        /// The attempt has run past the time after which its process is replaced.
        case endless = "endless"
    }

    /// Reads the file of a dead owner.
    ///
    /// - Returns: the blamed records: only those whose attempt did not end if the owner was told to stop, and none if the
    ///   machine was restarted since.
    package static func crashReport(ofOwner number: Int64, taskStore: String) -> CrashReport {
        var crashReport = CrashReport()
        guard let data = FileManager.default.contents(atPath: path(ofOwner: number, taskStore: taskStore))
        else {
            return crashReport
        }
        crashReport.isThere = true
        let lines = data.split(separator: UInt8(ascii: "\n")).map { line in
            String(decoding: line, as: UTF8.self).split(separator: " ").map(String.init)
        }
        let head = lines.first ?? []
        let isStopping = head == Mark.stopping.words
        guard isStopping || head == Mark.serving.words else { return crashReport }
        for words in lines.dropFirst() where words.count == 2 {
            guard let attempt = Attempt(rawValue: words[0]), let id = RecordID(words[1]) else { continue }
            if attempt == .endless || !isStopping { crashReport.blamed.append((id, attempt)) }
        }
        return crashReport
    }

    /// The first line of the file, with the state of the process.
    private enum Mark: String {
        case serving, stopping

        /// The id of the machine's start. After a restart the file is ignored.
        private static let machine = RunningRecords.machineStart

        var words: [String] {
            ["owner", "1", rawValue] + Self.machine.split(separator: " ").map(String.init)
        }
        var line: [UInt8] { RunningRecords.line(words) }
    }

    private static var machineStart: String {
        let data = FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id") ?? Data()
        let text = String(decoding: data.prefix(36), as: UTF8.self)
        return text.utf8.allSatisfy { $0 > 32 } ? text : ""
    }
}
