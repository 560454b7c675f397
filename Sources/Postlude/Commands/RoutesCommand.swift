internal import ArgumentParser
internal import HTTPTypes
internal import Manifest
internal import Routing

struct RoutesCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "routes", abstract: "Show the routes as a table, in the order of the manifest.")
    }

    @OptionGroup var options: ManifestOptions

    func run() throws {
        let manifest = try options.load(for: App().registeredHandlers)
        let rows = manifest.routes.map { route in
            [
                route.methods.map(\.rawValue).joined(separator: ","), route.pattern.text, route.handler,
                "\(route.location)",
            ]
        }
        let documentation = DocumentationRoutes.paths(in: manifest).map { ["GET", $0.path, $0.name, ""] }
        print(TextTable(header: ["METHODS", "PATTERN", "HANDLER", "MANIFEST"], rows: rows + documentation))
    }
}

/// Columns of text, each as wide as its widest cell.
struct TextTable: CustomStringConvertible {
    let header: [String]
    let rows: [[String]]

    var description: String {
        let lines = [header] + rows
        let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            zip(line, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            .joined(separator: "  ").trimmingSuffix { $0 == " " }
        }
        .joined(separator: "\n")
    }
}

extension String {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, predicate(last) { text.removeLast() }
        return String(text)
    }
}
