internal import FoundationEssentials
internal import GRDB
package import PostludeTaskStore

extension SQLiteTaskStore {
    package func steps(of id: RecordID) throws(TaskStoreError) -> [RecordStep] {
        try read { database in
            let rows = try Row.fetchAll(try database.statement(Self.kept), arguments: [id.text])
            return try rows.map { row in
                guard let name = String.fromDatabaseValue(row[0]),
                    let position = Int.fromDatabaseValue(row[1]), let value = Data.fromDatabaseValue(row[2])
                else {
                    throw DatabaseError(
                        resultCode: .SQLITE_CORRUPT, message: "a step of \(id) that cannot be")
                }
                return RecordStep(name: name, position: position, value: value)
            }
        }
    }

    package func keep(_ step: RecordStep, of id: RecordID) throws(TaskStoreError) {
        try TaskStoreError.checkText(step.name, at: path)
        let owner = owner
        let isKept = try write { database in
            try database.run(Self.keeping, [step.name, step.position, step.value, id.text, owner])
            return database.changesCount == 1
        }
        guard isKept else { throw refusal("the task \(id) is over, or another process has it") }
    }

    package func reached(_ progress: RecordProgress, by id: RecordID) {
        let owner = owner
        writeLater { try $0.run(Self.progressing, [progress.text, id.text, owner]) }
    }

    private static let kept: TaskStoreSQL = """
        SELECT name, position, value FROM ~step WHERE record = (SELECT number FROM ~record WHERE id = ?)
        ORDER BY position, name
        """
    private static let keeping: TaskStoreSQL = """
        INSERT INTO ~step (record, name, position, value)
        SELECT number, ?, ?, ? FROM ~record WHERE id = ? AND owner = ? AND state IN (0, 1)
        ON CONFLICT (record, name) DO UPDATE SET position = excluded.position, value = excluded.value
        """
    private static let progressing: TaskStoreSQL = """
        INSERT INTO ~progress (record, progress)
        SELECT number, ? FROM ~record WHERE id = ? AND owner = ? AND state IN (0, 1)
        ON CONFLICT (record) DO UPDATE SET progress = excluded.progress
        """
    /// What a record that runs anew forgets: what it has reported, and its interruptions.
    static let forgettingProgress: TaskStoreSQL = "DELETE FROM ~progress WHERE record = ?"
    static let forgettingSteps: TaskStoreSQL = "DELETE FROM ~step WHERE record = ?"
}
