/// Where a table of named rows is: each row counts something for one name. Names beyond the table's end share its last row.
struct NameTable: Sendable {
    /// What the last row is called.
    static let others = "other"

    /// The word that says how many rows have a name.
    let names: Int
    let rows: Int
    let rowCount: Int
    let rowSize: Int
    /// Where the name is in a row.
    let name: Range<Int>

    var end: Int { rows + rowCount * rowSize }
}

extension SharedWords {
    func row(_ index: Int, of table: NameTable) -> SharedWords {
        from(table.rows + index * table.rowSize)
    }

    /// The rows that have a name, whatever the words hold.
    func namedRows(of table: NameTable) -> [SharedWords] {
        let count = min(published(table.names), UInt64(table.rowCount))
        return (0..<Int(clamping: count)).map { row($0, of: table) }
    }

    /// Names the next row that has no name.
    ///
    /// - Parameter known: the names so far, by their rows. Callers take turns.
    /// - Returns: the row of `name`.
    func place(of name: String, in table: NameTable, known: inout [String: Int]) -> Int {
        if let place = known[name] { return place }
        let last = table.rowCount - 1
        let place = Int(clamping: self[table.names])
        guard place <= last else { return last }
        let label = place < last ? name : NameTable.others
        row(place, of: table).write(label, at: table.name)
        publish(table.names, UInt64(place + 1))
        known[label] = place
        return place
    }
}
