package import PostludeTaskStore

extension PostgreSQLTaskStore {
    package func steps(of id: RecordID) throws(TaskStoreError) -> [RecordStep] {
        try read { session in
            let rows = try session.run(
                """
                SELECT name, position::bigint, value FROM postlude.step
                WHERE record = (SELECT number FROM postlude.record WHERE id = $1) ORDER BY position, name
                """,
                [.id(id)])
            return try (0..<rows.count).map { row in
                RecordStep(
                    name: try rows.text(row, 0), position: Int(clamping: try rows.integer(row, 1)),
                    value: try rows.data(row, 2))
            }
        }
    }

    package func keep(_ step: RecordStep, of id: RecordID) throws(TaskStoreError) {
        try TaskStoreError.checkText(step.name, at: place)
        let isKept = try write(
            PendingWrite<Bool>(
                { context in
                    [
                        Statement(
                            Self.keeping,
                            [
                                .text(step.name), .integer(Int64(step.position)), .bytes(step.value), .id(id),
                                .integer(context.owner),
                            ])
                    ]
                }, { rows throws(PostgreSQLError) in rows.first?.changes == 1 }))
        guard isKept else { throw refusal("the task \(id) is over, or another process has it") }
    }

    package func reached(_ progress: RecordProgress, by id: RecordID) {
        writeLater { context in
            let sql = """
                UPDATE postlude.record SET progress = $1 WHERE id = $2 AND owner = $3 AND state IN (0, 1)
                """
            return [Statement(sql, [.text(progress.text), .id(id), .integer(context.owner)])]
        }
    }

    private static let keeping = """
        INSERT INTO postlude.step (record, name, position, value)
        SELECT number, $1, $2::bigint::integer, $3 FROM postlude.record WHERE id = $4 AND owner = $5 AND state IN (0, 1)
        ON CONFLICT (record, name) DO UPDATE SET position = excluded.position, value = excluded.value
        """
}
