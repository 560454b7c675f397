import Foundation
import Testing

@Suite("The exports example", .timeLimit(.minutes(5)))
struct ExportsExampleTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try FileManager.default.createDirectory(
            atPath: folder.file("state"), withIntermediateDirectories: true)
    }

    /// - Parameter rowsPerSecond: nil for as fast as possible; with 1 an export writes its first 10,000 rows and then waits.
    private func run(
        rows: Int, rowsPerSecond: Int?, ending: Server.Ending = .clean,
        _ body: (Server, NginxServer) throws -> Void
    ) throws {
        try? FileManager.default.removeItem(atPath: folder.file("app.socket"))
        let environment = [
            "STATE_DIRECTORY": folder.file("state"), "EXPORTS_ROWS": "\(rows)",
            "EXPORTS_ROWS_PER_SECOND": "\(rowsPerSecond ?? 0)",
        ]
        try Example(name: "exports", environment: environment, ending: ending).run(in: folder, body)
    }

    private struct Export: Decodable, Equatable {
        struct Progress: Decodable, Equatable {
            var fraction: Double
        }
        struct Report: Decodable, Equatable {
            var file: String
            var rows: Int
        }

        var number: Int
        var task: String
        var state: String
        var attempts: Int
        var progress: Progress?
        var report: Report?
    }

    private func order(of customer: Int, at nginx: NginxServer) throws -> Int {
        let reply = try nginx.client().ask("POST", "/customers/\(customer)/exports")
        #expect(reply.status == 202, "\(reply.text)")
        let number = try #require(try reply.json([String: Int].self)["number"])
        #expect(reply.field("location") == "/customers/\(customer)/exports/\(number)")
        return number
    }

    private func exports(of customer: Int, at nginx: NginxServer) throws -> [Export] {
        try nginx.client().ask("GET", "/customers/\(customer)/exports").json([Export].self)
    }

    /// Waits until an export of customer 7 is in a given state.
    private func export(_ number: Int, at nginx: NginxServer, until isSoFar: (Export) -> Bool) throws
        -> Export
    {
        try eventually("export \(number) is so far") {
            let export = try nginx.client().ask("GET", "/customers/7/exports/\(number)").json(Export.self)
            return isSoFar(export) ? export : nil
        }
    }

    private var files: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.file("state/files")).sorted()) ?? []
    }

    @Test(
        "After kill -9 an export continues where it was: a million rows, each of them once, one chunk in memory"
    )
    func killed() throws {
        let rows = 1_000_000
        try run(rows: rows, rowsPerSecond: 100_000, ending: .any) { server, nginx in
            #expect(try order(of: 7, at: nginx) == 1)
            _ = try export(1, at: nginx) { $0.progress.map { $0.fraction >= 0.1 } ?? false }
            server.process.send(signal: SIGKILL)
            #expect(try server.process.waitForExit() == .signal(SIGKILL))
        }
        #expect(files == ["export-1.csv.part"])
        // The beginning of the file is marked: an attempt that began anew would write it again. The end looks like that of a
        // process that was killed while it wrote.
        let part = try FileHandle(
            forUpdating: URL(fileURLWithPath: folder.file("state/files/export-1.csv.part")))
        let length = try part.seekToEnd()
        #expect(length > 3_000_000 && length < 30_000_000)
        try part.write(contentsOf: Data("999999,half a r".utf8))
        try part.seek(toOffset: 0)
        try part.write(contentsOf: Data("ID".utf8))
        try part.close()
        try run(rows: rows, rowsPerSecond: nil) { server, nginx in
            let before = try #require(server.kibibytes("VmRSS"))
            let export = try export(1, at: nginx) { $0.state == "done" }
            #expect(export.attempts == 2 && export.report?.rows == rows && export.progress?.fraction == 1)
            let events = try nginx.client().ask("GET", "/tasks/\(export.task)/events")
            #expect(events.field("content-type") == "text/event-stream")
            #expect(events.text.contains(#""state":"done""#) && events.text.contains(#""rows":1000000"#))
            let growth = try #require(server.kibibytes("VmHWM")) - before
            print("exports: the memory has grown by \(growth) KiB")
            #expect(growth < 20 * 1024, "the file has more than 30 MiB")
            let download = try nginx.client().ask("HEAD", "/customers/7/exports/1/file")
            #expect(download.status == 200)
            #expect(download.field("content-disposition")?.contains("export-1.csv") == true)
        }
        #expect(files == ["export-1.csv"])
        let file = folder.file("state/files/export-1.csv")
        #expect(
            try Command("head", ["-n", "2", file], in: folder).output
                == "ID,time,station,celsius\n1,2026-01-01T00:00:10Z,2,21.9\n")
        let count = try Command(
            "awk", ["-F,", "NR > 1 && (NF != 4 || $1 != NR - 1) { exit 1 } END { print NR - 1 }", file],
            in: folder)
        #expect(count.exit == .status(0) && count.output == "\(rows)\n")
    }

    @Test("A customer cancels an export within a second, and its file is removed")
    func cancelled() throws {
        try run(rows: 30_000, rowsPerSecond: 1) { _, nginx in
            // The machine may be busy: of several cancellations, the fastest shows what a process takes.
            var times: [Duration] = []
            for _ in 1...3 {
                let number = try order(of: 7, at: nginx)
                _ = try export(number, at: nginx) { $0.progress != nil }
                #expect(files == ["export-\(number).csv.part"])
                let since = ContinuousClock.now
                let target = "/customers/7/exports/\(number)"
                #expect(try nginx.client().ask("POST", "\(target)/cancel").status == 200)
                let export = try export(number, at: nginx) { $0.state == "cancelled" }
                times.append(.now - since)
                #expect(export.attempts == 1 && export.report == nil && files == [])
                #expect(try nginx.client().ask("GET", "\(target)/file").status == 409)
            }
            print("exports: cancelled within \(times)")
            #expect(try #require(times.min()) < .seconds(1))
            #expect(try exports(of: 7, at: nginx).map(\.state) == ["cancelled", "cancelled", "cancelled"])
            #expect(try nginx.client().ask("POST", "/customers/8/exports/1/cancel").status == 404)
        }
    }

    @Test("Two exports of a customer run at once; the third waits, while another customer's begins")
    func limited() throws {
        try run(rows: 20_000, rowsPerSecond: 1) { _, nginx in
            let numbers = try (1...3).map { _ in try order(of: 7, at: nginx) }
            let other = try order(of: 8, at: nginx)
            func running(of customer: Int) throws -> [Int] {
                try exports(of: customer, at: nginx).filter { $0.state == "running" && $0.progress != nil }
                    .map(\.number)
            }
            // The other customer's export is the last one, and does not wait for the third.
            try waitUntil("two exports and the other customer's run") {
                try running(of: 7).count == 2 && running(of: 8) == [other]
            }
            let waiting = try #require(Set(numbers).subtracting(try running(of: 7)).first)
            let third = try export(waiting, at: nginx) { _ in true }
            #expect(third.state == "waiting" && third.attempts == 0 && third.progress == nil)
            #expect(files.count == 3)
            // A place that becomes free is the third one's.
            let first = try #require(numbers.first { $0 != waiting })
            #expect(try nginx.client().ask("POST", "/customers/7/exports/\(first)/cancel").status == 200)
            _ = try export(waiting, at: nginx) { $0.state == "running" && $0.progress != nil }
            #expect(try running(of: 7).count == 2)
            for (customer, numbers) in [(7, numbers), (8, [other])] {
                for number in numbers {
                    _ = try nginx.client().ask("POST", "/customers/\(customer)/exports/\(number)/cancel")
                }
                try waitUntil("all exports of customer \(customer) are over") {
                    try exports(of: customer, at: nginx).allSatisfy { $0.state == "cancelled" }
                }
            }
            #expect(files == [])
        }
    }
}
