/// Checks that messages satisfy Celery's requirements on every broker, before they are sent.
enum MessageCheck {
    /// Celery's own headers. A message must have each of them once.
    private static let required = [
        "lang", "task", "id", "root_id", "parent_id", "group", "eta", "expires", "retries", "timelimit",
        "argsrepr",
        "kwargsrepr", "origin",
    ]
    /// The names that additional headers must not have. Celery makes headers attributes of the task's request, and kombu acts
    /// on some (`compression` makes it decompress the body).
    private static let reserved: Set<String> = [
        "args", "callbacks", "called_directly", "chain", "chord", "children", "compression", "correlation_id",
        "delivery_info",
        "errbacks", "group_index", "headers", "hostname", "ignore_result", "is_eager", "kwargs", "logfile",
        "loglevel", "properties", "redelivered", "replaced_task_nesting", "reply_to", "request_stack",
        "shadow", "stamped_headers",
        "stamps", "taskset", "utc",
    ]

    // MARK: Headers

    static func check(headers: [HeaderValue.Member], correlationID: String) throws(ContractViolation) {
        var names: Set<[UInt8]> = []
        var size = 0
        for header in headers {
            let place = "headers.\(header.name)"
            guard names.insert(Array(header.name.utf8)).inserted else {
                throw ContractViolation(place, "is present twice")
            }
            try check(headerName: header.name)
            try check(header.value, at: place)
            size += header.name.utf8.count + self.size(of: header.value) + 8
        }
        guard size <= ContractBounds.headers else {
            throw ContractViolation(
                "headers", "are \(size) bytes; at most \(ContractBounds.headers) fit in a frame")
        }
        for name in required where headers[name] == nil {
            throw ContractViolation("headers.\(name)", "is missing")
        }
        try checkOwn(headers)
        guard headers["id"]?.text == correlationID else {
            throw ContractViolation(
                "correlation_id",
                "is \(ContractViolation.quoted(correlationID)), but must be the id")
        }
    }

    private static func check(headerName name: String) throws(ContractViolation) {
        let place = "headers"
        guard !name.isEmpty, name.utf8.count <= 128 else {
            throw ContractViolation(place, "have a name of \(name.utf8.count) bytes; 1 to 128 are allowed")
        }
        guard name.unicodeScalars.allSatisfy({ $0.isASCII && (0x21...0x7e).contains($0.value) }) else {
            throw ContractViolation(
                place, "have the name \(ContractViolation.quoted(name)); only visible ASCII is allowed")
        }
        guard !reserved.contains(name) else {
            throw ContractViolation(
                "headers.\(name)", "is a name that Celery uses itself; choose another one")
        }
    }

    private static func check(_ value: HeaderValue, at place: String) throws(ContractViolation) {
        guard value.depth <= HeaderValue.maximumDepth else {
            throw ContractViolation(place, "is nested more than \(HeaderValue.maximumDepth) levels deep")
        }
        switch value {
        case .number(let number):
            guard number.isFinite else {
                throw ContractViolation(place, "is \(number), which JSON cannot represent")
            }
        case .list(let values):
            for (index, value) in values.enumerated() { try check(value, at: "\(place)[\(index)]") }
        case .table(let members):
            var names: Set<[UInt8]> = []
            for member in members {
                guard names.insert(Array(member.name.utf8)).inserted, member.name.utf8.count <= 128 else {
                    let name = ContractViolation.quoted(member.name)
                    throw ContractViolation(
                        place, "has the name \(name) twice, or it is longer than 128 bytes")
                }
                try check(member.value, at: "\(place).\(member.name)")
            }
        case .null, .bool, .integer, .text: break
        }
    }

    private static func size(of value: HeaderValue) -> Int {
        switch value {
        case .null, .bool: 1
        case .integer, .number: 9
        case .text(let text): 5 + text.utf8.count
        case .list(let values): values.reduce(5) { $0 + size(of: $1) }
        case .table(let members): members.reduce(5) { $0 + 1 + $1.name.utf8.count + size(of: $1.value) }
        }
    }

    private static func checkOwn(_ headers: [HeaderValue.Member]) throws(ContractViolation) {
        func text(_ name: String, isOptional: Bool = false) throws(ContractViolation) -> String? {
            switch headers[name] {
            case .text(let text)?: return text
            case .null? where isOptional: return nil
            case let other:
                let found = other?.kind ?? "missing"
                throw ContractViolation("headers.\(name)", "is \(found), but must be text")
            }
        }
        guard try text("lang") == "py" else { throw ContractViolation("headers.lang", "must be \"py\"") }
        try check(taskName: try text("task") ?? "")
        try check(id: try text("id") ?? "", at: "headers.id")
        try check(id: try text("root_id") ?? "", at: "headers.root_id")
        if let id = try text("parent_id", isOptional: true) { try check(id: id, at: "headers.parent_id") }
        if let id = try text("group", isOptional: true) { try check(id: id, at: "headers.group") }
        for name in ["argsrepr", "kwargsrepr", "origin"] { _ = try text(name) }
        for name in ["eta", "expires"] {
            guard let time = try text(name, isOptional: true) else { continue }
            // Of the offsets that mean UTC, only `+00:00` is accepted, which `CeleryTime.text` writes.
            guard let date = CeleryTime.date(time), CeleryTime.text(date) != nil, time.hasSuffix("+00:00")
            else {
                throw ContractViolation(
                    "headers.\(name)",
                    """
                    is \(ContractViolation.quoted(time)), but must be a time from 1970 to 9999, \
                    such as 2030-01-31T09:30:00.000000+00:00
                    """
                )
            }
        }
        guard case .integer(let retries)? = headers["retries"], (0...Int64(Int32.max)).contains(retries)
        else {
            throw ContractViolation("headers.retries", "must be an integer from 0")
        }
        try check(timeLimit: headers["timelimit"])
    }

