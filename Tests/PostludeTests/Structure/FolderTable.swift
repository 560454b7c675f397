/// The folders of a module, from a page's table: the uppermost first, each with the folders that it uses.
struct FolderTable {
    struct Row {
        let folder: String
        let uses: [String]
    }

    private(set) var rows: [Row] = []

    /// - Returns: the tables of a page by module, found below a heading `The folders of …`.
    static func tables(in page: String) -> [String: FolderTable] {
        var tables: [String: FolderTable] = [:]
        var module: String?
        for line in page.split(separator: "\n") {
            if line.hasPrefix("#") {
                let heading = line.drop { $0 == "#" }.dropFirst()
                let start = "The folders of "
                module = heading.hasPrefix(start) ? String(heading.dropFirst(start.count)) : nil
            }
            guard let module, line.hasPrefix("| `") else { continue }
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map(codeWords)
            guard cells.count == 5, let folder = cells[1].first else { continue }
            tables[module, default: FolderTable()].rows.append(Row(folder: folder, uses: cells[3]))
        }
        return tables
    }

    /// The text between backquotes.
    private static func codeWords(_ cell: Substring) -> [String] {
        cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .compactMap { $0.isMultiple(of: 2) ? nil : String($1) }
    }

    /// The mistakes in the module's files, or in the table.
    func problems(of graph: FolderGraph) -> [String] {
        let places = Dictionary(
            rows.enumerated().map { ($1.folder, $0) }, uniquingKeysWith: { first, _ in first })
        var unused = Dictionary(rows.map { ($0.folder, Set($0.uses)) }, uniquingKeysWith: { $1.union($0) })
        var problems: [String] = []
        for row in rows {
            for use in row.uses where (places[use] ?? -1) <= (places[row.folder] ?? 0) {
                problems.append("the table lets \(row.folder) use \(use), which does not stand below it")
            }
        }
        for use in graph.uses {
            unused[use.user]?.remove(use.used)
            guard rows.first(where: { $0.folder == use.user })?.uses.contains(use.used) != true else {
                continue
            }
            problems.append("\(use); the table does not let it")
        }
        for folder in graph.folders.subtracting(places.keys).sorted() {
            problems.append("the table has no row for the folder \(folder)")
        }
        for row in rows {
            if !graph.folders.contains(row.folder) {
                problems.append("the table has a row for \(row.folder), and there is no such folder")
            }
            for use in unused[row.folder, default: []].sorted() {
                problems.append("the table lets \(row.folder) use \(use), which it does not use")
            }
        }
        return problems
    }
}
