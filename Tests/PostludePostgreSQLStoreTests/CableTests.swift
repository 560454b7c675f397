import Foundation
import PostludePostgreSQLStore
import PostludeRecordStoreFixtures
import PostludeSpawning
import PostludeSupervision
import PostludeTaskStore
import Testing

/// Network namespaces are the machines, and pairs of virtual interfaces their cables. Needs root.
@Suite("A machine that is cut off", .timeLimit(.minutes(10)), .enabled(if: geteuid() == 0), .serialized)
struct CableTests {
    /// A machine with a cable to this one.
    private final class Machine {
        let name = "ppg\(getpid())"
        // Two test processes may run at once.
        private let prefix = "10.213.\(240 + getpid() % 16)"
        var host: String { prefix + ".1" }
        var network: String { prefix + ".0/24" }

        init() throws {
            try run("ip", "netns", "add", name)
            try run("ip", "link", "add", "\(name)h", "type", "veth", "peer", "name", "cable", "netns", name)
            try run("ip", "address", "add", "\(host)/24", "dev", "\(name)h")
            try run("ip", "link", "set", "\(name)h", "up")
            try run("ip", "-n", name, "address", "add", "\(prefix).2/24", "dev", "cable")
            try run("ip", "-n", name, "link", "set", "cable", "up")
        }

        deinit {
            try? run("ip", "link", "delete", "\(name)h")
            try? run("ip", "netns", "delete", name)
        }

        func cable(isUp: Bool) throws { try run("ip", "link", "set", "\(name)h", isUp ? "up" : "down") }

        private func run(_ words: String...) throws {
            let exit = try Program(words[0], Array(words.dropFirst())).run()
            guard exit == .status(0) else { throw CocoaError(.executableLoad) }
        }
    }

    @Test(
        "Its records are taken over within seconds; when it is back, it can note nothing about them, and goes on"
    )
    func cut() throws {
        let machine = try Machine()
        let server = try PostgreSQLServer(listeningOn: (machine.host, machine.network))
        let fixture = try PostgreSQLFixture(on: server)
        let taskStore = try fixture.openNow()
        for round in 1...3 {
            let place = "host=\(machine.host) user=postgres dbname=\(fixture.database)"
            let helper = try StoreProcess("cut", fixture, at: place, in: machine.name)
            let ids = try #require(helper.line()).split(separator: " ").compactMap { RecordID(String($0)) }
            #expect(ids.count == 3)
            let old = try #require(try taskStore.record(ids[1])?.owner)
            // A process looks at the others' locks only after it was connected itself for a while.
            let settled = Date().addingTimeInterval(3.5)
            while Date() < settled {
                #expect(try taskStore.claim().isEmpty)
                usleep(50_000)
            }
            try machine.cable(isUp: false)
            let start = Date()
            while try taskStore.record(ids[1])?.owner == old {
                _ = try taskStore.claim()
                usleep(20_000)
            }
            let time = Date().timeIntervalSince(start)
            print("round \(round): taken over after \(time) s")
            #expect(time < 8)
            var claimed: [RecordID] = []
            while claimed.count < 3 {
                claimed += try taskStore.claim().flatMap(\.records).map(\.id)
                usleep(10_000)
            }
            #expect(claimed == ids)
            try machine.cable(isUp: true)
            try helper.begin()
            let line = try #require(helper.line()).split(separator: " ")
            #expect(line.first == "new", "\(line)")
            #expect(helper.finish() == 0)
            // What it has said about the first record is void: that one is this process's.
            let record = try #require(try taskStore.record(ids[0]))
            #expect(record.state == .waiting && record.owner == taskStore.owner && record.deaths == 0)
            for id in ids { taskStore.ended(id, .done(result: nil)) }
            try taskStore.flush()
            for request in try taskStore.claim() {
                for record in request.records { taskStore.ended(record.id, .done(result: nil)) }
            }
        }
        try taskStore.flush()
        #expect(try taskStore.counts()[.done] == 12)
        try taskStore.close()
    }

    @Test("A cable that is pulled for a moment has no effect")
    func moment() throws {
        let machine = try Machine()
        let server = try PostgreSQLServer(listeningOn: (machine.host, machine.network))
        let fixture = try PostgreSQLFixture(on: server)
        let place = "host=\(machine.host) user=postgres dbname=\(fixture.database)"
        let helper = try StoreProcess("cut", fixture, at: place, in: machine.name)
        let ids = try #require(helper.line()).split(separator: " ").compactMap { RecordID(String($0)) }
        let taskStore = try fixture.openNow()
        for _ in 0..<3 {
            try machine.cable(isUp: false)
            usleep(500_000)
            #expect(try taskStore.claim().isEmpty)
            try machine.cable(isUp: true)
            usleep(200_000)
        }
        try helper.begin()
        #expect(try #require(helper.line()).hasPrefix("the same"))
        #expect(helper.finish() == 0)
        #expect(try taskStore.record(ids[0])?.state == .done)
        try taskStore.close()
    }
}
