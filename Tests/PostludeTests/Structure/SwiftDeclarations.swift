/// The declarations of a Swift file, by name.
struct SwiftDeclarations {
    /// Types, functions and values at the file's top level that other files see.
    private(set) var topLevel: Set<String> = []
    /// Members that extensions add and other files see, each with the type's name.
    private(set) var added: [(member: String, type: String)] = []
    /// All members, parameters and local values, at any level.
    private(set) var members: Set<String> = []
    /// All types and generic parameters, at any level.
    private(set) var types: Set<String> = []

    private enum Scope: Equatable {
        case type
        case addition(to: String)
        case code
    }

    init(_ words: [SwiftWords.Word]) {
        var scopes: [Scope] = []
        var opening = Scope.code
        for (index, word) in words.enumerated() {
            let name = words.dropFirst(index + 1).first.flatMap { $0.isIdentifier ? $0.text : nil }
            // A word after a point, as in `.init`, or before a colon is not a keyword.
            let isKeyword = !(index > 0 && words[index - 1].text == ".")
            switch word.text {
            case "{":
                scopes.append(opening)
                opening = .code
            case "}": _ = scopes.popLast()
            case "struct", "class", "enum", "protocol", "actor", "typealias", "associatedtype":
                guard isKeyword, let name, !Self.modifiers.contains(name), name != "func" else { break }
                types.insert(name)
                if scopes.isEmpty, !Self.isPrivate(words, before: index) { topLevel.insert(name) }
                if word.text != "typealias", word.text != "associatedtype" { opening = .type }
            case "extension":
                guard isKeyword, let name, scopes.isEmpty else { break }
                opening = Self.isPrivate(words, before: index) ? .type : .addition(to: name)
            case "func", "var", "let", "case":
                guard isKeyword, let name else { break }
                members.insert(name)
                guard word.text != "case", !Self.isPrivate(words, before: index) else { break }
                if scopes.isEmpty { topLevel.insert(name) }
                if scopes.count == 1, case .addition(let type)? = scopes.last { added.append((name, type)) }
            case ":":
                // A parameter, or a value with its type.
                if index > 0, words[index - 1].isIdentifier { members.insert(words[index - 1].text) }
            case "<":
                if Self.opensParameters(words, at: index) { addGenericParameters(words, after: index) }
            default: break
            }
        }
    }

    /// Whether the angle bracket at `index` follows the name of a declaration.
    private static func opensParameters(_ words: [SwiftWords.Word], at index: Int) -> Bool {
        guard index > 0 else { return false }
        if ["init", "subscript"].contains(words[index - 1].text) { return true }
        return index > 1 && declarators.contains(words[index - 2].text)
    }

    private mutating func addGenericParameters(_ words: [SwiftWords.Word], after index: Int) {
        var depth = 1
        var isName = true
        for word in words[(index + 1)...] {
            switch word.text {
            case "<": depth += 1
            case ">": depth -= 1
            case ",": isName = depth == 1
            case "each", "let": break
            default:
                if isName, word.isIdentifier { types.insert(word.text) }
                isName = false
            }
            guard depth > 0 else { return }
        }
    }

    private static let declarators: Set<String> = [
        "struct", "class", "enum", "protocol", "actor", "typealias", "func",
    ]

    private static let modifiers: Set<String> = [
        "public", "package", "internal", "private", "fileprivate", "open", "final", "static", "class",
        "mutating", "nonmutating", "override", "convenience", "required", "lazy", "weak", "indirect",
        "nonisolated",
    ]

    private static func isPrivate(_ words: [SwiftWords.Word], before index: Int) -> Bool {
        var index = index - 1
        while index >= 0, modifiers.contains(words[index].text) {
            if words[index].text == "private" || words[index].text == "fileprivate" { return true }
            index -= 1
        }
        return false
    }
}
