import PostludePostgres

/// The tables of the shop: in SQLite, or in PostgreSQL.
enum OrdersTables {
    /// Makes the tables that are missing. Each process calls it when it starts.
    static func make(_ connection: any SQLConnection) throws {
        let numbered =
            connection is PostgreSQLConnection
            ? "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY" : "INTEGER PRIMARY KEY"
        try connection.execute(
            "CREATE TABLE IF NOT EXISTS placed_order (id TEXT PRIMARY KEY, email TEXT NOT NULL)")
        for name in ["charge", "ledger"] {
            try connection.execute(
                """
                CREATE TABLE IF NOT EXISTS \(raw: name) (
                    number \(raw: numbered), placed_order TEXT NOT NULL REFERENCES placed_order
                )
                """)
        }
    }
}

/// The statements, which both databases understand.
extension SQLConnection {
    /// - Returns: false if the order was placed before.
    func place(_ order: Order) throws -> Bool {
        try execute(
            """
            INSERT INTO placed_order (id, email) VALUES (\(order.id.description), \("\(order.email)"))
            ON CONFLICT DO NOTHING
            """) == 1
    }

    /// - Returns: the number of the charge.
    func noteCharge(of order: String) throws -> Int {
        try value("INSERT INTO charge (placed_order) VALUES (\(order)) RETURNING number") ?? 0
    }

    /// - Returns: the number of the entry.
    func enterInLedger(_ order: String) throws -> Int {
        try value("INSERT INTO ledger (placed_order) VALUES (\(order)) RETURNING number") ?? 0
    }
}
