extension FieldBounds {
    /// The bound that a value, length or count breaks, in the words of pydantic.
    func violation(by number: FieldNumber, of measure: FieldMeasure) -> InputRule? {
        if let upper, upper.isExclusive ? !(number < upper.number) : number > upper.number {
            return rule(number, upper, isUpper: true, measure)
        }
        if let lower, lower.isExclusive ? !(number > lower.number) : number < lower.number {
            return rule(number, lower, isUpper: false, measure)
        }
        return nil
    }

    private func rule(
        _ number: FieldNumber, _ limit: Limit, isUpper: Bool, _ measure: FieldMeasure
    ) -> InputRule {
        guard measure != .value else { return Self.valueRule(limit, isUpper: isUpper) }
        var bound = limit.number
        // Lengths and counts have no bounds that are excluded: less than 10 is at most 9.
        if limit.isExclusive, case .integer(let value) = bound {
            bound = .integer(value &+ (isUpper ? -1 : 1))
        }
        let most = isUpper ? "at most" : "at least"
        let key = isUpper ? "max_length" : "min_length"
        if measure == .length {
            let noun = bound == .integer(1) ? "character" : "characters"
            return InputRule(
                message: "String should have \(most) \(bound.text) \(noun)",
                type: isUpper ? "string_too_long" : "string_too_short", context: [key: bound.json])
        }
        let noun = bound == .integer(1) ? "item" : "items"
        let kind =
            switch measure {
            case .setCount: "Set"
            case .dictionaryCount: "Dictionary"
            default: "List"
            }
        return InputRule(
            message: "\(kind) should have \(most) \(bound.text) \(noun) after validation, not \(number.text)",
            type: isUpper ? "too_long" : "too_short",
            context: ["field_type": .string(kind), key: bound.json, "actual_length": number.json])
    }

    private static func valueRule(_ limit: Limit, isUpper: Bool) -> InputRule {
        let (words, type, key) =
            switch (isUpper, limit.isExclusive) {
            case (true, true): ("less than", "less_than", "lt")
            case (true, false): ("less than or equal to", "less_than_equal", "le")
            case (false, true): ("greater than", "greater_than", "gt")
            case (false, false): ("greater than or equal to", "greater_than_equal", "ge")
            }
        return InputRule(
            message: "Input should be \(words) \(limit.number.text)", type: type,
            context: [key: limit.number.json])
    }
}
