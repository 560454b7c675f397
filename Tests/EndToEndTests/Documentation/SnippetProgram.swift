/// Swift snippets of a document, made into a file that the compiler takes.
///
/// What a reader would have around a snippet stands in the document's setup, `Tests/SnippetSetup/<document>.swift`: it is
/// a module of its own, which each file imports with the setup's imports. So a snippet may declare what the setup has,
/// too. Otherwise:
/// - a snippet of declarations is a file, and so a module; one that extends a type belongs to the setup's module;
/// - one with statements is the body of a function that may wait and throw; those of a document make one file;
/// - one that begins with `static` is a member of some type;
/// - one that imports PackageDescription is a package's manifest;
/// - `…` alone, or alone in braces, stands for code that is left out.
struct SnippetProgram: Sendable {
    let name: String
    let text: String
    var isPackageManifest = false
    /// Whether it belongs to the module of the setup.
    var extendsSetup = false

    /// The programs that a document's Swift snippets make.
    static func all(of document: Document) -> [SnippetProgram] {
        let imports = document.setupImports(and: ["@testable import Setup"])
        var programs: [SnippetProgram] = []
        var bodies = ""
        for (number, snippet) in document.snippets(in: ["swift"]).enumerated() {
            let name = "Snippet\(number)"
            if snippet.lines.contains("import PackageDescription") {
                programs.append(SnippetProgram(name: name, text: snippet.located, isPackageManifest: true))
            } else if snippet.lines.first?.hasPrefix("static ") == true {
                bodies += "enum \(name) {\n\(snippet.located)}\n"
            } else if snippet.isOfDeclarations {
                let extends = !document.setup.isEmpty && snippet.lines.contains { $0.hasPrefix("extension ") }
                let text = (extends ? document.setupImports(and: []) : imports) + snippet.located
                programs.append(SnippetProgram(name: name, text: text, extendsSetup: extends))
            } else {
                bodies += "func snippet\(number)() async throws {\n\(snippet.located)}\n"
            }
        }
        if !bodies.isEmpty { programs.append(SnippetProgram(name: "Bodies", text: imports + bodies)) }
        return programs
    }
}

extension Snippet {
    /// The code, of which the compiler says where it stands in the document.
    fileprivate var located: String {
        let code = text.replacing(/(\n|^) *… *\n/) { "\($0.output.1)fatalError()\n" }
            .replacing(/({| in) … }/) { "\($0.output.1) fatalError() }" }
        return "#sourceLocation(file: \"\(file)\", line: \(line))\n\(code)#sourceLocation()\n"
    }

    /// Whether each line that is not indented begins or ends a declaration.
    fileprivate var isOfDeclarations: Bool {
        let beginnings = [
            "@", "import ", "struct ", "enum ", "final ", "class ", "actor ", "protocol ", "extension ",
            "func ",
            "static let ", "private ", "public ", "//", "}", ")",
        ]
        return lines.allSatisfy { line in
            line.isEmpty || line.hasPrefix(" ") || beginnings.contains(where: line.hasPrefix)
        }
    }
}

extension Document {
    /// The imports of the document's setup.
    ///
    /// - Parameter more: imported as well, where there is a setup.
    fileprivate func setupImports(and more: [String]) -> String {
        let imports = setup.split(separator: "\n").filter { $0.hasPrefix("import ") }.map(String.init)
        return (imports + (setup.isEmpty ? [] : more)).map { $0 + "\n" }.joined()
    }
}
