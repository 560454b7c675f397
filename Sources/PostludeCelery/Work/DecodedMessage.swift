internal import FoundationEssentials
internal import PostludeBroker
internal import PostludeDurable

/// What a message is to this program.
enum DecodedMessage {
    case task(ReceivedTask)
    case expired
    /// This program cannot run it: the name of Celery's own error for that, and why.
    case refused(type: String, reason: String)

    init(_ message: IncomingTask, kinds: DurableTaskKinds, now: Date = Date()) {
        guard let kind = kinds[message.name] else {
            self = .refused(
                type: "NotRegistered", reason: "this program has no durable task called \(message.name)")
            return
        }
        if let expires = message.expires, expires <= now {
            self = .expired
            return
        }
        guard JSONText.elements(of: message.arguments.utf8)?.isEmpty == true else {
            self = .refused(
                type: "TypeError",
                reason:
                    "it has positional arguments; \(message.name) takes its members as named arguments (kwargs)"
            )
            return
        }
        do {
            let task = try kind.decode(Data(JSONText.plain(message.keywordArguments).utf8))
            self = .task(ReceivedTask(task, kind: kind, from: message))
        } catch {
            self = .refused(
                type: "TypeError",
                reason: "its named arguments (kwargs) are not those of \(kind.type): \(error)")
        }
    }
}
