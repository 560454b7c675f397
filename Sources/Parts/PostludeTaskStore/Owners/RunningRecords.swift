internal import FoundationEssentials
internal import Glibc
internal import PostludeSystem

/// Which records an owner runs, in a file of its own beside the task-store: `<task store>-owner-<number>`.
///
/// A record stands there before the first instruction of its attempt. Nothing waits for the disk: what a process has
/// written outlives it, by whatever it ends. Only the end of the machine may lose it, and then no task is to blame.
/// Written with `pwrite` and not mapped: a file that another program cuts off must not end the process.
final class RunningRecords: Sendable {
    private struct State {
        var descriptor: Int32 = -1
        var mark = Mark.serving
        /// The lines that are not empty: a place for each record.
        var places: [RecordID: Int] = [:]
        var endless: Set<RecordID> = []
        var free: [Int]
    }

    /// Lines of one length, so that none of them crosses a page: a write ends before or after a kill, not in it.
    private static let lineLength = 64
    /// As many as there is room for from the start, even if the disk is full later.
    private static let firstPlaces = 63

    private let path: String
    private let taskStore: String
    private let state: Lock<State>

    init(ofOwner number: Int64, taskStore: String) throws(SystemError) {
        path = Self.path(ofOwner: number, taskStore: taskStore)
        self.taskStore = taskStore
        state = Lock(State(free: (1...Self.firstPlaces).reversed()))
        try state.withLock { state throws(SystemError) in try make(&state) }
    }

    deinit { state.withLock { if $0.descriptor >= 0 { close($0.descriptor) } } }

    static func path(ofOwner number: Int64, taskStore: String) -> String { "\(taskStore)-owner-\(number)" }

    /// The owner has ended.
    static func remove(ofOwner number: Int64, taskStore: String) {
        unlink(path(ofOwner: number, taskStore: taskStore))
    }

    /// Removes files of owners that are gone, of which a process may have died before it could remove them. Called while
    /// no other process opens the task store.
    static func removeOthers(than owners: [Int64], taskStore: String) {
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

    /// An attempt is about to begin.
    func begin(_ id: RecordID) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            let place = state.places[id] ?? state.free.popLast() ?? state.places.count + 1
            state.places[id] = place
            try write([Self.line(of: id, .running)], at: place, in: state)
        }
    }

    /// It is over, or does not begin.
    func end(_ id: RecordID) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            guard let place = state.places[id] else { return }
            try write([Self.line("")], at: place, in: state)
            state.places[id] = nil
            state.endless.remove(id)
            state.free.append(place)
        }
    }

    /// The process is replaced because this attempt does not end.
    func blame(_ id: RecordID) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            guard let place = state.places[id] else { return }
            state.endless.insert(id)
            try write([Self.line(of: id, .endless)], at: place, in: state)
        }
    }

    /// The process was told to stop: its end is not the fault of a record.
    func stop() throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            state.mark = .stopping
            try write([Mark.stopping.line], at: 0, in: state)
        }
    }

    /// Makes the file anew where it was removed, or stands for another one.
    func confirm() throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            let identity = FileIdentity(path: path)
            if identity == nil || identity != FileIdentity(descriptor: state.descriptor) { try make(&state) }
        }
    }

    private func make(_ state: inout State) throws(SystemError) {
        // A process that has a file of that name open writes into the old one: another task store may have been at this path.
        unlink(path)
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open(\(path))") }
        if state.descriptor >= 0 { close(state.descriptor) }
        state.descriptor = descriptor
        // Root's processes, such as commands, are to be known to the others.
        var model = stat()
        if geteuid() == 0, stat(taskStore, &model) == 0, fchown(descriptor, model.st_uid, model.st_gid) != 0 {
            throw SystemError("give \(path) the owner of \(taskStore)")
        }
        let count = max(Self.firstPlaces, state.places.count + state.free.count)
        var lines = [state.mark.line] + Array(repeating: Self.line(""), count: count)
        for (id, place) in state.places where lines.indices.contains(place) {
            lines[place] = Self.line(of: id, state.endless.contains(id) ? .endless : .running)
        }
        try write(lines, at: 0, in: state)
    }

    private func write(_ lines: [String], at place: Int, in state: State) throws(SystemError) {
        let bytes = Array(lines.joined().utf8)
        let count = pwrite(state.descriptor, bytes, bytes.count, off_t(place * Self.lineLength))
        guard count == bytes.count else {
            throw SystemError("write to \(path)", errno: count < 0 ? errno : ENOSPC)
        }
    }

    private static func line(of id: RecordID, _ attempt: Attempt) -> String {
        line("\(attempt.rawValue) \(id)")
    }

    private static func line(_ text: String) -> String {
        text + String(repeating: " ", count: max(0, lineLength - 1 - text.utf8.count)) + "\n"
    }

    // MARK: Others

    /// What a dead owner has left.
    struct CrashReport: Sendable {
        /// The records that are to blame for its end, or may be.
        var blamed: [(id: RecordID, attempt: Attempt)] = []
    }

    enum Attempt: String, Sendable {
        case running = "runs"
        /// It is past the time after which its process is replaced.
        case endless = "endless"
    }

    /// - Returns: nothing where it was told to stop, or the machine has been started since.
    static func remains(ofOwner number: Int64, taskStore: String) -> CrashReport {
        var remains = CrashReport()
        guard let data = FileManager.default.contents(atPath: path(ofOwner: number, taskStore: taskStore))
        else {
            return remains
        }
        let lines = data.split(separator: UInt8(ascii: "\n")).map { line in
            String(decoding: line, as: UTF8.self).split(separator: " ").map(String.init)
        }
        let head = lines.first ?? []
        let isStopping = head == Mark.stopping.words
        guard isStopping || head == Mark.serving.words else { return remains }
        for words in lines.dropFirst() where words.count == 2 {
            guard let attempt = Attempt(rawValue: words[0]), let id = RecordID(words[1]) else { continue }
            if attempt == .endless || !isStopping { remains.blamed.append((id, attempt)) }
        }
        return remains
    }

    /// The first line.
    private enum Mark: String {
        case serving, stopping

        /// With the start of the machine: after it nothing of the file is believed.
        private static let machine = RunningRecords.machineStart

        var words: [String] {
            ["owner", "1", rawValue] + Self.machine.split(separator: " ").map(String.init)
        }
        var line: String { RunningRecords.line(words.joined(separator: " ")) }
    }

    private static var machineStart: String {
        let data = FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id") ?? Data()
        let text = String(decoding: data.prefix(36), as: UTF8.self)
        return text.utf8.allSatisfy { $0 > 32 } ? text : ""
    }
}
