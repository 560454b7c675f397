/// Swift snippets of a document, made into a file that can be compiled.
///
/// Names that a snippet uses without declaring them are in the document's setup,
/// `Tests/SnippetSetup/<document>.swift`. The setup is a module of its own, which each file imports, so that
/// a snippet may declare the same names. The file's other imports are those that a reader sees: the snippet's
/// own, and for statements also the document's module. Snippets of comments, which are on the page of one
/// symbol, have the setup's imports instead. Otherwise:
/// - a snippet of declarations is a file, and so a module; one that extends a type belongs to the setup's
///   module;
/// - one with statements is the body of a function that may wait and throw; those of a document with the same
///   imports   make one file;
/// - one that begins with `static` is a member of some type;
/// - one that imports PackageDescription is a package's manifest;
/// - `…` alone, or alone in braces, stands for omitted code.
struct SnippetProgram: Sendable {
    let name: String
    let text: String
    var file: String { name + ".swift" }
    var isPackageManifest = false
    /// Whether the snippet belongs to the setup's module.
    var extendsSetup = false

    /// The programs that a document's Swift snippets make.
    static func all(of document: Document) -> [SnippetProgram] {
        let setup = document.imports
        var programs: [SnippetProgram] = []
        var bodies: [[String]: String] = [:]
        for (number, snippet) in document.snippets(in: ["swift"]).enumerated() {
            let name = "Snippet\(number)"
            if snippet.isPackageManifest {
                programs.append(SnippetProgram(name: name, text: snippet.located, isPackageManifest: true))
            } else if snippet.isOfDeclarations, !snippet.isOfMembers {
                let extends = !document.setup.isEmpty && snippet.lines.contains { $0.hasPrefix("extension ") }
                let imports = setup.filter { !(extends && $0.hasSuffix(" Setup")) }
                let text = imports.map { $0 + "\n" }.joined() + snippet.located
                programs.append(SnippetProgram(name: name, text: text, extendsSetup: extends))
            } else {
                let (opening, closing) =
                    snippet.isOfMembers
                    ? ("enum \(name) {\n", "}\n") : ("func snippet\(number)() async throws {\n", "}\n")
                bodies[snippet.imports, default: ""] += opening + snippet.located + closing
            }
        }
        for (number, (imports, text)) in bodies.sorted(by: { $0.value < $1.value }).enumerated() {
            let all = setup + document.modules.map { "import \($0)" } + imports
            let text = all.map { $0 + "\n" }.joined() + text
            programs.append(SnippetProgram(name: "Bodies\(number)", text: text))
        }
        return programs
    }

    /// Groups of programs, each of which one run of the compiler can check as files of one module: no program
    /// mentions a name that another one declares.
    static func batches(of programs: [SnippetProgram]) -> [[SnippetProgram]] {
        var batches: [[SnippetProgram]] = []
        for program in programs {
            if let index = batches.firstIndex(where: { $0.allSatisfy(program.isIndependent) }) {
                batches[index].append(program)
            } else {
                batches.append([program])
            }
        }
        return batches
    }

    private func isIndependent(of other: SnippetProgram) -> Bool {
        !isPackageManifest && !other.isPackageManifest && extendsSetup == other.extendsSetup
            && declarations.isDisjoint(with: other.words) && other.declarations.isDisjoint(with: words)
    }

    private var words: Set<Substring> { Set(text.matches(of: #/\w+/#).map(\.output)) }

    /// The names that other files of a module would see: those outside any type, and the members and names of
    /// extensions.
    private var declarations: Set<Substring> {
        var names: Set<Substring> = text.contains("@main") ? ["main"] : []
        var isInExtension = false
        let declaration =
            #/^(?<indentation> *)(?:@\w+ |\w+ )*(?<kind>actor|class|enum|extension|func|let|protocol|struct|typealias|var) (?<name>\w+)/#
        for line in text.split(separator: "\n") {
            if line.hasPrefix("}") { isInExtension = false }
            guard let found = line.prefixMatch(of: declaration)?.output else { continue }
            if found.indentation.isEmpty { isInExtension = found.kind == "extension" }
            if found.indentation.isEmpty || isInExtension { names.insert(found.name) }
        }
        return names
    }
}

extension Snippet {
    /// The code, with directives that make the compiler report places in the document.
    fileprivate var located: String {
        // Imports of statements move above the function that contains them.
        let keepsImports = isPackageManifest || isOfDeclarations && !isOfMembers
        let own = keepsImports ? text : text.replacing(/(?m)^import .*$/, with: "")
        let code = own.replacing(/(\n|^) *… *\n/) { "\($0.output.1)fatalError()\n" }
            .replacing(/({| in) … }/) { "\($0.output.1) fatalError() }" }
        return "#sourceLocation(file: \"\(file)\", line: \(line))\n\(code)#sourceLocation()\n"
    }

    fileprivate var isPackageManifest: Bool { lines.contains("import PackageDescription") }

    fileprivate var imports: [String] { lines.filter { $0.hasPrefix("import ") } }

    fileprivate var isOfMembers: Bool {
        lines.first { !$0.isEmpty && !$0.hasPrefix("import ") }?.hasPrefix("static ") == true
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
    /// The code above each snippet, which readers do not see.
    fileprivate var imports: [String] {
        guard !setup.isEmpty else { return [] }
        let ofSetup = setup.split(separator: "\n").filter { $0.hasPrefix("import ") }.map(String.init)
        return (isOfComments ? ofSetup : []) + ["@testable import Setup"]
    }
}
