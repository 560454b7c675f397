import Postlude
import PostludeDurable
import PostludePostgres

extension ExportsApplication {
    /// `GET /customers/{customer:int}/exports`: the customer's exports, the newest first.
    func list(
        customer: Path<Int>, snapshot: Snapshot<ManifestDatabase>, tasks: BackgroundTasks
    ) throws -> [ExportState] {
        try snapshot.database.exports(of: customer.value).compactMap { try state(of: $0, tasks: tasks) }
    }

    /// `GET /customers/{customer:int}/exports/{number:int}`: the state of an export.
    func show(
        export: Path<ExportKey>, snapshot: Snapshot<ManifestDatabase>, tasks: BackgroundTasks
    ) throws -> ExportState {
        try state(of: export.value, in: snapshot, tasks: tasks)
    }

    /// `GET /customers/{customer:int}/exports/{number:int}/file`: the CSV file of a finished export.
    func download(
        export: Path<ExportKey>, snapshot: Snapshot<ManifestDatabase>, tasks: BackgroundTasks
    ) throws -> Response {
        let state = try state(of: export.value, in: snapshot, tasks: tasks)
        guard state.state == .done else {
            throw HTTPError(.conflict, "Export \(state.number) is \(state.state.rawValue)")
        }
        return try .file(files.path(of: state.number), download: ExportFiles.name(of: state.number))
    }

    /// - Throws: 404 if the customer has no such export.
    func state(
        of export: ExportKey, in snapshot: Snapshot<ManifestDatabase>, tasks: BackgroundTasks
    ) throws -> ExportState {
        guard try snapshot.database.hasExport(export.number, of: export.customer),
            let state = try state(of: export.number, tasks: tasks)
        else { throw HTTPError(.notFound, "Customer \(export.customer) has no export \(export.number)") }
        return state
    }

    /// - Returns: nil if the task store has removed the task since (`keep` in the manifest).
    private func state(of number: Int, tasks: BackgroundTasks) throws -> ExportState? {
        guard let status = try tasks.status(of: Export.self, unique: "\(number)") else { return nil }
        // An operator may have cancelled it, or the process may have died before the attempt ended.
        if status.state == .cancelled { files.remove(number) }
        return try ExportState(number: number, status)
    }
}

/// An export in a path.
struct ExportKey: Decodable, Sendable {
    var customer: Int
    var number: Int
}

/// An export as a client sees it.
struct ExportState: Codable {
    var number: Int
    /// The id of its task, by which the client can follow it.
    var task: String
    var state: DurableTaskStatus.State
    var attempts: Int
    var progress: DurableTaskStatus.Progress?
    /// The name of the file and the number of its rows, when it is complete.
    var report: Export.Report?

    init(number: Int, _ status: DurableTaskStatus) throws {
        self.number = number
        task = status.id
        state = status.state
        attempts = status.attempts
        progress = status.progress
        report = try status.result()
    }
}
