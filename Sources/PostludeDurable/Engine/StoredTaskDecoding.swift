internal import Postlude
internal import PostludeSystem
internal import PostludeTaskStore

/// The check whether the types of this program can decode the tasks in a store.
///
/// Tasks during which a process has died are left out: decoding them may be what has ended it. So are tasks of other programs
/// that are only sent to a broker.
struct StoredTaskDecoding {
    private let kinds: DurableTaskKinds
    private let deadline: MonotonicTime?
    private var check = StoredTaskCheck()
    /// The problems found so far, by kind, member and reason.
    private var problems: [Key: StoredTaskCheck.Problem] = [:]
    /// The unreadable tasks: a task that begins or ends meanwhile is read twice.
    private var unreadable: Set<RecordID> = []

    private struct Key: Hashable {
        let kind: String
        let member: String?
        let reason: UndecodableValue.Category
    }

    /// - Parameter time: the time after which no further task is decoded; nil for no limit.
    init(kinds: DurableTaskKinds, within time: Duration?) {
        self.kinds = kinds
        deadline = time.map { .now + $0 }
    }

    /// - Throws: an error if the store cannot be read.
    mutating func check(_ driver: any RecordStoreDriver, at place: String) throws -> StoredTaskCheck {
        do {
            check.hasStore = try driver.readContents(of: place) { page in
                for content in page { add(content) }
                guard let deadline, deadline <= .now else { return true }
                check.isComplete = false
                return false
            }
        } catch let error as TaskStoreError where error.code == .missing {
            check.hasStore = false
        }
        check.problems = problems.values.sorted {
            ($0.kind, $1.count, $0.member ?? "") < ($1.kind, $0.count, $1.member ?? "")
        }
        return check
    }

    private mutating func add(_ content: RecordContent) {
        let kind = kinds[content.name]
        if kind == nil, content.isForQueue { return }
        guard content.deaths == 0 else {
            check.suspects += 1
            return
        }
        check.checked += 1
        guard let kind else {
            return note(content, UndecodableValue(.missingKind, "this program has no task of that name"))
        }
        CrashNote.set("while the stored task \(content.name) \(content.id) was decoded")
        do {
            _ = try kind.decode(content.payload, version: content.version)
        } catch {
            note(content, UndecodableValue(error))
        }
    }

    private mutating func note(_ content: RecordContent, _ value: UndecodableValue) {
        guard unreadable.insert(content.id).inserted else { return }
        let key = Key(kind: content.name, member: value.member, reason: value.category)
        var problem =
            problems[key]
            ?? StoredTaskCheck.Problem(kind: content.name, member: value.member, reason: value.reason)
        problem.count += 1
        if problem.ids.count < StoredTaskCheck.shownIDs { problem.ids.append(content.id.text) }
        problems[key] = problem
    }
}
