internal import PostludeRouting

/// The names of what an application registers, handlers or middleware, and what to say about a name that is not among them.
///
/// Comparing names is slow if a wrong file meets a large application, so each name is looked up once, and only so many are.
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

    func contains(_ name: String) -> Bool { known.contains(name) }

    mutating func message(for name: String) -> String {
        if let known = messages[name] { return known }
        let found = "unknown \(kind) \(quoted(name))"
        guard messages.count < Self.bound else { return "\(found), \(Self.expectation)" }
        let message =
            nearest(to: name, in: names).map { "\(found) (nearest: \($0)), \(Self.expectation)" }
            ?? "\(found): the application registers none"
        messages[name] = message
        return message
    }
}
