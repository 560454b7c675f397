package import FoundationEssentials

/// A task from a broker, checked as far as is possible without its kind.
package struct IncomingTask: Sendable {
    package let name: String
    package let id: String
    /// The positional arguments, as the text of a JSON array.
    package let arguments: String
    /// The named arguments, as the text of a JSON object.
    package let keywordArguments: String
    package let eta: Date?
    package let expires: Date?
    package let retries: Int
    package let rootID: String?
    package let parentID: String?
    package let replyTo: String?
    package let priority: UInt8?
    /// All headers, including Celery's own.
    package let headers: [HeaderValue.Member]

    /// The reason why a message is not a task that this program supports.
    struct Refusal: Error {
        /// The largest number of awaited ids. A chain may have any number of tasks.
        private static let mostAwaited = 1_000

        let reason: String
        /// The task's id, shortened for an error.
        let id: String?
        let task: String?
        /// The ids of tasks whose results callers may wait for: the tasks that were to follow this one, and then this one. In
        /// this order, a caller that has read this task's result also finds those of the others.
        let awaited: [String]

        /// - Parameters:
        ///   - headers: the message's headers, as far as they are known.
        ///   - embed: the third part of the message's body, which contains the tasks that were to follow.
        init(
            _ reason: String, of headers: [HeaderValue.Member] = [], followedBy embed: PythonJSONValue? = nil
        ) {
            self.reason = reason
            id = headers["id"]?.text.map(Self.shown)
            task = headers["task"]?.text.map(Self.shown)
            var ids: [String] = []
            if let id = headers["id"]?.text, headers["ignore_result"] != .bool(true) { ids.append(id) }
            for name in ["callbacks", "chain", "chord"] {
                if let value = embed?[name] { Self.addIDs(of: value, to: &ids) }
            }
            var seen: Set<String> = []
            awaited = ids.filter {
                (try? MessageCheck.check(id: $0, at: "id")) != nil && seen.insert($0).inserted
            }.reversed()
        }

        /// Adds the ids of all tasks in a value, in which Celery describes each as `{"task": …, "options": {"task_id": …}}`.
        private static func addIDs(of value: PythonJSONValue, to ids: inout [String]) {
            if let id = value["options"]?["task_id"]?.string, ids.count < Self.mostAwaited { ids.append(id) }
            for element in value.array ?? value.object?.map(\.value) ?? [] { addIDs(of: element, to: &ids) }
        }

        static func shown(_ text: String) -> String {
            text.utf8.count > 80
                ? String(text.unicodeScalars.prefix(60).map(Character.init)) + "…" : text
        }
    }

    init(
        contentType: String?, contentEncoding: String?, headers: [HeaderValue.Member], body: [UInt8],
        replyTo: String?, priority: UInt8?
    ) throws(Refusal) {
        let givenID = headers["id"]?.text
        let givenTask = headers["task"]?.text
        func refusal(_ reason: String) -> Refusal { Refusal(reason, of: headers) }
        guard contentType == "application/json" else {
            let found = contentType.map(ContractViolation.quoted) ?? "missing"
            throw refusal("its content type is \(found), but only application/json is supported")
        }
        guard contentEncoding == nil || contentEncoding?.lowercased() == "utf-8" else {
            throw refusal(
                "its content encoding is \(ContractViolation.quoted(contentEncoding ?? "")), not utf-8")
        }
        switch headers["compression"] {
        case nil, .null?, .text("")?: break
        case _?: throw refusal("it is compressed, which is not supported")
        }
        guard headers["task"] != nil else {
            throw refusal("it has no header \"task\": message protocol 1, or not a message of Celery's")
        }
        guard let name = givenTask, !name.isEmpty, name.utf8.count <= ContractBounds.shortString else {
            throw refusal("its header \"task\" is not a task's name")
        }
        guard let id = givenID else { throw refusal("it has no id") }
        do throws(ContractViolation) {
            try MessageCheck.check(id: id, at: "id")
        } catch {
            throw refusal("its id \(error.reason)")
        }
        guard body.count <= ContractBounds.body else {
            throw refusal("its body is \(body.count) bytes; at most \(ContractBounds.body) are read")
        }
        let json: PythonJSONValue
        do {
            json = try PythonJSONValue(reading: body)
        } catch {
            throw refusal("its body is not JSON: \(error)")
        }
        guard let parts = json.array, parts.count == 3, parts[0].array != nil, parts[1].object != nil,
            let embed = parts[2].object
        else {
            throw refusal("its body is not [args, kwargs, embed]")
        }
        for (name, value) in embed where !value.isNull && value.array?.isEmpty != true {
            throw Refusal(
                "it asks for \(Refusal.shown(name)), which only workers in Python support", of: headers,
                followedBy: parts[2])
        }
        func time(_ name: String) throws(Refusal) -> Date? {
            switch headers[name] {
            case nil, .null?: return nil
            case .text(let text)?:
                if let date = CeleryTime.date(text) { return date }
                throw refusal("its \(name) is \(ContractViolation.quoted(text)), which is not a time")
            case let other?: throw refusal("its \(name) is \(other.kind), which is not a time")
            }
        }
        eta = try time("eta")
        expires = try time("expires")
        self.name = name
        self.id = id
        arguments = parts[0].text
        keywordArguments = parts[1].text
        retries = headers["retries"]?.integer.flatMap(Int.init(exactly:)).map { max(0, $0) } ?? 0
        rootID = headers["root_id"]?.text
        parentID = headers["parent_id"]?.text
        self.replyTo = replyTo?.isEmpty == true ? nil : replyTo
        self.priority = priority
        self.headers = headers
    }
}

/// Tasks from Redis.
extension IncomingTask {
    /// Parses a task in kombu's envelope.
    init(envelope bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= ContractBounds.envelope else {
            throw Refusal("it is \(bytes.count) bytes; at most \(ContractBounds.envelope) are read")
        }
        let envelope: PythonJSONValue
        do {
            envelope = try PythonJSONValue(reading: bytes)
        } catch {
            throw Refusal("it is not JSON: \(error)")
        }
        guard let object = envelope["headers"] else {
            throw Refusal("it has no headers: not a message of Celery's")
        }
        guard case .table(let headers)? = HeaderValue(object) else {
            throw Refusal(
                "its headers are not an object, or nested more than \(HeaderValue.maximumDepth) levels deep")
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
        // Without an encoding, kombu's envelope contains the text itself.
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
