internal import FoundationEssentials
package import PostludeTaskStore

extension PostgreSQLDriver {
    package func readContents(of place: String, _ body: ([RecordContent]) throws -> Bool) throws -> Bool {
        let address = try PostgreSQLAddress(place)
        do {
            let session = try Session(address, Session.Limits(lockTimeout: TaskStoreSettings().lockTimeout))
            guard try StoreMigration(session, place: address.place).readableVersion() != nil else {
                return false
            }
            return try ContentReading(session).run(body)
        } catch let error as PostgreSQLError {
            throw TaskStoreError(address.place, error)
        }
    }
}

/// The reading of the records' contents, page by page, in the order of the index of open records.
private struct ContentReading {
    private static let pageSize: Int64 = 1000

    private let session: Session

    init(_ session: Session) { self.session = session }

    func run(_ body: ([RecordContent]) throws -> Bool) throws -> Bool {
        var last = (name: "", state: Int64(-1), number: Int64(-1))
        while true {
            let rows = try session.run(
                Self.page,
                [.text(last.name), .integer(last.state), .integer(last.number), .integer(Self.pageSize)])
            guard rows.count > 0 else { return true }
            guard try body((0..<rows.count).map { try content(rows, $0) }) else { return true }
            let row = rows.count - 1
            last = (try rows.text(row, 0), try rows.integer(row, 1), try rows.integer(row, 2))
        }
    }

    private func content(_ rows: Rows, _ row: Int) throws(PostgreSQLError) -> RecordContent {
        guard let id = RecordID(try rows.text(row, 3)) else { throw .unexpected("an id that is not one") }
        return RecordContent(
            id: id, name: try rows.text(row, 0), isForQueue: try rows.boolean(row, 4),
            deaths: Int(clamping: try rows.integer(row, 5)),
            version: try rows.optionalInteger(row, 6).map { Int(clamping: $0) },
            payload: try rows.data(row, 7))
    }

    private static let page = """
        SELECT r.name, r.state::bigint, r.number, r.id::text, r.queue IS NOT NULL,
            coalesce((SELECT s.deaths FROM postlude.suspect s WHERE s.record = r.number), 0)::bigint,
            (SELECT s.version FROM postlude.shape s WHERE s.number = r.shape), r.payload
        FROM postlude.record r
        WHERE r.state IN (0, 1, 3, 6) AND (r.name, r.state, r.number) > ($1, $2::smallint, $3)
        ORDER BY r.name, r.state, r.number LIMIT $4
        """
}
