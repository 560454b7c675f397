import Foundation
import Testing

@Suite("The documentation")
struct DocumentationTests {
    @Test("Swift snippets compile", arguments: Document.all)
    func swift(document: Document) throws {
        let folder = try TestFolder()
        let setup = try SwiftCompiler.makeModule("Setup", of: document.setup, in: folder)
        try #require(setup.exit == .status(0), "Tests/SnippetSetup/\(document.name).swift: \(setup.errors)")
        for batch in SnippetProgram.batches(of: SnippetProgram.all(of: document)) {
            for program in batch { try folder.write(program.file, program.text) }
            if batch.count > 1, try check(batch, in: folder).exit == .status(0) { continue }
            for program in batch {
                let check = try check([program], in: folder)
                #expect(check.exit == .status(0), "\(check.errors)")
            }
        }
    }

    private func check(_ batch: [SnippetProgram], in folder: TestFolder) throws -> Command {
        let first = try #require(batch.first)
        guard !first.isPackageManifest else {
            return try SwiftCompiler.check(packageManifest: first.file, in: folder)
        }
        return try SwiftCompiler.check(
            batch.map(\.file) + (first.extendsSetup ? ["Setup.swift"] : []), in: folder)
    }

    @Test("A wrong snippet is found, and named by its place in the document")
    func brokenSnippet() throws {
        let article = [
            "# Tasks", "```swift", "import Postlude", "", "func add(request: Request) {",
            "    request.tasks.add(print)", "}", "```",
        ]
        let lines = article.enumerated().map { (number: $0 + 1, text: $1) }
        let document = Document(name: "", snippets: Snippet.all(in: lines, of: "Article.md"))
        let program = try #require(SnippetProgram.all(of: document).first)
        let folder = try TestFolder()
        try folder.write("Snippet.swift", program.text)
        let check = try SwiftCompiler.check(["Snippet.swift"], in: folder)
        #expect(check.exit == .status(1))
        #expect(check.errors.contains("Article.md:6:"), "\(check.errors)")
    }

    @Test("A snippet without a necessary import is found")
    func missingImport() throws {
        let article = ["```swift", "import Postlude", "", "let logger = Logger(label: \"shop\")", "```"]
        let lines = article.enumerated().map { (number: $0 + 1, text: $1) }
        let document = Document(name: "", snippets: Snippet.all(in: lines, of: "Article.md"))
        let program = try #require(SnippetProgram.all(of: document).first)
        let folder = try TestFolder()
        try folder.write("Snippet.swift", program.text)
        let check = try SwiftCompiler.check(["Snippet.swift"], in: folder)
        #expect(check.errors.contains("cannot find 'Logger' in scope"), "\(check.errors)")
    }

    @Test(
        "An article says where the undeclared names of its snippets are declared",
        arguments: Document.articles)
    func setup(article: Document) throws {
        let path = BuildProducts.repository + "/" + (article.path ?? "")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let mention = "`Tests/SnippetSetup/\(article.name).swift`"
        #expect(text.contains(mention) == !article.setup.isEmpty, "\(article.name)")
    }

    @Test("Manifests are valid", arguments: Document.all.flatMap { $0.snippets(in: ["yaml"]) })
    func manifest(snippet: Snippet) throws {
        let folder = try TestFolder()
        let manifest = SnippetManifest(snippet.text)
        try folder.write("routes.yaml", manifest.text)
        let check = try Command(
            manifest.program, ["check"], in: folder, environment: manifest.environment)
        #expect(check.exit == .status(0), "\(snippet): \(check.errors)")
    }

