/// The history of the last hour as text for a terminal: a line for each figure, with a character for each minute.
struct HistoryTable: CustomStringConvertible {
    /// The number of minutes that are shown.
    static let minutes = 60
    /// The number of marks that are listed.
    private static let markLimit = 5
    private static let levels = Array("▁▂▃▄▅▆▇█")

    let description: String

    init(_ history: StatusReport.History) {
        let entries = (history.minutes ?? []).suffix(Self.minutes)
        guard let last = entries.last else {
            description = ""
            return
        }
        let rows = Self.figures.map { figure in
            // A minute in which the server did not run, or in which nothing was measured, stays empty.
            let values = Dictionary(
                entries.compactMap { entry in figure.value(entry).map { (entry.time / 60, $0) } },
                uniquingKeysWith: max)
            let most = values.values.max() ?? 0
            let end = last.time / 60
            let curve = (0..<Self.minutes).map { minute in
                values[end - Self.minutes + 1 + minute].map { Self.character($0, most) } ?? " "
            }
            return [
                figure.name, String(curve), values[end].map(figure.text) ?? "-",
                values.isEmpty ? "-" : figure.text(most),
            ]
        }
        let table = TextTable(header: ["LAST HOUR", "A MINUTE EACH", "NOW", "MOST"], rows: rows)
        let marks = history.marks.suffix(Self.markLimit).map { mark in
            "\(StatusTable.time(at: mark.time)) \(Self.text(mark))"
        }
        description = (["\(table)"] + marks).joined(separator: "\n")
    }

    private static func character(_ value: Double, _ most: Double) -> Character {
        guard value > 0, most > 0 else { return levels[0] }
        return levels[min(levels.count - 1, Int(value / most * Double(levels.count)))]
    }

    private struct Figure: Sendable {
        let name: String
        let value: @Sendable (StatusReport.Entry) -> Double?
        let text: @Sendable (Double) -> String
    }

    private static let figures = [
        Figure(name: "requests per second", value: { $0.perSecond($0.requests) }, text: StatusTable.decimal),
        Figure(
            name: "5xx per second", value: { $0.perSecond($0.responses["5xx"] ?? 0) },
            text: StatusTable.decimal),
        Figure(name: "p99 of requests", value: { $0.requestDuration?.p99 }, text: StatusTable.time),
        Figure(name: "p95 of requests' wait", value: { $0.requestWait?.p95 }, text: StatusTable.time),
        Figure(name: "p95 of tasks' wait", value: { $0.taskWait?.p95 }, text: StatusTable.time),
        Figure(
            name: "busy workers", value: { Double($0.activeWorkers) }, text: { "\(Int(min($0, 1e15)))" }),
    ]

    /// Returns what has happened, in words.
    private static func text(_ mark: StatusReport.Mark) -> String {
        let count = mark.count.map { $0 == 1 ? "1 process" : "\($0) processes" } ?? ""
        return switch mark.kind {
        case .start: "started"
        case .upgrade: "upgraded to a new program"
        case .reload: "serves with manifest \(mark.generation ?? 0)"
        case .death: "\(count) died"
        case .restart: "\(count) replaced"
        }
    }
}

extension StatusReport.Entry {
    fileprivate func perSecond(_ count: UInt64) -> Double? { seconds > 0 ? Double(count) / seconds : nil }
}
