internal import PostludeRouting

/// What to say about handlers that the application does not have.
///
/// Comparing names is slow where a wrong file meets a large application, so each name is looked up once, and
/// only so many are.
struct HandlerAdvice {
    let handlers: [String]
    private var messages: [String: String] = [:]
    private static let bound = 20
    private static let expectation = "expected one that the application registers"

    init(handlers: [String]) {
        self.handlers = handlers
    }

    mutating func message(for name: String) -> String {
        if let known = messages[name] { return known }
        let found = "unknown handler \(quoted(name))"
        guard messages.count < Self.bound else { return "\(found), \(Self.expectation)" }
        let message =
            nearest(to: name, in: handlers).map { "\(found) (nearest: \($0)), \(Self.expectation)" }
            ?? "\(found): the application registers none"
        messages[name] = message
        return message
    }
}
