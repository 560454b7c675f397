import Foundation
import Postlude
import PostludeDurable

/// Ways to end a process.
enum Harm {
    static func trap() {
        let numbers = [1, 2, 3]
        _ = numbers[Int(getpid())]
    }

    static func happen(_ harm: String) async throws {
        switch harm {
        case "trap": trap()
        case "later":
            try await Task.sleep(for: .milliseconds(100))
            trap()
        case "memory": exhaustMemory()
        default: break
        }
    }

    /// Allocates memory until none is left, without touching it: its test sets RLIMIT_AS.
    private static func exhaustMemory() {
        let piece = 64 << 20
        var hoard: [[UInt8]] = []
        while hoard.count < 1024 {
            hoard.append([UInt8](unsafeUninitializedCapacity: piece) { _, count in count = piece })
        }
        preconditionFailure("more than \(hoard.count) pieces of \(piece) bytes")
    }
}

/// A durable task that ends its process: `trap`, `later`, `memory`; with `values`, while it is decoded.
struct Poison: DurableTask {
    var harm: String

    init(harm: String) { self.harm = harm }

    init(from decoder: any Decoder) throws {
        harm = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .harm)
        if harm == "values" { Harm.trap() }
    }

    func run(_ context: TaskContext) async throws {
        note("\(harm) \(context.attempt)", in: "poisoned")
        try await Harm.happen(harm)
    }
}

/// Ends the process in a handler.
struct PoisonQuery: Decodable, Sendable {
    var harm: String

    private enum CodingKeys: CodingKey { case harm }

    init(from decoder: any Decoder) throws {
        harm = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .harm)
        if harm == "values" { Harm.trap() }
    }
}

func poison(_ query: Query<PoisonQuery>) async throws -> Response {
    try await Harm.happen(query.value.harm)
    return .text("survived")
}

struct HarmQuery: Decodable, Sendable {
    var harm: String
}

func poisonTask(_ query: Query<HarmQuery>, tasks: BackgroundTasks) throws -> Accepted {
    let harm = query.value.harm
    // Its values are decoded only if another process, or a later attempt, runs it.
    let delay: Duration? = harm == "values" ? .milliseconds(1) : nil
    return Accepted(ids: [try tasks.enqueue(Poison(harm: harm), after: delay).id])
}
