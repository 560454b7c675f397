import Foundation
import PostludeManifest
import Testing

@Suite("Loading a manifest")
struct ManifestLoadingTests {
    private func load(_ bytes: some Sequence<UInt8>) throws -> Manifest {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "routes.yaml")
        try Data(bytes).write(to: file)
        do {
            return try Manifest.load(contentsOf: file.path, handlers: handlers)
        } catch {
            // The folder has another name in each run.
            throw Mistakes(lines: error.description.replacingOccurrences(of: folder.path + "/", with: ""))
        }
    }

    private struct Mistakes: Error, Equatable {
        let lines: String
    }

    @Test("A file is read")
    func reads() throws {
        #expect(try load(manifest("prefix: /api").utf8).prefix == "/api")
    }

    @Test("A file that does not exist is named with the reason")
    func missing() {
        let error = #expect(throws: ManifestError.self) {
            try Manifest.load(contentsOf: "/nonexistent/routes.yaml", handlers: handlers)
        }
        #expect(error?.description == "/nonexistent/routes.yaml: cannot be opened: No such file or directory")
    }

    @Test("A file that is not a regular file is refused", arguments: ["/dev/zero", "/tmp"])
    func special(path: String) {
        let error = #expect(throws: ManifestError.self) {
            try Manifest.load(contentsOf: path, handlers: handlers)
        }
        #expect(error?.description == "\(path): is not a regular file, expected a manifest")
    }

    @Test("Bytes that are not UTF-8 are refused with their position")
    func encoding() {
        let bytes = Array("# ä\nprefix: /".utf8) + [0xFF, 0x0A]
        #expect(throws: Mistakes(lines: "routes.yaml:2:10: found a byte that is not UTF-8, expected UTF-8")) {
            try load(bytes)
        }
    }

    @Test("A file over the size limit is refused")
    func size() {
        let expected = "routes.yaml: is larger than 8MiB, expected a smaller manifest"
        #expect(throws: Mistakes(lines: expected)) {
            try load(repeatElement(UInt8(ascii: "#"), count: 8 << 20 | 1))
        }
    }

    @Test("All mistakes are reported at once, in the order of the file")
    func order() {
        let yaml = """
            routes:
              - path: /a
                method: get
                handler: hom
              - path: /b
                handler: home
            workers: { min: 0 }
            prefix: api
            """
        #expect(
            mistakes(yaml) == [
                "routes.yaml:3:13: found `get` for `method`, expected upper case: GET",
                "routes.yaml:4:14: unknown handler `hom` (nearest: home), expected one that the "
                    + "application registers",
                "routes.yaml:5:5: a route has neither of `methods` and `method`, expected one of them",
                "routes.yaml:7:17: found the number 0 for `min`, expected a whole number from 1 to 4096",
                "routes.yaml:8:9: the prefix `api` does not begin with `/`, expected a path such as /api",
            ])
    }

    @Test("3,000 routes load in seconds even in a debug build")
    func large() throws {
        var yaml = "routes:\n"
        for index in 0..<3_000 {
            let path = index % 10 == 0 ? "/{tenant}/things/\(index)" : "/api/v1/things\(index)/{id:int}"
            yaml += "  - path: \(path)\n    methods: [GET, POST]\n    handler: home\n"
        }
        var count = 0
        let taken = try processorTime { count = try parse(yaml).routes.count }
        #expect(count == 3_000)
        #expect(taken < .seconds(6))
    }

    @Test("3,000 routes with unknown handlers are reported in seconds")
    func largeAndWrong() {
        var yaml = "routes:\n"
        for index in 0..<3_000 {
            yaml += "  - { path: /a\(index), method: GET, handler: unknown\(index) }\n"
        }
        let names = (0..<500).map { "handler-number-\($0)" }
        let taken = processorTime { #expect(mistakes(yaml, handlers: names).count == 3_000) }
        #expect(taken < .seconds(9))
    }
}
