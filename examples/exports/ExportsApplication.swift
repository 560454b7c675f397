import FoundationEssentials
import Postlude
import PostludeDurable
import PostludePostgres

/// Reports of a million rows: each is a durable task that is made in chunks, shows its progress, can be cancelled, and
/// continues after a crash where it was.
@main
struct ExportsApplication: Application {
    let measurements: MeasurementsDatabase
    let files: ExportFiles
    /// How fast an export is made; nil for as fast as possible.
    let rowsPerSecond: Int?
    /// For the customers who cancel exports.
    let durableTasks = DurableTasks()

    init() {
        let environment = ProcessInfo.processInfo.environment
        let rowsPerSecond = environment["EXPORTS_ROWS_PER_SECOND"].flatMap { Int($0) } ?? 100_000
        self.init(
            folder: environment["STATE_DIRECTORY"] ?? "/var/lib/exports",
            rows: environment["EXPORTS_ROWS"].flatMap { Int($0) } ?? 1_000_000,
            rowsPerSecond: rowsPerSecond > 0 ? rowsPerSecond : nil)
    }

    /// - Parameters:
    ///   - folder: the folder of the measurements and of the exported files.
    ///   - rows: the number of measurements that are made if there are none.
    ///   - rowsPerSecond: nil for as fast as possible.
    init(folder: String, rows: Int, rowsPerSecond: Int?) {
        measurements = MeasurementsDatabase(path: folder + "/measurements.sqlite", rows: rows)
        files = ExportFiles(folder: folder + "/files")
        self.rowsPerSecond = rowsPerSecond
    }

    var handlers: Handlers {
        Handler("home", home)
        Handler("order-export", order)
        Handler("list-exports", list)
        Handler("show-export", show)
        Handler("cancel-export", cancel)
        Handler("download-export", download)
        Handler.durableTaskEvents()
    }

    var taskEngine: TaskEngine? {
        .durable(durableTasks, in: .manifestDatabase(prepare: ExportsTable.make)) {
            Export.self
        }
    }

    /// Before the first request: a process that finds no measurements makes them.
    func start() throws {
        try files.makeFolder()
        try measurements.open()
    }

    func stop() throws { try measurements.close() }
}
