import Foundation
import Postlude
import Synchronization

// Event streams that hold no worker.

@HandlersBuilder
var channelHandlers: Handlers {
    Handler("follow", follow)
    Handler("publish", publish)
    Handler("finish-channel", finishChannel)
    Handler("add-line", addLine)
    Handler("follow-lines", followLines)
}

/// Keeps 100 events.
private let channel = EventChannel(keeping: 100)

struct Following: Decodable {
    /// The time between two comments, in milliseconds.
    var comments: Int?
}

func follow(query: Query<Following>, tasks: BackgroundTasks) -> Response {
    tasks.add(report, "follow task")
    return .events(from: channel, keepAlive: query.value.comments.map { .milliseconds($0) } ?? .seconds(3600))
}

struct Published: Decodable {
    var count: Int?
    /// The size of each event, in bytes.
    var size: Int?
    /// The number of the first event, which is its id, too.
    var first: Int?
    /// The file for which the handler waits afterwards.
    var gate: String?
}

func publish(query: Query<Published>) throws -> Response {
    let wanted = query.value
    let padding = wanted.size.map { " " + String(repeating: "x", count: $0) } ?? ""
    for number in 0..<(wanted.count ?? 1) {
        let own = wanted.first.map { $0 + number }
        channel.publish(
            ServerSentEvent(data: "event \(own ?? number)\(padding)", id: own.map { "\($0)" }))
    }
    try Gate.wait(wanted.gate)
    return .text("published")
}

/// A file that all processes append to, and that each of them follows.
enum Lines {
    private static let file = "lines"
    private static let channel = EventChannel(keeping: 100)
    private static let known = Mutex(0)

    static func add(_ number: Int) { EventLog.write("\(number)", to: file) }

    private static var all: [Int] {
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { Int($0) }
    }

    /// Follows the file until the process ends. Each line is an event, whose id is the line's number.
    static func publish() {
        known.withLock { $0 = all.count }
        channel.begin(after: "\(all.count)")
        Task {
            while true {
                catchUp()
                try await Task.sleep(for: .milliseconds(2))
            }
        }
    }

    private static func catchUp() {
        known.withLock { known in
            let lines = all
            for number in known..<lines.count {
                channel.publish(ServerSentEvent(data: "line \(lines[number])", id: "\(number + 1)"))
            }
            known = lines.count
        }
    }

    static func events(after missed: Int?) -> Response {
        // The process from which the client comes may have been ahead.
        catchUp()
        return .events(from: channel) { last in
            guard let missed, let last = last.flatMap({ Int($0) }), last > missed else { return [] }
            let lines = all
            return (missed..<last).map { ServerSentEvent(data: "line \(lines[$0])", id: "\($0 + 1)") }
        }
    }
}

struct AddedLine: Decodable {
    var number: Int
}

func addLine(query: Query<AddedLine>) -> Response {
    Lines.add(query.number)
    return .text("added")
}

func followLines(request: Request) -> Response {
    Lines.events(after: request.lastEventID.flatMap { Int($0) })
}

func finishChannel() -> Response {
    channel.finish()
    return .text("finished")
}
