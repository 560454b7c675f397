/// How a property's key and a header field's name belong together: `userAgent` and `user-agent`.
enum FieldName {
    static func matches(_ key: String, _ name: String) -> Bool {
        key.lazy.filter { $0 != "-" && $0 != "_" }.map { $0.lowercased() }
            .elementsEqual(name.lazy.filter { $0 != "-" }.map { $0.lowercased() })
    }

    /// The issue at the name of the field, which is what the client knows.
    ///
    /// - Parameter names: of the request's fields.
    static func locating(_ issue: InputIssue, among names: [String]) -> InputIssue {
        guard issue.location.count > 1, case .key(let key) = issue.location[1] else { return issue }
        var issue = issue
        issue.location[1] = .key(names.first { matches(key, $0) } ?? dashed(key))
        return issue
    }

    /// The name for a key whose field is not there: `xRequestID` is `x-request-id`.
    static func dashed(_ key: String) -> String {
        let characters = Array(key)
        return characters.indices.map { index in
            let character = characters[index]
            guard character != "_" else { return "-" }
            let before = characters.prefix(index).last
            let after = characters.dropFirst(index + 1).first
            // A word begins at a capital after a small letter or a digit, and at the last capital of several.
            let begins =
                before?.isLowercase == true || before?.isNumber == true
                || before?.isUppercase == true && after?.isLowercase == true
            return (character.isUppercase && begins ? "-" : "") + character.lowercased()
        }.joined()
    }
}
