import Glibc
import PostludeSystem
import Testing

@Suite("ServiceManager")
struct ServiceManagerTests {
    private func manager(_ environment: [String: String]) throws(SystemError) -> ServiceManager? {
        try ServiceManager(environment: environment, pid: 42)
    }

    @Test("Without NOTIFY_SOCKET there is none", arguments: [[:], ["NOTIFY_SOCKET": ""]])
    func absent(environment: [String: String]) throws {
        #expect(try manager(environment) == nil)
    }

    @Test("A socket that is neither a path nor an abstract name is an error")
    func kind() {
        let error = #expect(throws: SystemError.self) { try manager(["NOTIFY_SOCKET": "vsock:2:1"]) }
        #expect(error?.errno == EAFNOSUPPORT)
    }

    @Test(
        "The watchdog is notified twice in its time, unless it is another process's",
        arguments: [
            (["WATCHDOG_USEC": "3000000"], Duration.milliseconds(1500)),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "42"], .milliseconds(1500)),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "43"], nil),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "me"], nil),
            (["WATCHDOG_USEC": "soon"], nil),
            (["WATCHDOG_USEC": "1"], nil),
            (["WATCHDOG_USEC": "-5"], nil),
            ([:], nil),
        ] as [([String: String], Duration?)])
    func watchdog(environment: [String: String], interval: Duration?) throws {
        let environment = environment.merging(["NOTIFY_SOCKET": "/run/notify"]) { $1 }
        #expect(try manager(environment)?.watchdogInterval == interval)
    }

    @Test("Only its own variables are passed to a program that replaces the process")
    func environment() throws {
        let variables = ["NOTIFY_SOCKET": "@notify", "WATCHDOG_USEC": "10"]
        let others = ["PATH": "/bin", "LISTEN_FDS": "1"]
        #expect(try manager(variables.merging(others) { $1 })?.environment == variables)
    }
}
