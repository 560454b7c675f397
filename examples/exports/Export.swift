import Postlude
import PostludeDurable

/// Writes all measurements to a CSV file, chunk by chunk.
///
/// After each chunk the cursor is saved: the last row, and the file's length. An attempt that follows a crash or a restart cuts
/// off what was written after that, and continues with the next row, so that no row is missing or doubled.
struct Export: DurableTask {
    var customer: Int
    var number: Int

    static var policy: DurablePolicy {
        DurablePolicy(retry: RetryPolicy(attempts: 10, delay: .seconds(1), maximumDelay: .seconds(30)))
    }

    /// How far the export is.
    struct Position: Codable, Sendable {
        /// The last row that the file has.
        var row = 0
        /// The number of rows in the file.
        var count = 0
        /// The file's length in bytes.
        var length = 0
    }

    struct Report: Codable {
        var file: String
        var rows: Int
    }

    static let chunk = 10_000

    func run(_ context: TaskContext) async throws -> Report {
        let application = try context.application(ExportsApplication.self)
        // Measurements that are added later are not in the report.
        let last = try context.step("last row") { try application.measurements.lastRow() }
        let cursor = try context.cursor(from: Position(), every: 1)
        // The process may have died after it has finished the file, and before the end of the task.
        if !application.files.isFinished(number) {
            try await write(through: last, from: cursor, of: application, context)
            try application.files.finish(number)
        }
        return Report(file: ExportFiles.name(of: number), rows: cursor.value.count)
    }

    private func write(
        through last: Int, from cursor: TaskCursor<Position>, of application: ExportsApplication,
        _ context: TaskContext
    ) async throws {
        var position = cursor.value
        var file = try application.files.open(number, at: position.length)
        if file.length == 0 {
            // It is new. Or it was removed, since the export was cancelled, and runs again nevertheless.
            position = Position()
            try file.append(MeasurementsDatabase.header)
        }
        let began = ContinuousClock.now
        var written = 0
        while position.row < last {
            if let pace = application.rowsPerSecond {
                let due = began + .seconds(Double(written) / Double(pace))
                try await Task.sleep(until: due, clock: .continuous)
            }
            try Task.checkCancellation()
            let chunk = try application.measurements.chunk(
                after: position.row, through: last, limit: Self.chunk)
            try file.append(chunk.text)
            // The rows are on the disk before the cursor says so.
            try file.synchronize()
            written += chunk.count
            position = Position(
                row: chunk.lastRow, count: position.count + chunk.count, length: file.length)
            try cursor.advance(to: position)
            context.progress(Double(position.row) / Double(last), "\(position.count) rows")
        }
    }
}
