import Foundation
import PostludeSystem
import Testing

@testable import PostludeSupervision

@Suite("A supervisor and its processes", .timeLimit(.minutes(10)))
struct SupervisorTests {
    private typealias Fixture = SupervisorFixture
    private static let good = "\(Fixture.ready); \(Fixture.obedient)"

    @Test(
        "It starts the configured number of processes, reports when all are ready, and stops them on SIGTERM")
    func life() throws {
        let fixture = try Fixture(Self.good, count: 3)
        try fixture.wait(for: "three are ready") { fixture.logged("event: ready") == 1 }
        #expect(fixture.pids.count == 3)
        try fixture.stop()
        for index in 0..<3 {
            let messages = fixture.lines("messages.\(index)")
            #expect(messages.first == #"{"manifest":{"generation":1}}"#)
            #expect(messages.last == #"{"drain":{"handingOver":false}}"#)
        }
    }

    @Test("A process inherits its descriptors and nothing else, and blocks and ignores no signal")
    func inheritance() throws {
        let script = """
            (cd /proc/$$/fd && echo *) > descriptors
            # By the shell itself, which blocks signals while it starts another program.
            while read -r name value; do
                case $name in SigBlk:|SigIgn:) echo "$value";; esac
            done < /proc/self/status > signals
            \(Self.good)
            """
        let stray = open("/dev/null", O_RDONLY)
        defer { close(stray) }
        let fixture = try Fixture(script)
        try fixture.wait(for: "it is ready") { fixture.logged("event: ready") == 1 }
        #expect(fixture.lines("descriptors") == ["0 1 2 3 4 5 6"])
        // Except the two that the C library keeps for itself.
        let masks = fixture.lines("signals").map { UInt64($0, radix: 16).map { $0 & ~(3 << 31) } }
        #expect(masks == [0, 0])
        try fixture.stop()
    }

    @Test("A killed process is replaced at once, and the others stay")
    func replacement() throws {
        let fixture = try Fixture(Self.good, count: 2)
        try fixture.wait(for: "two are ready") { fixture.logged("event: ready") == 1 }
        let victim = try #require(fixture.pids.first)
        kill(victim, SIGKILL)
        try fixture.wait(for: "another one is ready") { fixture.logged("a process is ready") == 3 }
        #expect(fixture.logged("signal 9") == 1)
        #expect(fixture.logged("after a delay") == 0)
        #expect(fixture.living.count == 2)
        try fixture.stop()
    }