    private static func check(timeLimit: HeaderValue?) throws(ContractViolation) {
        let place = "headers.timelimit"
        guard case .list(let limits)? = timeLimit, limits.count == 2 else {
            throw ContractViolation(place, "must be a list of two: the hard limit, then the soft one")
        }
        var seconds: [Double?] = []
        for limit in limits {
            switch limit {
            case .null: seconds.append(nil)
            case .number(let number) where number > 0 && number <= 1e9: seconds.append(number)
            case .integer(let number) where number > 0 && number <= 1_000_000_000:
                seconds.append(Double(number))
            default:
                throw ContractViolation(place, "holds \(limit.kind), but must hold seconds above 0, or null")
            }
        }
        if let hard = seconds[0], let soft = seconds[1], soft > hard {
            throw ContractViolation(place, "has a soft limit (\(soft) s) above the hard one (\(hard) s)")
        }
    }

    private static func check(taskName name: String) throws(ContractViolation) {
        guard !name.isEmpty, name.utf8.count <= ContractBounds.shortString,
            name.unicodeScalars.allSatisfy({
                !$0.properties.isWhitespace && $0.properties.generalCategory != .control
            })
        else {
            let shown = ContractViolation.quoted(name)
            throw ContractViolation(
                "headers.task",
                "is \(shown), but must be a task's name, such as app.resize, of at most 255 bytes")
        }
    }

    static func check(id: String, at place: String) throws(ContractViolation) {
        guard !id.isEmpty, id.utf8.count <= ContractBounds.shortString,
            id.unicodeScalars.allSatisfy({ $0.isASCII && (0x21...0x7e).contains($0.value) })
        else {
            let shown = ContractViolation.quoted(id)
            throw ContractViolation(
                place, "is \(shown), but must be 1 to 255 visible ASCII characters, such as a UUID")
        }
    }

    static func check(queue: String, at place: String) throws(ContractViolation) {
        guard !queue.isEmpty, queue.utf8.count <= ContractBounds.shortString,
            queue.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            let shown = ContractViolation.quoted(queue)
            throw ContractViolation(place, "is \(shown), but must be a queue's name of 1 to 255 bytes")
        }
    }

    // MARK: Body

    /// Checks the body, which must be `[args, kwargs, embed]`. A body of two elements would end a worker.
    static func check(body: [UInt8]) throws(ContractViolation) {
        guard body.count <= ContractBounds.body else {
            let advice = "store large data elsewhere, and send its location"
            throw ContractViolation(
                "body", "is \(body.count) bytes; at most \(ContractBounds.body) are sent: \(advice)")
        }
        let json: PythonJSONValue
        do {
            json = try PythonJSONValue(reading: body, isForKombu: true)
        } catch {
            throw ContractViolation("body", "is not JSON as Python reads it: \(error)")
        }
        guard let parts = json.array, parts.count == 3 else {
            let found = json.array.map { "a list of \($0.count)" } ?? json.kind
            throw ContractViolation("body", "is \(found), but must be [args, kwargs, embed]")
        }
        guard parts[0].array != nil else {
            throw ContractViolation("body[0]", "is \(parts[0].kind), but the arguments must be an array")
        }
        guard parts[1].object != nil else {
            throw ContractViolation(
                "body[1]", "is \(parts[1].kind), but the named arguments must be an object")
        }
        let embed = ["callbacks", "errbacks", "chain", "chord"]
        guard let members = parts[2].object, members.map(\.name).sorted() == embed.sorted(),
            members.allSatisfy(\.value.isNull)
        else {
            throw ContractViolation("body[2]", "must hold callbacks, errbacks, chain and chord, all null")
        }
    }
}

/// The reason why a message is not sent: a Celery worker would lose it, or be ended by it.
package struct ContractViolation: Error, Hashable, CustomStringConvertible {
    /// The invalid part of the message, such as `headers.eta` or `body[0]`.
    package let place: String
    /// The reason, with the invalid value.
    package let reason: String

    init(_ place: String, _ reason: String) {
        self.place = place
        self.reason = reason
    }

    package var description: String {
        "the message was not sent, because Celery would not accept it: \(place) \(reason)"
    }

    /// Checks the name of a queue.
    ///
    /// - Returns: the reason why a queue cannot have the name; `nil` if it can.
    package static func problem(ofQueue name: String) -> String? {
        do throws(ContractViolation) {
            try MessageCheck.check(queue: name, at: "the queue")
            return nil
        } catch {
            return "\(error.place) \(error.reason)"
        }
    }

    /// Returns a value for an error's text: shortened, and on one line.
    static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(60).map { scalar in
            scalar.properties.generalCategory == .control
                ? "\\u{\(String(scalar.value, radix: 16))}" : "\(scalar)"
        }
        return "\"\(scalars.joined())\(text.unicodeScalars.count > 60 ? "…" : "")\""
    }
}

/// The largest sizes, in bytes, of the messages that are sent and accepted.
package enum ContractBounds {
    /// The body. RabbitMQ accepts 128 MiB, and Redis 512 MiB, but a worker has several copies of each message in memory.
    package static let body = 16 << 20
    /// The headers, which are sent in one frame. RabbitMQ limits a frame to 128 KiB.
    package static let headers = 64 << 10
    /// An AMQP short string: queue names, header names, ids.
    package static let shortString = 255
    /// kombu's envelope: the body in base64, which is a third longer, and the headers.
    package static let envelope = body / 3 * 4 + 2 * headers + 4_096
}
