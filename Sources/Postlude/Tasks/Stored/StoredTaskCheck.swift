/// The result of decoding the tasks in a store with the types of this program.
package struct StoredTaskCheck: Sendable, Equatable {
    /// Tasks of one kind that cannot be decoded, all for the same reason.
    package struct Problem: Sendable, Equatable {
        /// The name of the tasks' kind.
        package var kind: String
        /// The member that cannot be decoded, such as `items[].count`; nil if it is the whole task.
        package var member: String?
        /// What is wrong, as the end of a sentence that begins with the member or the task.
        package var reason: String
        package var count: Int
        /// The ids of some of them.
        package var ids: [String]

        package init(kind: String, member: String?, reason: String, count: Int = 0, ids: [String] = []) {
            self.kind = kind
            self.member = member
            self.reason = reason
            self.count = count
            self.ids = ids
        }
    }

    /// The largest number of ids of each problem.
    package static let shownIDs = 3

    /// Whether there is a store.
    package var hasStore = true
    /// The number of tasks that were decoded, or could not be.
    package var checked = 0
    /// The number of tasks that were not decoded, because a process has died while it ran them.
    package var suspects = 0
    /// Whether the time was enough for all tasks.
    package var isComplete = true
    /// What cannot be decoded, by kinds; most tasks first.
    package var problems: [Problem] = []

    package init() {}

    /// The number of tasks that cannot be decoded.
    package var unreadable: Int { problems.reduce(0) { $0 + $1.count } }

    /// The result in sentences without a full stop.
    package var lines: [String] {
        guard hasStore else { return ["there is no task store yet, so that no task was checked"] }
        var lines = problems.map(\.text)
        let tasks = "\(checked) stored \(checked == 1 ? "task" : "tasks")"
        lines.append(
            problems.isEmpty
                ? "this program can read all of \(tasks)"
                : "this program cannot read \(unreadable) of \(tasks)")
        if suspects > 0 {
            lines.append(
                "\(suspects) \(suspects == 1 ? "task was" : "tasks were") left out, because a process has died while it ran them"
            )
        }
        if !isComplete { lines.append("the time was not enough for the other tasks") }
        return lines
    }
}

extension StoredTaskCheck.Problem {
    /// The problem as a sentence without a full stop.
    package var text: String {
        let tasks = count == 1 ? "1 task cannot be read" : "\(count) tasks cannot be read"
        let more = count > ids.count ? ", …" : ""
        let place = member.map { "`\($0)` " } ?? ""
        return "\(kind): \(tasks): \(place)\(reason) (\(ids.joined(separator: ", "))\(more))"
    }
}
