import Foundation
import HTTPTypes
import PostludeDurable
import PostludeTesting
import Testing

@testable import PostludeExportsExample

@Suite("Exports, without a server")
struct ExportsTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func application(rows: Int) async throws -> TestApplication<ExportsApplication> {
        try await TestApplication(
            ExportsApplication(folder: folder.path, rows: rows, rowsPerSecond: nil),
            manifestAt: BuildProducts.repository + "/examples/exports/routes.yaml")
    }

    @Test("A report has all rows, in several chunks, and can be downloaded when it is complete")
    func report() async throws {
        let app = try await application(rows: 2 * Export.chunk + 5_000)
        let response = try await app.send(.post("/customers/7/exports"))
        #expect(response.status == .accepted && response.text == #"{"number":1}"#)
        #expect(response.tasks.queued.map(\.name) == ["Export"])
        #expect(try await app.send(.get("/customers/7/exports/1/file")).status == .conflict)
        try await response.tasks.runAll()
        let state = try await app.send(.get("/customers/7/exports/1")).json(ExportState.self)
        #expect(state.state == .done && state.report?.file == "export-1.csv" && state.report?.rows == 25_000)
        #expect(state.progress?.fraction == 1 && state.progress?.message == "25000 rows")
        let lines = try await app.send(.get("/customers/7/exports/1/file")).text.split(separator: "\n")
        #expect(lines.count == 25_001 && lines.first == "id,time,station,celsius")
        #expect(lines.dropFirst().map { $0.prefix { $0 != "," } } == (1...25_000).map { Substring("\($0)") })
        try await app.stop()
    }

    @Test("A cancelled export does not run, and a customer sees only exports of their own")
    func cancelled() async throws {
        let app = try await application(rows: 10)
        let first = try await app.send(.post("/customers/7/exports"))
        let second = try await app.send(.post("/customers/8/exports"))
        #expect(try await app.send(.post("/customers/7/exports/1/cancel")).status == .ok)
        try await first.tasks.runAll()
        let cancelled = try await app.send(.get("/customers/7/exports/1")).json(ExportState.self)
        #expect(cancelled.state == .cancelled)
        try await second.tasks.runAll()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("files")) == ["export-2.csv"])
        let list = try await app.send(.get("/customers/8/exports")).json([ExportState].self)
        #expect(list.map(\.number) == [2] && list.map(\.state) == [.done])
        for path in ["/customers/7/exports/2", "/customers/7/exports/2/file", "/customers/7/exports/3"] {
            #expect(try await app.send(.get(path)).status == .notFound)
        }
        #expect(try await app.send(.post("/customers/7/exports/2/cancel")).status == .notFound)
        // What is over stays as it is.
        let done = try await app.send(.post("/customers/8/exports/2/cancel")).json(ExportState.self)
        #expect(done.state == .done && done.report?.rows == 10)
        #expect(try await app.send(.get("/customers/8/exports/2/file")).status == .ok)
        try await app.stop()
    }

    @Test("A file is continued at a length: what follows is cut off, and a file that is shorter begins anew")
    func file() throws {
        let files = ExportFiles(folder: folder.file("files"))
        try files.makeFolder()
        func write(_ text: String, at length: Int) throws -> Int {
            var file = try files.open(1, at: length)
            try file.append(text)
            try file.synchronize()
            return file.length
        }
        #expect(try write("one\ntwo\nthr", at: 0) == 11)
        #expect(try write("three\n", at: 8) == 14)
        #expect(folder.text("files/export-1.csv.part") == "one\ntwo\nthree\n")
        #expect(try write("anew\n", at: 15) == 5)
        #expect(!files.isFinished(1))
        try files.finish(1)
        #expect(files.isFinished(1) && folder.text("files/export-1.csv") == "anew\n")
        #expect(throws: ExportFileError.self) { try files.finish(1) }
        files.remove(1)
        #expect(!files.isFinished(1))
        #expect(throws: ExportFileError.self) {
            _ = try ExportFiles(folder: folder.file("missing")).open(1, at: 0).length
        }
    }
}
