import Foundation
import Testing

@Suite("check --fix")
struct CheckFixTests {
    private let wrong = """
        # Kept.
        routes:
          - pth: hello      # as is
            method: get
            handler: hello

        """
    private let right = """
        # Kept.
        routes:
          - path: /hello      # as is
            method: GET
            handler: hello

        """

    private func check(_ text: String, _ arguments: String..., in folder: TestFolder) throws -> Command {
        try folder.write("routes.yaml", text)
        return try Command(BuildProducts.testbed, ["check"] + arguments, in: folder)
    }

    private func text(in folder: TestFolder) throws -> String {
        try String(contentsOfFile: folder.file("routes.yaml"), encoding: .utf8)
    }

    @Test("corrects the file, shows each change by line and column, and keeps everything else")
    func fixes() throws {
        let folder = try TestFolder()
        let command = try check(wrong, "--fix", in: folder)
        #expect(command.exit == .status(0), "\(command.errors)")
        #expect(
            command.output.hasPrefix(
                """
                routes.yaml:3:5: changed `pth` to `path`
                routes.yaml:4:13: changed `get` to `GET`
                routes.yaml:3:11: changed `hello` to `/hello`
                routes.yaml: the manifest is valid: 1 route
                """), "\(command.output)")
        #expect(try text(in: folder) == right)
        let again = try Command(BuildProducts.testbed, ["check", "--fix"], in: folder)
        #expect(again.exit == .status(0) && !again.output.contains("changed"))
    }

    @Test("without --fix, nothing is changed, and the mistakes are shown")
    func suggests() throws {
        let folder = try TestFolder()
        let command = try check(wrong, in: folder)
        #expect(command.exit == .status(1) && command.errors.contains("(nearest: path)"))
        #expect(try text(in: folder) == wrong)
    }

    @Test("if a mistake remained, the file stays as it is, and all mistakes are shown")
    func remaining() throws {
        let folder = try TestFolder()
        let text = wrong.replacing("handler: hello", with: "handler: nothing-like-it")
        let command = try check(text, "--fix", in: folder)
        #expect(command.exit == .status(1))
        #expect(command.errors.contains("nothing was changed"))
        #expect(command.errors.contains("routes.yaml:3:5:") && command.errors.contains("unknown handler"))
        #expect(try self.text(in: folder) == text)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(!files.contains { $0.hasPrefix(".postlude") })
    }

    @Test("the file keeps its mode, and a symbolic link to it stays one")
    func link() throws {
        let folder = try TestFolder()
        try folder.write("real.yaml", wrong)
        let files = FileManager.default
        try files.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder.file("real.yaml"))
        try files.createSymbolicLink(
            atPath: folder.file("routes.yaml"), withDestinationPath: "real.yaml")
        let command = try Command(BuildProducts.testbed, ["check", "--fix"], in: folder)
        #expect(command.exit == .status(0), "\(command.errors)")
        #expect(try files.destinationOfSymbolicLink(atPath: folder.file("routes.yaml")) == "real.yaml")
        #expect(try text(in: folder) == right)
        let mode = try files.attributesOfItem(atPath: folder.file("real.yaml"))[.posixPermissions]
        #expect(mode as? Int == 0o640)
    }

    @Test("the changes are in the JSON for programs")
    func json() throws {
        struct Result: Decodable {
            struct Change: Decodable {
                struct Place: Decodable {
                    var line: Int
                    var column: Int
                }

                var location: Place
                var old: String
                var new: String
            }

            var valid: Bool
            var changes: [Change]
        }
        let command = try check(wrong, "--fix", "--json", in: TestFolder())
        let result = try JSONDecoder().decode(Result.self, from: Data(command.output.utf8))
        #expect(result.valid && result.changes.map(\.new) == ["path", "GET", "/hello"])
        #expect(result.changes.first?.location.line == 3)
    }
}
