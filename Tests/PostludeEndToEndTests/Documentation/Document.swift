import Foundation
import Testing

/// A text with code: an article, a README, or the comments of a module's sources.
struct Document: Sendable, CustomTestStringConvertible {
    /// The name of the file in Tests/SnippetSetup that declares the names which the snippets use but do not
    /// declare; it may be absent.
    let name: String
    let snippets: [Snippet]
    /// The module that the document describes. Its readers import it.
    var modules = ["Postlude"]
    var isOfComments = false
    /// The document's path in the repository, if it is one file.
    var path: String?

    var testDescription: String { name }

    func snippets(in languages: Set<String>) -> [Snippet] {
        snippets.filter { languages.contains($0.language) }
    }

    /// The Swift code above the snippets, which readers do not see.
    var setup: String {
        let path = BuildProducts.repository + "/Tests/SnippetSetup/\(name).swift"
        return (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }

    /// The modules that applications and their tests import.
    static let modules = [
        "Postlude", "PostludeCelery", "PostludeDurable", "PostludePostgres", "PostludeTesting",
    ]

    /// The articles, and the catalogs' landing pages.
    static let articles = modules.flatMap { module in
        let folder = "Sources/\(module)/\(module).docc"
        return files(in: folder, withExtension: "md").map { file in
            var article = markdown("\(folder)/\(file)", name: String(file.dropLast(3)))
            article.modules = Array(Set(["Postlude", module])).sorted()
            return article
        }
    }

    static let readmes =
        [
            markdown("README.md", name: "README"), markdown("nginx/README.md", name: "README-nginx"),
            markdown(".github/CONTRIBUTING.md", name: "CONTRIBUTING"),
        ]
        + files(in: "examples", withExtension: "md").map {
            markdown("examples/\($0)", name: "README-" + ($0 as NSString).deletingLastPathComponent)
        }

    /// The documentation comments of each module.
    static let comments = modules.map { module in
        let folder = "Sources/\(module)"
        let snippets = files(in: folder, withExtension: "swift").flatMap { comments(in: "\(folder)/\($0)") }
        return Document(
            name: module + "-comments", snippets: snippets,
            modules: Array(Set(["Postlude", module])).sorted(),
            isOfComments: true)
    }

    static let all = articles + readmes + comments

    private static func markdown(_ path: String, name: String) -> Document {
        Document(name: name, snippets: Snippet.all(in: lines(of: path), of: path), path: path)
    }

    private static func comments(in path: String) -> [Snippet] {
        let comments = lines(of: path).map { number, text -> (number: Int, text: String) in
            let trimmed = text.drop { $0 == " " }
            guard trimmed.hasPrefix("///") else { return (number, "") }
            return (number, String(trimmed.dropFirst(trimmed.hasPrefix("/// ") ? 4 : 3)))
        }
        return Snippet.all(in: comments, of: path)
    }

    private static func lines(of path: String) -> [(number: Int, text: String)] {
        let text = (try? String(contentsOfFile: BuildProducts.repository + "/" + path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .map { ($0 + 1, String($1)) }
    }

    /// Paths below a folder of the repository, sorted.
    private static func files(in folder: String, withExtension suffix: String) -> [String] {
        let paths = FileManager.default.enumerator(atPath: BuildProducts.repository + "/" + folder)
        return (paths?.compactMap { $0 as? String } ?? []).filter { ($0 as NSString).pathExtension == suffix }
            .sorted()
    }
}
