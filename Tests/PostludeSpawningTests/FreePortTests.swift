import PostludeSpawning
import PostludeSupervision
import Testing

@Suite("Ports for a test's programs") struct FreePortTests {
    @Test("No port is given twice, even to concurrent callers") func once() async throws {
        let ports = try await withThrowingTaskGroup(of: [UInt16].self) { group in
            for _ in 0..<4 { group.addTask { try (0..<10).map { _ in try FreePort.take() } } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(ports).count == 40)
        #expect(ports.allSatisfy { (20_000..<32_000).contains($0) })
    }

    @Test("A port that one test process has is not given to another one") func reserved() throws {
        let port = try FreePort.take()
        let script = """
            import errno, socket, sys
            try:
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind("\\0postlude-test-port-" + sys.argv[1])
            except OSError as error:
                sys.exit(0 if error.errno == errno.EADDRINUSE else 2)
            sys.exit(1)
            """
        #expect(try Program("python3", ["-c", script, "\(port)"]).run() == .status(0))
    }
}
