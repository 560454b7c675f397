import Foundation
import PostludeSystem
import Testing

@testable import PostludeSupervision

/// A supervisor on a thread of its own, whose processes are shells.
final class SupervisorFixture: Sendable {
    /// Reads one message from the control socket; `read` would take it byte by byte, and lose all but the
    /// first.
    static let take = "message=$(dd bs=16384 count=1 status=none <&3)"
    static let ready = "printf '{\"ready\":{}}' >&3"
    /// Records every message, and ends when a message says so or the supervisor is gone.
    static let obedient = """
        while \(take); [ -n "$message" ]; do
            printf '%s\\n' "$message" >> messages.$1
            case $message in *drain*|*leave*) break;; esac
        done
        exit 0
        """

    let folder: String
    private let signalEnds: (read: Int32, write: Int32)
    private let status = Lock<Int32?>(nil)
    private let log = Lock<[String]>([])
    private let plan: Lock<SupervisorPlan?>
    private let beat: Lock<MonotonicTime?>

    /// A process that the replaced program has started.
    struct Old {
        let script: String
        let isReady: Bool
    }

    /// - Parameters:
    ///   - script: a process; `$1` is its index.
    ///   - check: the check of a manifest, before SIGHUP's is used and before the program is replaced.
    ///   - beat: when every process has last given a sign of life.
    ///   - old: processes that live already, with the first indices.
    init(
        _ script: String, count: Int = 1, grace: Duration = .seconds(10),
        preflight: String? = nil, preflightArguments: [String]? = nil, check: String = "exit 0",
        beat: MonotonicTime? = nil, old: [Old] = []
    ) throws {
        var template = Array("/tmp/postlude-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.folder = folder
        signalEnds = try makePipe(capacity: 4096)
        let plan = try Self.plan(count: count, grace: grace)
        self.plan = Lock(nil)
        self.beat = Lock(beat)
        let text = "cd '\(folder)'; echo $$ >> pids; \(script)"
        var program = SupervisedProgram(
            processArguments: { ["sh", "-c", text, "sh", "\($0)"] }, path: preflight,
            preflightArguments: preflightArguments ?? ["sh", "-c", "cd '\(folder)'; \(check)"],
            upgradeCheckArguments: ["check", "tasks"], arguments: [])
        program.processPath = "/bin/sh"
        var hooks = SupervisorHooks(
            load: { [weak self] _ in
                guard let plan = self?.plan.withLock({ $0 }) else { throw Refused() }
                return plan
            },
            readManifest: { try SealedFile("manifest", []) },
            log: { [weak self] level, message, facts in
                let line = "\(level): \(message) \(facts.sorted { $0.key < $1.key })"
                self?.log.withLock { $0.append(line) }
                // As a process gives a sign of life before it is ready, the successor of a killed one has given one.
                if message.contains("gives no sign of life") { self?.setBeat(.now + .seconds(3600)) }
            })
        hooks.lastBeat = { [weak self] _ in self?.beat.withLock { $0 } }
        hooks.event = { [weak self] event in self?.log.withLock { $0.append("event: \(event)") } }
        let signals = SignalSource(descriptor: signalEnds.read) { [ends = signalEnds] in
            var number: UInt8 = 0
            return read(ends.read, &number, 1) == 1 ? Int32(number) : nil
        }
        let (listener, other) = try ControlSocket.pair()
        let shared = SharedDescriptors(
            listener: listener.descriptor, scoreboard: nil, handoverSending: other.descriptor,
            handoverReceiving: other.descriptor)
        let state = old.isEmpty ? nil : try Self.state(of: old, in: folder, shared)
        let configured = (program, hooks)
        Thread.detachNewThread { [self] in
            let supervisor = Supervisor(
                configured.0, plan: plan, descriptors: shared, ownsSocketFile: false, signals: signals,
                hooks: configured.1, state: state)
            let result = supervisor.run()
            withExtendedLifetime((listener, other)) { status.withLock { $0 = result } }
        }
    }

    deinit {
        close(signalEnds.read)
        close(signalEnds.write)
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func state(
        of old: [Old], in folder: String, _ shared: SharedDescriptors
    ) throws -> SupervisorState {
        let processes = try old.enumerated().map { index, process in
            let (own, other) = try ControlSocket.pair()
            let text = "cd '\(folder)'; echo $$ >> pids; \(process.script)"
            let child = try PostludeSupervision.ChildProcess.start(
                "/bin/sh", ["sh", "-c", text, "sh", "\(index)"], inherited: [3: other.descriptor])
            return SupervisorState.Process(
                index: index, pid: child.pid, control: dup(own.descriptor), startNanoseconds: 0,
                isReady: process.isReady, isLeaving: false)
        }
        return SupervisorState(
            descriptors: shared, ownsSocketFile: false, manifest: -1, generation: 2, processes: processes)
    }

    struct Refused: Error {}

    struct TimedOut: Error, CustomStringConvertible {
        let description: String
    }

    static func plan(count: Int, grace: Duration = .seconds(10)) throws -> SupervisorPlan {
        SupervisorPlan(
            manifest: try SealedFile("manifest", Array("count \(count)".utf8)), processCount: count,
            shutdownGrace: grace)
    }

    func signal(_ number: Int32) {
        var number = UInt8(number)
        write(signalEnds.write, &number, 1)
    }

    /// The manifest that the next SIGHUP finds; nil for one that is refused.
    func next(_ plan: SupervisorPlan?) { self.plan.withLock { $0 = plan } }

    /// When every process has last given a sign of life.
    private func setBeat(_ time: MonotonicTime?) { beat.withLock { $0 = time } }

    func lines(_ file: String) -> [String] {
        let data = FileManager.default.contents(atPath: "\(folder)/\(file)") ?? Data()
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    var pids: [Int32] { lines("pids").compactMap { Int32($0) } }
    var living: [Int32] { pids.filter { kill($0, 0) == 0 } }
    var entries: [String] { log.withLock { $0 } }

    func logged(_ text: String) -> Int { entries.count { $0.contains(text) } }

    func exitStatus() throws -> Int32 {
        try eventually("the supervisor ends") { status.withLock { $0 } }
    }

    func eventually<T>(_ what: String, _ probe: () throws -> T?) throws -> T {
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end {
            if let found = try probe() { return found }
            usleep(2_000)
        }
        throw TimedOut(description: "not in time: \(what); the log: \(entries.joined(separator: "\n"))")
    }

    func wait(for what: String, _ condition: () throws -> Bool) throws {
        try eventually(what) { try condition() ? () : nil }
    }

    /// Stops it and expects that no task was left.
    func stop() throws {
        signal(SIGTERM)
        #expect(try exitStatus() == 0)
        #expect(living.isEmpty)
    }
}
