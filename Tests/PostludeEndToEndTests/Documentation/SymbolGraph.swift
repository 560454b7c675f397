import Foundation

/// The public symbols of a module, as the compiler writes them for DocC.
struct SymbolGraph {
    /// The folder with the graph's files.
    let folder: String
    /// Symbols without a documentation comment of their own or of a protocol's requirement.
    let undocumented: [String]

    /// - Parameter folder: receives the graph.
    init(of module: String, in folder: TestFolder) throws {
        self.folder = folder.file("symbols-" + module)
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: false)
        let toolchain = try SwiftCompiler.toolchain(in: folder)
        let command = try Command(
            toolchain.folder + "/bin/swift-symbolgraph-extract",
            [
                "-module-name", module, "-target", toolchain.target, "-minimum-access-level", "public",
                "-skip-synthesized-members", "-emit-extension-block-symbols", "-output-dir", self.folder,
            ] + SwiftCompiler.moduleFlags(), in: folder)
        guard command.exit == .status(0) else { throw ToolError(output: command.errors) }
        var undocumented: [String] = []
        for file in try FileManager.default.contentsOfDirectory(atPath: self.folder) {
            let data = try Data(contentsOf: URL(fileURLWithPath: self.folder + "/" + file))
            for symbol in try JSONDecoder().decode(Graph.self, from: data).symbols
            where symbol.docComment == nil {
                // Extensions of other modules' types are in files of their own. A type alias there only says
                // which type a protocol's associated type is; other members have the comments of the
                // protocol.
                let isWitness = file.contains("@") && symbol.kind.identifier == "swift.typealias"
                if isWitness || symbol.kind.identifier == "swift.extension" { continue }
                undocumented.append(symbol.pathComponents.joined(separator: ".") + symbol.place)
            }
        }
        self.undocumented = undocumented.sorted()
    }

    private struct Graph: Decodable { var symbols: [Symbol] }

    private struct Symbol: Decodable {
        struct Kind: Decodable { var identifier: String }
        struct Comment: Decodable {}
        struct Location: Decodable {
            struct Position: Decodable { var line: Int }
            var uri: String
            var position: Position
        }

        var kind: Kind
        var pathComponents: [String]
        var docComment: Comment?
        var location: Location?

        var place: String {
            guard let location else { return "" }
            let path = location.uri.replacing("file://", with: "")
            return " (\((path as NSString).lastPathComponent):\(location.position.line + 1))"
        }
    }
}

/// A tool of the toolchain has failed.
struct ToolError: Error, CustomStringConvertible {
    let output: String
    var description: String { output }
}