    @Test("Commands can be parsed", arguments: Document.all.flatMap { $0.snippets(in: ["sh", "console"]) })
    func shell(snippet: Snippet) throws {
        // In a transcript, commands follow a dollar sign, and their output follows them.
        let commands = snippet.lines.filter { $0.hasPrefix("$ ") }.map { $0.dropFirst(2) + "\n" }.joined()
        let folder = try TestFolder()
        try folder.write("script", snippet.language == "sh" ? snippet.text : commands)
        let check = try Command("bash", ["-n", folder.file("script")], in: folder)
        #expect(check.exit == .status(0), "\(snippet): \(check.errors)")
    }

    @Test(
        "nginx accepts the nginx configurations",
        arguments: Document.all.flatMap { $0.snippets(in: ["nginx"]) })
    func nginx(snippet: Snippet) throws {
        let folder = try TestFolder()
        let file = try SnippetSite.write(snippet.text, to: folder)
        let check = try Command(
            NginxServer.executable, ["-t", "-p", folder.path, "-e", folder.file("log"), "-c", file],
            in: folder)
        #expect(check.exit == .status(0), "\(snippet): \(check.errors)\(folder.text("log"))")
    }

    @Test("systemd accepts the units", arguments: Document.all.flatMap { $0.snippets(in: ["ini"]) })
    func unit(snippet: Snippet) throws {
        var units = try SystemdUnits(in: TestFolder())
        try units.add(snippet.text)
        let check = try units.verify()
        #expect(check.exit == .status(0) && check.errors.isEmpty, "\(snippet): \(check.errors)")
    }

    @Test("JSON is valid", arguments: Document.all.flatMap { $0.snippets(in: ["json"]) })
    func json(snippet: Snippet) {
        #expect(throws: Never.self, "\(snippet)") {
            try JSONSerialization.jsonObject(with: Data(snippet.text.utf8), options: .fragmentsAllowed)
        }
    }

    @Test("Python can be parsed", arguments: Document.all.flatMap { $0.snippets(in: ["python"]) })
    func python(snippet: Snippet) throws {
        let folder = try TestFolder()
        try folder.write("snippet.py", snippet.text)
        let check = try Command(
            "python3", ["-c", "import ast; ast.parse(open('snippet.py').read())"], in: folder)
        #expect(check.exit == .status(0), "\(snippet): \(check.errors)")
    }

    @Test("Every fence names its language, or is plain text")
    func languages() {
        let known: Set = [
            "", "console", "ini", "json", "mermaid", "nginx", "python", "sh", "sql", "swift", "yaml",
        ]
        for snippet in Document.all.flatMap(\.snippets) {
            #expect(known.contains(snippet.language), "\(snippet): ```\(snippet.language)")
        }
    }

    @Test("Every document is found, and every setup belongs to a document")
    func documents() throws {
        #expect(Document.articles.count >= 15)
        #expect(Document.comments.allSatisfy { !$0.snippets.isEmpty })
        #expect(Document.readmes.contains { !$0.snippets(in: ["swift"]).isEmpty })
        let setups = try FileManager.default.contentsOfDirectory(
            atPath: BuildProducts.repository + "/Tests/SnippetSetup")
        let known = Set(Document.all.map { $0.name + ".swift" })
        #expect(known.isSuperset(of: setups), "\(Set(setups).subtracting(known))")
    }

    @Test("Every public symbol is documented", arguments: Document.modules)
    func comments(module: String) throws {
        let graph = try SymbolGraph(of: module, in: TestFolder())
        #expect(graph.undocumented.isEmpty, "\(graph.undocumented.joined(separator: "\n"))")
    }

    @Test(
        "DocC reports no problems with the catalogs, and every symbol is in a topic group",
        arguments: Document.modules)
    func catalog(module: String) throws {
        let folder = try TestFolder()
        let archive = try DocCArchive(of: module, with: SymbolGraph(of: module, in: folder), in: folder)
        #expect(archive.complaints.isEmpty, "\(archive.complaints.joined(separator: "\n"))")
        let leftOver = try archive.leftOver(on: module.lowercased())
        #expect(leftOver.isEmpty, "\(leftOver.joined(separator: "\n"))")
    }
}
