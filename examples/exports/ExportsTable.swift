import PostludePostgres

/// The table of the exports: in SQLite or in PostgreSQL, in the database that has their tasks.
enum ExportsTable {
    /// Makes the table if it is missing. Each process calls it when it starts.
    static func make(_ connection: any SQLConnection) throws {
        let numbered =
            connection is PostgreSQLConnection
            ? "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY" : "INTEGER PRIMARY KEY"
        try connection.execute(
            "CREATE TABLE IF NOT EXISTS export (number \(raw: numbered), customer bigint NOT NULL)")
        try connection.execute("CREATE INDEX IF NOT EXISTS export_customer ON export (customer, number)")
    }
}

extension SQLConnection {
    /// - Returns: the number of the new export.
    func addExport(of customer: Int) throws -> Int {
        try value("INSERT INTO export (customer) VALUES (\(customer)) RETURNING number") ?? 0
    }

    func hasExport(_ number: Int, of customer: Int) throws -> Bool {
        try value("SELECT count(*) FROM export WHERE number = \(number) AND customer = \(customer)") == 1
    }

    /// - Returns: the numbers of the customer's last exports, the newest first.
    func exports(of customer: Int) throws -> [Int] {
        try query(
            "SELECT number FROM export WHERE customer = \(customer) ORDER BY number DESC LIMIT 20"
        ).map { try $0.decode(0) }
    }
}
