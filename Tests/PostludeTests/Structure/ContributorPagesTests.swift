import Foundation
import Testing

/// Compares the statements about the source tree on the contributors' pages with the tree.
@Suite("The pages for contributors")
struct ContributorPagesTests {
    /// The modules by name, with their folders.
    private func modules() throws -> [String: String] {
        var modules: [String: String] = [:]
        for folder in ["Sources", "Sources/Parts", "Sources/C"] {
            let path = Repository.url(folder).path
            for name in try FileManager.default.contentsOfDirectory(atPath: path)
            where name != "Parts" && name != "C" {
                modules[name] = "\(folder)/\(name)"
            }
        }
        return modules
    }

    private func imports(of folder: String) throws -> Set<String> {
        var imports: Set<String> = []
        for file in try Repository.paths(below: folder) where file.hasSuffix(".swift") {
            let lines = try Repository.text("\(folder)/\(file)").matches(
                of: #/^(?:@\w+ )?(?:\w+ )?import (C?Postlude\w*)/#.anchorsMatchLineEndings())
            imports.formUnion(lines.map { String($0.1) })
        }
        return imports
    }

    @Test("The architecture page has each module, with the modules that it imports")
    func moduleGraph() throws {
        let modules = try modules()
        let rows = try Repository.table("module | what it does", in: Repository.article("Architecture"))
        let named = rows.flatMap { Repository.names(in: $0[0]) }
        #expect(Set(named) == Set(modules.keys))
        #expect(named.count == rows.count)
        for row in rows {
            let module = Repository.names(in: row[0]).first ?? ""
            guard let folder = modules[module] else { continue }
            #expect(try Set(Repository.names(in: row[2])) == imports(of: folder), "\(module) uses")
        }
    }

    @Test("The diagram of the modules has each of them")
    func picture() throws {
        let modules = try modules()
        for name in ["modules.svg", "modules~dark.svg"] {
            let picture = try Repository.text("Sources/Postlude/Postlude.docc/Resources/\(name)")
            for (module, folder) in modules {
                let isPart = folder.hasPrefix("Sources/Parts/")
                let label = isPart ? module.trimmingPrefix("Postlude") : module[...]
                #expect(picture.contains(">\(label)</text>"), "\(module) in \(name)")
            }
        }
    }

    @Test("A request passes through no more than 30 files, and each file that the page names exists")
    func requestsWay() throws {
        let text = try Repository.article("Architecture")
        let way = try Repository.table("file | what it does there", in: text).flatMap {
            Repository.names(in: $0[0])
        }
        #expect((20...30).contains(way.count) && Set(way).count == way.count)
        let named = Repository.names(in: text).filter { $0.hasSuffix(".swift") && $0 != "Module/File.swift" }
        let modules = try modules()
        for name in Set(named) {
            let parts = name.split(separator: "/").map(String.init)
            try #require(parts.count == 2, "\(name)")
            let folder = try #require(modules[parts[0]], "\(name)")
            let found = try Repository.paths(below: folder).filter {
                ($0 as NSString).lastPathComponent == parts[1]
            }
            #expect(found.count == 1, "\(name): \(found)")
        }
    }

    @Test("Each suite that shows a finding exists")
    func findings() throws {
        let suites = try Set(
            Repository.paths(below: "Tests").filter { $0.hasSuffix("Tests.swift") }
                .map { String(($0 as NSString).lastPathComponent.dropLast(6)) })
        let named = Repository.names(in: try Repository.article("Findings")).filter {
            $0.wholeMatch(of: #/\w+Tests/#) != nil
        }
        #expect(named.count > 30)
        for suite in Set(named) { #expect(suites.contains(suite), "\(suite)") }
    }

    @Test("Each type of a task in the glossary is declared in the module that it names")
    func taskTypes() throws {
        let modules = try modules()
        for row in try Repository.table("type | module", in: Repository.article("Glossary")) {
            let type = try #require(Repository.names(in: row[0]).first)
            let folder = try #require(Repository.names(in: row[1]).first.flatMap { modules[$0] }, "\(row[1])")
            let declaration = try Regex("\\b(struct|class|enum|protocol|actor) \(type)\\b")
            let isDeclared = try Repository.paths(below: folder).filter { $0.hasSuffix(".swift") }
                .contains { try Repository.text("\(folder)/\($0)").contains(declaration) }
            #expect(isDeclared, "\(type) in \(folder)")
        }
    }

    @Test("The files named in CONTRIBUTING exist")
    func contributing() throws {
        let text = try Repository.text(".github/CONTRIBUTING.md")
        let known = try Set(
            (Repository.paths(below: "Sources") + Repository.paths(below: "Tests")).map {
                ($0 as NSString).lastPathComponent
            })
        let named = Repository.names(in: text).filter {
            $0.hasSuffix(".swift") && !$0.contains("…") && !$0.contains("<")
        }
        .map { ($0 as NSString).lastPathComponent }
        .filter { !$0.hasPrefix("Type+") }
        #expect(named.count >= 6)
        for name in named { #expect(known.contains(name), "\(name)") }
        for link in text.matches(of: #/\]\(([^)#]+)/#) where !link.1.hasPrefix("http") {
            let path = Repository.url(".github/\(link.1)").standardized.path
            #expect(FileManager.default.fileExists(atPath: path), "\(link.1)")
        }
    }
}
