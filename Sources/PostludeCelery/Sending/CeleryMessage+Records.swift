internal import FoundationEssentials
internal import PostludeBroker
internal import PostludeDurable
internal import PostludeTaskStore

extension CeleryMessage {
    /// The message of a record that leaves.
    ///
    /// - Throws: where none can be made of it.
    init(_ task: OutgoingTask) throws(TaskBrokerError) {
        if let sent = SentCeleryTask(payload: task.payload) {
            self.init(
                task: task.name, id: task.id, arguments: sent.arguments, keywordArguments: sent.keywords)
            timeLimit = TimeLimit(hard: sent.options.timeLimit, soft: sent.options.softTimeLimit)
            priority = sent.options.priority.map(MessagePriority.init)
            headers = (sent.options.headers ?? [:]).sorted { $0.key < $1.key }
                .map { HeaderValue.Member($0.key, .text($0.value)) }
        } else {
            guard let kind = JSONText.kind(of: task.payload), kind == "an object" else {
                let kind = JSONText.kind(of: task.payload) ?? "no JSON"
                throw TaskBrokerError(
                    .message,
                    """
                    the durable task \(task.name) encodes as \(kind), but a task for a queue must encode as an \
                    object: its members are the named arguments
                    """)
            }
            self.init(
                task: task.name, id: task.id, keywordArguments: String(decoding: task.payload, as: UTF8.self))
            switch task.priority {
            case .high: priority = .high
            case .low: priority = .low
            // The plain list on Redis, and what queues without priorities have.
            case .normal: break
            }
        }
        eta = task.notBefore
        expires = task.expires
        if !task.request.isEmpty, headers["request_id"] == nil {
            headers.append(.init("request_id", .text(task.request)))
        }
    }
}

extension MessagePriority {
    init(_ priority: CeleryTask.Priority) {
        self =
            switch priority {
            case .high: .high
            case .normal: .normal
            case .low: .low
            }
    }
}

extension TaskBrokerError {
    init(_ error: BrokerError) {
        let remedy: Remedy =
            switch error.remedy {
            case .retry: .retry
            case .settings: .settings
            case .message: .message
            }
        self.init(remedy, error.description)
    }

    init(_ violation: ContractViolation) { self.init(.message, violation.description) }
}
