package import FoundationEssentials

/// The kept result of a step of a record, or another value that its attempts have kept under a name.
package struct RecordStep: Sendable, Equatable {
    /// The name, which is unique among those of the record.
    package var name: String
    /// The position among the steps of an attempt, from 0.
    package var position: Int
    /// JSON text, which is stored unchanged.
    package var value: Data

    package init(name: String, position: Int, value: Data) {
        self.name = name
        self.position = position
        self.value = value
    }
}

/// How far a record has come, as its attempt has reported it.
package struct RecordProgress: Sendable, Equatable {
    /// From 0 to 1.
    package let fraction: Double
    /// At most 200 characters.
    package let message: String

    /// - Parameter fraction: 0 for a number that is not one.
    package init(_ fraction: Double, _ message: String) {
        self.fraction = fraction.isNaN ? 0 : min(1, max(0, fraction))
        self.message = String(message.prefix(200).map { $0 == "\0" ? "\u{fffd}" : $0 })
    }

    /// Makes it of the text that a store has; nil for another one.
    package init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let fraction = Double(parts[0]) else { return nil }
        self.init(fraction, String(parts[1]))
    }

    /// The text that a store keeps.
    package var text: String { "\(fraction) \(message)" }
}
