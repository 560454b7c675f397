import Postlude
import PostludeDurable
import PostludePostgres

extension ExportsApplication {
    /// `POST /customers/{customer:int}/exports`: 202 once the export and its task are in the database, in one commit.
    func order(
        customer: Path<Int>, transaction: Transaction<ManifestDatabase>, tasks: BackgroundTasks
    ) throws -> Response {
        let number = try transaction.database.addExport(of: customer.value)
        try tasks.enqueue(
            Export(customer: customer.value, number: number), unique: "\(number)", while: .stored)
        return try .json(
            ["number": number], status: .accepted,
            headers: [.location: "/customers/\(customer.value)/exports/\(number)"])
    }
}
