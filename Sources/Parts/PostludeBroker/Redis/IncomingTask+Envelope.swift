internal import FoundationEssentials

extension IncomingTask {
    /// A task in kombu's envelope.
    init(envelope bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= ContractBounds.envelope else {
            throw Refusal("it is \(bytes.count) bytes; at most \(ContractBounds.envelope) are read")
        }
        let envelope: JSONValue
        do {
            envelope = try JSONReader.read(bytes)
        } catch {
            throw Refusal("it is not JSON: \(error)")
        }
        guard let object = envelope["headers"] else {
            throw Refusal("it has no headers: no message of Celery's")
        }
        guard case .table(let headers)? = HeaderValue(object) else {
            throw Refusal(
                "its headers are no object, or nested more than \(HeaderValue.maximumDepth) levels deep")
        }
        let properties = envelope["properties"]
        guard let text = envelope["body"]?.string else {
            throw Refusal("it has no body", of: headers)
        }
        let body: [UInt8]
        switch properties?["body_encoding"]?.string {
        case "base64":
            guard let data = Data(base64Encoded: text) else {
                throw Refusal("its body is not base64", of: headers)
            }
            body = Array(data)
        // kombu's without an encoding hold the text itself.
        default: body = Array(text.utf8)
        }
        var priority: UInt8?
        if case .number(let number)? = properties?["priority"]?.content { priority = UInt8(number) }
        try self.init(
            contentType: envelope["content-type"]?.string,
            contentEncoding: envelope["content-encoding"]?.string,
            headers: headers, body: body, replyTo: properties?["reply_to"]?.string, priority: priority)
    }
}
