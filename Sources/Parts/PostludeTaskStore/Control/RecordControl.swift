package import FoundationEssentials

/// What a pause holds back.
package enum PauseTarget: Sendable, Hashable, CustomStringConvertible {
    /// All records of a name.
    case kind(String)
    /// The records of a name with a unique key.
    case key(String, name: String)
    case record(RecordID)

    package var description: String {
        switch self {
        case .kind(let name): name
        case .key(let key, let name): "\(name) \(key)"
        case .record(let id): id.text
        }
    }
}

/// How a pause is stored: the number of its kind, and two texts.
extension PauseTarget {
    package static let kindNumber: Int64 = 0
    package static let keyNumber: Int64 = 1
    package static let recordNumber: Int64 = 2

    package var columns: (number: Int64, name: String, value: String) {
        switch self {
        case .kind(let name): (Self.kindNumber, name, "")
        case .key(let key, let name): (Self.keyNumber, name, key)
        case .record(let id): (Self.recordNumber, "", id.text)
        }
    }

    package init?(number: Int64, name: String, value: String) {
        switch number {
        case Self.kindNumber: self = .kind(name)
        case Self.keyNumber: self = .key(value, name: name)
        case Self.recordNumber:
            guard let id = RecordID(value) else { return nil }
            self = .record(id)
        default: return nil
        }
    }
}

/// A pause, which lasts until it is resumed.
package struct RecordPause: Sendable, Equatable {
    package var target: PauseTarget
    package var since: Date
    package var who: String

    package init(target: PauseTarget, since: Date, who: String) {
        self.target = target
        self.since = since
        self.who = who
    }
}

/// What the processes follow: the pauses, and the cancellations of records that a process has.
package struct RecordControl: Sendable, Equatable {
    /// Increases with each change.
    package var stamp: Int64 = -1
    package var paused: Set<PauseTarget> = []
    /// The records that are to end, each with the reason.
    package var cancelled: [RecordID: String] = [:]

    package init() {}

    package var isEmpty: Bool { paused.isEmpty && cancelled.isEmpty }

    package func isPaused(_ id: RecordID, name: String, key: String?) -> Bool {
        guard !paused.isEmpty else { return false }
        return paused.contains(.kind(name)) || paused.contains(.record(id))
            || key.map { paused.contains(.key($0, name: name)) } ?? false
    }
}

/// The due time of a record that is set aside because it is paused: later than any other, so that a claim does not come across it
/// again. The time at which it was due is what remains without the offset.
package enum PausedDue {
    /// In milliseconds: some 140,000 years.
    package static let offset: Int64 = 1 << 52

    /// Returns the time without the offset.
    package static func date(_ due: Int64) -> Date {
        Date(milliseconds: due >= offset ? due - offset : due)
    }
}

/// How many records one claim sets aside, and how many it makes due again after a pause.
package enum PauseBatch {
    package static let aside = 2000
    package static let resumed = 2000
}

/// Who asks for a change of records, for the record of actions.
package struct ActionOrigin: Sendable {
    package var who: String
    /// What the change is about; nil for the ids.
    package var target: String?

    package init(who: String, target: String? = nil) {
        self.who = who
        self.target = target
    }
}

/// A change that was requested.
package struct RecordedAction: Sendable, Equatable {
    /// The number of actions that a store keeps.
    package static let limit = 10_000

    package var number: Int64
    package var time: Date
    package var who: String
    /// `retry`, `discard`, `pause`, `resume` or `cancel`.
    package var action: String
    package var target: String
    package var result: String

    package init(number: Int64, time: Date, who: String, action: String, target: String, result: String) {
        self.number = number
        self.time = time
        self.who = who
        self.action = action
        self.target = target
        self.result = result
    }

    /// Returns what a change of records was about: its origin's target, or the first ids.
    package static func target(of ids: [RecordID], _ origin: ActionOrigin) -> String {
        if let target = origin.target { return target }
        let named = ids.prefix(3).map(\.text).joined(separator: " ")
        return ids.count > 3 ? "\(named) and \(ids.count - 3) more" : named
    }

    /// Returns the results of a change of records in one line, such as `2 changed, 1 refused: it is running`.
    package static func result(of results: [RecordActionResult]) -> String {
        var refusals: [String] = []
        var counts = [0, 0, 0, 0]
        for result in results {
            switch result {
            case .changed: counts[0] += 1
            case .requested: counts[1] += 1
            case .unknown: counts[2] += 1
            case .refused(let reason):
                counts[3] += 1
                if !refusals.contains(reason), refusals.count < 3 { refusals.append(reason) }
            }
        }
        let reasons = refusals.isEmpty ? "" : ": " + refusals.joined(separator: "; ")
        let texts = zip(counts, ["changed", "requested", "unknown", "refused" + reasons])
        return texts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}

extension ActionOrigin {
    /// Returns the error of a record that was cancelled.
    package static func reason(_ origin: ActionOrigin?) -> String {
        origin.map { "cancelled by \($0.who)" } ?? "cancelled"
    }
}
