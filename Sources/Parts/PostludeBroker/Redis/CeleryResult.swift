/// The result of a task, as Celery's workers store it in Redis.
package struct CeleryResult: Sendable, Hashable {
    package enum Status: Sendable, Hashable {
        /// The task has not begun or is unknown, or its result has expired. Celery does not distinguish these.
        case pending
        case received
        case started
        /// An attempt has failed, and another one follows.
        case retry
        case success
        case failure
        /// The task has expired, or was revoked.
        case revoked
        /// A custom status that the task has set.
        case other(String)

        init(_ text: String) {
            self =
                switch text {
                case "PENDING": .pending
                case "RECEIVED": .received
                case "STARTED": .started
                case "RETRY": .retry
                case "SUCCESS": .success
                case "FAILURE": .failure
                case "REVOKED": .revoked
                default: .other(text)
                }
        }

        package var text: String {
            switch self {
            case .pending: "PENDING"
            case .received: "RECEIVED"
            case .started: "STARTED"
            case .retry: "RETRY"
            case .success: "SUCCESS"
            case .failure: "FAILURE"
            case .revoked: "REVOKED"
            case .other(let text): text
            }
        }

        /// Whether the status does not change any more.
        package var isFinal: Bool { self == .success || self == .failure || self == .revoked }
    }

    /// The exception with which the task has failed.
    package struct Failure: Sendable, Hashable {
        /// The name of the exception's class, such as `ValueError`.
        package let type: String
        package let message: String
        package let module: String?

        package init(type: String, message: String, module: String? = nil) {
            self.type = type
            self.message = message
            self.module = module
        }
    }

    package let id: String
    package let status: Status
    /// The JSON text of the value that the task has returned, or has stored about its progress.
    package let result: String?
    package let failure: Failure?
    package let traceback: String?
    /// The time of the task's end, in Celery's notation (ISO 8601).
    package let dateDone: String?

    package init(
        id: String, status: Status, result: String? = nil, failure: Failure? = nil, traceback: String? = nil,
        dateDone: String? = nil
    ) {
        self.id = id
        self.status = status
        self.result = result
        self.failure = failure
        self.traceback = traceback
        self.dateDone = dateDone
    }

    /// Returns `nil` if the stored bytes are not a result of Celery.
    init?(id: String, stored bytes: [UInt8]) {
        guard let json = try? PythonJSONValue(reading: bytes), let status = json["status"]?.string else {
            return nil
        }
        let value = json["result"]
        var failure: Failure?
        if let value, let type = value["exc_type"]?.string {
            // A list of the exception's arguments, or one text.
            let message = value["exc_message"]
            let parts =
                message?.array?.map { $0.string ?? $0.text } ?? message.map { [$0.string ?? $0.text] } ?? []
            let module = value["exc_module"]
            let names = module?.array?.compactMap(\.string).joined(separator: ".") ?? module?.string
            failure = Failure(type: type, message: parts.joined(separator: ", "), module: names)
        }
        self.init(
            id: id, status: Status(status), result: failure == nil ? value?.text : nil, failure: failure,
            traceback: json["traceback"]?.string, dateDone: json["date_done"]?.string)
    }

    /// Returns the result as Celery's own backend stores it.
    func stored() throws(ContractViolation) -> [UInt8] {
        var members: [HeaderValue.Member] = [.init("status", .text(status.text))]
        var output: [UInt8] = []
        if let failure {
            members.append(
                .init(
                    "result",
                    .table([
                        .init("exc_type", .text(failure.type)),
                        .init("exc_message", .list([.text(failure.message)])),
                        .init("exc_module", .text(failure.module ?? "builtins")),
                    ])))
        }
        members += [
            .init("traceback", traceback.map { .text($0) } ?? .null), .init("children", .list([])),
            .init("date_done", dateDone.map { .text($0) } ?? .null), .init("task_id", .text(id)),
        ]
        members.writeJSON(to: &output)
        if failure == nil {
            // The value is already JSON text: it is inserted before the closing brace.
            output.removeLast()
            output += ",\"result\":\(result ?? "null")}".utf8
        }
        try MessageCheck.check(id: id, at: "task_id")
        guard output.count <= ContractBounds.body else {
            throw ContractViolation(
                "result", "is \(output.count) bytes; at most \(ContractBounds.body) are stored")
        }
        do {
            _ = try PythonJSONValue(reading: output, isForKombu: true)
        } catch {
            throw ContractViolation("result", "is not JSON as Python reads it: \(error)")
        }
        return output
    }
}
