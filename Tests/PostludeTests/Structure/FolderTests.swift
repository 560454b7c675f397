import Testing

/// Compares the folders of each module with the tables of the architecture page.
@Suite("The folders of the modules")
struct FolderTests {
    /// The Swift files below a folder of the repository, by their paths from there.
    private static func files(in folder: String) throws -> [String: String] {
        let paths = try Repository.paths(below: folder).filter { $0.hasSuffix(".swift") }
        return try Dictionary(
            uniqueKeysWithValues: paths.map { ($0, try Repository.text("\(folder)/\($0)")) })
    }

    /// The names of members, by module.
    private static let membersOfParts = Result {
        try files(in: "Sources/Parts").reduce(into: [:] as [Substring: Set<String>]) { members, file in
            members[file.key.prefix { $0 != "/" }, default: []].formUnion(
                SwiftDeclarations(SwiftWords(file.value).all).members)
        }
    }

    @Test(arguments: [
        "Sources/Postlude", "Sources/PostludeDurable", "Sources/PostludeCelery",
        "Sources/Parts/PostludeBroker", "Sources/Parts/PostludePostgreSQLStore",
        "Sources/Parts/PostludeSQLiteStore", "Sources/Parts/PostludeTaskStore",
    ])
    func `a folder uses only those that its row names`(_ source: String) throws {
        let page = try Repository.article("Architecture")
        let module = try #require(source.split(separator: "/").last)
        let table = try #require(FolderTable.tables(in: page)[String(module)])
        let parts = try Self.membersOfParts.get()
        let foreign = parts.filter { $0.key != module }.values.reduce(into: Set<String>()) {
            $0.formUnion($1)
        }
        let graph = FolderGraph(try Self.files(in: source), foreign: foreign)
        for problem in table.problems(of: graph) { Issue.record("\(source): \(problem)") }
    }

    // MARK: The test's own tests

    private static let layers = FolderTable.tables(
        in: """
            ## The folders of Shop

            | Folder | Holds | Uses |
            |---|---|---|
            | `Counter` | what sells | `Stock` |
            | `Stock` | what is sold | |
            """)["Shop"]

    private func problems(_ files: [String: String]) throws -> [String] {
        try #require(Self.layers).problems(of: FolderGraph(files))
    }

    private static let clerk = "struct Clerk { let shelf: Shelf }"
    private static let shelf = "struct Shelf {}"

    @Test func `a use of a lower folder is right`() throws {
        #expect(try problems(["Counter/Clerk.swift": Self.clerk, "Stock/Shelf.swift": Self.shelf]) == [])
    }

    @Test func `a use of a higher folder is named with its file, its line and the two folders`() throws {
        let shelf = """
            /// Not Clerk.
            struct Shelf {
                // Nor here, Clerk.
                let text = "nor here: Clerk"
                func call() { Clerk(shelf: self) }
            }
            """
        #expect(
            try problems(["Counter/Clerk.swift": Self.clerk, "Stock/Shelf.swift": shelf])
                == ["Stock/Shelf.swift:5: Stock uses Clerk of Counter; the table does not let it"])
    }

    @Test func `an interpolation counts, and so does a member that an extension adds`() throws {
        let shelf = """
            struct Shelf {
                let text = "\\("a" + Clerk.name) \\(1) Clerk"
                func sell() { soldAtCounter() }
            }
            """
        let sale = "extension Shelf { func soldAtCounter() {} }"
        #expect(
            try problems([
                "Counter/Clerk.swift": Self.clerk, "Counter/Sale.swift": sale, "Stock/Shelf.swift": shelf,
            ]) == [
                "Stock/Shelf.swift:2: Stock uses Clerk of Counter; the table does not let it",
                "Stock/Shelf.swift:3: Stock uses soldAtCounter of Counter; the table does not let it",
            ])
    }

    @Test func `another declaration with the same name does not count`() throws {
        let shelf = """
            struct Shelf {
                struct Clerk {}
                let own = Clerk()
            }
            """
        let list = "struct List<Till> { let one: Till; let other: Shelf.Till }"
        let till = "struct Till {}; private struct List {}"
        #expect(
            try problems([
                "Counter/Clerk.swift": Self.clerk, "Counter/Till.swift": till, "Stock/Shelf.swift": shelf,
                "Stock/List.swift": list,
            ]) == [])
    }

    @Test func `the table is compared with the folders as well`() throws {
        #expect(
            try problems(["Counter/Clerk.swift": "struct Clerk {}", "Cellar/Shelf.swift": Self.shelf]) == [
                "the table has no row for the folder Cellar",
                "the table lets Counter use Stock, which it does not use",
                "the table has a row for Stock, and there is no such folder",
            ])
        let upward = FolderTable.tables(
            in: """
                ## The folders of Shop
                | `Stock` | what is sold | |
                | `Counter` | what sells | `Stock` |
                """)["Shop"]
        let graph = FolderGraph(["Counter/Clerk.swift": Self.clerk, "Stock/Shelf.swift": Self.shelf])
        #expect(
            try #require(upward).problems(of: graph)
                == ["the table lets Counter use Stock, which does not stand below it"])
    }
}
