import Postlude
import PostludeDurable
import PostludePostgres

extension ExportsApplication {
    /// `POST /customers/{customer:int}/exports/{number:int}/cancel`: the export is cancelled within a second, in whatever process
    /// it waits or runs. Its file is removed.
    func cancel(
        export: Path<ExportKey>, snapshot: Snapshot<ManifestDatabase>, tasks: BackgroundTasks
    ) throws -> ExportState {
        let number = try state(of: export.value, in: snapshot, tasks: tasks).number
        let count = try durableTasks.cancel(
            .key("\(number)", of: Export.self), by: "customer \(export.value.customer)")
        if count > 0 { files.remove(number) }
        return try state(of: export.value, in: snapshot, tasks: tasks)
    }
}
