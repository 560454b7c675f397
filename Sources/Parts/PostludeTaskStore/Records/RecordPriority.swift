/// Which of the records that are due come first.
package enum RecordPriority: Int64, Sendable, CaseIterable, Comparable, CustomStringConvertible {
    case high, normal, low

    package init?(_ text: String) {
        guard let priority = Self.allCases.first(where: { $0.description == text }) else { return nil }
        self = priority
    }

    package var description: String {
        switch self {
        case .high: "high"
        case .normal: "normal"
        case .low: "low"
        }
    }

    package static func < (left: RecordPriority, right: RecordPriority) -> Bool {
        left.rawValue < right.rawValue
    }
}
