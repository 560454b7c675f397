/// What is wrong with a message that was to be sent: a Celery worker would lose it, or end over it.
package struct ContractViolation: Error, Hashable, CustomStringConvertible {
    /// Such as `headers.eta` or `body[0]`.
    package let place: String
    /// What is wrong, with the value.
    package let reason: String

    init(_ place: String, _ reason: String) {
        self.place = place
        self.reason = reason
    }

    package var description: String {
        "the message was not sent, because Celery would not take it: \(place) \(reason)"
    }

    /// - Returns: why no queue can be called that; nil if one can.
    package static func problem(ofQueue name: String) -> String? {
        do throws(ContractViolation) {
            try MessageCheck.check(queue: name, at: "the queue")
            return nil
        } catch {
            return "\(error.place) \(error.reason)"
        }
    }

    /// A value for an error's text: short, and on one line.
    static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(60).map { scalar in
            scalar.properties.generalCategory == .control
                ? "\\u{\(String(scalar.value, radix: 16))}" : "\(scalar)"
        }
        return "\"\(scalars.joined())\(text.unicodeScalars.count > 60 ? "…" : "")\""
    }
}
