/// The name of a form's field, read as the steps to a value: `items[0][name]` and `items[0].name`.
enum NestedName {
    static let maximumDepth = 8
    /// The largest index of a list's element. A form has at most a thousand fields.
    static let maximumIndex = 999

    /// Returns the steps. A list's `[]` at the end is not one: `tags[]` is the same as `tags`, of which there may be several.
    static func steps(of name: String) throws(InputRule) -> [String] {
        var rest = Array(name.utf8)[...]
        var steps = [try plainStep(&rest)]
        while let byte = rest.popFirst() {
            guard steps.count < maximumDepth else { throw .depth }
            switch byte {
            case UInt8(ascii: "."): steps.append(try plainStep(&rest))
            case UInt8(ascii: "["):
                let step = rest.prefix { $0 != UInt8(ascii: "]") && $0 != UInt8(ascii: "[") }
                rest = rest[step.endIndex...]
                guard rest.popFirst() == UInt8(ascii: "]") else { throw .syntax }
                if step.isEmpty {
                    guard rest.isEmpty else { throw .index }
                    return steps
                }
                steps.append(String(decoding: step, as: UTF8.self))
            default: throw .syntax
            }
        }
        return steps
    }

    /// Takes a step that is not in brackets.
    private static func plainStep(_ rest: inout ArraySlice<UInt8>) throws(InputRule) -> String {
        let step = rest.prefix { !".[]".utf8.contains($0) }
        guard !step.isEmpty else { throw .syntax }
        rest = rest[step.endIndex...]
        return String(decoding: step, as: UTF8.self)
    }

    /// Returns the index that a step is; nil if it is another text.
    static func index(_ step: String) -> Int? {
        guard let index = Int(step), 0...maximumIndex ~= index, "\(index)" == step else { return nil }
        return index
    }
}

extension InputRule {
    fileprivate static let syntax = InputRule(
        message: "The field's name should have steps such as items[0][name] or items[0].name",
        type: "key_syntax")
    fileprivate static let depth = InputRule(
        message: "The field's name should have at most \(NestedName.maximumDepth) steps", type: "key_depth",
        context: ["max_steps": .integer(NestedName.maximumDepth)])
    fileprivate static let index = InputRule(
        message: "The field's name should have an index in its brackets, such as items[0][name]",
        type: "key_index")
    static let listIndex = InputRule(
        message: "The index of an element should be from 0 to \(NestedName.maximumIndex)", type: "key_index",
        context: ["ge": 0, "le": .integer(NestedName.maximumIndex)])
    static let conflict = InputRule(
        message: "The field's name should not stand for a value and for members at the same time",
        type: "key_conflict")
}
