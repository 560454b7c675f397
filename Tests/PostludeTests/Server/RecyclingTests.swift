import PostludeManifest
import PostludeSupervision
import PostludeSystem
import Testing

@testable import Postlude

@Suite("Recycling")
struct RecyclingTests {
    private let wakeup: ControlWakeup
    private let ours: ControlSocket
    private let supervisor: ControlSocket

    init() throws {
        wakeup = try ControlWakeup()
        (ours, supervisor) = try ControlSocket.pair()
    }

    private func processes(requests: Int? = nil, memory: Int? = nil) -> Manifest.Processes {
        var processes = Manifest.Processes()
        processes.maximumRequests = requests
        processes.maximumMemory = memory
        return processes
    }

    /// The reason of the request for a successor since the last call, if any.
    private func asked() -> [String] {
        var reasons: [String] = []
        while case .message(.replace(let reason), _) = supervisor.receive() { reasons.append(reason) }
        return reasons
    }

    @Test(
        "asks once for a successor after its number of requests, and wakes the control thread for it")
    func requests() {
        // A tenth of fewer than ten is zero: the limit is not scattered.
        let recycling = Recycling(processes(requests: 3), supervisor: ours, wakeup: wakeup)
        for _ in 0..<2 { recycling.countRequest() }
        recycling.check(at: .now)
        #expect(asked() == [] && !wakeup.take())
        recycling.countRequest()
        #expect(wakeup.take())
        for _ in 0..<2 { recycling.check(at: .now) }
        #expect(asked() == ["3 requests"])
    }

    @Test("asks for a successor if it is too large, but not before its first request")
    func memory() {
        let recycling = Recycling(processes(memory: 1), supervisor: ours, wakeup: wakeup)
        recycling.check(at: .now)
        #expect(asked() == [])
        recycling.countRequest()
        recycling.check(at: .now)
        #expect(asked().map { $0.hasSuffix("MiB of memory") } == [true])
    }

    @Test("uses the limits of a new manifest")
    func limits() {
        let recycling = Recycling(processes(requests: 1), supervisor: ours, wakeup: wakeup)
        recycling.setLimits(processes())
        recycling.countRequest()
        recycling.check(at: .now)
        #expect(asked() == [])
    }

    @Test("a process without a supervisor ignores the limits, and drains if it cannot continue")
    func alone() {
        let recycling = Recycling(processes(requests: 1), supervisor: nil, wakeup: wakeup)
        recycling.countRequest()
        recycling.check(at: .now)
        #expect(!wakeup.isStopRequested)
        recycling.request("a task does not end")
        #expect(wakeup.isStopRequested)
    }
}
