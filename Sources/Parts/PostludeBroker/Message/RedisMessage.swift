internal import FoundationEssentials

/// A message in its final form for Redis: the bytes of kombu's envelope, and the key of the list.
package struct RedisMessage: Sendable, Hashable {
    /// The steps of kombu's priorities (`priority_steps`), each of which has its own list.
    static let prioritySteps: [UInt8] = [0, 3, 6, 9]

    package var list: String
    package var envelope: [UInt8]

    /// Returns the key of a queue's list for a priority. Workers empty the lists in the order of the steps.
    static func list(of queue: String, priority: UInt8, keyPrefix: String) -> String {
        let step = prioritySteps.last { $0 <= priority } ?? 0
        return keyPrefix + queue + (step == 0 ? "" : "\u{6}\u{16}\(step)")
    }

    /// Throws if the message would be lost by a Celery worker, or end one. Every message is checked before it is published.
    package func check(keyPrefix: String = "") throws(ContractViolation) {
        let envelope: PythonJSONValue
        do {
            envelope = try PythonJSONValue(reading: self.envelope)
        } catch {
            throw ContractViolation("envelope", "is not JSON as Python reads it: \(error)")
        }
        try Self.text(envelope["content-type"], "content-type", is: "application/json")
        try Self.text(envelope["content-encoding"], "content-encoding", is: "utf-8")
        let correlationID = try checkProperties(envelope["properties"], keyPrefix: keyPrefix)
        guard let object = envelope["headers"], object.object != nil,
            case .table(let headers)? = HeaderValue(object)
        else {
            throw ContractViolation("headers", "must be an object of texts, numbers, lists and objects")
        }
        try MessageCheck.check(headers: headers, correlationID: correlationID)
        guard let body = envelope["body"]?.string, let data = Data(base64Encoded: body) else {
            throw ContractViolation("body", "must be base64")
        }
        try MessageCheck.check(body: Array(data))
    }

    private static func text(
        _ value: PythonJSONValue?, _ place: String, is expected: String
    ) throws(ContractViolation) {
        guard value?.string == expected else {
            let found = value.map { $0.string.map(ContractViolation.quoted) ?? $0.kind } ?? "missing"
            throw ContractViolation(place, "is \(found), but must be \"\(expected)\"")
        }
    }

    /// - Returns: the correlation id.
    private func checkProperties(
        _ properties: PythonJSONValue?, keyPrefix: String
    ) throws(ContractViolation) -> String {
        guard let properties, properties.object != nil else {
            throw ContractViolation("properties", "are missing")
        }
        try Self.text(properties["body_encoding"], "properties.body_encoding", is: "base64")
        guard case .number("2")? = properties["delivery_mode"]?.content else {
            throw ContractViolation("properties.delivery_mode", "must be 2")
        }
        guard let tag = properties["delivery_tag"]?.string else {
            throw ContractViolation("properties.delivery_tag", "is missing: a worker would end")
        }
        try MessageCheck.check(id: tag, at: "properties.delivery_tag")
        guard case .number(let text)? = properties["priority"]?.content, let priority = UInt8(text),
            priority <= 9
        else {
            throw ContractViolation("properties.priority", "must be an integer from 0 to 9")
        }
        guard let replyTo = properties["reply_to"]?.string else {
            throw ContractViolation("properties.reply_to", "must be text")
        }
        if !replyTo.isEmpty { try MessageCheck.check(queue: replyTo, at: "properties.reply_to") }
        guard let info = properties["delivery_info"], info.object != nil else {
            throw ContractViolation("properties.delivery_info", "is missing: a worker would end")
        }
        try Self.text(info["exchange"], "properties.delivery_info.exchange", is: "")
        guard let queue = info["routing_key"]?.string else {
            throw ContractViolation("properties.delivery_info.routing_key", "must be the queue's name")
        }
        try MessageCheck.check(queue: queue, at: "properties.delivery_info.routing_key")
        let list = Self.list(of: queue, priority: priority, keyPrefix: keyPrefix)
        guard self.list == list else {
            let shown = ContractViolation.quoted(self.list)
            throw ContractViolation(
                "list", "is \(shown), but a worker reads \(ContractViolation.quoted(list))")
        }
        guard let id = properties["correlation_id"]?.string else {
            throw ContractViolation("properties.correlation_id", "must be the id")
        }
        return id
    }
}