    @Test("A process without a sign of life is killed and replaced, and one with signs is not")
    func watchdog() throws {
        let fixture = try Fixture(Self.good, beat: .now + .seconds(-28))
        try fixture.wait(for: "it is ready") { fixture.logged("event: ready") == 1 }
        kill(try #require(fixture.pids.first), SIGSTOP)
        try fixture.wait(for: "it is killed") { fixture.logged("gives no sign of life") == 1 }
        #expect(fixture.logged(#"key: "watchdog", value: "30.0 seconds""#) == 1)
        try fixture.wait(for: "another one is ready") { fixture.logged("a process is ready") == 2 }
        #expect(fixture.logged("signal 9") == 1)
        try fixture.stop()
        #expect(fixture.logged("gives no sign of life") == 1)
    }

    @Test("A program that has once been ready is restarted, however often it dies, even before it is ready")
    func forever() throws {
        // The first one works, and every second one of its successors is not even ready.
        let fixture = try Fixture(
            """
            echo >> deaths
            [ $(($(wc -l < deaths) % 2)) = 1 ] && \(Fixture.ready)
            [ $(wc -l < deaths) -lt 8 ] && exit 7
            \(Fixture.ready); \(Fixture.obedient)
            """)
        try fixture.wait(for: "it has died seven times") { fixture.logged("exit status 7") == 7 }
        try fixture.wait(for: "the eighth one is ready") { fixture.logged("a process is ready") == 5 }
        #expect(fixture.logged("critical") == 0)
        #expect(fixture.logged("after a delay") == 6)
        try fixture.stop()
    }

    @Test(
        "If no process of a new program becomes ready, the old ones serve on, and SIGHUP makes it try again")
    func newProgramNeverReady() throws {
        let fixture = try Fixture(
            "[ -e fixed ] || exit 1; \(Self.good)", old: [.init(script: Self.good, isReady: true)])
        try fixture.wait(for: "it gives up") { fixture.logged("those of the old one serve on") == 1 }
        #expect(fixture.logged("exit status 1") == Supervisor.upgradeDeaths)
        #expect(fixture.living.count == 1)
        #expect(FileManager.default.createFile(atPath: "\(fixture.folder)/fixed", contents: nil))
        fixture.next(try Fixture.plan(count: 1))
        fixture.signal(SIGHUP)
        try fixture.wait(for: "the old one has ended") { fixture.logged("a process has ended") == 1 }
        #expect(fixture.logged("a process is ready") == 2)
        try fixture.stop()
    }

    @Test("If no process can start, it soon gives up")
    func failedStart() throws {
        let fixture = try Fixture("exit 1", count: 2)
        #expect(try fixture.exitStatus() == 1)
        #expect(fixture.logged("critical: emergency stop: no process could start") == 1)
        #expect(fixture.pids.count <= 3)
    }

    @Test("A process that has left something behind makes the supervisor fail")
    func status() throws {
        let script =
            "\(Fixture.ready); while \(Fixture.take); do case $message in *drain*) exit 3;; esac; done"
        let fixture = try Fixture(script)
        try fixture.wait(for: "it is ready") { fixture.logged("event: ready") == 1 }
        fixture.signal(SIGINT)
        #expect(try fixture.exitStatus() == 1)
        #expect(fixture.logged("exit status 3") == 1)
    }

    @Test("A second signal tells processes to end at once, and kills those that do not")
    func secondSignal() throws {
        let script = """
            \(Fixture.ready)
            while \(Fixture.take); do
                printf '%s\\n' "$message" >> messages.$1
                case $message in *leave*) [ "$1" = 0 ] && exit 1;; esac
            done
            """
        let fixture = try Fixture(script, count: 2, grace: .seconds(3600))
        try fixture.wait(for: "two are ready") { fixture.logged("event: ready") == 1 }
        fixture.signal(SIGTERM)
        try fixture.wait(for: "both are told") {
            (0..<2).allSatisfy { fixture.lines("messages.\($0)").last?.contains("drain") == true }
        }
        #expect(fixture.living.count == 2)
        fixture.signal(SIGTERM)
        #expect(try fixture.exitStatus() == 1)
        #expect(fixture.logged("exit status 1") == 1)
        #expect(fixture.logged("signal 9") == 1)
        #expect(fixture.living.isEmpty)
    }

    @Test("A process that does not end within the grace is killed")
    func grace() throws {
        let fixture = try Fixture("\(Fixture.ready); while :; do sleep 0.1; done", grace: .zero)
        try fixture.wait(for: "it is ready") { fixture.logged("event: ready") == 1 }
        fixture.signal(SIGTERM)
        #expect(try fixture.exitStatus() == 1)
        #expect(fixture.logged("is killed") == 1)
    }

    @Test(
        "SIGHUP sends a new manifest with its number, and adds or ends processes; a bad one changes nothing")
    func reload() throws {
        let fixture = try Fixture(Self.good, count: 1)
        try fixture.wait(for: "one is ready") { fixture.logged("event: ready") == 1 }
        fixture.signal(SIGHUP)
        try fixture.wait(for: "the bad one is refused") { fixture.logged("the manifest is refused") == 1 }
        fixture.next(try Fixture.plan(count: 3))
        fixture.signal(SIGHUP)
        try fixture.wait(for: "three are ready") { fixture.logged("a process is ready") == 3 }
        try fixture.wait(for: "the first one is told") { fixture.lines("messages.0").count == 2 }
        #expect(fixture.lines("messages.0") == (1...2).map { #"{"manifest":{"generation":\#($0)}}"# })
        try fixture.wait(for: "the third one is told") { !fixture.lines("messages.2").isEmpty }
        #expect(fixture.lines("messages.2") == [#"{"manifest":{"generation":2}}"#])
        fixture.next(try Fixture.plan(count: 1))
        fixture.signal(SIGHUP)
        try fixture.wait(for: "one is left") { fixture.logged("a process has ended") == 2 }
        #expect(fixture.living == fixture.pids.prefix(1).map(\.self))
        #expect(fixture.lines("messages.2").last == #"{"drain":{"handingOver":true}}"#)
        try fixture.stop()
    }

    @Test("A manifest whose check ends by a signal is refused, and a SIGHUP during the check is not lost")
    func trappingCheck() throws {
        let fixture = try Fixture(
            Self.good,
            check: "echo x >> checks; while [ ! -e go ]; do sleep 0.01; done; [ -e fixed ] || kill -ILL $$")
        try fixture.wait(for: "it is ready") { fixture.logged("event: ready") == 1 }
        fixture.next(try Fixture.plan(count: 3))
        fixture.signal(SIGHUP)
        try fixture.wait(for: "it is checked") { fixture.lines("checks").count == 1 }
        fixture.signal(SIGHUP)
        fixture.signal(SIGUSR1)
        try fixture.wait(for: "both are taken") { fixture.logged("the logs are reopened") == 1 }
        #expect(FileManager.default.createFile(atPath: "\(fixture.folder)/go", contents: nil))
        try fixture.wait(for: "it is refused twice") { fixture.logged("the manifest is refused") == 2 }
        #expect(fixture.logged("its check ended with signal 4") == 2)
        #expect(fixture.living.count == 1 && fixture.logged("a process has died") == 0)
        #expect(FileManager.default.createFile(atPath: "\(fixture.folder)/fixed", contents: nil))
        fixture.signal(SIGHUP)
        try fixture.wait(for: "three are ready") { fixture.logged("a process is ready") == 3 }
        #expect(fixture.logged("event: reloading") == 3 && fixture.logged("event: reloaded") == 3)
        try fixture.stop()
    }

    @Test("SIGUSR1 is passed on")
    func reopen() throws {
        let fixture = try Fixture(Self.good)
        try fixture.wait(for: "it is ready") { fixture.logged("event: ready") == 1 }
        fixture.signal(SIGUSR1)
        try fixture.wait(for: "it is told") { fixture.lines("messages.0").last == #"{"reopenLogs":{}}"# }
        try fixture.stop()
    }

    @Test("A process that asks for a successor serves until that one is ready, and then hands over")
    func recycling() throws {
        let script = """
            \(Fixture.ready)
            if [ ! -e first ]; then touch first; printf '{"replace":{"reason":"age"}}' >&3; fi
            \(Fixture.obedient)
            """
        let fixture = try Fixture(script)
        try fixture.wait(for: "the old one has ended") { fixture.logged("a process has ended") == 1 }
        let order = fixture.entries.filter { $0.contains("is ready") || $0.contains("has ended") }
        #expect(order.count == 3 && order.last?.contains("has ended") == true, "\(order)")
        #expect(fixture.lines("messages.0").last == #"{"drain":{"handingOver":true}}"#)
        try fixture.wait(for: "the new one has its manifest") { fixture.lines("messages.1").count == 1 }
        try fixture.stop()
    }

    @Test("A program whose check fails does not take over")
    func preflight() throws {
        // A shell without a script exits with 0; this one fails.
        let fixture = try Fixture(Self.good, preflight: "/bin/false")
        try fixture.wait(for: "it is ready") { fixture.logged("event: ready") == 1 }
        fixture.signal(SIGUSR2)
        try fixture.wait(for: "it is refused") { fixture.logged("the new program is refused") == 1 }
        #expect(fixture.logged("exit status 1") == 1)
        try fixture.stop()
    }

    @Test("The check of an upgrade has more arguments than that of a manifest, unless the upgrade is forced")
    func upgradeCheck() throws {
        let fixture = try Fixture(
            Self.good, preflight: "/bin/sh",
            preflightArguments: ["sh", "-c", #"echo "$# more" >&2; exit 3"#, "sh"])
        try fixture.wait(for: "it is ready") { fixture.logged("event: ready") == 1 }
        fixture.signal(SIGUSR2)
        try fixture.wait(for: "it is refused") { fixture.logged("the new program is refused") == 1 }
        #expect(fixture.logged("exit status 3: 2 more") == 1 && fixture.logged("the upgrade is forced") == 0)
        fixture.signal(SignalDescriptor.forcedUpgrade)
        try fixture.wait(for: "it is refused again") { fixture.logged("the new program is refused") == 2 }
        #expect(
            fixture.logged("exit status 3: 0 more") == 1
                && fixture.logged("warning: the upgrade is forced") == 1)
        try fixture.stop()
    }

    @Test("An upgrade that is asked for during a check follows it", arguments: [false, true])
    func upgradeDuringCheck(isForced: Bool) throws {
        let fixture = try Fixture(
            Self.good, preflight: "/bin/false",
            check: "echo x >> checks; while [ ! -e go ]; do sleep 0.01; done")
        try fixture.wait(for: "it is ready") { fixture.logged("event: ready") == 1 }
        fixture.next(try Fixture.plan(count: 1))
        fixture.signal(SIGHUP)
        try fixture.wait(for: "the manifest is checked") { fixture.lines("checks").count == 1 }
        fixture.signal(SIGUSR2)
        if isForced { fixture.signal(SignalDescriptor.forcedUpgrade) }
        fixture.signal(SIGUSR1)
        try fixture.wait(for: "all are taken") { fixture.logged("the logs are reopened") == 1 }
        #expect(FileManager.default.createFile(atPath: "\(fixture.folder)/go", contents: nil))
        try fixture.wait(for: "the program is refused") { fixture.logged("the new program is refused") == 1 }
        #expect(fixture.logged("the manifest was read again") == 1)
        #expect(fixture.logged("the upgrade is forced") == (isForced ? 1 : 0))
        try fixture.stop()
        #expect(fixture.logged("the new program is refused") == 1)
    }

    @Test("A program that does not exist does not take over")
    func absentProgram() throws {
        let fixture = try Fixture(Self.good, preflight: "/nowhere/program")
        try fixture.wait(for: "it is ready") { fixture.logged("event: ready") == 1 }
        fixture.signal(SIGUSR2)
        try fixture.wait(for: "it is refused") { fixture.logged("/nowhere/program") >= 1 }
        try fixture.stop()
    }

    @Test("A program that is stopped during the check of another one ends the check")
    func preflightEnds() throws {
        let fixture = try Fixture(
            Self.good, preflight: "/bin/sh",
            preflightArguments: ["sh", "-c", "echo $$ > /proc/self/fd/1; while :; do sleep 0.1; done"])
        try fixture.wait(for: "it is ready") { fixture.logged("event: ready") == 1 }
        fixture.signal(SIGUSR2)
        try fixture.wait(for: "it is checked") { fixture.logged("the new program is checked") == 1 }
        try fixture.stop()
        // Of the shells, only the check can have this process as its parent now, if it lives at all.
        try fixture.wait(for: "the check ends") { Self.children(running: "while :; do sleep 0.1").isEmpty }
    }

    /// The live children of this process.
    private static func children(running text: String) -> [String] {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return threads.flatMap { thread in
            let path = "/proc/self/task/\(thread)/children"
            let children = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            return children.split(separator: " ").map {
                (try? String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8)) ?? ""
            }
        }
        .filter { $0.contains(text) }
    }

    @Test("A process that has not read for long gets the newest manifest, and the messages after it")
    func slowReader() throws {
        let fixture = try Fixture(
            "\(Fixture.ready); while [ ! -e go ]; do sleep 0.02; done; \(Fixture.obedient)")
        try fixture.wait(for: "it is ready") { fixture.logged("event: ready") == 1 }
        fixture.next(try Fixture.plan(count: 1))
        let count = 600
        for number in 1...count {
            fixture.signal(SIGHUP)
            try fixture.wait(for: "reload \(number)") { fixture.logged("was read again") == number }
        }
        fixture.signal(SIGUSR1)
        try fixture.wait(for: "the logs are reopened") { fixture.logged("the logs are reopened") == 1 }
        #expect(FileManager.default.createFile(atPath: "\(fixture.folder)/go", contents: nil))
        try fixture.wait(for: "it is told: \(fixture.lines("messages.0").suffix(3))") {
            fixture.lines("messages.0").suffix(2)
                == [#"{"manifest":{"generation":\#(count + 1)}}"#, #"{"reopenLogs":{}}"#]
        }
        try fixture.stop()
    }

    @Test(
        "Processes of replaced programs serve until successors are ready, if they have been ready themselves")
    func replacedTwice() throws {
        let fixture = try Fixture(
            Fixture.obedient,
            old: [.init(script: Self.good, isReady: true), .init(script: Fixture.obedient, isReady: false)])
        try fixture.wait(for: "one has ended") { fixture.logged("a process has ended") == 1 }
        #expect(fixture.lines("messages.1") == [#"{"drain":{"handingOver":true}}"#])
        #expect(fixture.lines("messages.0").isEmpty)
        try fixture.wait(for: "the new one is told") { !fixture.lines("messages.2").isEmpty }
        #expect(fixture.living.count == 2)
        try fixture.stop()
    }
}
