internal import PostludeRouting

/// The names of an application's handlers, or of its middleware, and the advice for names that are not among them.
///
/// To find the nearest name takes long in a large application. The first 20 unknown names get that advice, each computed once.
struct RegisteredNames {
    /// What has the names, such as `handler`.
    private let kind: String
    /// Sorted, so that the same mistake gets the same advice.
    private let names: [String]
    private let known: Set<String>
    private var messages: [String: String] = [:]
    private static let bound = 20
    private static let expectation = "expected one that the application registers"

    init(_ names: some Sequence<String>, of kind: String) {
        self.kind = kind
        known = Set(names)
        self.names = known.sorted()
    }

    /// - Returns: what is wrong with the name; nil if it is registered.
    mutating func problem(of name: String) -> String? {
        guard !known.contains(name) else { return nil }
        if let message = messages[name] { return message }
        let found = "unknown \(kind) \(quoted(name))"
        guard messages.count < Self.bound else { return "\(found), \(Self.expectation)" }
        let message =
            nearest(to: name, in: names).map { "\(found) (nearest: \($0)), \(Self.expectation)" }
            ?? "\(found): the application registers none"
        messages[name] = message
        return message
    }
}
