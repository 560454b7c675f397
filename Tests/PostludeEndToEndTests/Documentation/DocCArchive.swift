import Foundation

/// DocC's output for a module's catalog and symbols.
struct DocCArchive {
    private let folder: String
    /// DocC's diagnostics.
    let complaints: [String]

    /// - Parameter folder: receives the archive.
    init(of module: String, with symbols: SymbolGraph, in folder: TestFolder) throws {
        self.folder = folder.file("archive")
        let command = try Command(
            try SwiftCompiler.toolchain(in: folder).folder + "/bin/docc",
            [
                "convert", BuildProducts.repository + "/Sources/\(module)/\(module).docc",
                "--additional-symbol-graph-dir", symbols.folder, "--output-path", self.folder,
                "--diagnostics-file", folder.file("diagnostics.json"),
            ], in: folder)
        guard command.exit == .status(0) else { throw ToolError(output: command.output + command.errors) }
        let diagnostics = try JSONDecoder().decode(
            Diagnostics.self, from: Data(folder.text("diagnostics.json").utf8))
        complaints = diagnostics.diagnostics.map { "\($0.place): \($0.severity): \($0.summary)" }
    }

    /// The symbols that a page lists because no topic group has them.
    func leftOver(on page: String) throws -> [String] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/data/documentation/\(page).json"))
        let sections = try JSONDecoder().decode(Page.self, from: data).topicSections ?? []
        return sections.filter { $0.generated == true }.flatMap(\.identifiers)
    }

    private struct Page: Decodable {
        struct Section: Decodable {
            var identifiers: [String]
            /// Whether DocC has written the archive.
            var generated: Bool?
        }

        var topicSections: [Section]?
    }

    private struct Diagnostics: Decodable {
        struct Diagnostic: Decodable {
            struct Range: Decodable {
                struct Position: Decodable { var line: Int }
                var start: Position
            }

            var severity: String
            var summary: String
            var source: String?
            var range: Range?

            var place: String { "\(source ?? ""):\(range?.start.line ?? 0)" }
        }

        var diagnostics: [Diagnostic]
    }
}
