internal import PostludePCRE
internal import PostludeSystem

/// A ``Field``'s declaration, prepared for checking values. Made once for each property of a type.
final class FieldSpecification<Value: Decodable & Sendable>: FieldDefinition {
    static var valueType: any Decodable.Type { Value.self }

    let key: String
    let problem: String?
    private let declaration: FieldDeclaration<Value>
    // Copied from the declaration, whose parts are slow to access if the value's type is not known.
    private let bounds: FieldBounds
    /// The value if the client sends none; nil for a required field.
    let absent: Value?
    /// The value for null if the type is an optional of an optional, which distinguishes null and an absent member; nil for
    /// other types.
    let null: Value?
    private let check: (@Sendable (Value) -> String?)?
    private let measure: (kind: FieldMeasure, of: @Sendable (Value) -> FieldNumber?)?
    private let pattern: (pattern: FieldPattern, text: @Sendable (Value) -> String?)?

    init(key: String, _ declaration: FieldDeclaration<Value>) {
        self.key = key
        self.declaration = declaration
        absent = declaration.absent
        null = NullValue.null(Value.self)
        check = declaration.check
        bounds = declaration.bounds
        var problem = declaration.bounds.problem
        if declaration.bounds != FieldBounds(), let type = Value.self as? any Boundable.Type {
            measure = Self.measure(type)
        } else {
            measure = nil
        }
        if let text = declaration.pattern, let type = Value.self as? any Matchable.Type {
            do {
                pattern = (try FieldPattern(text), Self.text(type))
            } catch {
                pattern = nil
                problem = "the pattern \(text) is invalid: \(error)"
            }
        } else {
            pattern = nil
        }
        self.problem = problem
    }

    var name: String { declaration.name ?? key }
    var isNameGiven: Bool { declaration.name != nil }
    var summary: String? { declaration.summary }
    var isRequired: Bool { absent == nil }
    var defaultValue: (any Encodable & Sendable)? {
        guard let value = declaration.fallback as? any Encodable else { return nil }
        return try? JSONValue(encoding: value)
    }

    /// Returns the rule that a value violates; nil for a valid value.
    func violation(of value: Value) -> InputRule? {
        if let measure, let number = measure.of(value),
            let rule = bounds.violation(by: number, of: measure.kind)
        {
            return rule
        }
        if let pattern, let text = pattern.text(value), !pattern.pattern.matches(text) {
            return .mismatch(pattern.pattern.text)
        }
        return check?(value).map { InputRule(message: $0, type: "value_error") }
    }

    // The type parameter of these functions is `Value` itself, with the conformance that was found.

    private static func measure<Bounded: Boundable>(
        _ type: Bounded.Type
    ) -> (FieldMeasure, @Sendable (Value) -> FieldNumber?) {
        // Unsafe for speed: Value and Bounded are the same type; a cast for every value takes longer than decoding it.
        (Bounded.measure, { unsafeBitCast($0, to: Bounded.self).measured })
    }

    private static func text<Text: Matchable>(_ type: Text.Type) -> @Sendable (Value) -> String? {
        // Unsafe for the same reason.
        { unsafeBitCast($0, to: Text.self).matched }
    }

    var rules: FieldRules {
        var rules = FieldRules(pattern: declaration.pattern)
        let (lower, upper) = (declaration.bounds.lower, declaration.bounds.upper)
        /// Returns the smallest, or greatest, count that is allowed.
        func count(_ limit: FieldBounds.Limit?, _ step: Int) -> Int? {
            guard case .integer(let number)? = limit?.number else { return nil }
            return limit?.isExclusive == true ? number &+ step : number
        }
        switch measure?.kind {
        case .value:
            if lower?.isExclusive == true {
                rules.exclusiveMinimum = lower?.number.double
            } else {
                rules.minimum = lower?.number.double
            }
            if upper?.isExclusive == true {
                rules.exclusiveMaximum = upper?.number.double
            } else {
                rules.maximum = upper?.number.double
            }
        case .length:
            (rules.minimumLength, rules.maximumLength) = (count(lower, 1), count(upper, -1))
        case .listCount, .setCount, .dictionaryCount:
            (rules.minimumCount, rules.maximumCount) = (count(lower, 1), count(upper, -1))
        case nil: break
        }
        return rules
    }
}

/// The regular expression of a ``Field``, compiled once. Matching has a limit.
struct FieldPattern: Sendable {
    let text: String
    private let compiled: CompiledPattern

    init(_ text: String) throws(PCREError) {
        self.text = text
        compiled = try CompiledPattern(text, options: [.utf, .dollarEndOnly, .neverBackslashC])
    }

    /// Whether it matches somewhere in `text`; false if the match limit is exceeded.
    func matches(_ text: String) -> Bool {
        guard let matcher = MatcherPool.shared.take() else { return false }
        defer { MatcherPool.shared.giveBack(matcher) }
        var text = text
        return text.withUTF8 { matcher.matcher.match(compiled, $0, isValidUTF8: true) == .match }
    }
}

/// The matchers that no thread uses at the moment: at most as many as have ever matched concurrently.
private final class MatcherPool: Sendable {
    // Unchecked: the pool gives a matcher to one thread, which gives it back when it is done.
    struct Entry: @unchecked Sendable {
        let matcher: Matcher
    }

    static let shared = MatcherPool()
    private let free = Lock<[Entry]>([])

    /// - Returns: nil if there is no memory for a matcher.
    func take() -> Entry? {
        free.withLock { $0.popLast() } ?? (try? Matcher()).map(Entry.init)
    }

    func giveBack(_ entry: Entry) { free.withLock { $0.append(entry) } }
}
