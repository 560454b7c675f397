/// The value for which a stored task cannot be decoded.
struct UndecodableValue {
    /// What is wrong, without the value.
    enum Category: Hashable {
        case missingMember, null, otherType, invalid, thrown, missingKind
    }

    let category: Category
    /// The path of the member, such as `items[].count`; nil if it is the whole task.
    let member: String?
    /// What is wrong, as the end of a sentence that begins with the member or the task.
    let reason: String

    init(_ category: Category, _ reason: String) {
        self.category = category
        member = nil
        self.reason = reason
    }

    /// - Parameter error: the error of decoding the task.
    init(_ error: any Error) {
        guard let error = error as? DecodingError else {
            (category, member, reason) = (.thrown, nil, "\(error)")
            return
        }
        switch error {
        case .keyNotFound(let key, let context):
            (category, reason) = (.missingMember, "is missing")
            member = Self.path(context.codingPath + [key])
        case .valueNotFound(let type, let context):
            (category, reason) = (.null, "is null, expected \(Self.noun(type))")
            member = Self.path(context.codingPath)
        case .typeMismatch(let type, let context):
            (category, reason) = (.otherType, "is not \(Self.noun(type))")
            member = Self.path(context.codingPath)
        case .dataCorrupted(let context):
            (category, reason) = (.invalid, "is invalid: \(context.debugDescription)")
            member = Self.path(context.codingPath)
        @unknown default:
            (category, member, reason) = (.thrown, nil, "\(error)")
        }
    }

    /// Returns a path in which elements of arrays have no index.
    private static func path(_ keys: [any CodingKey]) -> String? {
        guard !keys.isEmpty else { return nil }
        return keys.reduce("") { path, key in
            if isIndex(key) { return path + "[]" }
            return path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)"
        }
    }

    /// Whether a step is an array's element. A dictionary's key that looks like a number has an `intValue`, too.
    static func isIndex(_ key: any CodingKey) -> Bool {
        key.intValue.map { key.stringValue == "Index \($0)" } ?? false
    }

    /// Returns what JSON calls a type.
    static func noun(_ type: any Any.Type) -> String {
        switch type {
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is Bool.Type: "true or false"
        case is String.Type: "text"
        case is [Any].Type: "a list"
        case is [String: Any].Type: "a mapping"
        default: "\(type)"
        }
    }
}
