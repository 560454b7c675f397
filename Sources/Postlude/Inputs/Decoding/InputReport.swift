/// What was found wrong while one input was decoded.
final class InputReport {
    /// `path`, `query`, `header`, `cookie` or `body`.
    let source: String
    /// Whether the values are text that has to be parsed, as outside of JSON.
    let isText: Bool
    /// The first hundred: a client may send as many mistakes as it likes.
    private(set) var issues: [InputIssue] = []
    /// How many mistakes were found.
    private(set) var count = 0
    /// How many fields are being decoded, one inside the other: what is wrong in them is collected.
    var depth = 0

    init(source: String, isText: Bool) {
        self.source = source
        self.isText = isText
    }

    var isFull: Bool { count >= Self.maximumCount }
    private static let maximumCount = 100

    func add(_ issue: InputIssue) {
        count += 1
        if issues.count < Self.maximumCount { issues.append(issue) }
    }

    func add(_ error: DecodingError) {
        guard !Self.isReported(error) else { return }
        for issue in InputError(error, in: source, isText: isText).issues { add(issue) }
    }

    /// What ends the decoding of a value that is reported already.
    func reported(at path: [any CodingKey]) -> DecodingError {
        .dataCorrupted(.init(codingPath: path, debugDescription: "", underlyingError: Reported()))
    }

    private static func isReported(_ error: DecodingError) -> Bool {
        guard case .dataCorrupted(let context) = error else { return false }
        return context.underlyingError is Reported
    }

    private struct Reported: Error {}
}
