internal import FoundationEssentials
internal import Glibc
internal import PostludeSystem

/// The state that a supervisor leaves to the program that replaces it. The process keeps its id, its children and its
/// descriptors.
package struct SupervisorState: Codable, Sendable {
    /// The environment variable with the descriptor's number.
    static let variable = "POSTLUDE_SUPERVISOR_STATE"

    package struct Process: Codable, Sendable {
        var index: Int
        var pid: Int32
        var control: Int32
        var startNanoseconds: Int64
        var isReady: Bool
        var isLeaving: Bool
    }

    package var descriptors: SharedDescriptors
    /// Whether the supervisor owns the listening socket's file.
    package var ownsSocketFile: Bool
    package var manifest: Int32
    package var generation: Int
    package var processes: [Process]

    /// Reads the state that was left to this program; nil if it has not replaced another one. Must be called once,
    /// before other threads are started.
    package static func inherited() throws -> SupervisorState? {
        guard let text = getenv(variable).flatMap({ Int32(String(cString: $0)) }) else { return nil }
        unsetenv(variable)
        let file = SealedFile(adopting: text)
        let state = try JSONDecoder().decode(SupervisorState.self, from: Data(try file.bytes()))
        for descriptor in state.all { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return state
    }

    func sealed() throws -> SealedFile {
        try SealedFile("postlude supervisor", Array(try JSONEncoder().encode(self)))
    }

    /// All descriptors in the state.
    var all: [Int32] {
        [descriptors.listener, descriptors.handoverSending, descriptors.handoverReceiving, manifest]
            + (descriptors.scoreboard.map { [$0] } ?? []) + processes.map(\.control)
    }
}

/// The descriptors that all processes share, by their numbers in the supervisor.
package struct SharedDescriptors: Codable, Sendable {
    package var listener: Int32
    /// The scoreboard's memory; nil if there is no scoreboard.
    package var scoreboard: Int32?
    package var handoverSending: Int32
    package var handoverReceiving: Int32

    package init(listener: Int32, scoreboard: Int32?, handoverSending: Int32, handoverReceiving: Int32) {
        self.listener = listener
        self.scoreboard = scoreboard
        self.handoverSending = handoverSending
        self.handoverReceiving = handoverReceiving
    }
}
