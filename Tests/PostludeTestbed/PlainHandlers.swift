import Foundation
import Postlude

func hello() -> Response { .text("hello") }

struct Echo: Encodable {
    var count: Int
    var sum: Int
}

/// Reads the whole body.
func echo(request: Request) -> Echo {
    EventLog.write("echo", to: "calls")
    let body = request.body
    return Echo(count: body.count, sum: body.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xff_ffff })
}

/// Has no inputs, so that only the server reads the body.
func ignoreBody() -> Response {
    EventLog.write("ignore-body", to: "calls")
    return .text("ignored")
}

/// The user's name that the FastCGI peer sends.
func who(request: Request) -> Response {
    let user = request.fastCGIParameter("REMOTE_USER") ?? ""
    EventLog.write("who \(user)", to: "calls")
    return .text("user=\(user)")
}

struct Size: Decodable {
    var count: Int
    var gate: String?
}

func big(size: Query<Size>, tasks: BackgroundTasks) -> Response {
    let gate = size.value.gate
    tasks.add(named: "big") {
        try Gate.wait(gate)
        EventLog.write("big done")
    }
    return .text(String(repeating: "0123456789abcde\n", count: size.count / 16))
}

struct Gated: Decodable {
    var gate: String?
    var name: String?
}

/// Occupies its worker until the gate opens, then adds a task.
func slow(query: Query<Gated>, tasks: BackgroundTasks) throws -> Response {
    EventLog.write("slow started \(query.value.name ?? "")")
    try Gate.wait(query.value.gate)
    tasks.add(report, "slow task \(query.value.name ?? "")")
    return .text("slow")
}

/// Occupies its worker until the gate opens, without opening a descriptor.
func hold(query: Query<Gated>) throws -> Response {
    try Gate.wait(query.value.gate)
    return .text("held")
}

func slowAsync(query: Query<Gated>, tasks: BackgroundTasks) async throws -> Response {
    EventLog.write("slow started \(query.value.name ?? "")")
    try await Gate.waitAsync(query.value.gate)
    tasks.add(report, "slow task \(query.value.name ?? "")")
    return .text("slow")
}

func report(_ line: String) {
    EventLog.write(line)
}

struct Boom: Error {
    var secret = "the password of the database"
}

func boom() throws -> Response {
    throw Boom()
}

@MainActor
enum Counter {
    static var count = 0

    static func next() -> Int {
        count += 1
        return count
    }
}

func askMainActor() async -> [String: Int] {
    ["count": await Counter.next()]
}

/// The request as the server decoded it.
func inspect(request: Request) -> [String: String] {
    [
        "method": request.method.rawValue,
        "path": request.path,
        "query": request.query,
        "id": "\(request.id)",
        "x-test": request.headers.filter { $0.name.canonicalName == "x-test" }.map(\.value).joined(
            separator: "|"),
        "address": request.fastCGIParameter("REMOTE_ADDR") ?? "",
    ]
}

/// The printed text must appear all the same.
func printAndDie() -> Response {
    print("printed before the end")
    kill(getpid(), SIGKILL)
    return .text("never")
}
